"""Share of the sealed messages, heartbeats left out, that passed the desk of their receiver.

Messages that may still be under way at the end are left out too: see `Delivered`.
"""

from typing import Any, Literal

from cbmnet.metrics.delivered import Delivered
from cbmnet.metrics.metric import METRICS
from cbmnet.records import Accept, Seal
from cbmnet.simulation.run import Facts


@METRICS.register("delivery")
class Delivery:
    """Share of the sealed messages, heartbeats left out, that passed the desk of their receiver.

    Sealed less than the longest transit of the run before its end, a message is not counted.
    """

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (
        Seal,
        Accept,
    )

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._delivered = Delivered()

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if record.kind != "heartbeat":
            self._delivered.feed(record)

    def result(self, ended_s: float) -> float | None:
        """The value of the run."""
        return self._delivered.share(ended_s)
