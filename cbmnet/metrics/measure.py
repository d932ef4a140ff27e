"""Measures one run: the metrics are its observers, the row is what they saw."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cbmnet.errors import SimulationError
from cbmnet.metrics.metric import METRICS
from cbmnet.simulation.config import RunConfig
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
    """One replication with its metrics as observers; whatever goes wrong in it is the error of its row."""
    metrics = {name: METRICS[name].make() for name in names}
    try:
        tally = run(config, seed, replication, list(metrics.values()))
        values = {name: metric.result(tally.ended_s) for name, metric in metrics.items()}
    except SimulationError as error:
        return Row(point, replication, seed, error=str(error))
    except Exception as error:
        # A bug in one run, ours or that of a member from elsewhere, must not take the others with it.
        said = f"{config.name}, seed {seed}, run {replication}: {type(error).__name__}: {error}"
        return Row(point, replication, seed, error=said)
    return Row(point, replication, seed, values, tally.sealed, tally.verified)
