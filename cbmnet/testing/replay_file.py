"""Replay files: a failing schedule on disk, with all that is needed to run it again.

    {"cbmnet_replay": 1, "test": "test_mine.py::test_it", "seed": 7, "failure": "...", "faults": [...]}

`test` is a file beside or above the folder of the replay file, and the name of a `@protocol_test` in it.
"""

import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbmnet.channels.fault_lists import ImpossibleError, read_faults, write_faults
from cbmnet.channels.faults import Fault
from cbmnet.errors import ConfigError
from cbmnet.errors import Fault as ConfigFault

VERSION = 1
_KEYS = {"cbmnet_replay", "test", "seed", "failure", "faults"}


@dataclass(frozen=True)
class Replay:
    """A schedule that failed: which test, found from which seed, how it failed, and its faults."""

    test: str
    seed: int
    failure: str
    faults: tuple[Fault, ...]


def save(replay: Replay, folder: Path) -> Path:
    """Writes the replay into the folder under a name that its content decides; the path of the file."""
    schedule = write_faults(replay.faults)
    digest = hashlib.sha256(f"{replay.test}\n{schedule}".encode()).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{replay.test.rsplit('::', 1)[-1]}-{digest}.json"
    head = {"cbmnet_replay": VERSION, "test": replay.test, "seed": replay.seed, "failure": replay.failure}
    text = json.dumps(head, indent=2, ensure_ascii=False)
    file.write_text(f'{text[:-2]},\n  "faults": {schedule.rstrip().replace(chr(10), chr(10) + "  ")}\n}}\n')
    return file


def load(file: Path) -> Replay:
    """Reads a replay. ConfigError says what is wrong with it, and what is allowed."""
    try:
        data = json.loads(file.read_text())
    except OSError as error:
        raise _refused(file, "", f"{error.strerror}") from None
    except ValueError as error:
        raise _refused(file, "", f"not JSON: {error}") from None
    if not isinstance(data, dict) or data.get("cbmnet_replay") != VERSION:
        raise _refused(file, "cbmnet_replay", f": must be {VERSION}; this is no replay file that we know.")
    if unknown := sorted(set(data) - _KEYS):
        raise _refused(file, unknown[0], f": unknown key; there are {', '.join(sorted(_KEYS))}.")
    for key, kind in (("test", str), ("seed", int), ("failure", str), ("faults", list)):
        if not isinstance(data.get(key), kind):
            raise _refused(file, key, f": must be {'text' if kind is str else kind.__name__}.")
    return Replay(
        data["test"], data["seed"], data["failure"], read_faults(json.dumps(data["faults"]), str(file))
    )


def is_replay(file: Path) -> bool:
    """Whether a file says of itself that it is a replay file."""
    try:
        return file.suffix == ".json" and '"cbmnet_replay"' in file.read_text()[:200]
    except (OSError, UnicodeDecodeError):
        return False


def saved(folder: Path, test: str) -> Iterator[tuple[Path, Replay]]:
    """The replays of one test in a folder, in the order of their names."""
    name = test.rsplit("::", 1)[-1]
    for file in sorted(folder.glob(f"{name}-*.json")):
        replay = load(file)
        if replay.test.rsplit("::", 1)[-1] != name:
            raise _refused(file, "test", f' = "{replay.test}": by its name the file is of {name}.')
        if replay.test == test:
            yield file, replay


def in_file(error: ImpossibleError, file: Path) -> ConfigError:
    """What is wrong with the faults of a replay, with the file that holds them."""
    return ConfigError([fault._replace(file=str(file), key=f"faults{fault.key}") for fault in error.faults])


def find_test(replay: Replay, file: Path) -> Any:
    """The protocol test that a replay is of, imported from its file. ConfigError if it is not there."""
    path, _, name = replay.test.partition("::")
    place = next((p / path for p in file.resolve().parents if (p / path).is_file()), None)
    if place is None:
        raise _refused(file, "test", f' = "{replay.test}": no such file beside it or above.')
    module = _imported(place)
    found = getattr(getattr(module, name, None), "protocol_test", None)
    if found is None:
        raise _refused(file, "test", f' = "{replay.test}": {place} has no protocol test of that name.')
    return found


def _imported(place: Path) -> Any:
    spec = importlib.util.spec_from_file_location(place.stem, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(place.stem, module)  # dataclasses look their module up
    sys.path.insert(0, str(place.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _refused(place, "", f"cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(place.parent))
    return module


def _refused(file: Path, key: str, said: str) -> ConfigError:
    return ConfigError([ConfigFault(str(file), None, key, said)])
