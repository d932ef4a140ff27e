"""The field types of the config models, in one place, and the way back: a config as plain JSON data."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from cbmnet.simulation.family import Chosen, FamilyNode, family_config
from cbmnet.simulation.quantities import (
    Count,
    Duration,
    FileName,
    FiniteFloat,
    Flag,
    Integer,
    Lifetime,
    Memory,
    PositiveDuration,
    Probability,
    Rate,
    Scalar,
    Text,
    WholeNumber,
)

__all__ = [
    "Chosen", "Count", "Duration", "FamilyNode", "FileName", "FiniteFloat", "Flag", "Integer", "Lifetime",
    "Memory", "PositiveDuration", "Probability", "Rate", "Scalar", "Text", "WholeNumber", "family_config",
    "plain",
]  # fmt: skip


def plain(value: Any) -> Any:
    """The value as JSON data: models under their keys in the file, dataclasses under their field names."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        return {info.alias or name: plain(getattr(value, name)) for name, info in fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a config holds a {type(value).__name__}")  # a field type of ours let it through
