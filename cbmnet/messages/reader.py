"""The strict left-to-right pass: what is canonical, and which code names the first offence.

Slow and plain. The fast readers (`envelope`, `body`) recognise the usual shape; whatever they do not
recognise comes here, and this pass alone decides (the wire specification, section Canonical bytes).

At one header the order is: unknown type or truncated header, length or integer not minimal, over a
limit, too deep, content truncated or not UTF-8; then, for a key of a map, its rule and its order.
"""

import re
from typing import Any, NamedTuple, NoReturn

from cbmnet.messages.codes import Code, SignedMessageError

MAX_ITEMS = 64
MAX_BYTES = 8192
BODY_DEPTH = 9
ENVELOPE_DEPTH = 8
KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")

# First byte -> family, width of the number that follows, least number that needs this width.
_WIDE = {
    0xC4: ("bin", 1, 0), 0xC5: ("bin", 2, 1 << 8), 0xC6: ("bin", 4, 1 << 16),
    0xCC: ("uint", 1, 1 << 7), 0xCD: ("uint", 2, 1 << 8), 0xCE: ("uint", 4, 1 << 16),
    0xCF: ("uint", 8, 1 << 32),
    0xD9: ("str", 1, 32), 0xDA: ("str", 2, 1 << 8), 0xDB: ("str", 4, 1 << 16),
    0xDC: ("array", 2, 16), 0xDD: ("array", 4, 1 << 16),
    0xDE: ("map", 2, 16), 0xDF: ("map", 4, 1 << 16),
}  # fmt: skip
# First byte -> width, and the bound that a negative number must lie under to need this width.
_SIGNED = {0xD0: (1, -32), 0xD1: (2, -(1 << 7)), 0xD2: (4, -(1 << 15)), 0xD3: (8, -(1 << 31))}
_SINGLE = {0xC0: ("nil", None), 0xC2: ("bool", False), 0xC3: ("bool", True)}
Limits = dict[str, int]  # family -> the most bytes or items
LIMITS: Limits = {"str": MAX_BYTES, "bin": MAX_BYTES, "array": MAX_ITEMS, "map": MAX_ITEMS}


class Item(NamedTuple):
    """One value or container header: its family, its value (a count for containers), where it ends."""

    family: str
    value: Any
    end: int


def refuse(code: Code, detail: str) -> NoReturn:
    """Raises SignedMessageError."""
    raise SignedMessageError(code, detail)


def read_item(data: bytes, at: int, depth: int, max_depth: int, limits: Limits = LIMITS) -> Item:
    """The scalar, or the header of the container, at byte `at`; raises SignedMessageError.

    `depth` is that of the container itself, from 1; scalars do not count.
    """
    family, value, end = _header(data, at)
    if family in limits and value > limits[family]:
        refuse(Code.TOO_LARGE, f"{family} of {value} at byte {at}, at most {limits[family]} allowed")
    if family in ("array", "map"):
        if depth > max_depth:
            refuse(Code.TOO_DEEP, f"{family} at byte {at} at depth {depth}, at most {max_depth} allowed")
    elif family in ("str", "bin"):
        return _content(data, at, family, value, end)
    return Item(family, value, end)


def _header(data: bytes, at: int) -> Item:
    if at >= len(data):
        refuse(Code.BAD_ENCODING, f"ends at byte {at} where a value is due")
    first = data[at]
    if first < 0x80:
        return Item("uint", first, at + 1)
    if first >= 0xE0:
        return Item("int", first - 256, at + 1)
    if first < 0xA0:
        return Item("map" if first < 0x90 else "array", first & 0x0F, at + 1)
    if first < 0xC0:
        return Item("str", first & 0x1F, at + 1)
    if first in _SINGLE:
        return Item(*_SINGLE[first], at + 1)
    return _wide(data, at, first)


def _wide(data: bytes, at: int, first: int) -> Item:
    signed = first in _SIGNED
    if not signed and first not in _WIDE:
        refuse(Code.BAD_ENCODING, f"type 0x{first:02x} at byte {at} is not allowed")
    width = _SIGNED[first][0] if signed else _WIDE[first][1]
    end = at + 1 + width
    if end > len(data):
        refuse(Code.BAD_ENCODING, f"header at byte {at} is cut off")
    value = int.from_bytes(data[at + 1 : end], "big", signed=signed)
    if not (value < _SIGNED[first][1] if signed else value >= _WIDE[first][2]):
        refuse(Code.NOT_CANONICAL, f"{value} at byte {at} has a shorter form")
    return Item("int" if signed else _WIDE[first][0], value, end)


def _content(data: bytes, at: int, family: str, size: int, start: int) -> Item:
    raw = data[start : start + size]
    if len(raw) < size:
        refuse(Code.BAD_ENCODING, f"{family} at byte {at} is cut off")
    if family == "bin":
        return Item(family, raw, start + size)
    try:
        return Item(family, raw.decode("utf-8"), start + size)
    except UnicodeDecodeError:
        refuse(Code.BAD_ENCODING, f"str at byte {at} is not UTF-8")


def scan(data: bytes, max_depth: int, limits: Limits = LIMITS, max_values: int | None = None) -> None:
    """Passes over one whole value without keeping it; raises SignedMessageError at the first offence.

    `max_values` bounds how many values and headers are looked at, so that strangers' bytes cost little.
    """
    end = _Scan(data, max_depth, limits, max_values).value(0, 1)
    if end != len(data):
        refuse(Code.TRAILING_BYTES, f"{len(data) - end} bytes after the end at byte {end}")


class _Scan:
    """One pass: what it goes over, its limits, and how many values it may still look at."""

    def __init__(self, data: bytes, max_depth: int, limits: Limits, max_values: int | None) -> None:
        self._data, self._max_depth, self._limits = data, max_depth, limits
        self._max_values, self._left = max_values, len(data) if max_values is None else max_values

    def value(self, at: int, depth: int) -> int:
        """Passes over the value at byte `at`; where it ends."""
        family, value, at = self._item(at, depth)
        if family == "array":
            for _ in range(value):
                at = self.value(at, depth + 1)
        elif family == "map":
            last = ""
            for _ in range(value):
                last, at = self._key(at, last, depth + 1)
                at = self.value(at, depth + 1)
        return at

    def _item(self, at: int, depth: int) -> Item:
        item = read_item(self._data, at, depth, self._max_depth, self._limits)
        self._left -= 1
        if self._left < 0:
            refuse(Code.TOO_LARGE, f"more than {self._max_values} values, the next at byte {at}")
        return item

    def _key(self, at: int, last: str, depth: int) -> tuple[str, int]:
        """A key of a map that follows the key `last` ("" before the first), and where it ends."""
        family, key, end = self._item(at, depth)
        if family != "str" or not KEY.fullmatch(key):
            refuse(Code.BAD_FIELD, f"key at byte {at} must be a str of [a-z][a-z0-9_]{{0,31}}")
        if key <= last:
            refuse(Code.NOT_CANONICAL, f"key {key!r} at byte {at} does not ascend")
        return key, end


def check_version(item: Item) -> None:
    """Element 0 of an envelope or a body: 1, else UnsupportedVersion, or BadField if no unsigned integer."""
    if item.family != "uint":
        refuse(Code.BAD_FIELD, f"version is a {item.family}")
    if item.value != 1:
        refuse(Code.UNSUPPORTED_VERSION, f"version {item.value}")
