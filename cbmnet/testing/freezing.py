"""What an object holds: as plain nested tuples that are equal for equal contents, and as a copy of its own.

Both are made some hundred thousand times in a search. The copy shares what cannot change and goes through
plain objects by itself, which makes it several times faster than `copy.deepcopy`; whatever has ways of its
own to be copied is left to that, with the same memory of what was copied already.
"""

import copy
from collections import deque
from dataclasses import is_dataclass
from enum import Enum
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from cbmnet.errors import LocalProtocolError

_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def frozen(held: Any) -> Any:
    """The content of `held`: attributes by name, in whatever depth; shared objects keep that they are shared.

    Methods count by name and object, functions by their code and what they captured. LocalProtocolError for
    what cannot be looked into, such as a generator or a socket.
    """
    return _frozen(held, {})


def copied(held: Any) -> Any:
    """A copy that shares nothing which can change. LocalProtocolError for what cannot be copied."""
    return _copied(held, {})


def _frozen(held: Any, known: dict[int, tuple[int, Any]]) -> Any:
    if type(held) in _PLAIN:
        return held
    if id(held) in known:
        return ("again", known[id(held)][0])
    known[id(held)] = len(known), held  # held, for what is made on the way would leave its id to another
    kind = type(held)
    if kind in (tuple, list, deque):
        return kind.__name__, tuple([_frozen(item, known) for item in held])
    if kind is dict:
        return "dict", tuple([(_frozen(k, known), _frozen(v, known)) for k, v in held.items()])
    if kind in (set, frozenset):
        return "set", tuple(sorted(repr(_frozen(item, known)) for item in held))
    if isinstance(held, Enum | type):
        return "named", str(held)
    if isinstance(held, Struct):
        attributes = asdict(held)
    elif _is_simple(kind):
        attributes = _attributes(held)
    else:
        return kind.__qualname__, tuple([_frozen(part, known) for part in _parts(held)])
    return kind.__qualname__, tuple([(k, _frozen(v, known)) for k, v in attributes.items()])


def _parts(held: Any) -> list[Any]:
    """What makes an object that is copied in a way of its own."""
    if isinstance(held, MethodType):
        return [held.__func__.__qualname__, held.__self__]
    if isinstance(held, FunctionType):
        code, captured = held.__code__, [cell.cell_contents for cell in held.__closure__ or ()]
        return [
            held.__qualname__,
            code.co_firstlineno,
            code.co_code,
            repr(code.co_consts),
            held.__defaults__,
            captured,
        ]
    if isinstance(held, partial):
        return [held.func, held.args, held.keywords]
    try:
        reduced = held.__reduce_ex__(4)
    except TypeError as error:
        raise _refused(held) from error
    if isinstance(reduced, str):
        return [reduced]
    # A function to make it, its arguments, its state, its items one by one, its keys and values.
    return [part if n < 3 else list(part) for n, part in enumerate(reduced[1:], 1) if part is not None]


def _copied(held: Any, known: dict[int, Any]) -> Any:
    kind: Any = type(held)
    if kind in _PLAIN or _is_unchanging(held):
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
        new = kind([_copied(item, known) for item in held])
    elif _is_simple(kind):
        new = known[id(held)] = kind.__new__(kind)
        for name, value in _attributes(held).items():
            object.__setattr__(new, name, _copied(value, known))
    else:
        new = _copied_its_way(held, known)
    return new


def _copied_its_way(held: Any, known: dict[int, Any]) -> Any:
    if isinstance(held, FunctionType):
        if all(_is_unchanging(cell.cell_contents) for cell in held.__closure__ or ()):
            return held
        raise _refused(held)
    if isinstance(held, MethodType):
        return MethodType(held.__func__, _copied(held.__self__, known))
    if isinstance(held, partial):
        new = known[id(held)] = partial(
            _copied(held.func, known), *_copied(held.args, known), **_copied(held.keywords, known)
        )
        return new
    try:
        return copy.deepcopy(held, known)
    except TypeError as error:
        raise _refused(held) from error


def _refused(held: Any) -> LocalProtocolError:
    return LocalProtocolError(
        f"a search copies endpoints, and cannot copy {held!r}; keep it out of the endpoint"
    )


_FROZEN: dict[type, bool] = {}
_SIMPLE: dict[type, bool] = {}


def _is_unchanging(held: Any) -> bool:
    """Whether nothing that it holds can change: plain values, and what is frozen all the way down."""
    kind = type(held)
    if kind in _PLAIN or isinstance(held, Enum | type):
        return True
    if kind in (tuple, frozenset):
        return all(_is_unchanging(item) for item in held)
    if not _is_frozen(kind):
        return isinstance(held, FunctionType) and not held.__closure__
    attributes = asdict(held) if isinstance(held, Struct) else _attributes(held)
    return all(_is_unchanging(value) for value in attributes.values())


def _is_frozen(kind: type) -> bool:
    """Whether its objects cannot be changed themselves, by their own word: a frozen struct or dataclass."""
    known = _FROZEN.get(kind)
    if known is None:
        config = getattr(kind, "__struct_config__", None)
        parameters = getattr(kind, "__dataclass_params__", None) if is_dataclass(kind) else None
        known = _FROZEN[kind] = bool(getattr(config or parameters, "frozen", False))
    return known


def _is_simple(kind: Any) -> bool:
    """Whether attributes are all that its objects have: nothing of its own makes, copies or restores them."""
    known = _SIMPLE.get(kind)
    if known is None:
        own = ("__deepcopy__", "__setstate__", "__getnewargs__", "__getnewargs_ex__")
        known = _SIMPLE[kind] = (
            kind.__new__ is object.__new__
            and kind.__reduce__ is object.__reduce__
            and kind.__reduce_ex__ is object.__reduce_ex__
            and getattr(kind, "__getstate__", None) is getattr(object, "__getstate__", None)
            and not any(hasattr(kind, name) for name in own)
            and (kind.__flags__ & _HEAP) != 0
        )
    return known


_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement, not in C


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
