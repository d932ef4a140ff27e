"""Messages that were delivered although their sender gave up on them: misperception in its purest form."""

from typing import Any, Literal

from cbmnet.channels.stage import ASTRAY
from cbmnet.metrics.metric import METRICS
from cbmnet.records import Deliver, Transport
from cbmnet.simulation.run import Facts


@METRICS.register("believed_failed")
class BelievedFailed:
    """Messages that were delivered although their sender gave up on them."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (
        Deliver,
        Transport,
    )

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._delivered: set[tuple[str, str, int, int]] = set()
        self._given_up: set[tuple[str, str, int, int]] = set()

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if type(record) is Deliver and (
            record.corrupted or record.kind == "link-ack" or record.label.copy & ASTRAY
        ):
            return
        if type(record) is Deliver:
            label = record.label
            self._delivered.add((record.sender, record.receiver, label.stream, label.sequence))
        elif record.event == "gave up":
            self._given_up.add((record.party, record.peer, record.stream, record.sequence))

    def result(self, ended_s: float) -> int:
        """The value of the run."""
        return len(self._delivered & self._given_up)
