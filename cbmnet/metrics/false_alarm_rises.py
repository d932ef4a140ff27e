"""Rises on the ladder about a partner that had no hostile intent, in one run."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Rung
from cbmnet.simulation.run import Facts


@METRICS.register("false_alarm_rises")
class FalseAlarmRises:
    """Rises on the ladder about a partner that had no hostile intent, in one run."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (Rung,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._count = 0

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._count += record.after > record.before and record.intent == 0

    def result(self, ended_s: float) -> int:
        """The value of the run."""
        return self._count
