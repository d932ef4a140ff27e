"""Everything is delivered within a bound after the network healed."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from cbmnet.records import Accept, Crash, Seal, Transport
from cbmnet.simulation.invariant import INVARIANTS


@dataclass(frozen=True)
class DeliveredConfig:
    """From `healed_s` on nothing fails any more; what was sent must be there `within_s` after that.

    `unless_given_up` excepts what its sender knows that it gave up.
    """

    healed_s: float = 0.0
    within_s: float = 3600.0
    unless_given_up: bool = True


@INVARIANTS.register("delivered-after-healing", DeliveredConfig)
class DeliveredAfterHealing:
    """Delivered is what verification and desk let pass; a message that expired on its way was not."""

    wants = (Seal, Accept, Transport, Crash)

    def __init__(self, config: DeliveredConfig) -> None:
        self._config = config
        self._open: dict[tuple[str, str, str], Seal] = {}
        self._numbered: dict[tuple[str, str, int, int], deque[tuple[str, str, str]]] = {}

    def feed(self, record: Any) -> str | None:
        """Opens what is sealed, closes what is accepted; an acceptance after the bound is too late."""
        if isinstance(record, Seal):
            key = record.sender, record.receiver, record.message
            self._open[key] = record
            number = record.sender, record.receiver, record.stream, record.sequence
            self._numbered.setdefault(number, deque()).append(key)
        elif isinstance(record, Accept):
            sealed = self._open.pop((record.sender, record.receiver, record.message), None)
            if sealed is not None and record.at_s > self._due_s(sealed):
                return f"{record.receiver} accepted {record.message} of {record.sender}, {self._late(sealed)}"
        elif isinstance(record, Crash):
            if record.fresh:  # what it had under way is settled no more
                self._numbered = {n: keys for n, keys in self._numbered.items() if n[0] != record.party}
        elif isinstance(record, Transport) and record.event in ("acknowledged", "gave up"):
            # Events have no epoch; of two messages of one number the older is settled first.
            waiting = self._numbered.get((record.party, record.peer, record.stream, record.sequence))
            settled = waiting.popleft() if waiting else None
            if settled is not None and record.event == "gave up" and self._config.unless_given_up:
                self._open.pop(settled, None)
        return None

    def result(self, ended_s: float) -> str | None:
        """What is still open although its time is over."""
        for (sender, receiver, message), sealed in self._open.items():
            if ended_s > self._due_s(sealed):
                return f"{message} of {sender} has not reached {receiver}, {self._late(sealed)}"
        return None

    def _due_s(self, sealed: Seal) -> float:
        return max(sealed.at_s, self._config.healed_s) + self._config.within_s

    def _late(self, sealed: Seal) -> str:
        return f"sent at {sealed.at_s:g} s and due by {self._due_s(sealed):g} s"
