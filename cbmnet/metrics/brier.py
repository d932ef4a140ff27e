"""Mean squared error of belief against true intent over the sampling grid."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Sample
from cbmnet.simulation.run import Facts


@METRICS.register("brier")
class Brier:
    """Mean squared error of belief against true intent over the sampling grid."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (Sample,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._sum, self._count = 0.0, 0

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._sum += (record.probability - record.intent) ** 2
        self._count += 1

    def result(self, ended_s: float) -> float | None:
        """The value of the run."""
        return self._sum / self._count if self._count else None
