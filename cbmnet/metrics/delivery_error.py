"""Believed delivery less the delivery that was: the mean belief on the grid minus the share of notices
that passed the desk. Positive is a line trusted more than it deserves."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Accept, Sample, Seal
from cbmnet.simulation.run import Facts


@METRICS.register("delivery_error")
class DeliveryError:
    """Believed delivery less the delivery that was: the mean belief on the grid minus the share of notices
    that passed the desk. Positive is a line trusted more than it deserves."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (
        Sample,
        Seal,
        Accept,
    )

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._sum, self._count = 0.0, 0
        self._sent = self._heard = 0

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if type(record) is Sample:
            self._sum += record.delivery
            self._count += 1
        elif record.kind == "notice":
            self._sent += type(record) is Seal
            self._heard += type(record) is Accept

    def result(self, ended_s: float) -> float | None:
        """The value of the run."""
        if not self._count or not self._sent:
            return None
        return self._sum / self._count - self._heard / self._sent
