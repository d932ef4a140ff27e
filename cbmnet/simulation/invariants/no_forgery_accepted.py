"""No forgery is accepted. An adversary without keys must not get one word past verification."""

from typing import Any

from cbmnet.records import Accept, Deliver
from cbmnet.registry import NoConfig
from cbmnet.simulation.invariant import INVARIANTS, Throughout


@INVARIANTS.register("no-forgery-accepted")
class NoForgeryAccepted(Throughout):
    """Violated where verification is naive, or the adversary holds a key."""

    wants = (Deliver, Accept)

    def __init__(self, config: NoConfig) -> None:
        self._forged: dict[int, str] = {}

    def feed(self, record: Any) -> str | None:
        """An Accept whose cause is the arrival of a forged datagram."""
        if isinstance(record, Deliver):
            if record.forged:
                self._forged[record.id] = str(record.label)
            return None
        if record.cause in self._forged:
            return f"{record.receiver} accepted a forged {record.kind} in the name of {record.sender}"
        return None
