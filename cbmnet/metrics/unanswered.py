"""Share of the settled queries that had no answer by their deadline."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Answer
from cbmnet.simulation.run import Facts


@METRICS.register("unanswered")
class Unanswered:
    """Share of the settled queries that had no answer by their deadline."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (Answer,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._none, self._count = 0, 0

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if record.outcome != "late":  # recorded when it comes, long after the query was settled
            self._none += record.outcome == "none"
            self._count += 1

    def result(self, ended_s: float) -> float | None:
        """The value of the run."""
        return self._none / self._count if self._count else None
