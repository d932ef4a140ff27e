"""From a file to the points of a study, every one of them validated before the first run.

`[sweep]` maps dotted paths to lists of values; the points are their product, in the order of the file.
`[state]` and `[channel]` are filled into each state and each named link first, so that a swept
`state.prior` reaches everyone who does not say otherwise.
"""

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from cbmnet.errors import ConfigError, Fault, RegistryError
from cbmnet.member_file import MemberFile, read_file, use
from cbmnet.metrics.metric import METRICS
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.faults import validated
from cbmnet.simulation.fields import Scalar
from cbmnet.simulation.identity import digest, resolved
from cbmnet.simulation.line_words import without_excluded
from cbmnet.simulation.lines import KeySyntaxError, read_key
from cbmnet.simulation.overrides import ConflictError, put
from cbmnet.simulation.part import Part
from cbmnet.simulation.quantities import is_file_name
from cbmnet.simulation.show import did_you_mean, key_text
from cbmnet.simulation.source import Source, read_source, source_from_text
from cbmnet.simulation.words import Problem

MAX_POINTS = 10_000
SWEPT_OF_STUDY = (("study", "horizon"), ("study", "sample_every"))
CHOOSERS = ("rule", "stage", "variant")  # the keys that name a member of a family
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
            problems += _pooled_faults(compare.metrics)
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


def _pooled_faults(names: Sequence[str]) -> list[Problem]:
    """A pooled metric has no value of one run, so no two runs can be paired by it."""
    said = "is stated over all runs at once and has no paired difference; leave it to study.metrics"
    return [
        Problem(("compare", "metrics", number), said, name)
        for number, name in enumerate(names)
        if name in METRICS.names() and METRICS[name].make.kind == "pooled"
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
    files: tuple[MemberFile, ...] = ()  # those that `study.load` names

    @property
    def hash(self) -> str:
        """16 hex digits over the resolved study: points, seed and all defaults, and the files it loads."""
        said = [resolved(self.base), [resolved(point.config) for point in self.points]]
        code = [file.module for file in self.files]
        return digest([*said, code] if code else said)[:16]


def load_design(path: Path | str, overrides: Sequence[str] = ()) -> Design:
    """Reads and validates a study file; ConfigError lists every fault of every point."""
    return design_from(read_source(Path(path), overrides), overrides)


def design_from(source: Source, overrides: Sequence[str] = ()) -> Design:
    """The design of a source that was read."""
    data = _with_name(source)
    files = _load_members(source)
    base = _validate(StudyFile, _filled_in(data), source, {})
    _check_sweep(base, source)
    _check_states(base, source)
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
    return Design(source, base, tuple(points), tuple(overrides), files)


def _load_members(source: Source) -> tuple[MemberFile, ...]:
    """Runs the files that `study.load` names, before anything asks for their members."""
    study = source.data.get("study")
    names = study.get("load", []) if isinstance(study, dict) else []
    if not isinstance(names, list) or not all(map(is_file_name, names)):
        names = []  # which the models will say
    faults, files = [], list[MemberFile]()
    for number, name in enumerate(names):
        try:
            more = [*files, read_file((Path(source.file).parent / name).absolute())]
            use(more)
            files = more
        except RegistryError as error:
            faults.append(source.fault(("study", "load", number), f' = "{name}": {error}.'))
    if faults:
        raise ConfigError(faults)
    use(files)
    return tuple(files)


def _check_states(base: StudyFile, source: Source) -> None:
    """A state misspelt in `--set` or `[sweep]` must not become a new state of its own."""
    declared = source_from_text(source.text, source.file).data.get("states")
    names = sorted(declared) if isinstance(declared, dict) else []
    keys = [(path, path) for path in source.override_paths] + [(_parts(k), ("sweep", k)) for k in base.sweep]
    faults = [
        source.fault(at, f": no state {name}; the file has {', '.join(names)}.{did_you_mean(name, names)}")
        for path, at in keys
        if len(path) > 2 and path[0] == "states" and (name := str(path[1])) not in names
    ]
    if faults:
        raise ConfigError(faults)


def _with_name(source: Source) -> dict[str, Any]:
    data = deepcopy(source.data)
    data.setdefault("name", _name_from(source.stem))
    sweep = data.get("sweep")
    if isinstance(sweep, dict):
        compare = data.get("compare")
        for path in source.override_paths:  # a key that is set by hand is not swept, and not compared
            for swept in [key for key in sweep if _parts(key) == tuple(map(str, path))]:
                del sweep[swept]
                if isinstance(compare, dict) and compare.get("by") == swept:
                    del data["compare"]
    return data


def _name_from(stem: str) -> str:
    """A name that a file may have, made from its own: "My Study" gives "my-study"."""
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return (name if name[:1].isalpha() else f"study-{name}")[:32].rstrip("-")


def _filled_in(data: dict[str, Any]) -> dict[str, Any]:
    """The data with `[state]` and `[channel]` under each state and each named link."""
    filled = dict(data)
    for general, particular in (("state", "states"), ("channel", "channels")):
        base, tables = data.get(general), data.get(particular)
        if isinstance(base, dict) and isinstance(tables, dict):
            filled[particular] = {
                name: _merged(without_excluded(base, table), table) if isinstance(table, dict) else table
                for name, table in tables.items()
            }
    return filled


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not _chooses_another(below, value):
            merged[key] = _merged(below, value)
        else:
            merged[key] = value
    return merged


def _chooses_another(base: dict[str, Any], over: dict[str, Any]) -> bool:
    """Whether it names another member of a family, to which the settings of the first mean nothing."""
    return any(key in over and base.get(key) != over[key] for key in CHOOSERS)


def _point_config(bare: dict[str, Any], chosen: dict[str, Any], source: Source) -> RunConfig:
    data = deepcopy(bare)
    for path, value in chosen.items():
        _put(data, path, value, source)
    return _validate(RunConfig, _filled_in(data), source, chosen)


def _put(data: dict[str, Any], path: str, value: Any, source: Source) -> None:
    try:
        put(data, _parts(path) or (path,), value)
    except ConflictError as conflict:
        raise ConfigError([_sweep_fault(source, path, f": {conflict}.")]) from None


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
    place = source.fault(("sweep", path), message)
    return Fault(place.file, place.line, path, message)


def _check_sweep(base: StudyFile, source: Source) -> None:
    """One study has one seed, one count, one level and one list of metrics; a key is swept once."""
    faults, first = [], dict[tuple[str, ...], str]()
    for key in base.sweep:
        parts = _parts(key) or (key,)
        if parts[0] == "study" and parts not in SWEPT_OF_STUDY:
            faults.append(_sweep_fault(source, key, ": cannot be swept; it is one for the whole study."))
        if first.setdefault(parts, key) != key:
            faults.append(_sweep_fault(source, key, f": is swept already, as {first[parts]}."))
    if faults:
        raise ConfigError(faults)
    _check_size(base, source)


def _check_size(base: StudyFile, source: Source) -> None:
    count = 1
    for values in base.sweep.values():
        count *= len(values)
    if count == 0 or count > MAX_POINTS:
        said = f": makes {count} points; there must be 1 to {MAX_POINTS}."
        raise ConfigError([Fault(source.file, source.lines.line(("sweep",)), "sweep", said)])
