"""Median time in seconds from sealing to the desk, heartbeats left out."""

from statistics import median
from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Accept
from cbmnet.simulation.run import Facts


@METRICS.register("transit_s")
class Transit:
    """Median time in seconds from sealing to the desk, heartbeats left out."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (Accept,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._times_s: list[float] = []

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if record.kind != "heartbeat":
            self._times_s.append(record.transit_s)

    def result(self, ended_s: float) -> float | None:
        """The value of the run."""
        return median(self._times_s) if self._times_s else None
