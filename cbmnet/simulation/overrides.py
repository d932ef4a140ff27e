"""`--set key=value`: one key of a config, set from the command line.

The key is a dotted TOML path whose parts may be quoted; a number counts into an array from 0. The value is
TOML, and what is not TOML is a string, so that `20m` needs no quotes.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from cbmnet.errors import ConfigError, Fault
from cbmnet.simulation.lines import KeySyntaxError, Path, read_key
from cbmnet.simulation.show import key_text, shortened, shown


class ConflictError(ValueError):
    """The key cannot be set where it stands."""


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> tuple[Path, ...]:
    """Sets each override in `data`, in order; the paths set. Raises ConfigError with every unusable one."""
    paths: list[Path] = []
    faults: list[Fault] = []
    for override in overrides:
        try:
            key, value = split_override(override)
            paths.append(put(data, key, value))
        except KeySyntaxError:
            said = 'write --set key=value, for example --set channel.loss=0.2; a key such as "a>b" in quotes.'
            faults.append(Fault(f"--set {shortened(override)}", None, "", said))
        except ConflictError as conflict:
            faults.append(Fault(f"--set {key_text(key)}", None, key_text(key), f": {conflict}."))
    if faults:
        raise ConfigError(faults)
    return tuple(paths)


def split_override(override: str) -> tuple[tuple[str, ...], Any]:
    """The path and the value of `key=value`. Raises KeySyntaxError."""
    key, end = read_key(override)
    if override[end : end + 1] != "=":
        raise KeySyntaxError("no = after the key")
    return key, read_value(override[end + 1 :])


def read_value(text: str) -> Any:
    """The text as a TOML value; as a string when it is none."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return document["value"] if len(document) == 1 else text


def put(data: dict[str, Any], key: tuple[str, ...], value: Any) -> Path:
    """Sets the key in `data`; its path, with the indices of arrays as numbers. Raises ConflictError."""
    node: Any = data
    path: Path = ()
    for part in key[:-1]:
        place = _place(node, part, path)
        if isinstance(node, dict):
            node.setdefault(place, {})
        node, path = node[place], (*path, place)
    place = _place(node, key[-1], path)
    node[place] = value
    return (*path, place)


def _place(node: Any, part: str, path: Path) -> str | int:
    """The key or the index that `part` means in `node`."""
    if isinstance(node, dict):
        return part
    if not isinstance(node, list):
        raise ConflictError(f"{key_text(path)} = {shown(node)} is not a table; nothing can be set below it")
    if not (part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(node)):
        raise ConflictError(f"{key_text(path)} is an array of {len(node)}; count into it from 0")
    return int(part)


def override(key: str, value: Any) -> str:
    """`key=value` for a value from Python, such that a string stays a string. Raises TypeError."""
    return f"{key}={_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON escapes all others
    if isinstance(value, int | float):
        return repr(float(value) if isinstance(value, float) else int(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(entry) for entry in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_toml(str(key))} = {_toml(below)}' for key, below in value.items())}}}"
    raise TypeError(f"a config key cannot be set to a {type(value).__name__}")
