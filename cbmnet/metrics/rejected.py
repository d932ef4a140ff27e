"""Messages that verification refused, duplicates left out."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Reject
from cbmnet.simulation.run import Facts


@METRICS.register("rejected")
class Rejected:
    """Messages that verification refused, duplicates left out."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (Reject,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._count = 0

    def feed(self, record: Any) -> None:
        """Takes one record."""
        self._count += record.code not in ("Duplicate", "Replayed")

    def result(self, ended_s: float) -> int:
        """The value of the run."""
        return self._count
