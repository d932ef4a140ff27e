"""Where each key of a TOML text stands, so that a fault can name its line.

`tomllib` keeps no positions. This scanner runs over a text that `tomllib` has accepted already, so it
checks nothing: it only follows headers, keys and brackets, and steps over strings and comments whole.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Sequence

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
# The closing quotes of a multi-line string may follow up to two quotes that belong to it.
_STRING = re.compile(
    r'"""(?:\\[\s\S]|[^\\])*?""""{0,2}|\'\'\'[\s\S]*?\'\'\'\'{0,2}|' + _QUOTED.pattern,
)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_PLAIN = re.compile(r"[^,\]}\n#]*")


class KeySyntaxError(ValueError):
    """A text that should begin with a dotted TOML key does not."""


def read_key(text: str, start: int = 0) -> tuple[tuple[str, ...], int]:
    """The parts of the dotted key that begins at `start`, and where it ends. Raises KeySyntaxError."""
    parts: list[str] = []
    position = start
    while True:
        position = _skip(_SPACE, text, position)
        match = _QUOTED.match(text, position) or _BARE.match(text, position)
        if match is None:
            raise KeySyntaxError("not a dotted key")
        parts.append(_unquoted(match[0]))
        position = _skip(_SPACE, text, match.end())
        if text[position : position + 1] != ".":
            return tuple(parts), position
        position += 1


def _unquoted(part: str) -> str:
    if part[0] not in "\"'":
        return part
    try:
        return str(tomllib.loads(f"key = {part}")["key"])
    except tomllib.TOMLDecodeError:
        raise KeySyntaxError("not a quoted key") from None


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return position if match is None else match.end()


class LineIndex:
    """The line, counted from 1, of each path of a TOML text; empty where lines are not known (JSON)."""

    __slots__ = ("_lines",)

    def __init__(self, text: str = "") -> None:
        self._lines = _Scanner(text.replace("\r\n", "\n")).scan()

    def line(self, path: Sequence[str | int]) -> int | None:
        """The line of `path`, or of its nearest parent that has one; None at the root."""
        for length in range(len(path), 0, -1):
            found = self._lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return None


class _Scanner:
    """One pass over the text; `_tables` counts the elements of each array of tables."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while not self._ended():
            table = self._header() if self._peek("[") else self._pair(table)
        return self._lines

    def _ended(self) -> bool:
        self._at = _skip(_BLANK, self._text, self._at)
        return self._at >= len(self._text)

    def _peek(self, mark: str) -> bool:
        self._at = _skip(_BLANK, self._text, self._at)
        return self._text.startswith(mark, self._at)

    def _take(self, mark: str) -> bool:
        found = self._peek(mark)
        self._at += len(mark) if found else 0
        return found

    def _note(self, path: Path, at: int) -> None:
        self._lines.setdefault(path, bisect_left(self._breaks, at) + 1)

    def _header(self) -> Path:
        """`[a.b]` or `[[a.b]]`; a part that is an array of tables means its last element."""
        start, many = self._at, self._text.startswith("[[", self._at)
        parts, end = read_key(self._text, self._at + (2 if many else 1))
        self._at = end + (2 if many else 1)
        path: Path = ()
        for number, part in enumerate(parts):
            path = (*path, part)
            self._note(path, start)
            if many and number == len(parts) - 1:
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
                self._note(path, start)
        return path

    def _pair(self, table: Path) -> Path:
        """`a.b = value` below `table`, which it returns."""
        start = self._at
        parts, self._at = read_key(self._text, start)
        for length in range(1, len(parts) + 1):
            self._note((*table, *parts[:length]), start)
        self._take("=")
        self._value((*table, *parts))
        return table

    def _value(self, path: Path) -> None:
        if self._take("["):
            self._array(path)
        elif self._take("{"):
            self._inline_table(path)
        else:
            self._at = _skip(_STRING if self._text[self._at] in "\"'" else _PLAIN, self._text, self._at)

    def _array(self, path: Path) -> None:
        number = 0
        while not self._take("]"):
            self._note((*path, number), self._at)
            self._value((*path, number))
            self._take(",")
            number += 1

    def _inline_table(self, path: Path) -> None:
        while not self._take("}"):
            self._pair(path)
            self._take(",")
