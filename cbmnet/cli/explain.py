"""`cbmnet explain`: one run as a story, with its sequence diagram in the terminal and as SVG."""

import json
import sys
import textwrap
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated, Any

import typer

from cbmnet.cli.chosen import chosen, observed
from cbmnet.cli.destination import ready_file
from cbmnet.cli.options import AsJson, PointNumber, Replication, Seed, Set, Told
from cbmnet.cli.verb import VERBS

PLAIN, WIDEST = 100, 140  # columns where there is no terminal, and at most: longer lines are hard to follow
Rows = Annotated[int, typer.Option("--rows", min=1, help="Rows of the diagram, up to the gravest moment.")]


@VERBS.register("explain")
def explain(
    path: Told,
    replication: Replication = 0,
    point: PointNumber = 0,
    overrides: Set = None,
    seed: Seed = None,
    svg_path: Annotated[Path | None, typer.Option("--svg", help="Write the sequence diagram here.")] = None,
    rows: Rows = 30,
    as_json: AsJson = False,
) -> None:
    """Tell why a run went as it did: the chain of causes and a sequence diagram."""
    from cbmnet.reports import diagram, sequence, story, terminal  # noqa: PLC0415 (loaded late)

    if svg_path is not None:
        ready_file(svg_path)
    title, trace = traced(path, overrides, seed, point, replication)
    records = diagram.read_trace(trace)
    last = story.gravest(records)
    links = story.chain(records, last) if last else []
    if as_json:
        print(json.dumps({"title": title, "chain": links}))
        return
    print(title)
    if last is None:
        print("Nothing happened in this run that anyone could fear.")
        return
    width = min(get_terminal_size().columns, WIDEST) if sys.stdout.isatty() else PLAIN
    print("\nThe chain of causes")
    for said in story.told(links):
        print(textwrap.fill(said, width, initial_indent="  ", subsequent_indent=" " * 15))
    shown = _up_to(diagram.rows(records), last["at_s"], rows)
    who = diagram.parties(records)
    print(f"\nWhat passed between them ({terminal.LEGEND})")
    print(terminal.text(shown, who, width))
    if svg_path is not None:
        svg_path.write_text(sequence.svg(shown, who, title), encoding="utf-8")
        print(f"\nwritten to {svg_path}")


def traced(
    path: Path, overrides: list[str] | None, seed: int | None, point: int, replication: int
) -> tuple[str, bytes]:
    """Runs one replication again with a trace; a results folder names its own file, seed and overrides."""
    from cbmnet.simulation.trace import Trace  # noqa: PLC0415 (loads late)

    one = chosen(path, overrides, seed, point, replication)
    return one.title, observed(one, Trace())


def _up_to(rows: list[Any], at_s: float, count: int) -> list[Any]:
    """The last rows up to a moment, those of that moment included."""
    before = [row for row in rows if row.at_s <= at_s]
    return before[-count:]
