"""A perfect honest channel: belief never rises above its prior, and nobody climbs, in any run.

Delay 0, believed and true delivery 1, every honest activity announced and none by a deceiver, notifiable
classes only, no alarms, no bulletins, seekers only: p <= b0 always, Brier <= b0^2, no rise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cbmnet.errors import SimulationError
from cbmnet.metrics.measure import measure
from cbmnet.simulation.config import RunConfig
from cbmnet.validation.case import CASES, Advance, Outcome, Results

_ROUNDING = 1e-12


@dataclass(frozen=True)
class PerfectChannelConfig:
    """`prior` must stay below the query threshold; `runs` of `days` each."""

    prior: float = 0.05
    runs: int = 20
    days: int = 60

    def __post_init__(self) -> None:
        if not 0.0 < self.prior < 0.1:
            raise ValueError("prior must be above 0 and below the query threshold, .1")
        if self.runs < 1 or not 1 <= self.days <= 100_000:
            raise ValueError("runs must be at least 1, and days from 1 to 100000")


def config_of(parameters: PerfectChannelConfig) -> RunConfig:
    """The run config of the case."""
    honest, truthful = {"benign": 1.0, "attack": 0.0}, {"benign": 0, "attack": 0}
    silent = {"base": "0/d"}
    return RunConfig.model_validate({
        "name": "perfect-channel",
        "study": {"horizon": f"{parameters.days}d"},
        "channel": {"hops": 1, "loss": 0.0, "delay": "0s", "distribution": "constant"},
        "activities": {"exercise": {"rate": "1/d", "notice": honest, "contradiction": truthful}},
        "signals": {"alarm": silent, "severe_warning": silent, "hostile_message": silent},
        "state": {},
        "states": {name: {"prior": parameters.prior, "believed_delivery": 1.0} for name in ("red", "blue")},
    })  # fmt: skip


@CASES.register("perfect-channel", PerfectChannelConfig)
def perfect_channel(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """The worst of all runs."""
    chosen = PerfectChannelConfig(**parameters)
    names = ("highest_belief", "brier", "false_alarm_rises")
    rows = [measure(config_of(chosen), 1, k, names) for k in range(chosen.runs)]
    if failed := [row.error for row in rows if row.error]:
        raise SimulationError(failed[0])
    worst = {name: max(float(row.values[name]) for row in rows) for name in names}
    above = max(0.0, worst["highest_belief"] - chosen.prior)
    error = max(0.0, worst["brier"] - chosen.prior**2)
    n = chosen.runs
    return {
        "highest belief above prior": Outcome(0.0, above, 0.0, n, limit=_ROUNDING),
        "Brier above prior squared": Outcome(0.0, error, 0.0, n, limit=_ROUNDING),
        "rises": Outcome(0.0, worst["false_alarm_rises"], 0.0, n, limit=0.0),
    }
