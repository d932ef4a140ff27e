"""`cbmnet export`: results as tables; one run as its trace, a sequence diagram or a capture for Wireshark.

A results folder gives csv and json all its rows as they are, and nothing runs; a study file gives the row of
one replication. All other formats are of one replication, which is run again. Everything that is said about
the export goes to standard error.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cbmnet.cli.chosen import chosen
from cbmnet.cli.destination import manifest_of, ready_file
from cbmnet.cli.formats import CHOOSING, DRAWN, MOST_ROWS, TABLES, WRITERS, Format, Selection, write
from cbmnet.cli.options import Seed, Set
from cbmnet.cli.verb import VERBS
from cbmnet.errors import ConfigError, Fault
from cbmnet.units import format_duration, parse_duration


@VERBS.register("export")
def export(
    path: Annotated[
        Path | None, typer.Argument(help="A study file or a results folder.", show_default=False)
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="csv, json: rows. jsonl: the trace of one run. Others: "
                                    "its messages. Default: after the name of -o.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write here, not to stdout.")] = None,
    replication: Annotated[
        int | None, typer.Option("--run", min=0, help="Which replication; default: 0, in a table all.")
    ] = None,
    point: Annotated[
        int | None, typer.Option("--point", min=0, help="Which point; default: 0, in a table all.")
    ] = None,
    overrides: Set = None,
    seed: Seed = None,
    kinds: Annotated[
        str | None, typer.Option("--kinds", metavar="KIND,...", help="Messages of these kinds. Default: in a "
                                 "diagram all but heartbeats, in a capture all.")
    ] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help=f"The first so many; in a diagram {MOST_ROWS}.")
    ] = None,
    begin: Annotated[str | None, typer.Option("--from", help='Not what ends before, e.g. "2d 6h".')] = None,
    end: Annotated[str | None, typer.Option("--to", help="Not what begins after.")] = None,
    notes: Annotated[
        bool, typer.Option("--notes", help="Also what the parties do, see and decide, in a diagram.")
    ] = False,
    dissector: Annotated[
        bool, typer.Option("--dissector", help="Write the dissector for Wireshark (Lua), nothing else.")
    ] = False,
) -> None:  # fmt: skip
    """Write results as csv or json, or one run as jsonl, svg, mermaid or pcapng."""
    if out is not None:
        ready_file(out)
    if dissector:
        from cbmnet.reports.capture import DISSECTOR  # noqa: PLC0415 (loads late)

        write(DISSECTOR.read_text(encoding="utf-8"), out)
        return
    wanted, choice = _asked(path, form, out, kinds, rows, begin, end, notes=notes)
    assert path is not None
    if wanted in TABLES and manifest_of(path) is not None:
        _nothing_runs(path, overrides, seed)
        write(_folder_table(path, wanted, point, replication), out)
    else:
        one = chosen(path, overrides, seed, point or 0, replication or 0)
        if choice.from_s > one.config.study.horizon:
            said = f" = {begin}: after the end, {format_duration(one.config.study.horizon)}."
            raise ConfigError([Fault("cbmnet export", None, "--from", said)])
        WRITERS[wanted](one, choice, out)


# --- what is asked ------------------------------------------------------------------------------


def _asked(
    path: Path | None, form: Format | None, out: Path | None, kinds: str | None, rows: int | None,
    begin: str | None, end: str | None, *, notes: bool,
) -> tuple[Format, Selection]:  # fmt: skip
    """The format and the selection, or every fault in how they were asked for."""
    faults: list[tuple[str, str]] = []
    wanted = form or _after_name(out)
    if path is None:
        faults.append(("PATH", ": name a study file or a results folder."))
    if wanted is None:
        faults.append(("--format", f": say which, one of {', '.join(Format)}."))
    given = {"--kinds": kinds, "--rows": rows, "--from": begin, "--to": end}
    for name, value in given.items():
        if value is not None and wanted is not None and wanted not in CHOOSING:
            faults.append((name, f": {wanted} is written whole; only {', '.join(CHOOSING)} take it."))
    if notes and wanted is not None and wanted not in DRAWN:
        faults.append(("--notes", f": only {' and '.join(DRAWN)} take it."))
    from_s, to_s = _seconds("--from", begin, faults), _seconds("--to", end, faults)
    if from_s is not None and to_s is not None and from_s > to_s:
        faults.append(("--to", f" = {end}: lies before --from = {begin}."))
    if wanted is Format.PCAPNG and out is None and sys.stdout.isatty():
        faults.append(("-o", ": a capture is no text for a terminal; name a file, or pipe it."))
    if faults or wanted is None:
        raise ConfigError([Fault("cbmnet export", None, *fault) for fault in faults])
    chosen_kinds = None if kinds is None else tuple(kind.strip() for kind in kinds.split(",") if kind.strip())
    return wanted, Selection(chosen_kinds, rows, from_s or 0.0, to_s, notes)


def _after_name(out: Path | None) -> Format | None:
    suffix = "" if out is None else out.suffix.lower()
    by_suffix = {".mmd": Format.MERMAID, **{f".{form}": form for form in Format}}
    return by_suffix.get(suffix)


def _seconds(name: str, text: str | None, faults: list[tuple[str, str]]) -> float | None:
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        faults.append((name, f" = {text}: {error}."))
        return None


def _nothing_runs(path: Path, overrides: list[str] | None, seed: int | None) -> None:
    """Rows are as they were run: what would change them is a fault."""
    given = [name for name, value in (("--set", overrides), ("--seed", seed)) if value not in (None, [])]
    said = f": {path} is written as it was run; export its config file, or run it anew."
    if given:
        raise ConfigError([Fault("cbmnet export", None, name, said) for name in given])


def _folder_table(folder: Path, wanted: Format, point: int | None, replication: int | None) -> str:
    from cbmnet.experiments.tables import as_csv, as_json, read_table  # noqa: PLC0415 (loads late)

    table = read_table(folder, point, replication)
    return as_csv(table) if wanted is Format.CSV else as_json(table)
