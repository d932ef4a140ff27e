"""The shapes of a sequence diagram as SVG: words, boxes, and an arrow for each fate.

Colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/); heads, dashes and marks say the same, so that
colour is never needed. The ground is white wherever the drawing is shown.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import hypot

from cbmnet.reports.diagram import DiagramRow

INK, BLUE, RED, ORANGE, GREY, FAINT = "#222222", "#0072B2", "#D55E00", "#E69F00", "#767676", "#eeeeee"
GREEN = "#009E73"
_COLOUR = {
    "arrives": BLUE, "lost": RED, "stopped": ORANGE, "refused": ORANGE, "forged": RED, "attack": RED,
    "under way": BLUE,
}  # fmt: skip
_HALO = 'fill="#ffffff" stroke="#ffffff" stroke-width="4" stroke-linejoin="round"'
# What XML 1.0 (section 2.2) has no place for, not even as a number.
_UNWRITTEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOST_AT, _UNDER_WAY_AT = 0.75, 0.6  # how far into the last lane the line of such a message goes


def text(
    x: float, y: float, said: str, size: int, *, bold: bool = False, fill: str = INK, anchor: str = "middle"
) -> str:
    """Words with a white halo, so that they can be read over a line.

    The halo is a text of its own below them: not every program that draws SVG knows `paint-order`.
    """
    weight = ' font-weight="bold"' if bold else ""
    place = f'<text x="{x:g}" y="{y:g}" font-size="{size}"{weight} text-anchor="{anchor}" '
    written = escape(_UNWRITTEN.sub("\ufffd", said))
    words = f">{written}</text>"
    return f'{place}aria-hidden="true" style="user-select:none" {_HALO}{words}{place}fill="{fill}"{words}'


def line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    """A straight line."""
    return f'<line x1="{x1:.5g}" y1="{y1:.7g}" x2="{x2:.5g}" y2="{y2:.7g}" stroke="{colour}"{more}/>'


def box(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> str:
    """A box with round corners, for a name or a note."""
    return (
        f'<rect x="{x:.0f}" y="{y:g}" width="{width:.0f}" height="{height:g}" rx="4" fill="{fill}" '
        f'stroke="{stroke}" stroke-width=".7"/>'
    )


@dataclass(frozen=True, slots=True)
class Way:
    """From a sender's lifeline to a receiver's, over so many lanes, and where points beside it are."""

    x1: float
    y1: float
    x2: float
    y2: float
    lanes: int = 1

    def at(self, along: float, aside: float = 0.0) -> tuple[float, float]:
        """The point so many pixels from the start, and so many to the right of the line."""
        length = hypot(self.x2 - self.x1, self.y2 - self.y1)
        ux, uy = (self.x2 - self.x1) / length, (self.y2 - self.y1) / length
        return self.x1 + along * ux - aside * uy, self.y1 + along * uy + aside * ux

    @property
    def length(self) -> float:
        """In pixels."""
        return hypot(self.x2 - self.x1, self.y2 - self.y1)

    def into_last_lane(self, share: float) -> float:
        """How far a line goes that ends between two lifelines, this share into the last lane."""
        return self.length * (self.lanes - 1 + share) / self.lanes


def arrow(row: DiagramRow, way: Way) -> list[str]:
    """The line of a message with its head and marks."""
    colour = GREY if "ack" in row.signs else _COLOUR[row.fate]
    begin = 14.0 if row.fate == "forged" else 0.0
    end = _line_ends_at(row, way)
    start, stop = way.at(begin), way.at(end)
    return [
        line(*start, *stop, colour, f' stroke-width="{_thickness(row)}"{_dashes(row)}'),
        *_head(row, way, end, colour),
        *_tail(row, way, colour),
    ]


def _line_ends_at(row: DiagramRow, way: Way) -> float:
    if row.fate == "lost":  # what was lost at its very end, at a receiver that was down, gets that far
        return way.length - 14.0 if way.y2 > way.y1 else way.into_last_lane(_LOST_AT)
    return way.into_last_lane(_UNDER_WAY_AT) if row.fate == "under way" else way.length - 2.0


def _thickness(row: DiagramRow) -> str:
    return "3" if row.fate == "attack" else ".9" if "ack" in row.signs else "1.6"


def _dashes(row: DiagramRow) -> str:
    pattern = "6 4" if row.fate == "forged" else "9 3 2 3" if "copy" in row.signs else ""
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def _head(row: DiagramRow, way: Way, end: float, colour: str) -> Iterator[str]:
    if row.fate == "lost":
        yield _path([(end - 5, -5), (end + 5, 5)], [(end - 5, 5), (end + 5, -5)], way, RED, "2.2", "lost")
    elif row.fate == "under way":
        for step in (7, 13, 19):
            x, y = way.at(end + step)
            yield f'<circle class="under-way" cx="{x:.5g}" cy="{y:.7g}" r="1.6" fill="{colour}"/>'
    else:
        bars: tuple[int, ...] = (3,) if "stopped" in (row.fate, *row.signs) else ()
        bars = (1, 6) if "refused" in (row.fate, *row.signs) else bars
        tip = end - (bars[-1] + 2 if bars else 0)
        yield from _point(way, tip, colour, is_open="ack" in row.signs)
        for back in bars:
            (x1, y1), (x2, y2) = way.at(end - back, -8), way.at(end - back, 8)
            yield line(x1, y1, x2, y2, colour, f' stroke-width="{4 if len(bars) == 1 else 2.4}"')


def _point(way: Way, tip: float, colour: str, *, is_open: bool) -> Iterator[str]:
    points = [(tip - 8, -4), (tip, 0), (tip - 8, 4)]
    if is_open:
        yield _path(points, [], way, colour, "1.1", "open")
    else:
        yield f'<path d="{_through(points, way)} Z" fill="{colour}"/>'


def _tail(row: DiagramRow, way: Way, colour: str) -> Iterator[str]:
    """What a message is, marked at its start: forged (a ring), sent again (a dot), corrupted (a zigzag)."""
    if row.fate == "forged":
        yield f'<circle {_round(way.at(9), 5)} fill="#ffffff" stroke="{colour}" stroke-width="1.6"/>'
    if "again" in row.signs:
        yield f'<circle class="again" {_round(way.at(7), 3.6)} fill="{colour}"/>'
    if "corrupted" in row.signs:
        zigzag = [(14 + 3 * step, (-5, 5)[step % 2]) for step in range(7)]
        yield _path(zigzag, [], way, RED, "1.6", "corrupted")


def _round(at: tuple[float, float], radius: float) -> str:
    return f'cx="{at[0]:.5g}" cy="{at[1]:.7g}" r="{radius:g}"'


_Points = Sequence[tuple[float, float]]


def _path(one: _Points, two: _Points, way: Way, colour: str, width: str, name: str) -> str:
    d = " ".join(_through(points, way) for points in (one, two) if points)
    return f'<path class="{name}" d="{d}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _through(points: _Points, way: Way) -> str:
    return "M" + " L".join("{:.5g} {:.7g}".format(*way.at(*point)) for point in points)
