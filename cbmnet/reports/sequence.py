"""A sequence diagram as SVG: lost messages end in a cross, forged ones are dashed and marked.

Rows are evenly spaced and carry their time, since hours of silence and seconds of crisis must both be
readable; a row without a time happens with the one above. Colours are Okabe and Ito's; marks, dashes and
words say the same, so colour is never needed.
"""

from collections.abc import Iterable, Sequence
from html import escape

from cbmnet.reports.diagram import DiagramRow
from cbmnet.reports.words import clock

LEFT, ROW, EDGE = 104, 32, 12
NARROWEST_LANE, WIDEST_LANE = 190, 400
NOTE_SIZE, LABEL_SIZE, TITLE_SIZE = 11, 12, 14
_INK, _BLUE, _RED, _ORANGE, _GREY, _FAINT = "#222222", "#0072B2", "#D55E00", "#E69F00", "#767676", "#eeeeee"
_COLOUR = {
    "arrives": _BLUE, "lost": _RED, "stopped": _ORANGE, "refused": _ORANGE, "forged": _RED, "attack": _RED,
}  # fmt: skip
_DASH = {"forged": ' stroke-dasharray="6 4"'}
_HALO = 'stroke="#ffffff" stroke-width="4" stroke-linejoin="round" paint-order="stroke"'
_LOST_AT = 0.75  # how far along its way the line of a lost message ends


def svg(rows: Sequence[DiagramRow], parties: Sequence[str], title: str) -> str:
    """The diagram as one SVG document."""
    lane = _lane_width(rows, parties)
    lanes = {name: LEFT + lane // 2 + lane * number for number, name in enumerate(parties)}
    width = LEFT + lane * len(parties) + EDGE
    titles = list(_title_lines(title, width - 2 * EDGE))
    top = 30 + 18 * len(titles)
    height = top + 24 + ROW * len(rows) + EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *titles,
    ]
    for name, x in lanes.items():
        parts += _lifeline(_fitted(name, LABEL_SIZE, lane - 24, bold=True), x, top, height - EDGE)
    time = ""
    for number, row in enumerate(rows):
        y = top + 24 + ROW * number + ROW // 2
        if clock(row.at_s) != time:
            time = clock(row.at_s)
            parts += [
                _line(EDGE, y - ROW // 2, width - EDGE, y - ROW // 2, _FAINT),
                _text(EDGE, y + 4, time, NOTE_SIZE, fill=_GREY, anchor="start"),
            ]
        parts += _message(row, y, lanes, lane) if row.target else _note(row, y, lanes, lane)
    return "\n".join([*parts, "</svg>", ""])


# --- room for words -----------------------------------------------------------------------------


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a sans-serif font sets this text, on the wide side, in pixels."""
    ems = sum(0.4 if c in " .,:;'|!()[]ijlftrI" else 0.92 if c in "mwMW@%" else 0.64 for c in text)
    return ems * size * (1.08 if bold else 1.0)


def _fitted(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    shown = text
    while text_width(shown, size, bold=bold) > width and len(text) > 1:
        text = text[:-1]
        shown = text.rstrip() + "…"
    return shown


def _lane_width(rows: Sequence[DiagramRow], parties: Sequence[str]) -> int:
    """Wide enough for the widest words of any row within one lane, up to a limit."""
    names = [text_width(name, LABEL_SIZE, bold=True) + 24 for name in parties]
    needed = [
        text_width(row.text, LABEL_SIZE if row.target else NOTE_SIZE, bold=row.loud) + 32 for row in rows
    ]
    return round(min(WIDEST_LANE, max(NARROWEST_LANE, *names, *needed)))


def _title_lines(title: str, width: float) -> Iterable[str]:
    """The title, broken after its commas: the first line larger."""
    line, number = "", 0
    for part in [*title.split(", "), ""]:
        size = LABEL_SIZE if number else TITLE_SIZE
        longer = f"{line}, {part}" if line else part
        if not part or (line and text_width(longer, size, bold=not number) > width):
            shown = _fitted(line, size, width, bold=not number)
            yield _text(EDGE, 22 + 18 * number, shown, size, bold=not number, anchor="start")
            line, number = part, number + 1
        else:
            line = longer


# --- shapes -------------------------------------------------------------------------------------


def _text(
    x: float, y: float, text: str, size: int, *, bold: bool = False, fill: str = _INK, anchor: str = "middle"
) -> str:
    """Words with a white halo, so that they can be read over a lifeline."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}"{weight} text-anchor="{anchor}" fill="{fill}" '
        f"{_HALO}>{escape(text)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}"{more}/>'


def _lifeline(name: str, x: int, top: int, bottom: int) -> list[str]:
    half = text_width(name, LABEL_SIZE, bold=True) / 2 + 10
    return [
        _line(x, top + 8, x, bottom, _GREY, ' stroke-dasharray="2 3"'),
        _box(x - half, top - 14, 2 * half, 24, "#ffffff", _INK),
        f'<text x="{x}" y="{top + 2}" font-size="{LABEL_SIZE}" font-weight="bold" text-anchor="middle" '
        f'fill="{_INK}">{escape(name)}</text>',
    ]


def _box(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> str:
    return (
        f'<rect x="{x:.0f}" y="{y:g}" width="{width:.0f}" height="{height:g}" rx="4" fill="{fill}" '
        f'stroke="{stroke}" stroke-width=".7"/>'
    )


def _note(row: DiagramRow, y: int, lanes: dict[str, int], lane: int) -> list[str]:
    x, text = lanes[row.source], _fitted(row.text, NOTE_SIZE, lane - 28, bold=row.loud)
    half = text_width(text, NOTE_SIZE, bold=row.loud) / 2 + 8
    weight = ' font-weight="bold"' if row.loud else ""
    return [
        _box(x - half, y - 11, 2 * half, 22, "#FFF3D6" if row.loud else "#F4F4F4", _GREY),
        f'<text x="{x}" y="{y + 4}" font-size="{NOTE_SIZE}"{weight} text-anchor="middle" '
        f'fill="{_INK}">{escape(text)}</text>',
    ]


def _message(row: DiagramRow, y: int, lanes: dict[str, int], lane: int) -> list[str]:
    """A line with its head, its words above it in the lane next to the sender."""
    source, target, colour = lanes[row.source], lanes[row.target], _COLOUR[row.fate]
    way = 1 if target > source else -1
    begin = source + 14 * way if row.fate == "forged" else source
    end = source + round((target - source) * _LOST_AT) if row.fate == "lost" else target - 2 * way
    width = ' stroke-width="3"' if row.fate == "attack" else ' stroke-width="1.6"'
    text = _fitted(row.text, LABEL_SIZE, lane - 28, bold=row.loud)
    return [
        _line(begin, y + 7, end, y + 7, colour, width + _DASH.get(row.fate, "")),
        *_marks(row.fate, source, end, y + 7, way),
        _text(source + way * lane / 2, y - 1, text, LABEL_SIZE, bold=row.loud),
    ]


def _marks(fate: str, source: int, end: int, y: int, way: int) -> list[str]:
    """The head of the line, and a mark at the tail of a forged one: it does not come from there."""
    colour = _COLOUR[fate]
    if fate == "lost":
        cross = f"M{end - 5} {y - 5} L{end + 5} {y + 5} M{end - 5} {y + 5} L{end + 5} {y - 5}"
        return [f'<path class="lost" d="{cross}" stroke="{colour}" stroke-width="2.2"/>']
    tip = end - 5 * way if fate in ("stopped", "refused") else end
    back = tip - 8 * way
    marks = [f'<path d="M{tip} {y} L{back} {y - 4} L{back} {y + 4} Z" fill="{colour}"/>']
    if fate in ("stopped", "refused"):
        bar = ' stroke-width="4"'
        marks.append(_line(end - 3 * way, y - 8, end - 3 * way, y + 8, colour, bar))
    if fate == "forged":
        at = source + 9 * way
        marks.append(
            f'<circle cx="{at}" cy="{y}" r="5" fill="#ffffff" stroke="{colour}" stroke-width="1.6"/>'
        )
    return marks
