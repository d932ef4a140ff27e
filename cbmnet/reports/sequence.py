"""A sequence diagram as SVG and as text: lost messages end in a cross, forged ones are dashed and marked.

Rows are evenly spaced and carry their time, since hours of silence and seconds of crisis must both be
readable. Colours are Okabe and Ito's; marks and dashes say the same, so colour is never needed.
"""

from collections.abc import Sequence
from html import escape

from cbmnet.reports.diagram import DiagramRow
from cbmnet.units import DAY_S

LANE, ROW, LEFT, TOP = 300, 34, 110, 64
_INK, _BLUE, _RED, _ORANGE, _GREY = "#222222", "#0072B2", "#D55E00", "#E69F00", "#8a8a8a"
_COLOUR = {"arrives": _BLUE, "lost": _RED, "stopped": _ORANGE, "refused": _ORANGE, "forged": _RED}
_CHARACTERS = 46


def clock(at_s: float) -> str:
    """Simulated time as day and time of day."""
    day, rest = divmod(round(at_s), round(DAY_S))
    return f"d{day} {rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"


def svg(rows: Sequence[DiagramRow], parties: Sequence[str], title: str) -> str:
    """The diagram as one SVG document."""
    lanes = {name: LEFT + LANE // 2 + LANE * number for number, name in enumerate(parties)}
    width, height = LEFT + LANE * len(parties) + 10, TOP + ROW * (len(rows) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="20" font-size="14" font-weight="bold" fill="{_INK}">{escape(title)}</text>',
    ]
    for name, x in lanes.items():
        parts.append(
            f'<text x="{x}" y="46" text-anchor="middle" font-weight="bold" fill="{_INK}">{escape(name)}</text>'
        )
        parts.append(
            f'<line x1="{x}" y1="52" x2="{x}" y2="{height - 8}" stroke="{_GREY}" stroke-dasharray="2 3"/>'
        )
    for number, row in enumerate(rows):
        parts += _svg_row(row, TOP + ROW * (number + 1) - 8, lanes)
    return "\n".join([*parts, "</svg>", ""])


def _svg_row(row: DiagramRow, y: int, lanes: dict[str, int]) -> list[str]:
    time = f'<text x="12" y="{y}" fill="{_GREY}" font-size="11">{clock(row.at_s)}</text>'
    source = lanes[row.source]
    if not row.target:
        return [time, *_note(row, source, y)]
    colour = _COLOUR[row.fate]
    target = lanes[row.target]
    direction = 1 if target > source else -1
    end = (
        (source + target) // 2
        if row.fate == "lost"
        else target - direction * (10 if row.fate == "stopped" else 2)
    )
    dash = ' stroke-dasharray="6 4"' if row.fate == "forged" else ""
    line = f'<line x1="{source}" y1="{y}" x2="{end}" y2="{y}" stroke="{colour}" stroke-width="1.6"{dash}/>'
    near = source + direction * LANE // 2
    text = (
        f'<text x="{near}" y="{y - 5}" text-anchor="middle" fill="{_INK}">{escape(_short(row.text))}</text>'
    )
    return [time, line, _head(row.fate, end, y, direction, colour), text]


def _head(fate: str, x: int, y: int, direction: int, colour: str) -> str:
    if fate == "lost":
        return f'<path d="M{x - 5} {y - 5} L{x + 5} {y + 5} M{x - 5} {y + 5} L{x + 5} {y - 5}" stroke="{colour}" stroke-width="2"/>'
    arrow = (
        f'<path d="M{x} {y} L{x - 7 * direction} {y - 4} L{x - 7 * direction} {y + 4} Z" fill="{colour}"/>'
    )
    if fate in ("stopped", "refused"):
        return (
            f'{arrow}<line x1="{x}" y1="{y - 7}" x2="{x}" y2="{y + 7}" stroke="{colour}" stroke-width="3"/>'
        )
    return arrow


def _note(row: DiagramRow, x: int, y: int) -> list[str]:
    text = _short(row.text)
    half = min(LANE // 2 - 4, 4 + 3.2 * len(text))
    fill, weight = ("#FFF3D6", "bold") if row.loud else ("#F2F2F2", "normal")
    return [
        f'<rect x="{x - half:.0f}" y="{y - 15}" width="{2 * half:.0f}" height="20" rx="4" fill="{fill}" stroke="{_GREY}" stroke-width=".6"/>',
        f'<text x="{x}" y="{y}" text-anchor="middle" font-size="11" font-weight="{weight}" fill="{_INK}">{escape(text)}</text>',
    ]


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"


def text(rows: Sequence[DiagramRow], parties: Sequence[str], width: int = 110) -> str:
    """The diagram for a terminal: one line a row, an arrow between the lifelines' columns."""
    lane = max(24, (width - 14) // len(parties))
    columns = {name: 14 + lane * number + lane // 2 for number, name in enumerate(parties)}
    total = 14 + lane * len(parties)
    head = list(" " * total)
    for name, column in columns.items():
        _put(head, column - len(name) // 2, name)
    lines = ["".join(head).rstrip()]
    for row in rows:
        line = list(" " * total)
        for column in columns.values():
            line[column] = "│"
        _put(line, 0, clock(row.at_s))
        if row.target:
            _arrow(line, row, columns)
        else:
            label = f"[{row.text}]" if row.loud else row.text
            _put(line, max(13, min(columns[row.source] - len(label) // 2, total - len(label))), label)
        lines.append("".join(line).rstrip())
    return "\n".join(lines)


_HEADS = {"lost": "✕", "stopped": "▌", "refused": "▌", "forged": "?"}


def _arrow(line: list[str], row: DiagramRow, columns: dict[str, int]) -> None:
    source, target = columns[row.source], columns[row.target]
    low, high = min(source, target) + 1, max(source, target) - 1
    dash = "╌" if row.fate == "forged" else "─"
    for column in range(low, high + 1):
        line[column] = dash
    label = f" {row.text} "[: max(0, high - low - 3)]
    _put(line, (low + high + 1 - len(label)) // 2, label)
    right = target > source
    line[high if right else low] = _HEADS.get(row.fate, "▶" if right else "◀")


def _put(line: list[str], at: int, label: str) -> None:
    for offset, character in enumerate(label):
        if 0 <= at + offset < len(line):
            line[at + offset] = character
