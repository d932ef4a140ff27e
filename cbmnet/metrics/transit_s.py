"""Median time in seconds from sealing to the desk, heartbeats left out."""

from statistics import median
from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Accept, Seal
from cbmnet.simulation.run import Facts


@METRICS.register("transit_s")
class Transit:
    """Median time in seconds from sealing to the desk, heartbeats left out."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (
        Seal,
        Accept,
    )

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._sealed_s: dict[str, float] = {}
        self._times_s: list[float] = []

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if record.kind == "heartbeat":
            return
        if type(record) is Seal:
            self._sealed_s[record.message] = record.at_s
        elif (sealed_s := self._sealed_s.get(record.message)) is not None:  # else it is forged
            self._times_s.append(record.at_s - sealed_s)

    def result(self, ended_s: float) -> float | None:
        """The value of the run."""
        return median(self._times_s) if self._times_s else None
