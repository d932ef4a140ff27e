"""Reads one config file as the user wrote it: text, data and the line of each key.

An unusable file is one ConfigError with one fault. What stands in the file is judged later, by the
models; this module only makes sure that it is a table of sane depth that can be shown again.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbmnet.errors import ConfigError, Fault
from cbmnet.simulation.lines import LineIndex
from cbmnet.simulation.lines import Path as KeyPath
from cbmnet.simulation.overrides import apply_overrides, override
from cbmnet.simulation.show import did_you_mean, key_text, shortened

__all__ = ["KeyPath", "Source", "leaves", "override", "read_source", "source_from_text"]

MAX_BYTES = 1 << 20  # a hand-written study is a few kilobytes; a megabyte is a wrong file
MAX_DEPTH = 32

_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: `file` as the user wrote it, `data` with the overrides put in."""

    file: str
    stem: str
    data: dict[str, Any]
    lines: LineIndex
    text: str
    override_paths: tuple[KeyPath, ...] = ()

    def fault(self, path: Sequence[str | int], message: str) -> Fault:
        """A fault at `path`, placed on its line, or at the `--set` that put the value there."""
        for override in reversed(self.override_paths):
            if tuple(path[: len(override)]) == override:
                return Fault(f"--set {key_text(override)}", None, key_text(path), message)
        return Fault(self.file, self.lines.line(path), key_text(path), message)


def read_source(path: Path, overrides: Sequence[str] = ()) -> Source:
    """Reads a TOML or JSON file. Raises ConfigError with what is wrong with it."""
    return source_from_text(_decoded(_read(path), str(path)), str(path), overrides)


def source_from_text(text: str, file: str = "<text>", overrides: Sequence[str] = ()) -> Source:
    """The source of a text that stands in no file, or was read already; JSON when `file` ends so."""
    is_json = Path(file).suffix.lower() == ".json"
    data = _parsed(text, file, _load_json if is_json else tomllib.loads)
    _check_depth(data, file)
    if not data:
        raise _unusable(file, "is empty; it holds no key")
    paths = apply_overrides(data, overrides)
    stem = Path(file).stem.strip("<>") or "text"
    source = Source(file, stem, data, LineIndex() if is_json else LineIndex(text), text, paths)
    _check_depth(data, file)
    _check_unicode(source)
    return source


def leaves(data: Any) -> Iterator[tuple[KeyPath, Any]]:
    """Each path and its value that is neither table nor array, in file order, without recursion."""
    waiting: list[tuple[KeyPath, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += reversed([((*path, key), below) for key, below in value.items()])
        elif isinstance(value, list | tuple):
            waiting += reversed([((*path, number), below) for number, below in enumerate(value)])
        else:
            yield path, value


def _unusable(file: str, said: str, line: int | None = None) -> ConfigError:
    return ConfigError([Fault(file, line, "", f"{said}.")])


def _read(path: Path) -> bytes:
    """At most one byte more than is allowed, so that a wrong file costs nothing."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
            size = path.stat().st_size
    except FileNotFoundError:
        raise _unusable(str(path), f"there is no such file{_nearby(path)}") from None
    except IsADirectoryError:
        raise _unusable(str(path), "is a directory; name a file") from None
    except PermissionError:
        raise _unusable(str(path), "may not be read: permission denied") from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise _unusable(str(path), f"cannot be read: {said}") from None
    if len(content) > MAX_BYTES:
        large = f"has {size} bytes" if size > MAX_BYTES else "has no end in sight"
        raise _unusable(str(path), f"{large}; a config has at most {MAX_BYTES} (1 MiB)")
    return content


def _nearby(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".toml", ".json")]
    except (OSError, ValueError):
        return ""
    meant = did_you_mean(path.name, names)
    return f".{meant}"


def _decoded(content: bytes, file: str) -> str:
    if b"\0" in content:
        raise _unusable(file, "is not text: it holds NUL bytes; write TOML in UTF-8")
    try:
        return content.decode("utf-8-sig")  # a byte-order mark is no fault
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unusable(file, "is not UTF-8 text; write TOML in UTF-8", line) from None


def _parsed(text: str, file: str, load: Any) -> dict[str, Any]:
    try:
        data = load(text)
    except json.JSONDecodeError as error:
        raise _unusable(
            file, f"not JSON: {shortened(error.msg)} (column {error.colno})", error.lineno
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise _toml_fault(str(error), text, file) from None
    except RecursionError:
        raise _unusable(file, f"is nested more than {MAX_DEPTH} deep") from None
    except ValueError as error:
        raise _unusable(file, f"cannot be read: {shortened(str(error))}") from None
    if not isinstance(data, dict):
        raise _unusable(file, "must be a JSON object")
    return data


def _load_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_without_doubles)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{double}" stands twice in one object')
    return table


def _toml_fault(said: str, text: str, file: str) -> ConfigError:
    place = _TOML_PLACE.search(said)
    reason = said[: place.start()] if place else said
    if place is None or place[1] is None:
        return _unusable(file, f"not TOML: {shortened(reason)} (at the end)", max(1, len(text.splitlines())))
    return _unusable(file, f"not TOML: {shortened(reason)} (column {place[2]})", int(place[1]))


def _check_depth(data: dict[str, Any], file: str) -> None:
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH + 1):
        level = [below for value in level for below in _entries(value)]
    if level:
        raise _unusable(file, f"is nested more than {MAX_DEPTH} deep")


def _entries(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_unicode(source: Source) -> None:
    """Half a character (a lone surrogate) can come from JSON or from the command line, not from TOML."""
    faults = [
        source.fault(path, ": is not Unicode text.")
        for path, value in leaves(source.data)
        if any(isinstance(part, str) and not _encodable(part) for part in (*path, value))
    ]
    if faults:
        raise ConfigError(faults)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
