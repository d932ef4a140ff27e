"""The highest probability of attack that any state held about any partner."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Belief, Sample
from cbmnet.simulation.run import Facts


@METRICS.register("highest_belief")
class HighestBelief:
    """The highest probability of attack that any state held about any partner."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (
        Belief,
        Sample,
    )

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._highest = 0.0

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._highest = max(self._highest, record.probability)

    def result(self, ended_s: float) -> float:
        """The value of the run."""
        return self._highest
