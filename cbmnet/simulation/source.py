"""One config file as the user wrote it: text, data with the overrides put in, and the line of each key.

What stands in the file is judged later, by the models; here it only has to be a table of sane depth that
can be shown again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbmnet.errors import ConfigError, Fault
from cbmnet.simulation.lines import LineIndex
from cbmnet.simulation.lines import Path as KeyPath
from cbmnet.simulation.overrides import apply_overrides, override
from cbmnet.simulation.reading import parsed, read_text, unusable
from cbmnet.simulation.show import key_text

__all__ = ["KeyPath", "Source", "leaves", "override", "read_source", "source_from_text"]

MAX_DEPTH = 32
_INTEGER_END = 2**63  # TOML's own range


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: `file` as the user wrote it, `data` with the overrides put in."""

    file: str
    stem: str
    data: dict[str, Any]
    lines: LineIndex
    text: str
    override_paths: tuple[KeyPath, ...] = ()

    def holds(self, path: Sequence[str | int]) -> bool:
        """Whether something is written at `path`, in the file or by an override."""
        node: Any = self.data
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return False
        return True

    def fault(self, path: Sequence[str | int], message: str) -> Fault:
        """A fault at `path`, placed on its line, or at the `--set` that put the value there."""
        for key in reversed(self.override_paths):
            if tuple(path[: len(key)]) == key:
                return Fault(f"--set {key_text(key)}", None, key_text(path), message)
        return Fault(self.file, self.lines.line(path), key_text(path), message)


def read_source(path: Path, overrides: Sequence[str] = ()) -> Source:
    """Reads a TOML or JSON file. Raises ConfigError with what is wrong with it."""
    return source_from_text(read_text(path), str(path), overrides)


def source_from_text(text: str, file: str = "<text>", overrides: Sequence[str] = ()) -> Source:
    """The source of a text that stands in no file, or was read already; JSON when `file` ends so."""
    is_json = Path(file).suffix.lower() == ".json"
    data = parsed(text, file, is_json)
    if not data:
        raise unusable(file, "is empty; it holds no key")
    paths = apply_overrides(data, overrides)
    _check_depth(data, file)
    stem = Path(file).stem.strip("<>") or "text"
    source = Source(file, stem, data, LineIndex() if is_json else LineIndex(text), text, paths)
    _check_values(source)
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


def _check_depth(data: dict[str, Any], file: str) -> None:
    level: list[Any] = [data]
    for _ in range(MAX_DEPTH + 1):
        level = [below for value in level for below in _entries(value)]
    if level:
        raise unusable(file, f"is nested more than {MAX_DEPTH} deep")


def _entries(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_values(source: Source) -> None:
    """Half a character comes from JSON or the command line alone; a vast integer cannot even be printed."""
    faults = []
    for path, value in leaves(source.data):
        if any(isinstance(part, str) and not _encodable(part) for part in (*path, value)):
            faults.append(source.fault(path, ": is not Unicode text."))
        elif isinstance(value, int) and not -_INTEGER_END <= value < _INTEGER_END:
            faults.append(source.fault(path, ": must be an integer of at most 64 bits."))
    if faults:
        raise ConfigError(faults)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
