"""Turns the errors of a pydantic validation into problems in our own words.

Nothing of pydantic's text is passed on: a message is chosen by the kind of error and by what the model
allows at the place. Our own validators bring their sentence along as a `said` error.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from cbmnet.simulation.allowed import allowed, between
from cbmnet.simulation.shapes import Shape, Stop, walk
from cbmnet.simulation.show import did_you_mean, escaped, guess, listed, quoted, shown

SAID = "said"
_MISSING = "is missing"
_Met = tuple[Stop, ErrorDetails]
_TAGS = ("union_tag_invalid", "union_tag_not_found")


@dataclass(frozen=True)
class Problem:
    """One thing wrong at `path`; `value` is shown where the author would know it by sight.

    `meant` is the key that an unknown one seems to stand for.
    """

    path: tuple[str | int, ...]
    message: str
    value: Any = None
    shows: bool = True
    meant: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether nothing stands at `path`, and that is what is wrong."""
        return self.message.startswith(_MISSING)

    def text(self) -> str:
        """What follows the key in a fault: ` = 1.4: must be from 0 to 1.`"""
        end = "" if self.message.endswith((".", "?")) else "."
        value = shown(self.value) if self.shows and self.value is not None else None
        sentence = f"{escaped(self.message)}{end}"
        if not self.path:
            return sentence
        return f": {sentence}" if value is None else f" = {value}: {sentence}"


def said(message: str) -> PydanticCustomError:
    """The error for a validator to raise, so that its sentence reaches the user as it is."""
    return PydanticCustomError(SAID, "{said}", {"said": message})


def errors_at(title: str, problems: Iterable[Problem]) -> ValidationError:
    """One error with a place for each problem; raised in a validator, the places count from there."""
    details = [
        InitErrorDetails(
            type=PydanticCustomError(SAID, "{said}", {"said": p.message, "shows": p.shows}),
            loc=p.path,
            input=p.value,
        )
        for p in problems
    ]
    return ValidationError.from_exception_data(title, details)


def problems_from(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Each error once, in the order found; the failed branches of a union count as one."""
    errors = [details for details in error.errors(include_url=False) if not _is_miscounted(details)]
    groups: dict[tuple[object, ...], list[_Met]] = {}
    for number, details in enumerate(errors):
        stop = walk(model, details["loc"])
        union = ("union", *stop.path[: stop.union_at]) if stop.union_at is not None else ("alone", number)
        groups.setdefault(union, []).append((stop, details))
    return _without_echoes([problem for met in groups.values() for problem in _of_group(met)])


def _of_group(met: list[_Met]) -> list[Problem]:
    stop, details = met[0]
    if stop.union_at is None:
        return [_problem(stop, details)]
    return _of_union(stop.path[: stop.union_at], met)


def _of_union(place: tuple[str | int, ...], met: list[_Met]) -> list[Problem]:
    """A branch that came further than the union's own place was the one meant; else all are named."""
    deep = [_problem(stop, details) for stop, details in met if len(stop.path) > len(place)]
    if deep:
        return deep
    stop, details = met[0]
    own = [str(d["ctx"]["said"]) for _, d in met if d["type"] == SAID]
    words = [_choices(member.type) for member in stop.union.members if get_origin(member.type) is Literal]
    if own and isinstance(details["input"], dict | list):
        return [Problem(place, own[0], details["input"])]
    if own:
        return [Problem(place, "; or ".join([*own, *words]), details["input"])]
    return [Problem(place, _must_be(allowed(stop.union), stop.union), details["input"])]


def _choices(literal: Any) -> str:
    return "write " + listed([shown(choice) for choice in get_args(literal)], " or ")


def _without_echoes(problems: list[Problem]) -> list[Problem]:
    """A missing key that is plainly there under a wrong name is told once, as the wrong name."""
    meant = {(*problem.path[:-1], problem.meant) for problem in problems if problem.meant}
    return [p for p in problems if not (p.is_missing and p.path in meant)]


def _problem(stop: Stop, details: ErrorDetails) -> Problem:
    kind, value = details["type"], details["input"]
    if kind in _TAGS:
        return _of_tag(stop, details)
    if kind == "extra_forbidden":
        return _unknown_key(stop)
    if kind == "missing":
        what = allowed(stop.shape)
        text = f"{_MISSING}; it must be {what}{stop.shape.description}" if what else _MISSING
        return Problem(stop.path, text, shows=False)
    if stop.names_key:
        return Problem(stop.path, f"this name {_message(stop, details)}", shows=False)
    shows = details.get("ctx", {}).get("shows", kind not in ("value_error", "assertion_error"))
    return Problem(stop.path, _message(stop, details), value, bool(shows))


def _unknown_key(stop: Stop) -> Problem:
    wrong, keys = str(stop.path[-1]), stop.above.keys()
    there = did_you_mean(wrong, keys) or (f" There are {listed(keys)}." if keys else "")
    return Problem(stop.path, f"unknown key.{there}", shows=False, meant=guess(wrong, keys) or "")


def _of_tag(stop: Stop, details: ErrorDetails) -> Problem:
    """The key that says which kind of table this is, is missing or unknown."""
    key, tags = stop.shape.discriminator or "kind", stop.shape.tags()
    there = f"there are {listed(tags)}" if tags else "it is not known"
    if details["type"] == "union_tag_not_found":
        return Problem((*stop.path, key), f"{_MISSING}; {there}", shows=False)
    tag = str(details["ctx"]["tag"])
    value = details["input"].get(key, tag) if isinstance(details["input"], dict) else tag
    return Problem((*stop.path, key), f"no {key} {quoted(tag)}; {there}.{did_you_mean(tag, tags)}", value)


def _message(stop: Stop, details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == SAID:
        return str(context["said"])
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if kind in ("too_short", "too_long"):
        return _length(stop, details)
    if kind in _MESSAGES:
        return _MESSAGES[kind](context)
    if kind in _RANGE and between(stop.shape):
        return _must_be(between(stop.shape), stop.shape)
    if kind == "literal_error" and isinstance(details["input"], str):
        choices = [choice for choice in get_args(stop.shape.type) if isinstance(choice, str)]
        return f"{_must_be(allowed(stop.shape), stop.shape)}.{did_you_mean(details['input'], choices)}"
    return _must_be(allowed(stop.shape), stop.shape)


def _must_be(what: str, shape: Shape) -> str:
    return f"must be {what}{shape.description}" if what else "is not allowed here"


def _is_miscounted(details: ErrorDetails) -> bool:
    """Too short only because entries that are wrong themselves were not counted."""
    value = details["input"]
    return details["type"] == "too_short" and isinstance(value, list | dict) and (
        len(value) >= details["ctx"]["min_length"]
    )  # fmt: skip


def _length(stop: Stop, details: ErrorDetails) -> str:
    """How many entries there must be. Pydantic counts only the good ones, so the input is counted here."""
    low, high = (min((getattr(n, side) for n in stop.shape.notes if hasattr(n, side)), default=None)
                 for side in ("min_length", "max_length"))  # fmt: skip
    count = len(details["input"]) if hasattr(details["input"], "__len__") else 0
    if low == high and low is not None:
        return f"must have {low} entries; it has {count}"
    if details["type"] == "too_short":
        return f"must have at least {details['ctx']['min_length']} entries; it has {count}"
    return f"must have at most {details['ctx']['max_length']} entries; it has {count}"


_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_MESSAGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "finite_number": lambda _: "must be a finite number",
    "string_too_short": lambda context: f"must be at least {context['min_length']} characters long",
    "string_too_long": lambda context: f"must be at most {context['max_length']} characters long",
    "string_pattern_mismatch": lambda context: f"must have the form {context['pattern']}",
    "multiple_of": lambda context: f"must be a multiple of {context['multiple_of']}",
}
