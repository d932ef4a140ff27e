"""Whether any state reached rung 10, central war."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Rung
from cbmnet.simulation.run import Facts
from cbmnet.states.ladder import TOP_RUNG


@METRICS.register("central_war")
class CentralWar:
    """Whether any state reached rung 10, central war."""

    kind: Literal["yes_no"] = "yes_no"
    wants: tuple[type, ...] = (Rung,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._peak = 0

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._peak = max(self._peak, record.after)

    def result(self, ended_s: float) -> bool:
        """The value of the run."""
        return self._peak >= TOP_RUNG
