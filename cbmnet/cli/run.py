"""`cbmnet run`: one point or a sweep, with its statements on standard output and its rows in a folder."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cbmnet.cli.aside import aside
from cbmnet.cli.destination import no_other_study, ready_folder
from cbmnet.cli.options import AsJson, File, Jobs, Seed, Set
from cbmnet.cli.progress import Progress
from cbmnet.cli.tables import console, show_rows
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

    with aside():
        design = load_design(file, _with_study(overrides, reps, seed))
    study = design.base.study
    total = len(design.points) * study.replications
    folder = out or Path("results") / f"{design.base.name}-{design.hash}"
    ready_folder(folder)
    no_other_study(folder, design.hash)
    with aside(), Progress(design.base.name, total) as advance:
        rows = execute(design, study.replications, study.seed, jobs or os.cpu_count() or 1, advance)
    summary = summarise(design, rows, study.replications, study.seed)
    save(folder, design, rows, summary)
    if as_json:
        print(json.dumps(summary, allow_nan=False))
    else:
        show(summary, design.base.title, study.metrics)
    print(f"written to {folder}", file=sys.stderr)
    if (worst := most_escalated(rows)) is not None and not as_json:
        point, replication = worst
        print(f"next: cbmnet explain {folder} --point {point} --run {replication}", file=sys.stderr)
    failed = [row for row in rows if row.error]
    if failed:
        print(f"{len(failed)} of {total} runs failed; the first: {failed[0].error}", file=sys.stderr)
        raise typer.Exit(1)


def most_escalated(rows: Sequence[Any]) -> tuple[int, int] | None:
    """Point and replication of the run that went farthest, by the first metric that can say so."""
    for name in ("peak_rung", "false_alarm_rises", "highest_belief"):
        told = [row for row in rows if row.values.get(name) is not None]
        if told:
            worst = max(told, key=lambda row: (row.values[name], -row.point, -row.replication))
            return worst.point, worst.replication
    return None


def _with_study(overrides: list[str] | None, reps: int | None, seed: int | None) -> list[str]:
    extra = [
        f"study.{key}={value}" for key, value in (("replications", reps), ("seed", seed)) if value is not None
    ]
    return [*(overrides or ()), *extra]


def show(summary: dict[str, Any], title: str, wanted: Sequence[str] | None = None) -> None:
    """The points as a table, the comparisons below it, each with n, level and method.

    `wanted` are the metrics that the study names; without them the few that one looks at first.
    """
    screen = console()
    if title:
        screen.print(title, style="bold")
    numbered = [{**p, "point": {"#": k, **p["point"]}} for k, p in enumerate(summary["points"])]
    there = {name for point in summary["points"] for name in point["metrics"]}
    if there:
        show_rows(screen, numbered, _columns(summary["points"], wanted))
    if silent := [name for name in wanted or () if name not in there and not _is_pooled(name)]:
        screen.print(f"No run has a value of {', '.join(silent)}.")
    if summary.get("comparisons"):
        first = summary["comparisons"][0]
        ((by, baseline),) = first["less"].items()
        screen.print(f"\nPaired differences from {by} = {baseline}, same seeds", style="bold")
        names = list(dict.fromkeys(name for row in summary["comparisons"] for name in row["metrics"]))
        show_rows(screen, summary["comparisons"], names)


def _is_pooled(name: str) -> bool:
    """Whether a metric states several results, under names of their own."""
    from cbmnet.metrics.metric import METRICS  # noqa: PLC0415 (loads late)

    return getattr(METRICS[name].make, "kind", "") == "pooled"


def _columns(points: list[dict[str, Any]], wanted: Sequence[str] | None) -> list[str]:
    from cbmnet.metrics.metric import METRICS, with_beside  # noqa: PLC0415 (loads late)

    there = {name for point in points for name in point["metrics"]}
    if wanted is None:
        return [name for name in SHOWN if name in there] or sorted(there)
    pooled = sorted(there - set(METRICS.names()))  # a pooled metric states several, under their own names
    return [name for name in with_beside(wanted) if name in there] + pooled
