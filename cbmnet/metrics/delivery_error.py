"""Believed delivery less the delivery that was: the mean belief on the grid minus the share of notices
that passed the desk. Positive is a line trusted more than it deserves.

Notices that may still be under way at the end are left out: see `Delivered`.
"""

from typing import Any, Literal

from cbmnet.metrics.delivered import Delivered
from cbmnet.metrics.metric import METRICS
from cbmnet.records import Accept, Sample, Seal
from cbmnet.simulation.run import Facts


@METRICS.register("delivery_error")
class DeliveryError:
    """Believed delivery less the delivery that was: the mean belief on the grid minus the share of notices
    that passed the desk. Positive is a line trusted more than it deserves.

    Sealed less than the longest transit of the run before its end, a notice is not counted.
    """

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (
        Sample,
        Seal,
        Accept,
    )

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._sum, self._count = 0.0, 0
        self._delivered = Delivered()

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if type(record) is Sample:
            self._sum += record.delivery
            self._count += 1
        elif record.kind == "notice":
            self._delivered.feed(record)

    def result(self, ended_s: float) -> float | None:
        """The value of the run."""
        share = self._delivered.share(ended_s)
        return None if share is None or not self._count else self._sum / self._count - share
