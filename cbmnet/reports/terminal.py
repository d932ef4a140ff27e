"""A sequence diagram for a terminal: lifelines and arrows on the left, what happened on the right.

Lost messages end in a cross short of the lifeline; forged ones are dashed and end in a question mark.
"""

import textwrap
from collections.abc import Sequence

from cbmnet.reports.diagram import DiagramRow
from cbmnet.reports.words import clock, decimals_of

LEFT, NARROWEST_LANE, NARROWEST_TEXT = 14, 12, 30
LEGEND = "✕ lost, ▌ stopped or refused, ? forged, ◆ decided"
_HEADS = {"lost": "✕", "stopped": "▌", "refused": "▌", "forged": "?"}
_DASHES = {"forged": "╌", "attack": "═"}


def text(rows: Sequence[DiagramRow], parties: Sequence[str], width: int = 100) -> str:
    """The diagram as lines of at most `width` columns, if the lifelines leave room for words."""
    decimals = decimals_of(row.at_s for row in rows)
    lane = max(NARROWEST_LANE, *(len(name) + 3 for name in parties))
    first = LEFT + (decimals + 1 if decimals else 0) + len(parties[0]) // 2
    columns = {name: first + lane * number for number, name in enumerate(parties)}
    words = first + lane * (len(parties) - 1) + 4
    lines, time = [_head(columns, words)], ""
    for row in rows:
        left = _row(row, columns, words)
        if clock(row.at_s, decimals) != time:
            time = clock(row.at_s, decimals)
            _put(left, 0, time)
        said = row.text if row.target else f"{row.source} {row.text}"
        for part in textwrap.wrap(said, max(NARROWEST_TEXT, width - words)):
            lines.append("".join(left) + part)
            left = _lifelines(columns, words)
    return "\n".join(lines)


def _head(columns: dict[str, int], width: int) -> str:
    line = [" "] * (width + max(map(len, columns)))
    for name, column in columns.items():
        _put(line, column - len(name) // 2, name)
    return "".join(line).rstrip()


def _lifelines(columns: dict[str, int], width: int) -> list[str]:
    line = [" "] * width
    for column in columns.values():
        line[column] = "│"
    return line


def _row(row: DiagramRow, columns: dict[str, int], width: int) -> list[str]:
    line = _lifelines(columns, width)
    if row.target:
        _arrow(line, row, columns[row.source], columns[row.target])
    else:
        line[columns[row.source]] = "◆" if row.loud else "●"
    return line


def _arrow(line: list[str], row: DiagramRow, source: int, target: int) -> None:
    step = 1 if target > source else -1
    end = source + (target - source) * 3 // 4 if row.fate == "lost" else target - step
    for column in range(source + step, end, step):
        line[column] = "┼" if line[column] == "│" else _DASHES.get(row.fate, "─")
    line[end] = _HEADS.get(row.fate, "▶" if step > 0 else "◀")


def _put(line: list[str], at: int, word: str) -> None:
    for offset, character in enumerate(word):
        line[at + offset] = character
