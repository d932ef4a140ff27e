"""Whether any state reached rung 6, a limited clash."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Rung
from cbmnet.simulation.run import Facts

CRISIS_RUNG = 6


@METRICS.register("crisis")
class Crisis:
    """Whether any state reached rung 6, a limited clash."""

    kind: Literal["yes_no"] = "yes_no"
    wants: tuple[type, ...] = (Rung,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._peak = max(part.start_rung for part in facts.config.states.values())

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._peak = max(self._peak, record.after)

    def result(self, ended_s: float) -> bool:
        """The value of the run."""
        return self._peak >= CRISIS_RUNG
