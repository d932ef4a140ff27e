"""Members of families from files of one's own, which a study names: nothing has to be installed.

Such a file is a module that registers what it adds with the decorators of the families. It stands alone:
what it imports must be installed. Its bytes are read once; they are what is run, here and in other processes,
and what results keep. `use` makes the members of some files known, and those of all others unknown, so that
no study sees what another has loaded.
"""

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from traceback import extract_tb
from typing import Any

from cbmnet.errors import RegistryError
from cbmnet.registry import Family, Member, families

_Added = list[tuple[Family[Any], Member[Any]]]
_added: dict[str, _Added] = {}  # module -> what it registered; a module is run but once
_known: list[str] = []  # the modules whose members are in their families now


@dataclass(frozen=True, slots=True)
class MemberFile:
    """A file that was read: its path, for messages, and its code."""

    path: Path
    code: bytes

    @property
    def module(self) -> str:
        """The name of its module: the same for the same code, wherever the file lies."""
        return f"cbmnet_file_{self.path.stem}_{sha256(self.code).hexdigest()[:16]}"


def read_file(path: Path) -> MemberFile:
    """Reads a file of members. RegistryError if it cannot be read."""
    try:
        return MemberFile(path, path.read_bytes())
    except OSError as error:
        raise RegistryError(f"cannot be read: {error.strerror}") from None


def use(files: Sequence[MemberFile]) -> None:
    """Makes the members of these files, and of no others, known.

    RegistryError, in one line, for a file that cannot be run, or that takes a name which is taken.
    """
    wanted = [file.module for file in files]
    if wanted == _known:
        return
    for name in reversed(_known):
        for family, member in _added[name]:
            family.forget(member.name)
    _known.clear()
    for family in families():
        family.names()  # what is shipped comes first, so that it is the file that takes a name twice
    for file in files:
        if file.module not in _known:
            _add(file)
            _known.append(file.module)


def _add(file: MemberFile) -> None:
    """Registers what the file adds; the file is run the first time."""
    name = file.module
    before = _members()
    try:
        if name not in _added:
            _run(file)
        for family, member in _added.get(name, ()):
            family.register(member.name, member.config)(member.make)
    except (Exception, SystemExit) as error:
        for family, member in _new(before, name):
            family.forget(member.name)
        if name not in _added:
            del sys.modules[name]
        raise RegistryError(_said(error, str(file.path))) from error
    _added[name] = _new(before, name)


def _members() -> dict[Family[Any], set[str]]:
    return {family: set(family.names()) for family in families()}


def _new(before: dict[Family[Any], set[str]], module: str) -> _Added:
    """What the file has added; a family that it was the first to import has shipped members besides."""
    return [
        (family, member)
        for family in families()
        for member in map(family.__getitem__, family.names())
        if (
            member.name not in before[family]
            if family in before
            else getattr(member.make, "__module__", None) == module
        )
    ]


def _run(file: MemberFile) -> None:
    module = module_from_spec(ModuleSpec(file.module, None, origin=str(file.path)))
    module.__file__ = str(file.path)
    sys.modules[file.module] = module  # dataclasses and pickle look a class's module up by its name
    with redirect_stdout(sys.stderr):  # what it prints is no line of a verb's
        exec(compile(file.code, str(file.path), "exec"), vars(module))


def _said(error: BaseException, file: str) -> str:
    """What went wrong, in one line, with the line of the file in which it did."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"line {error.lineno}: {error.msg}"
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == file]
    place = f"line {lines[-1]}: " if lines else ""
    said = str(error) if isinstance(error, RegistryError) else f"{type(error).__name__}: {error}"
    alone = "; a loaded file stands alone: what it imports must be installed"
    return place + " ".join(said.split()) + alone * isinstance(error, ModuleNotFoundError)
