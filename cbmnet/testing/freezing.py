"""What an object holds: as plain nested tuples that are equal for equal contents, and as a copy of its own.

Both are made some hundred thousand times in a search. The copy shares what cannot change, which is what
makes it four times faster than `copy.deepcopy`.
"""

import copy
from collections import deque
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def frozen(held: Any) -> Any:
    """The content of `held`: attributes by name, in whatever depth; shared objects keep that they are shared.

    Functions, methods and classes count by their name alone.
    """
    return _frozen(held, {})


def copied(held: Any) -> Any:
    """A copy that shares nothing which can change."""
    return _copied(held, {})


def _frozen(held: Any, known: dict[int, int]) -> Any:
    if type(held) in _PLAIN:
        return held
    if id(held) in known:
        return ("again", known[id(held)])
    known[id(held)] = len(known)
    if isinstance(held, tuple | list | deque):
        return type(held).__name__, tuple([_frozen(item, known) for item in held])
    if isinstance(held, Mapping):
        return "dict", tuple([(_frozen(k, known), _frozen(v, known)) for k, v in held.items()])
    if isinstance(held, set | frozenset):
        return "set", tuple(sorted(repr(_frozen(item, known)) for item in held))
    if callable(held) and hasattr(held, "__qualname__"):
        return "named", held.__qualname__
    attributes = asdict(held) if isinstance(held, Struct) else _attributes(held)
    return type(held).__qualname__, tuple([(k, _frozen(v, known)) for k, v in attributes.items()])


def _copied(held: Any, known: dict[int, Any]) -> Any:
    kind: Any = type(held)
    if kind in _PLAIN or _is_frozen(kind) or isinstance(held, Enum | type):
        return held
    if id(held) in known:
        return known[id(held)]
    new: Any
    if kind is dict:
        new = known[id(held)] = {}
        new.update((_copied(k, known), _copied(v, known)) for k, v in held.items())
    elif kind in (list, deque, set):
        new = known[id(held)] = deque(maxlen=held.maxlen) if kind is deque else kind()
        add = new.add if kind is set else new.append
        for item in held:
            add(_copied(item, known))
    elif kind in (tuple, frozenset):
        new = kind(_copied(item, known) for item in held)
    elif hasattr(kind, "__deepcopy__") or isinstance(held, Struct | tuple | Mapping | list | set):
        new = known[id(held)] = copy.deepcopy(held)
    elif callable(held) and not _attributes(held):
        return held
    else:
        new = known[id(held)] = kind.__new__(kind)
        for name, value in _attributes(held).items():
            object.__setattr__(new, name, _copied(value, known))
    return new


_FROZEN: dict[type, bool] = {}


def _is_frozen(kind: type) -> bool:
    """Whether its objects cannot change, by their own word: a frozen struct or dataclass."""
    known = _FROZEN.get(kind)
    if known is None:
        config = getattr(kind, "__struct_config__", None)
        parameters = getattr(kind, "__dataclass_params__", None) if is_dataclass(kind) else None
        known = _FROZEN[kind] = bool(getattr(config or parameters, "frozen", False))
    return known


def _attributes(held: Any) -> dict[str, Any]:
    found = dict(getattr(held, "__dict__", {}))
    for name in _slots(type(held)):
        if hasattr(held, name):
            found[name] = getattr(held, name)
    return found


_SLOTS: dict[type, tuple[str, ...]] = {}


def _slots(kind: type) -> tuple[str, ...]:
    if kind not in _SLOTS:
        given = [base.__dict__.get("__slots__", ()) for base in reversed(kind.__mro__)]
        names = [name for slots in given for name in ((slots,) if isinstance(slots, str) else slots)]
        _SLOTS[kind] = tuple(name for name in names if not name.startswith("__"))
    return _SLOTS[kind]
