"""Where things stand in a sequence diagram: the order of its lines, the width of its lanes, room for words.

Every row has a line of its own. A message has a second one, at its arrival, only where its order matters:
when something else that is shown happens while it is under way. Its arrow then slopes from the one to the
other, so that messages which overtake each other cross.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import combining

from cbmnet.reports.diagram import DiagramRow

NARROWEST_LANE, WIDEST_LANE, WIDEST_LANES = 190, 400, 1500
NOTE_SIZE, LABEL_SIZE, TITLE_SIZE = 11, 12, 14
HEADS_EVERY = 24  # lines between repeated names: about a screen


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the drawing: where a row begins, or where the message of a row ends."""

    at_s: float
    row: int
    is_end: bool = False


def lines(rows: Sequence[DiagramRow]) -> list[Line]:
    """The lines of rows in order of time; what arrives comes before what is sent at that time, later rows."""
    begins = [Line(row.at_s, number) for number, row in enumerate(rows)]
    ends = [Line(_end_s(rows[number]), number, True) for number in sloped(rows)]
    return sorted([*begins, *ends], key=lambda line: (line.at_s, line.row))


def sloped(rows: Sequence[DiagramRow]) -> list[int]:
    """The rows whose messages were under way while something else began or ended."""
    times = sorted([*(row.at_s for row in rows), *(_end_s(row) for row in rows)])
    return [
        number for number, row in enumerate(rows)
        if bisect_left(times, _end_s(row)) > bisect_right(times, row.at_s)
    ]  # fmt: skip


def _end_s(row: DiagramRow) -> float:
    return row.at_s if row.ends_s is None or not row.target else row.ends_s


# --- room for words -----------------------------------------------------------------------------

# Classes of width in em, none narrower than DejaVu Sans sets them, which is wide among common fonts.
_NARROW, _CAPITALS, _WIDE = (
    set(" .,:;'|!()[]/\\ijlftrI-"),
    set("ABCDEFGHJKLNOPQRSTUVXYZw&#+<=>^~"),
    set("mMW@%"),
)
_BOLD = 1.13


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a sans-serif font sets this text, on the wide side, in pixels."""
    return sum(map(_em, text)) * size * (_BOLD if bold else 1.0)


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.44
    if character in _CAPITALS:
        return 0.84
    if character < "\x7f":
        return 1.02 if character in _WIDE else 0.65
    if combining(character):
        return 0.0
    return 1.2


def fitted(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    shown = text
    while text_width(shown, size, bold=bold) > width and len(text) > 1:
        text = text[:-1]
        shown = text.rstrip() + "…"
    return shown


def lane_width(rows: Sequence[DiagramRow], parties: Sequence[str]) -> int:
    """Wide enough for every name, and for the widest words of any row, both up to a limit."""
    names = [text_width(name, LABEL_SIZE, bold=True) + 26 for name in parties]
    needed = [
        text_width(row.text, LABEL_SIZE if row.target else NOTE_SIZE, bold=row.loud) + 32 for row in rows
    ]
    most = max(NARROWEST_LANE, min(WIDEST_LANE, WIDEST_LANES // max(1, len(parties))))
    longest_name = min(WIDEST_LANE, max(names, default=0.0))
    return round(max(NARROWEST_LANE, min(most, max(needed, default=0.0)), longest_name))


def wrapped(parts: Iterable[str], width: float) -> Iterator[str]:
    """The parts joined by commas in lines that fit: the first in the size of a title, the others smaller."""
    line, number = "", 0
    for part in [*parts, ""]:
        size = LABEL_SIZE if number else TITLE_SIZE
        longer = f"{line}, {part}" if line else part
        if not part or (line and text_width(longer, size, bold=not number) > width):
            yield fitted(line, size, width, bold=not number)
            line, number = part, number + 1
        else:
            line = longer
