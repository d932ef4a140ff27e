"""Forged messages that verification let pass."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Accept, Deliver
from cbmnet.simulation.run import Facts


@METRICS.register("forgeries_accepted")
class ForgeriesAccepted:
    """Forged messages that verification let pass."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (
        Deliver,
        Accept,
    )

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._forged: set[int] = set()
        self._count = 0

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if type(record) is Accept:
            self._count += record.cause in self._forged
        elif record.forged:
            self._forged.add(record.id)

    def result(self, ended_s: float) -> int:
        """The value of the run."""
        return self._count
