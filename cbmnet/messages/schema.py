"""Schemas of payloads as data: fields with types and ranges (the wire specification, section Body)."""

from collections.abc import Callable
from typing import Any, NamedTuple, final

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.reader import KEY, MAX_BYTES, MAX_ITEMS

_U64, _I64 = (1 << 64) - 1, 1 << 63
# type -> Python type, least and most unless a field narrows them
_TYPES: dict[str, tuple[type[Any], int, int]] = {
    "uint": (int, 0, _U64),
    "int": (int, -_I64, _U64),
    "bool": (bool, 0, 1),
    "str": (str, 0, MAX_BYTES),
    "bin": (bytes, 0, MAX_BYTES),
    "array": (list, 0, MAX_ITEMS),
}


class _Terms(NamedTuple):
    name: str
    type: str
    minimum: int | None
    maximum: int | None
    optional: bool
    items: "Field | None"
    choices: tuple[str, ...]


class Field(_Terms):
    """One field of a payload.

    `type` is uint, int, bool, str, bin or array. `minimum` and `maximum` (both included) bound an
    integer's value, the UTF-8 bytes of a str, the bytes of a bin, the count of an array. `items` is the
    field that every item of an array must be like, its name apart; a `choices` str must be one of these.
    Units belong in the name (`_ms`, `_m`). Raises LocalProtocolError if it describes nothing.
    """

    __slots__ = ()

    def __new__(
        cls,
        name: str,
        type: str,
        minimum: int | None = None,
        maximum: int | None = None,
        *,
        optional: bool = False,
        items: "Field | None" = None,
        choices: tuple[str, ...] = (),
    ) -> "Field":
        """The field, if it describes something."""
        self = super().__new__(cls, name, type, _exact(minimum), _exact(maximum), optional, items, choices)
        self.check()
        return self

    def check(self) -> None:
        """Raises LocalProtocolError if it describes nothing."""
        if not KEY.fullmatch(self.name):
            raise LocalProtocolError(f"field name {self.name!r} must match [a-z][a-z0-9_]{{0,31}}")
        if self.type not in _TYPES:
            raise LocalProtocolError(f"field {self.name}: type must be one of {', '.join(_TYPES)}")
        if (self.items is not None) != (self.type == "array"):
            raise LocalProtocolError(f"field {self.name}: items belong to an array, and only there")
        if not all(bound is None or type(bound) is int for bound in (self.minimum, self.maximum)):
            raise LocalProtocolError(f"field {self.name}: a bound must be a whole number")
        _, least, most = _TYPES[self.type]
        if not least <= self.least <= self.most <= most:
            raise LocalProtocolError(f"field {self.name}: range must lie within {least} to {most}")

    @property
    def least(self) -> int:
        """The lower bound in force."""
        return _TYPES[self.type][1] if self.minimum is None else self.minimum

    @property
    def most(self) -> int:
        """The upper bound in force."""
        return _TYPES[self.type][2] if self.maximum is None else self.maximum

    def holds(self, value: Any) -> bool:
        """Whether a value is of this type and within its bounds."""
        if type(value) is not _TYPES[self.type][0]:
            return False
        if not self.least <= _measure(value) <= self.most or (self.choices and value not in self.choices):
            return False
        return self.items is None or all(map(self.items.holds, value))

    def describe(self) -> str:
        """What is allowed, for people."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return self.type if self.type == "bool" else f"{self.type} of {self.least} to {self.most}"


def _exact(bound: Any) -> Any:
    """A bound that only looks like an int, such as one of an IntEnum, as the number it is."""
    return int.__index__(bound) if isinstance(bound, int) else bound


def _measure(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    return value if isinstance(value, int) else len(value)


@final
class Schema:
    """The fields of one kind's payload: `Schema(Field("activity", "uint"), Field("text", "str", 1, 64))`.

    A field that is unknown, missing and not optional, or out of its range makes a payload unfit.
    `vouches` is the short way to know that a payload fits and is canonical: it says yes to exactly the
    required plain fields in the order of their names, texts in ASCII. Its no says nothing.
    """

    __slots__ = ("_known", "fields", "vouches")

    def __init__(self, *fields: Field) -> None:
        self.fields = fields
        self._known = {field.name: field for field in fields}
        if len(self._known) != len(fields):
            raise LocalProtocolError("two fields of a schema share a name")
        if len(fields) > MAX_ITEMS:
            raise LocalProtocolError(f"a payload has at most {MAX_ITEMS} fields")
        for field in fields:
            field.check()
        self.vouches: Callable[[Any], bool] = _write_vouching(fields)

    def fits(self, payload: dict[str, Any]) -> bool:
        """Whether a payload has exactly these fields, each within its bounds."""
        return self.vouches(payload) or self.fault(payload) is None

    def fault(self, payload: dict[str, Any]) -> str | None:
        """The first fault of a payload, for people, or None."""
        for name in payload:
            if name not in self._known:
                return f"payload field {name!r} is unknown"
        for field in self.fields:
            if field.name not in payload:
                if not field.optional:
                    return f"payload field {field.name!r} is missing"
            elif not field.holds(payload[field.name]):
                return f"payload field {field.name!r} must be {field.describe()}"
        return None


def _write_vouching(fields: tuple[Field, ...]) -> Callable[[Any], bool]:
    """One expression for all fields, written once, since it runs twice for every message.

    A loop over the fields takes twice the time. What is written in is whole numbers, which `Field` has
    checked, and the names of types.
    """
    if any(field.optional or field.items or field.choices for field in fields):
        return lambda _: False
    by_name = sorted(fields, key=lambda field: field.name)
    values = [f"v{number}" for number in range(len(fields))]
    tests = [_expression(field, value) for field, value in zip(by_name, values, strict=True)]
    lines = (
        "def vouches(payload):",
        "    if type(payload) is not dict or tuple(payload) != names: return False",
        f"    [{', '.join(values)}] = payload.values()",
        f"    return {' and '.join(tests) or True}",
    )
    scope: dict[str, Any] = {"names": tuple(field.name for field in by_name)}
    exec("\n".join(lines), scope)
    vouches: Callable[[Any], bool] = scope["vouches"]
    return vouches


def _expression(field: Field, value: str) -> str:
    kind = _TYPES[field.type][0]
    least, most = field.least, field.most
    of_type = f"type({value}) is {kind.__name__}"
    if kind is bool and (least, most) == (0, 1):
        return of_type
    if kind in (int, bool):
        return f"{of_type} and {least} <= {value} <= {most}"
    plain = f" and {value}.isascii()" if kind is str else ""
    return f"{of_type}{plain} and {least} <= len({value}) <= {most}"
