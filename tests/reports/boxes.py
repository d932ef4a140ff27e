"""The boxes of a drawing's words, with the widths of a real font: DejaVu Sans, wide among common ones."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]
UNITS = 65536  # FreeType gives advances in 16.16


@cache
def _font(weight: str) -> FT2Font:
    wanted = font_manager.FontProperties(family="DejaVu Sans", weight=weight)  # type: ignore[arg-type]
    font = FT2Font(font_manager.findfont(wanted, fallback_to_default=False))
    font.set_size(100, 72)
    return font


@cache
def _advance(character: str, weight: str) -> float:
    return float(_font(weight).load_char(ord(character)).linearHoriAdvance / UNITS / 100)


def real_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide DejaVu Sans sets the text, in pixels, without kerning."""
    return sum(_advance(character, "bold" if bold else "normal") for character in text) * size


def words_of(root: ElementTree.Element) -> list[ElementTree.Element]:
    """The texts of a drawing without their halos."""
    return [text for text in root.iter(f"{SVG}text") if "aria-hidden" not in text.attrib]


def box_of(text: ElementTree.Element) -> Box:
    """Left, top, right, bottom of one text: ascent .93 and descent .24 em, as that font has them."""
    size, x, y = (float(text.attrib[key]) for key in ("font-size", "x", "y"))
    width = real_width(text.text or "", size, bold="font-weight" in text.attrib)
    left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.attrib["text-anchor"]]
    return left, y - 0.93 * size, left + width, y + 0.24 * size


def overlapping(found: Sequence[Box]) -> Iterator[tuple[Box, Box]]:
    """The pairs that share any area."""
    for number, one in enumerate(found):
        for two in found[number + 1 :]:
            if one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]:
                yield one, two


def gaps(sorted_values: Sequence[float]) -> list[float]:
    """The distances between neighbours."""
    return [b - a for a, b in pairwise(sorted_values)]
