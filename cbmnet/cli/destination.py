"""Where results go: looked at before a study runs, so that no hour of work ends in a full stop."""

import json
import os
from pathlib import Path
from typing import Any

from cbmnet.errors import ConfigError, Fault


def ready_folder(folder: Path) -> None:
    """Makes the folder. Raises ConfigError where it is a file, or may not be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _fault(folder, ": is a file, or lies below one; name a folder.") from None
    except OSError as error:
        raise _fault(folder, f": cannot be made ({error.strerror}).") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _fault(folder, ": may not be written to.")


def no_other_study(folder: Path, config_hash: str) -> None:
    """Raises ConfigError where the folder holds the results of another study; the same is replaced."""
    held = manifest_of(folder)
    if held is not None and held["config_hash"] != config_hash:
        said = f"{held['name']}, config {held['config_hash']}; this one is {config_hash}"
        raise _fault(folder, f": holds the results of another study ({said}); name another folder.")


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """The manifest of a results folder, or None where there is none. Raises ConfigError if it is broken."""
    path = folder / "manifest.json"
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if {"name", "config_hash", "seed", "overrides"} <= manifest.keys():
            return dict(manifest)
    except (OSError, ValueError, AttributeError):
        pass
    raise ConfigError([Fault(str(path), None, "", "is not the manifest of a study.")])


def ready_file(file: Path) -> None:
    """Raises ConfigError where no file can be written."""
    if file.is_dir():
        raise _fault(file, ": is a folder; name a file.")
    if not file.parent.is_dir():
        raise _fault(file, f": there is no folder {file.parent}.")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise _fault(file, ": may not be written to.")


def _fault(place: Path, message: str) -> ConfigError:
    return ConfigError([Fault("cbmnet", None, str(place), message)])
