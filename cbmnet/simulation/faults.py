"""From a source and a model to a config, or to every fault of the file at once."""

import math
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cbmnet.errors import ConfigError, Fault
from cbmnet.simulation.source import Source, leaves
from cbmnet.simulation.words import Problem, problems_from

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], source: Source, data: dict[str, Any] | None = None) -> M:
    """The config of a source, or of `data` made from it. Raises ConfigError with every fault."""
    try:
        config = model.model_validate(source.data if data is None else data)
    except ValidationError as error:
        raise ConfigError(faults_from(error, source, model)) from None
    faults = number_faults(source)
    if faults:
        raise ConfigError(faults)
    return config


def faults_from(error: ValidationError, source: Source, model: type[BaseModel]) -> list[Fault]:
    """Every error in our words, with the unusable numbers of the source, in the order of the file."""
    numbers = list(_unusable_numbers(source))
    told = {problem.path for problem in numbers}
    others = [problem for problem in problems_from(error, model) if problem.path not in told]
    return _in_order(source, [*numbers, *_where_written(source, others)])


def number_faults(source: Source) -> list[Fault]:
    """A fault for each inf and nan, wherever it stands."""
    return _in_order(source, list(_unusable_numbers(source)))


def _unusable_numbers(source: Source) -> Iterable[Problem]:
    for path, value in leaves(source.data):
        if isinstance(value, float) and not math.isfinite(value):
            yield Problem(path, "must be a finite number", value)


def _where_written(source: Source, problems: list[Problem]) -> list[Problem]:
    """Without the echoes of a table that was filled into others: told once, where its author wrote it."""
    marked = [
        (p, (p.path[-1:], p.text()), source.holds(p.path[:-1] if p.is_missing else p.path)) for p in problems
    ]
    told = {sight for _, sight, written in marked if written}
    return [problem for problem, sight, written in marked if written or sight not in told]


def _in_order(source: Source, problems: list[Problem]) -> list[Fault]:
    """By line; first what concerns the whole file, last what `--set` put there."""
    faults = dict.fromkeys(source.fault(problem.path, problem.text()) for problem in problems)
    return sorted(faults, key=lambda fault: (fault.file != source.file, fault.line or 0))
