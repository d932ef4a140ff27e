"""`cbmnet run`: one point or a sweep, with its statements on standard output and its rows in a folder."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cbmnet.cli.options import AsJson, File, Jobs, Seed, Set
from cbmnet.cli.progress import Progress
from cbmnet.cli.verb import VERBS

SHOWN = ("false_alarm", "missed_threat", "peak_rung", "brier", "delivery")


@VERBS.register("run")
def run(
    file: File,
    overrides: Set = None,
    reps: Annotated[
        int | None, typer.Option("--reps", min=1, help="Replications; default: the file's.")
    ] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the results.")] = None,
) -> None:
    """Run a study: one JSON object or a table on stdout, progress on stderr, rows in a folder."""
    from cbmnet.experiments.design import load_design  # noqa: PLC0415 (pydantic loads late)
    from cbmnet.experiments.execution import execute  # noqa: PLC0415
    from cbmnet.experiments.store import save  # noqa: PLC0415
    from cbmnet.experiments.summary import summarise  # noqa: PLC0415

    design = load_design(file, _with_study(overrides, reps, seed))
    study = design.base.study
    total = len(design.points) * study.replications
    with Progress(design.base.name, total) as advance:
        rows = execute(design, study.replications, study.seed, jobs or os.cpu_count() or 1, advance)
    summary = summarise(design, rows, study.replications, study.seed)
    folder = out or Path("results") / f"{design.base.name}-{design.hash}"
    save(folder, design, rows, summary)
    if as_json:
        print(json.dumps(summary, allow_nan=False))
    else:
        show(summary, design.base.title)
    print(f"written to {folder}", file=sys.stderr)
    failed = [row for row in rows if row.error]
    if failed:
        print(f"{len(failed)} of {total} runs failed; the first: {failed[0].error}", file=sys.stderr)
        raise typer.Exit(1)


def _with_study(overrides: list[str] | None, reps: int | None, seed: int | None) -> list[str]:
    extra = [
        f"study.{key}={value}" for key, value in (("replications", reps), ("seed", seed)) if value is not None
    ]
    return [*(overrides or ()), *extra]


def show(summary: dict[str, Any], title: str) -> None:
    """The points as a table, the comparisons below it, each with n, level and method."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    if title:
        console.print(title, style="bold")
    _show_rows(console, Table, summary["points"], _columns(summary["points"]), summary)
    if summary.get("comparisons"):
        first = summary["comparisons"][0]
        ((by, baseline),) = first["less"].items()
        console.print(f"\nPaired differences from {by} = {baseline}, same seeds", style="bold")
        names = list(dict.fromkeys(name for row in summary["comparisons"] for name in row["metrics"]))
        _show_rows(console, Table, summary["comparisons"], names, summary)


def _columns(points: list[dict[str, Any]]) -> list[str]:
    there = {name for point in points for name in point["metrics"]}
    return [name for name in SHOWN if name in there] or sorted(there)


def _show_rows(
    console: Any, table_class: Any, rows: list[dict[str, Any]], names: list[str], summary: Any
) -> None:
    table = table_class(show_edge=False, pad_edge=False)
    for key in rows[0]["point"]:
        table.add_column(key, no_wrap=False)
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        cells = [str(value) for value in row["point"].values()]
        table.add_row(*cells, *(_cell(row["metrics"].get(name)) for name in names))
    console.print(table)
    stated = [m for row in rows for name in names if (m := row["metrics"].get(name))]
    if stated:
        methods = sorted({m["method"] for m in stated})
        sizes = sorted({m["n"] for m in stated})
        n = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        console.print(f"n = {n}, level {stated[0]['level']:.0%}, {'; '.join(methods)}", style="dim")


def _cell(metric: dict[str, Any] | None) -> str:
    from cbmnet.reports.answer import stated  # noqa: PLC0415

    return "-" if metric is None else stated(metric)
