"""A table that chooses a member of a family and configures it: `{ kind = "lognormal", delay = "20m" }`.

The member's config dataclass carries units in its names; the file carries them in its values. So `X_s` is
written `X` as a duration, `X_per_s` as a rate, `X_prob` as a number from 0 to 1; other fields keep name
and type.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError, create_model
from pydantic_core import CoreSchema, core_schema

from cbmnet.registry import Family
from cbmnet.simulation.quantities import Duration, FiniteFloat, Flag, Integer, Probability, Rate, Text
from cbmnet.simulation.show import did_you_mean, listed, quoted
from cbmnet.simulation.words import Problem, errors_at, problems_from

_BY_SUFFIX = (("_per_s", Rate), ("_prob", Probability), ("_s", Duration))  # the longest first
_STRICT: dict[Any, Any] = {int: Integer, bool: Flag, str: Text}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A member of a family by name, with its config dataclass built."""

    name: str
    config: object


@dataclass(frozen=True)
class FamilyNode:
    """Metadata for `Annotated[Chosen, FamilyNode(STAGES)]`: a table that chooses a member."""

    family: Family[Any]
    discriminator: str = "kind"

    @property
    def says(self) -> str:
        """What is allowed here, to follow "must be"."""
        return f"a table with the key {quoted(self.discriminator)}: {listed(self.family.names())}"

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        """Validation by `family_config`; the members are looked up when the first value comes."""
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """One alternative for each member."""
        names = self.family.names()
        return {"anyOf": [self._json_schema(name, _file_model(self.family[name].config)) for name in names]}

    def _json_schema(self, name: str, model: type[BaseModel]) -> dict[str, Any]:
        schema = model.model_json_schema() | {"title": name}
        schema["properties"] = {self.discriminator: {"const": name}} | schema.get("properties", {})
        schema["required"] = [self.discriminator, *schema.get("required", [])]
        return schema

    def _read(self, value: Any) -> Chosen:
        if isinstance(value, Chosen):
            return value
        result = family_config(self.family, value, discriminator=self.discriminator)
        if isinstance(result, Chosen):
            return result
        raise errors_at(self.family.name, result)


def family_config(
    family: Family[Any], node: Mapping[str, Any] | object, *, discriminator: str = "kind"
) -> Chosen | list[Problem]:
    """The member that `node` chooses with its config built, or every problem, placed from the node."""
    if not isinstance(node, Mapping):
        said = f"must be {FamilyNode(family, discriminator).says}"
        return [Problem((), said, node)]
    name = node.get(discriminator)
    if not isinstance(name, str) or name not in family.names():
        return [_no_member(family, discriminator, node)]
    config = family[name].config
    model = _file_model(config)
    rest = {key: value for key, value in node.items() if key != discriminator}
    try:
        read = model.model_validate(rest)
    except ValidationError as error:
        return problems_from(error, model)
    try:
        return Chosen(name, config(**{key: getattr(read, f"of_{key}") for key in _given(read)}))
    except (ValueError, ArithmeticError) as error:
        return [Problem((), str(error) or "is not allowed", node)]


def _no_member(family: Family[Any], discriminator: str, node: Mapping[str, Any]) -> Problem:
    word, names = family.name.removesuffix("s"), family.names()
    if discriminator not in node:
        return Problem((discriminator,), f"is missing; there are {listed(names)}", shows=False)
    name = node[discriminator]
    if not isinstance(name, str):
        return Problem((discriminator,), f"must be the name of a {word}: {listed(names)}", name)
    return Problem(
        (discriminator,),
        f"no {word} {quoted(name)}; there are {listed(names)}.{did_you_mean(name, names)}",
        name,
    )


def _given(read: BaseModel) -> list[str]:
    return sorted(name.removeprefix("of_") for name in read.model_fields_set)


@cache
def _file_model(config: type) -> type[BaseModel]:
    """The model of what a file may say for a config dataclass.

    Its fields are called `of_X`, so that a key such as `copy` does not hide a method of the model.
    """
    hints = get_type_hints(config, include_extras=True)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        if field.init:
            key, annotation = _as_written(field.name, hints[field.name])
            fields[f"of_{field.name}"] = (annotation, Field(alias=key, **_default(field)))
    return create_model(config.__name__, __config__=ConfigDict(extra="forbid", frozen=True), **fields)


def _default(field: "dataclasses.Field[Any]") -> dict[str, Any]:
    """Only whether there is one: the dataclass itself fills it in."""
    has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    return {"default": None} if has_default else {}


def _as_written(name: str, annotation: Any) -> tuple[str, Any]:
    for suffix, quantity in _BY_SUFFIX:
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix), _strict(annotation, {**_STRICT, float: quantity, int: quantity})
    return name, _strict(annotation, {**_STRICT, float: FiniteFloat})


def _strict(annotation: Any, types: dict[Any, Any]) -> Any:
    """The annotation with its plain types made strict, also inside tuples and unions."""
    arguments = get_args(annotation)
    if annotation in types:
        return types[annotation]
    if get_origin(annotation) in (Union, UnionType):
        return reduce(or_, (_strict(argument, types) for argument in arguments))
    if get_origin(annotation) in (tuple, list):
        return get_origin(annotation)[tuple(_strict(argument, types) for argument in arguments)]
    return annotation
