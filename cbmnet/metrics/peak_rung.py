"""The highest rung any state stood on, the start included."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Rung
from cbmnet.simulation.run import Facts


@METRICS.register("peak_rung")
class PeakRung:
    """The highest rung any state stood on, the start included."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (Rung,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._peak = max(part.start_rung for part in facts.config.states.values())

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._peak = max(self._peak, record.after)

    def result(self, ended_s: float) -> int:
        """The value of the run."""
        return self._peak
