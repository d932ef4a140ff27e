"""Whether the run ended in an attack on a partner that had not been alarmed for a day."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Attack
from cbmnet.simulation.run import Facts


@METRICS.register("missed_threat")
class MissedThreat:
    """Whether the run ended in an attack on a partner that had not been alarmed for a day."""

    kind: Literal["yes_no"] = "yes_no"
    wants: tuple[type, ...] = (Attack,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._missed = False

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._missed = self._missed or record.missed

    def result(self, ended_s: float) -> bool:
        """The value of the run."""
        return self._missed
