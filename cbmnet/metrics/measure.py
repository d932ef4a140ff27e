"""Measures one run: the metrics are its observers, the row is what they saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from traceback import walk_tb
from typing import Any

from cbmnet.errors import SimulationError, described
from cbmnet.metrics.metric import KINDS, METRICS
from cbmnet.records import RECORDS
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.labels import Labels
from cbmnet.simulation.run import run


@dataclass(frozen=True, slots=True)
class Row:
    """One replication of one point: the metric values, or the error that ended it."""

    point: int
    replication: int
    seed: int
    values: dict[str, Any] = field(default_factory=dict)
    sealed: int = 0
    verified: int = 0
    error: str | None = None


def measure(config: RunConfig, seed: int, replication: int, names: Sequence[str], point: int = 0) -> Row:
    """One replication with its metrics as observers; whatever goes wrong in it is the error of its row.

    In the first replication it is also watched that no two datagrams share a label.
    """
    metrics: dict[str, Any] = {}
    try:
        metrics = {name: _made(name) for name in names}
        watching = [Labels()] if replication == 0 else []
        tally = run(config, seed, replication, [*watching, *metrics.values()])
        values = {name: _checked(name, metric, tally.ended_s) for name, metric in metrics.items()}
    except SimulationError as error:
        return Row(point, replication, seed, error=str(error))
    except Exception as error:
        # A bug in one run, ours or that of a member from elsewhere, must not take the others with it.
        said = f"{config.name}, seed {seed}, run {replication}: {_whose(error, metrics)}{described(error)}"
        return Row(point, replication, seed, error=said)
    return Row(point, replication, seed, values, tally.sealed, tally.verified)


def _whose(error: BaseException | None, metrics: Mapping[str, Any]) -> str:
    """Which metric failed, if it was one: the innermost whose code was running."""
    names = {id(metric): name for name, metric in metrics.items()}
    found = ""
    while error is not None:
        for frame, _ in walk_tb(error.__traceback__):
            found = names.get(id(frame.f_locals.get("self")), found)
        error = error.__cause__
    return f"metric {found}: " if found else ""


def _made(name: str) -> Any:
    """The metric, if it says what an observer and a summary must know of it. SimulationError."""
    metric = METRICS[name].make()
    kind, wants = getattr(metric, "kind", None), getattr(metric, "wants", None)
    if kind not in KINDS:
        raise SimulationError(f"metric {name}: kind is {kind!r}; it must be one of {', '.join(KINDS)}")
    if kind == "pooled" and not callable(getattr(metric, "pool", None)):
        raise SimulationError(f"metric {name}: a pooled metric has a function `pool`")
    if not isinstance(wants, tuple) or not set(wants) <= set(RECORDS):
        raise SimulationError(f"metric {name}: wants is {wants!r}; it must be a tuple of record classes")
    return metric


def _checked(name: str, metric: Any, ended_s: float) -> Any:
    """The value of the run, if it is of the metric's kind. SimulationError."""
    value = metric.result(ended_s)
    if metric.kind == "yes_no" and not (value is None or isinstance(value, bool)):
        raise SimulationError(f"metric {name} gave {value!r}; one of kind yes_no gives True, False or None")
    is_number = isinstance(value, int | float) and isfinite(value)
    if metric.kind == "mean" and not (value is None or is_number):
        raise SimulationError(f"metric {name} gave {value!r}; one of kind mean gives a finite number or None")
    return value
