"""Whether any state rose about a partner that had no hostile intent."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Rung
from cbmnet.simulation.run import Facts


@METRICS.register("false_alarm")
class FalseAlarm:
    """Whether any state rose about a partner that had no hostile intent."""

    kind: Literal["yes_no"] = "yes_no"
    wants: tuple[type, ...] = (Rung,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._any = False

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._any = self._any or (record.after > record.before and record.intent == 0)

    def result(self, ended_s: float) -> bool:
        """The value of the run."""
        return self._any
