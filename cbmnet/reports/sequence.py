"""A sequence diagram as SVG: lost messages end in a cross, forged ones are dashed and marked.

Rows are evenly spaced and carry their time, since hours of silence and seconds of crisis must both be
readable; a row without a time happens with the one above. An arrow slopes where something happens while its
message is under way. The names of the parties come again every screen or so, a legend says what the marks
mean, and words that had to be shortened are whole in the title that a browser shows over them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from cbmnet.reports.diagram import DiagramRow, Fate, Sign
from cbmnet.reports.layout import (
    HEADS_EVERY,
    LABEL_SIZE,
    NOTE_SIZE,
    TITLE_SIZE,
    Line,
    fitted,
    lane_width,
    lines,
    text_width,
    wrapped,
)
from cbmnet.reports.shapes import FAINT, GREY, INK, Way, arrow, box, line, text
from cbmnet.reports.words import clock, decimals_of

ROW, EDGE, SAMPLE = 32, 12, 44
_FATES: tuple[tuple[str, Fate], ...] = (
    ("arrives", "arrives"), ("lost", "lost"), ("stopped at the desk", "stopped"), ("refused", "refused"),
    ("forged", "forged"), ("attack", "attack"), ("under way at the end", "under way"),
)  # fmt: skip
_SIGNS: tuple[tuple[str, Sign], ...] = (
    ("link acknowledgement", "ack"), ("sent again", "again"), ("copy made on the way", "copy"),
    ("corrupted", "corrupted"),
)  # fmt: skip
_MEANINGS = (
    *((said, DiagramRow(0.0, "a", "b", "", fate)) for said, fate in _FATES),
    *((said, DiagramRow(0.0, "a", "b", "", signs=(sign,))) for said, sign in _SIGNS),
)


def svg(rows: Sequence[DiagramRow], parties: Sequence[str], title: str) -> str:
    """The diagram as one SVG document; the same rows give the same bytes."""
    return _Drawing(rows, parties, title).document()


class _Drawing:
    """Lays the lines out once, then draws layer by layer: what is read lies above what is followed."""

    def __init__(self, rows: Sequence[DiagramRow], parties: Sequence[str], title: str) -> None:
        self.rows, self.parties, self.title = rows, parties, title
        self.lines, self.meanings = lines(rows), _met(rows)
        self.decimals = decimals_of(at.at_s for at in self.lines)
        self.lane = lane_width(rows, parties)
        times = [text_width(clock(at.at_s, self.decimals), NOTE_SIZE) for at in self.lines]
        self.left = left = EDGE + round(max(times, default=0.0)) + 8
        self.lanes = {name: left + self.lane // 2 + self.lane * k for k, name in enumerate(parties)}
        self.width = left + self.lane * len(parties) + EDGE
        self.titles = list(wrapped(title.split(", "), self.width - 2 * EDGE))
        self.legend, below = self._legend(22 + 18 * len(self.titles))
        self.top = below + 26
        self._place()

    def _place(self) -> None:
        """The middle of each line, with room for the names every so often."""
        self.heads = [self.top]
        self.begins: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        y = self.top + 24 + ROW // 2
        for number, at in enumerate(self.lines):
            if number and number % HEADS_EVERY == 0:
                self.heads.append(y)
                y += ROW + 6
            (self.ends if at.is_end else self.begins)[at.row] = y
            y += ROW
        self.height = y - ROW // 2 + EDGE

    def document(self) -> str:
        bottom = self.height - EDGE
        lifelines = [
            line(x, self.top + 8, x, bottom, GREY, ' stroke-dasharray="2 3"') for x in self.lanes.values()
        ]
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" font-family="sans-serif" role="img">',
            f"<title>{escape(self.title)}</title>",
            f"<desc>{escape(self._description())}</desc>",
            f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>',
            *self._titles(), *self.legend, *self._times(), *lifelines, *self._arrows(), *self._words(),
            *self._names(),
        ]  # fmt: skip
        return "\n".join([*parts, "</svg>", ""])

    # --- above the lines ------------------------------------------------------------------------

    def _titles(self) -> Iterator[str]:
        for number, said in enumerate(self.titles):
            size = LABEL_SIZE if number else TITLE_SIZE
            yield text(EDGE, 22 + 18 * number, said, size, bold=not number, anchor="start")

    def _description(self) -> str:
        counted = [f"{said}: {n}" for said, _, n in self.meanings]
        notes = sum(not row.target for row in self.rows)
        span = [clock(at.at_s, self.decimals) for at in (self.lines[:1] + self.lines[-1:])]
        return (
            f"Sequence diagram of {len(self.rows) - notes} messages ({', '.join(counted)}; notes: {notes}) "
            f"between {', '.join(self.parties)}, from {' to '.join(span)}. Time runs downwards."
        )

    def _legend(self, top: int) -> tuple[list[str], int]:
        """What the marks that occur mean, and where it ends; each item is a short arrow and its words."""
        x, y, parts = EDGE, top, ['<g class="legend">']
        for said, like, _ in self.meanings:
            wide = SAMPLE + 6 + round(text_width(said, NOTE_SIZE)) + 18
            if x > EDGE and x + wide > self.width:
                x, y = EDGE, y + 20
            parts += arrow(like, Way(x, y - 4, x + SAMPLE, y - 4))
            parts.append(text(x + SAMPLE + 6, y, said, NOTE_SIZE, anchor="start"))
            x += wide
        return [*parts, "</g>"], y

    # --- line by line ---------------------------------------------------------------------------

    def _times(self) -> Iterator[str]:
        before = ""
        for at in self.lines:
            said, y = clock(at.at_s, self.decimals), self._y(at)
            if said != before:
                yield line(EDGE, y - ROW // 2, self.width - EDGE, y - ROW // 2, FAINT)
                yield text(EDGE, y + 4, said, NOTE_SIZE, fill=GREY, anchor="start")
            before = said

    def _y(self, at: Line) -> int:
        return (self.ends if at.is_end else self.begins)[at.row]

    def _arrows(self) -> Iterator[str]:
        for number, row in enumerate(self.rows):
            if row.target:
                y = self.begins[number] + 7
                end = self.ends[number] - 9 if number in self.ends else y
                source, target = self.lanes[row.source], self.lanes[row.target]
                yield from arrow(row, Way(source, y, target, end, abs(target - source) // self.lane))

    def _words(self) -> Iterator[str]:
        for at in self.lines:
            row, y = self.rows[at.row], self._y(at)
            if not row.target:
                yield from self._note(row, y)
            elif at.is_end:
                yield self._beside(row, row.text, row.target, row.source, y + 8)
            elif at.row in self.ends:
                yield self._beside(row, row.name or row.text, row.source, row.target, y - 1)
            else:
                yield self._above(row, y - 1)

    def _above(self, row: DiagramRow, y: int) -> str:
        """Words over a level arrow, in the lanes next to the sender that they need."""
        way = self.lanes[row.target] - self.lanes[row.source]
        lanes = -(-round(text_width(row.text, LABEL_SIZE, bold=row.loud) + 28) // self.lane)
        if lanes * self.lane > abs(way):
            return self._beside(row, row.text, row.source, row.target, y)
        x = self.lanes[row.source] + (1 if way > 0 else -1) * lanes * self.lane / 2
        return text(x, y, row.text, LABEL_SIZE, bold=row.loud)

    def _beside(self, row: DiagramRow, said: str, near: str, far: str, y: int) -> str:
        """Words at the tail or the head of an arrow, moved where they would leave the drawing."""
        is_rightward = self.lanes[far] > self.lanes[near]
        x, most = self.lanes[near] + (14.0 if is_rightward else -14.0), self.width - EDGE
        shown = fitted(said, LABEL_SIZE, most - self.left, bold=row.loud)
        wide = text_width(shown, LABEL_SIZE, bold=row.loud)
        x = min(x, most - wide) if is_rightward else max(x, self.left + wide)
        side = "start" if is_rightward else "end"
        return _whole(said, shown, text(x, y, shown, LABEL_SIZE, bold=row.loud, anchor=side))

    def _note(self, row: DiagramRow, y: int) -> Iterator[str]:
        x, shown = self.lanes[row.source], fitted(row.text, NOTE_SIZE, self.lane - 28, bold=row.loud)
        half = text_width(shown, NOTE_SIZE, bold=row.loud) / 2 + 8
        yield box(x - half, y - 11, 2 * half, 22, "#FFF3D6" if row.loud else "#F4F4F4", GREY)
        yield _whole(row.text, shown, text(x, y + 4, shown, NOTE_SIZE, bold=row.loud))

    def _names(self) -> Iterator[str]:
        for y in self.heads:
            for name, x in self.lanes.items():
                shown = fitted(name, LABEL_SIZE, self.lane - 24, bold=True)
                half = text_width(shown, LABEL_SIZE, bold=True) / 2 + 10
                yield box(x - half, y - 14, 2 * half, 24, "#ffffff", INK)
                yield _whole(name, shown, text(x, y + 2, shown, LABEL_SIZE, bold=True))


def _met(rows: Sequence[DiagramRow]) -> list[tuple[str, DiagramRow, int]]:
    """What the legend has to explain: words, a row to draw like, and how many messages it is true of."""
    told: Counter[str] = Counter()
    for row in rows:
        if row.target:
            told.update((row.fate, *row.signs) if row.fate != "forged" else (row.fate,))
    counted = [(said, like, told[like.signs[0] if like.signs else like.fate]) for said, like in _MEANINGS]
    return [meaning for meaning in counted if meaning[2]]


def _whole(said: str, shown: str, drawn: str) -> str:
    """The drawn words, with the whole of them as a title if they were shortened."""
    return drawn if shown == said else f"<g><title>{escape(said)}</title>{drawn}</g>"
