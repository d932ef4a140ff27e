"""An acknowledged message was delivered; one that was not delivered is not believed to be."""

from typing import Any

from cbmnet.records import Accept, Crash, Seal, Transport
from cbmnet.registry import NoConfig
from cbmnet.simulation.invariant import INVARIANTS, Throughout

_Number = tuple[str, str, int, int]  # sender, receiver, stream, sequence


@INVARIANTS.register("acknowledged-was-delivered")
class AcknowledgedWasDelivered(Throughout):
    """For protocols whose acknowledgement means that the peer has handed the message up.

    A relay's means custody, selective repeat's that the message is held until those before it are there.

    The other way round cannot hold: what was delivered may be believed failed.
    """

    wants = (Seal, Accept, Transport, Crash)

    def __init__(self, config: NoConfig) -> None:
        self._open: dict[_Number, list[str]] = {}
        self._there: set[tuple[str, str, str]] = set()

    def feed(self, record: Any) -> str | None:
        """An acknowledgement of what its peer has not accepted."""
        if isinstance(record, Seal):
            number = record.sender, record.receiver, record.stream, record.sequence
            self._open.setdefault(number, []).append(record.message)
        elif isinstance(record, Accept):
            self._there.add((record.sender, record.receiver, record.message))
        elif isinstance(record, Crash):
            if record.fresh:  # what it had open is settled no more
                self._open = {n: waiting for n, waiting in self._open.items() if n[0] != record.party}
        elif record.event == "acknowledged":
            number = record.party, record.peer, record.stream, record.sequence
            return self._acknowledged(number)
        return None

    def _acknowledged(self, number: _Number) -> str | None:
        # Events have no epoch; of two messages of one number the older is settled first.
        party, peer, _, _ = number
        waiting = self._open.get(number, [])
        message = next((m for m in waiting if (party, peer, m) in self._there), None)
        if message is not None:
            waiting.remove(message)
        elif waiting:
            return f"{party} was told that {peer} has {waiting[-1]}, which it has not"
        return None
