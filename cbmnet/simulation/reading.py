"""From a path to the table in the file: every unusable file is a ConfigError with one clear fault."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from cbmnet.errors import ConfigError, Fault
from cbmnet.simulation.show import did_you_mean, shortened

MAX_BYTES = 1 << 20  # a hand-written study is a few kilobytes; a megabyte is a wrong file

_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_text(path: Path) -> str:
    """The text of a file of at most MAX_BYTES in UTF-8. Raises ConfigError."""
    return _decoded(_read(path), str(path))


def unusable(file: str, said: str, line: int | None = None) -> ConfigError:
    """The error of a file that cannot be used at all."""
    return ConfigError([Fault(file, line, "", said if said.endswith("?") else f"{said}.")])


def _read(path: Path) -> bytes:
    """At most one byte more than is allowed, so that a wrong file costs nothing."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
            size = path.stat().st_size
    except FileNotFoundError:
        raise unusable(str(path), f"there is no such file{_nearby(path)}") from None
    except IsADirectoryError:
        raise unusable(str(path), "is a directory; name a file") from None
    except PermissionError:
        raise unusable(str(path), "may not be read: permission denied") from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise unusable(str(path), f"cannot be read: {said}") from None
    if len(content) > MAX_BYTES:
        large = f"has {size} bytes" if size > MAX_BYTES else "has no end in sight"
        raise unusable(str(path), f"{large}; a config has at most {MAX_BYTES} (1 MiB)")
    return content


def _nearby(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".toml", ".json")]
    except (OSError, ValueError):
        return ""
    meant = did_you_mean(path.name, names)
    return f".{meant}".rstrip(".") if meant else ""


def _decoded(content: bytes, file: str) -> str:
    if b"\0" in content:
        raise unusable(file, "is not text: it holds NUL bytes; write TOML in UTF-8")
    try:
        return content.decode("utf-8-sig")  # a byte-order mark is no fault
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise unusable(file, "is not UTF-8 text; write TOML in UTF-8", line) from None


def parsed(text: str, file: str, is_json: bool) -> dict[str, Any]:
    """The table that a TOML or JSON text holds."""
    try:
        data = _load_json(text) if is_json else tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise unusable(
            file, f"not JSON: {shortened(error.msg)} (column {error.colno})", error.lineno
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise _toml_fault(str(error), text, file) from None
    except RecursionError:
        raise unusable(file, "is nested far too deep") from None
    except ValueError as error:
        raise unusable(file, f"cannot be read: {shortened(str(error))}") from None
    if not isinstance(data, dict):
        raise unusable(file, "must be a JSON object")
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
        return unusable(file, f"not TOML: {shortened(reason)} (at the end)", max(1, len(text.splitlines())))
    return unusable(file, f"not TOML: {shortened(reason)} (column {place[2]})", int(place[1]))
