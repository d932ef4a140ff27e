"""What a model allows at a place: the way from a model down an error's location.

A location names keys and indices, and, where a union stands, also which branch was tried. Only the walk
along the annotations can tell the two apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Shape:
    """An annotation taken apart: the bare type and what was annotated to it."""

    type: Any
    notes: tuple[Any, ...] = ()

    @classmethod
    def of(cls, annotation: Any, notes: Sequence[Any] = ()) -> "Shape":
        """Peels Annotated and `| None`; field infos give up the notes they hold."""
        flat = tuple(inner for note in notes for inner in _notes(note))
        if get_origin(annotation) is Annotated:
            return cls.of(annotation.__origin__, (*annotation.__metadata__, *flat))
        members = [member for member in get_args(annotation) if member is not NoneType]
        if _is_union(annotation) and len(members) == 1:
            return cls.of(members[0], flat)
        return cls(annotation, flat)

    @property
    def is_union(self) -> bool:
        """Whether an error below names the branch that was tried."""
        return _is_union(self.type)

    @property
    def members(self) -> list["Shape"]:
        """The branches of a union, without None."""
        return [Shape.of(member) for member in get_args(self.type) if member is not NoneType]

    @property
    def discriminator(self) -> str | None:
        """The key that chooses the branch, for a union that has one."""
        found = [note.discriminator for note in self.notes if isinstance(note, FieldInfo)]
        return next((name for name in found if isinstance(name, str)), None)

    @property
    def model(self) -> type[BaseModel] | None:
        """The model, if one is meant here."""
        is_model = isinstance(self.type, type) and issubclass(self.type, BaseModel)
        return self.type if is_model else None

    @property
    def description(self) -> str:
        """What the field's description adds, in brackets, or nothing."""
        found = [note.description for note in self.notes if isinstance(note, FieldInfo)]
        return next((f" ({text})" for text in found if text), "")

    def keys(self) -> dict[str, FieldInfo]:
        """The keys of a table as they are written in a file."""
        fields = self.model.model_fields if self.model else {}
        return {info.alias or name: info for name, info in fields.items()}

    def below(self, item: str | int) -> "Shape":
        """The shape at a key or an index; an unknown shape where nothing is known."""
        info = self.keys().get(str(item))
        if info is not None:
            return Shape.of(info.annotation, (*info.metadata, info))
        arguments = [entry for entry in get_args(self.type) if entry is not Ellipsis]
        if get_origin(self.type) in (dict, Mapping):
            return Shape.of(arguments[1])
        if get_origin(self.type) in (tuple, list) and isinstance(item, int):
            return Shape.of(arguments[min(item, len(arguments) - 1)]) if arguments else UNKNOWN
        return UNKNOWN

    def branch(self, tag: str | int) -> "Shape":
        """The branch of a union that an error's location calls `tag`."""
        for member in self.members:
            choices = _choices(member, self.discriminator)
            if tag in choices or (member.model is not None and member.model.__name__ == tag):
                return member
        return UNKNOWN

    def tags(self) -> list[str]:
        """What may be written for the discriminator."""
        return [str(tag) for member in self.members for tag in _choices(member, self.discriminator)]


UNKNOWN = Shape(Any)


@dataclass(frozen=True)
class Stop:
    """Where a location leads: the keys alone, the shape there, and where the first union was met."""

    path: tuple[str | int, ...]
    shape: Shape
    above: Shape
    names_key: bool
    union_at: int | None
    union: Shape


def walk(model: type[BaseModel], location: Sequence[str | int]) -> Stop:
    """Follows an error's location from `model`, leaving out the branches of unions."""
    shape, above, union = Shape.of(model), UNKNOWN, UNKNOWN
    path: list[str | int] = []
    union_at: int | None = None
    names_key = (
        bool(location) and location[-1] == "[key]" and get_origin(_before_last(model, location)) is dict
    )
    for item in location[: -1 if names_key else None]:
        if shape.is_union:
            if shape.discriminator is None and union_at is None:
                union_at, union = len(path), shape
            shape = shape.branch(item)
        else:
            path.append(item)
            shape, above = shape.below(item), shape
    return Stop(tuple(path), shape, above, names_key, union_at, union)


def _before_last(model: type[BaseModel], location: Sequence[str | int]) -> Any:
    """The type of the table that holds the key whose name is at fault."""
    shape = Shape.of(model)
    for item in location[:-2]:
        shape = shape.branch(item) if shape.is_union else shape.below(item)
    return shape.type


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, UnionType)


def _notes(note: Any) -> tuple[Any, ...]:
    return (note, *note.metadata) if isinstance(note, FieldInfo) else (note,)


def _choices(member: Shape, discriminator: str | None) -> tuple[Any, ...]:
    if discriminator is None:
        return ()
    return get_args(member.below(discriminator).type)
