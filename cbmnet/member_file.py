"""Members of families from a file of one's own, which a study names: nothing has to be installed.

The file is an ordinary module that registers what it adds with the decorators of the families. Other files
of its folder can be imported from it. A file that has changed since it was loaded is loaded anew.
"""

import sys
from hashlib import sha256
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from traceback import extract_tb

from cbmnet.errors import RegistryError
from cbmnet.registry import families, members

_ADDED: dict[str, tuple[str, set[tuple[str, str]]]] = {}  # module -> its file, what it added


def load_file(path: Path) -> None:
    """Runs the file, so that its members are there; nothing if these very bytes were loaded before.

    RegistryError, in one line, for a file that cannot be read or run, or that takes a name which is taken.
    """
    try:
        code = path.read_bytes()
    except OSError as error:
        raise RegistryError(f"cannot be read: {error.strerror}") from None
    name = f"cbmnet_file_{path.stem}_{sha256(code).hexdigest()[:16]}"
    if name not in _ADDED:
        for earlier in [name for name, (file, _) in _ADDED.items() if file == str(path)]:
            _forget(earlier, _ADDED.pop(earlier)[1])
        before = members()  # what is shipped comes first, so that it is the file that takes a name twice
        try:
            _run(path, code, name)
        except (Exception, SystemExit) as error:
            _forget(name, members() - before)
            raise RegistryError(_said(error, str(path))) from error
        _ADDED[name] = str(path), members() - before


def _forget(name: str, added: set[tuple[str, str]]) -> None:
    sys.modules.pop(name, None)
    for family in families():
        for key in [key for of, key in added if of == family.name]:
            family.forget(key)


def _run(path: Path, code: bytes, name: str) -> None:
    module = module_from_spec(ModuleSpec(name, None, origin=str(path)))
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up by its name
    sys.path.append(str(path.parent))
    try:
        exec(compile(code, str(path), "exec"), vars(module))
    finally:
        sys.path.remove(str(path.parent))


def _said(error: BaseException, file: str) -> str:
    """What went wrong, with the line of the file in which it did."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"line {error.lineno}: {error.msg}"
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == file]
    place = f"line {lines[-1]}: " if lines else ""
    return place + (str(error) if isinstance(error, RegistryError) else f"{type(error).__name__}: {error}")
