"""Types for the numbers of a config: strict, finite, and with their unit where they have one.

A duration or a rate is text in the file and seconds, or events a second, in the model. Neither true nor
"1" passes for a number.
"""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BeforeValidator,
    Field,
    PlainValidator,
    Strict,
    WithJsonSchema,
)

from cbmnet.simulation.allowed import Says
from cbmnet.simulation.words import said
from cbmnet.units import SECONDS, YEAR_S, format_duration, parse_duration, parse_rate

LONGEST_S = 1e6 * YEAR_S  # beyond that no duration of a crisis is meant
SHORTEST_S = SECONDS["ms"]

_FILE = re.compile(r"(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+\.py")  # and no name of a file that results have
A_DURATION = 'a duration in quotes, for example "20m" or "30d"'
A_RATE = 'a rate in quotes, for example "144/y" or "2/h"'
A_FILE = 'a Python file in the folder of the study or below, for example "my_variant.py"'
A_SCALAR = "a finite number, text in quotes, true or false"


_TEXT = WithJsonSchema({"type": "string"}, mode="validation")


def _quantity(parse: Callable[[str], float], what: str, unit: str) -> Callable[[Any], float]:
    """The validator that reads text with `parse`, and asks for the unit of a bare number."""

    def read(value: Any) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise said(f"say the unit, for example {unit}")
        if not isinstance(value, str):
            raise said(f"must be {what}")
        try:
            return parse(value)
        except ValueError as error:
            raise said(str(error)) from None

    return read


def _bounded_duration(text: str) -> float:
    seconds = parse_duration(text)
    if seconds > LONGEST_S:
        raise ValueError("must be at most 1000000y")
    return seconds


_seconds = _quantity(_bounded_duration, A_DURATION, '"20m" or "20s"')
_per_second = _quantity(parse_rate, A_RATE, '"144/y" or "2/h"')


def _positive_seconds(value: Any) -> float:
    seconds = _seconds(value)
    if seconds <= 0.0:
        raise said("must be longer than 0")
    if seconds < SHORTEST_S:
        raise said("must be at least 1ms")
    return seconds


def duration_from(low_s: float, high_s: float, high: str) -> tuple[BeforeValidator, Says, WithJsonSchema]:
    """The metadata of a duration within these bounds; `high` is how the upper one is written."""

    def read(value: Any) -> float:
        seconds = _seconds(value)
        if not low_s <= seconds <= high_s:
            raise said(f"must be from {format_duration(low_s)} to {high}")
        return seconds

    return BeforeValidator(read), Says(A_DURATION), _TEXT


def _scalar(value: Any) -> Any:
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if not (isinstance(value, int | float | str) and is_finite):
        raise said(f"must be {A_SCALAR}")
    return value


def is_file_name(value: object) -> bool:
    """Whether it can name a Python file in the folder of a study or below: plain names with / between."""
    return isinstance(value, str) and _FILE.fullmatch(value) is not None


def _file_name(value: str) -> str:
    if not is_file_name(value):
        raise said(f"must be {A_FILE}")
    return value


FiniteFloat = Annotated[float, Strict(), AllowInfNan(False)]
Probability = Annotated[float, Strict(), AllowInfNan(False), Field(ge=0.0, le=1.0)]
WholeNumber = Annotated[int, Strict(), Field(ge=0)]
Count = Annotated[int, Strict(), Field(ge=1)]
Integer = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict()]
FileName = Annotated[str, Strict(), AfterValidator(_file_name), Says(A_FILE)]
Duration = Annotated[float, BeforeValidator(_seconds), Says(A_DURATION), _TEXT]
PositiveDuration = Annotated[float, BeforeValidator(_positive_seconds), Says(A_DURATION), _TEXT]
Memory = Annotated[float, *duration_from(1.0, 1e5 * YEAR_S, "100000y")]
Lifetime = Annotated[float, *duration_from(1.0, 10 * YEAR_S, "10y")]
Rate = Annotated[float, BeforeValidator(_per_second), Says(A_RATE), _TEXT]
_ANY_SCALAR = WithJsonSchema({"type": ["boolean", "number", "string"]}, mode="validation")
Scalar: TypeAlias = Annotated[bool | int | float | str, PlainValidator(_scalar), Says(A_SCALAR), _ANY_SCALAR]
