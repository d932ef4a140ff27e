"""Families: one file adds one member.

A family is a package folder. A member registers itself with the family's decorator, and the folder is
scanned in sorted order the first time anything is asked for. Members from other distributions are
found through the entry-point group `cbmnet.<family>`; an entry point names the module to import. A study
may also name a file of its own (`member_file.py`).
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from cbmnet.errors import RegistryError

T = TypeVar("T")


@dataclass(frozen=True)
class NoConfig:
    """Configuration of a member that has nothing to configure."""


@dataclass(frozen=True, slots=True)
class Member(Generic[T]):
    """A registered member: its name, the class or function itself, and its config dataclass."""

    name: str
    make: T
    config: type


_FAMILIES: list["Family[Any]"] = []


def families() -> tuple["Family[Any]", ...]:
    """Every family that was made so far."""
    return tuple(_FAMILIES)


class Family(Generic[T]):
    """The members of one folder, by name."""

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self._package = package
        self._members: dict[str, Member[Any]] = {}
        self._scanned = False
        _FAMILIES.append(self)

    def register(self, name: str, config: type = NoConfig) -> Callable[[T], T]:
        """Decorator that adds a member under `name`.

        RegistryError for two members of one name, a name that is no text, a config that is no frozen
        dataclass.
        """
        if not isinstance(name, str):
            raise RegistryError(f"{self.name}: register(name, config) begins with a name, not with {name!r}")
        if not (isinstance(config, type) and is_dataclass(config)):
            raise RegistryError(f'{self.name}: "{name}" has the config {config!r}, which is no dataclass')
        if not config.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            said = "is not frozen; write @dataclass(frozen=True)"
            raise RegistryError(f'{self.name}: "{name}": its config {config.__name__} {said}')

        def add(make: T) -> T:
            known = self._members.get(name)
            if known is not None and known.make is not make:
                raise RegistryError(f'{self.name}: "{name}" is registered twice')
            self._members[name] = Member(name, make, config)
            return make

        return add

    def __getitem__(self, name: str) -> Member[Any]:
        self._scan()
        if name not in self._members:
            raise RegistryError(f'{self.name}: no "{name}"; there are {", ".join(self.names())}')
        return self._members[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        self._scan()
        return sorted(self._members)

    def forget(self, name: str) -> None:
        """Takes a member out again."""
        del self._members[name]

    def _scan(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        package = importlib.import_module(self._package)
        for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"{self._package}.{module}")
        for point in sorted(entry_points(group=f"cbmnet.{self.name}"), key=lambda point: point.name):
            try:
                point.load()
            except RegistryError:
                raise
            except Exception as error:
                said = f"{self.name}: the entry point {point.name} = {point.value!r} cannot be loaded"
                raise RegistryError(f"{said}: {type(error).__name__}: {error}") from error
