"""What `cbmnet export` writes: a format each, from one replication and what of it was selected."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Any

import typer

from cbmnet.cli.aside import aside
from cbmnet.cli.chosen import Chosen, observed
from cbmnet.errors import ConfigError, Fault

MOST_ROWS = 300  # of a diagram without --rows


class Format(StrEnum):
    """What is written: tables of results, or one run."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    SVG = "svg"
    MERMAID = "mermaid"
    PCAPNG = "pcapng"


TABLES, DRAWN = (Format.CSV, Format.JSON), (Format.SVG, Format.MERMAID)
CHOOSING = (*DRAWN, Format.PCAPNG)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages are shown; times in seconds, None for no limit."""

    kinds: tuple[str, ...] | None
    rows: int | None
    from_s: float
    to_s: float | None
    notes: bool

    def shows(self, begins_s: float, ends_s: float) -> bool:
        """Whether something lies, at least in part, in the time that is shown."""
        return ends_s >= self.from_s and (self.to_s is None or begins_s <= self.to_s)


def _one_row(render: str) -> Callable[[Chosen, Selection, Path | None], None]:
    def write_row(one: Chosen, _: Selection, out: Path | None) -> None:
        from cbmnet.experiments import tables  # noqa: PLC0415 (loads late)
        from cbmnet.experiments.store import plain_row  # noqa: PLC0415
        from cbmnet.metrics.measure import measure  # noqa: PLC0415
        from cbmnet.metrics.metric import chosen as metrics_of  # noqa: PLC0415

        names = sorted(metrics_of(one.config.study.metrics))
        with aside():
            row = measure(one.config, one.seed, one.replication, names, one.point)
        table = tables.Table({one.point: one.values}, [plain_row(row)])
        write(getattr(tables, render)(table), out)
        if row.error is not None:
            print(f"the run failed: {row.error}", file=sys.stderr)
            raise typer.Exit(1)

    return write_row


def _trace(one: Chosen, _: Selection, out: Path | None) -> None:
    from cbmnet.simulation.trace import Trace  # noqa: PLC0415 (loads late)

    write_bytes(observed(one, Trace()), out)


def _svg(one: Chosen, choice: Selection, out: Path | None) -> None:
    from cbmnet.reports import sequence  # noqa: PLC0415 (loads late)

    write(sequence.svg(*_diagram(one, choice), one.title), out)


def _mermaid(one: Chosen, choice: Selection, out: Path | None) -> None:
    from cbmnet.reports import mermaid  # noqa: PLC0415 (loads late)

    write(mermaid.text(*_diagram(one, choice), one.title), out)


def _diagram(one: Chosen, choice: Selection) -> tuple[list[Any], list[str]]:
    """The rows that are shown, and who takes part in them."""
    from cbmnet.reports import diagram, transmissions  # noqa: PLC0415 (loads late)
    from cbmnet.simulation.trace import Trace  # noqa: PLC0415

    records = diagram.read_trace(observed(one, Trace()))
    _known(choice.kinds, transmissions.kinds_of(records))
    found = [
        row for row in transmissions.rows(records, choice.kinds, notes=choice.notes)
        if choice.shows(row.at_s, row.at_s if row.ends_s is None else row.ends_s)
    ]  # fmt: skip
    shown = found[: choice.rows or MOST_ROWS]
    if len(shown) < len(found):
        said = "--rows, --from, --to and --kinds choose others"
        print(f"the first {len(shown)} of {len(found)} rows; {said}", file=sys.stderr)
    who = sorted({name for row in shown for name in (row.source, row.target) if name})
    return shown, who or diagram.parties(records)


def _known(kinds: tuple[str, ...] | None, known: list[str]) -> None:
    """A kind that is nowhere in the run is said; ConfigError if all that are asked for are so."""
    absent = [kind for kind in kinds or () if kind not in known]
    there = f"there are {', '.join(known) or 'none'}."
    faults = [
        Fault("cbmnet export", None, "--kinds", f" = {kind}: no message of this kind in this run; {there}")
        for kind in absent
    ]
    if faults and len(faults) == len(kinds or ()):
        raise ConfigError(faults)
    for fault in faults:
        print(fault, file=sys.stderr)


def _pcapng(one: Chosen, choice: Selection, out: Path | None) -> None:
    from cbmnet.reports.capture import DISSECTOR, Capture  # noqa: PLC0415 (loads late)

    seen: set[str] = set()

    def shows(wire: Any) -> bool:
        seen.add(wire.label.kind)
        is_wanted = choice.kinds is None or wire.label.kind in choice.kinds
        return is_wanted and choice.shows(wire.at_s, wire.at_s)

    capture = Capture(shows, choice.rows)
    data = observed(one, capture)
    _known(choice.kinds, sorted(seen))
    write_bytes(data, out)
    left_out = f", {capture.left_out} more left out by --rows" if capture.left_out else ""
    print(f"{capture.packets} packets{left_out}", file=sys.stderr)
    file = quote("FILE" if out is None else str(out))
    print(f"open it: wireshark -X lua_script:{quote(str(DISSECTOR))} -r {file}", file=sys.stderr)


WRITERS: dict[Format, Callable[[Chosen, Selection, Path | None], None]] = {
    Format.CSV: _one_row("as_csv"), Format.JSON: _one_row("as_json"), Format.JSONL: _trace,
    Format.SVG: _svg, Format.MERMAID: _mermaid, Format.PCAPNG: _pcapng,
}  # fmt: skip


def write(text: str, out: Path | None) -> None:
    """Writes text to the file, or to standard output."""
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8", newline="\n")
        print(f"written to {out}", file=sys.stderr)


def write_bytes(data: bytes, out: Path | None) -> None:
    """Writes bytes to the file, or to standard output."""
    if out is None:
        sys.stdout.buffer.write(data)
    else:
        out.write_bytes(data)
        print(f"written to {out}", file=sys.stderr)
