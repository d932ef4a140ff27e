"""The rows of a study as tables that other programs read: CSV, or one JSON object."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from cbmnet.errors import ConfigError, Fault

_FIRST = ("point", "replication", "seed", "error", "sealed", "verified")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as a results folder holds them, the values of each point, and the summary, if it is of all."""

    points: dict[int, dict[str, Any]]
    rows: list[dict[str, Any]]
    summary: dict[str, Any] | None = None


def read_table(folder: Path, point: int | None = None, replication: int | None = None) -> Table:
    """The table of a results folder, or those rows of it. Raises ConfigError where it cannot be read.

    The summary is of the whole study, and left out where rows are.
    """
    rows = [_row(folder / "rows.jsonl", n, line) for n, line in enumerate(_lines(folder / "rows.jsonl"), 1)]
    summary = _summary(folder / "summary.json")
    points = {number: dict(said["point"]) for number, said in enumerate(summary["points"])}
    if point is None and replication is None:
        return Table(points, rows, summary)
    kept = [r for r in rows if point in (None, r["point"]) and replication in (None, r["replication"])]
    if not kept:
        said = "holds no row of this --point and --run"
        raise ConfigError([Fault(str(folder), None, "", said)])
    return Table(points, kept)


def as_json(table: Table) -> str:
    """One JSON object: `rows`, each with the values of its point, and the `summary` of the whole study."""
    rows = [{**row, "at": table.points[row["point"]]} for row in table.rows]
    whole = {"rows": rows} if table.summary is None else {"rows": rows, "summary": table.summary}
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


def as_csv(table: Table) -> str:
    """One line a row: where it stands, the values of its point, then the metrics; None is an empty field."""
    keys = list(dict.fromkeys(key for values in table.points.values() for key in values))
    metrics = sorted({name for row in table.rows for name in row["values"]})
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_FIRST, *keys, *metrics])
    for row in table.rows:
        at = table.points[row["point"]]
        writer.writerow(
            [*(row[name] for name in _FIRST), *map(at.get, keys), *map(row["values"].get, metrics)]
        )
    return out.getvalue()


def _lines(file: Path) -> Sequence[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigError([Fault(str(file), None, "", "cannot be read.")]) from None


def _row(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if {*_FIRST, "values"} <= row.keys():
            return dict(row)
    except (ValueError, AttributeError):
        pass
    raise ConfigError([Fault(str(file), number, "", "is not a row of a study.")])


def _summary(file: Path) -> dict[str, Any]:
    try:
        summary = json.loads("\n".join(_lines(file)))
        if all("point" in said for said in summary["points"]):
            return dict(summary)
    except (ValueError, KeyError, TypeError):
        pass
    raise ConfigError([Fault(str(file), None, "", "is not the summary of a study.")])
