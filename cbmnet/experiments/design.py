"""From a file to the points of a study, every one of them validated before the first run.

`[sweep]` maps dotted paths to lists of values; the points are their product, in the order of the file.
`[state]` and `[channel]` are filled into each state and each named link first, so that a swept
`state.prior` reaches everyone who does not say otherwise.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from cbmnet.errors import ConfigError, Fault
from cbmnet.metrics.metric import METRICS
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.faults import validated
from cbmnet.simulation.fields import Scalar
from cbmnet.simulation.identity import digest, resolved
from cbmnet.simulation.lines import KeySyntaxError, read_key
from cbmnet.simulation.part import Part
from cbmnet.simulation.show import key_text
from cbmnet.simulation.source import Source, read_source
from cbmnet.simulation.words import Problem

MAX_POINTS = 10_000
C = TypeVar("C", bound=RunConfig)


class ComparePart(Part):
    """`[compare]`: paired differences of `metrics` between the values of the swept key `by`."""

    by: str
    baseline: Scalar
    metrics: tuple[str, ...] = ("false_alarm_rises",)


class StudyFile(RunConfig):
    """Everything a study file may say: one run, the sweep over it, and what is compared."""

    sweep: dict[str, tuple[Scalar, ...]] = Field(default_factory=dict)
    compare: ComparePart | None = None

    def cross_faults(self) -> list[Problem]:
        """Those of the run, and metrics or comparisons that are not there."""
        problems = super().cross_faults() + _metric_faults(("study", "metrics"), self.study.metrics or ())
        if (compare := self.compare) is not None:
            problems += _metric_faults(("compare", "metrics"), compare.metrics)
            if compare.by not in self.sweep:
                problems.append(Problem(("compare", "by"), "not a key of [sweep]", compare.by))
            elif compare.baseline not in self.sweep[compare.by]:
                said = f"not among the swept values of {compare.by}"
                problems.append(Problem(("compare", "baseline"), said, compare.baseline))
        return problems


def _metric_faults(at: tuple[str, ...], names: Sequence[str]) -> list[Problem]:
    there = METRICS.names()
    return [
        Problem((*at, number), f"no such metric; there are {', '.join(there)}", name)
        for number, name in enumerate(names)
        if name not in there
    ]


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of swept values and the run config that it makes."""

    values: dict[str, Any]
    config: RunConfig


@dataclass(frozen=True, slots=True)
class Design:
    """A study that may be run: its file, its points, what is compared, and its hash."""

    source: Source
    base: StudyFile
    points: tuple[Point, ...]
    overrides: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """16 hex digits over the resolved study: points, seed and all defaults."""
        return digest([resolved(self.base), [resolved(point.config) for point in self.points]])[:16]


def load_design(path: Path | str, overrides: Sequence[str] = ()) -> Design:
    """Reads and validates a study file; ConfigError lists every fault of every point."""
    return design_from(read_source(Path(path), overrides), overrides)


def design_from(source: Source, overrides: Sequence[str] = ()) -> Design:
    """The design of a source that was read."""
    data = _with_name(source)
    base = _validate(StudyFile, _filled_in(data), source, {})
    _check_size(base, source)
    bare = {key: value for key, value in data.items() if key not in ("sweep", "compare")}
    points, faults = [], []
    for values in product(*base.sweep.values()):
        chosen = dict(zip(base.sweep, values, strict=True))
        try:
            points.append(Point(chosen, _point_config(bare, chosen, source)))
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(list(dict.fromkeys(faults)))
    return Design(source, base, tuple(points), tuple(overrides))


def _with_name(source: Source) -> dict[str, Any]:
    data = deepcopy(source.data)
    data.setdefault("name", source.stem)
    sweep = data.get("sweep")
    if isinstance(sweep, dict):
        compare = data.get("compare")
        for path in source.override_paths:  # a key that is set by hand is not swept, and not compared
            for swept in [key for key in sweep if _parts(key) == path]:
                del sweep[swept]
                if isinstance(compare, dict) and compare.get("by") == swept:
                    del data["compare"]
    return data


def _filled_in(data: dict[str, Any]) -> dict[str, Any]:
    """The data with `[state]` and `[channel]` under each state and each named link."""
    filled = dict(data)
    for general, particular in (("state", "states"), ("channel", "channels")):
        base, tables = data.get(general), data.get(particular)
        if isinstance(base, dict) and isinstance(tables, dict):
            filled[particular] = {
                name: _merged(base, table) if isinstance(table, dict) else table
                for name, table in tables.items()
            }
    return filled


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def _point_config(bare: dict[str, Any], chosen: dict[str, Any], source: Source) -> RunConfig:
    data = deepcopy(bare)
    for path, value in chosen.items():
        _put(data, path, value, source)
    return _validate(RunConfig, _filled_in(data), source, chosen)


def _put(data: dict[str, Any], path: str, value: Any, source: Source) -> None:
    *parents, last = _parts(path) or (path,)
    table: Any = data
    for part in parents:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigError(
                [_sweep_fault(source, path, f": {part} is not a table, so nothing is below it.")]
            )
    table[last] = value


def _validate(model: type[C], data: dict[str, Any], source: Source, chosen: dict[str, Any]) -> C:
    try:
        return validated(model, source, data)
    except ConfigError as error:
        raise ConfigError([_at_sweep(fault, source, chosen) for fault in error.faults]) from None


def _at_sweep(fault: Fault, source: Source, chosen: dict[str, Any]) -> Fault:
    """A fault in a value that the sweep put there is shown where the sweep says it."""
    swept = next((key for key in chosen if key_text(_parts(key)) == fault.key), None)
    return fault if swept is None else _sweep_fault(source, swept, fault.message)


def _parts(path: str) -> tuple[str, ...]:
    """The parts of a dotted key, quoted ones too; empty if it is none."""
    try:
        parts, end = read_key(path)
    except KeySyntaxError:
        return ()
    return parts if end == len(path) else ()


def _sweep_fault(source: Source, path: str, message: str) -> Fault:
    return Fault(source.file, source.lines.line(("sweep", path)), path, message)


def _check_size(base: StudyFile, source: Source) -> None:
    count = 1
    for values in base.sweep.values():
        count *= len(values)
    if count == 0 or count > MAX_POINTS:
        said = f": makes {count} points; there must be 1 to {MAX_POINTS}."
        raise ConfigError([Fault(source.file, source.lines.line(("sweep",)), "sweep", said)])
