"""Whether the run ended in an attack; missed threats are read against it."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Attack
from cbmnet.simulation.run import Facts


@METRICS.register("attack")
class AttackCame:
    """Whether the run ended in an attack; missed threats are read against it."""

    kind: Literal["yes_no"] = "yes_no"
    wants: tuple[type, ...] = (Attack,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._any = False

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._any = True

    def result(self, ended_s: float) -> bool:
        """The value of the run."""
        return self._any
