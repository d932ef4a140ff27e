"""How keys and values of a file are shown to its author: short, quoted as in TOML, nothing unprintable."""

import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import date, time
from typing import Any

MAX_SHOWN = 60
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def escaped(text: str) -> str:
    """The text with control characters, lone surrogates and direction marks as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str, limit: int = MAX_SHOWN) -> str:
    """At most `limit` characters, all printable; what was cut is marked."""
    text = escaped(text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 3] + "..."


def quoted(text: str) -> str:
    """The text in quotes, shortened inside them."""
    return f'"{shortened(text, MAX_SHOWN - 2)}"'


def shown(value: Any) -> str | None:
    """A value as its author may have written it; None for a table, which is better named than shown."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list | tuple):
        return shortened("[" + ", ".join(shown(entry) or "{...}" for entry in value[:MAX_SHOWN]) + "]")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    return value.isoformat() if isinstance(value, date | time) else None


def key_text(path: Sequence[str | int]) -> str:
    """A path as a dotted key, with quotes where TOML needs them: `channels."a>b".loss`."""
    return ".".join(str(p) if _BARE.fullmatch(str(p)) else quoted(str(p)) for p in path)


def listed(names: Iterable[object], last: str = ", ") -> str:
    """The names in their order, as a list for a sentence."""
    texts = [str(name) for name in names]
    return ", ".join(texts) if last == ", " or len(texts) < 2 else f"{', '.join(texts[:-1])}{last}{texts[-1]}"


def guess(wrong: str, allowed: Iterable[str]) -> str | None:
    """The allowed name nearest to a wrong one, if any is near."""
    near = difflib.get_close_matches(wrong[:MAX_SHOWN], list(allowed), n=1)
    return near[0] if near else None


def did_you_mean(wrong: str, allowed: Iterable[str]) -> str:
    """` Did you mean "loss"?`, or nothing."""
    near = guess(wrong, allowed)
    return "" if near is None else f" Did you mean {quoted(near)}?"
