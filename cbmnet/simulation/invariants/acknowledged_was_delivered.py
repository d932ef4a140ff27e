"""An acknowledged message was delivered; one that was not delivered is not believed to be."""

from typing import Any

from cbmnet.records import Accept, Seal, Transport
from cbmnet.registry import NoConfig
from cbmnet.simulation.invariant import INVARIANTS, Throughout


@INVARIANTS.register("acknowledged-was-delivered")
class AcknowledgedWasDelivered(Throughout):
    """For protocols whose acknowledgement means that the peer has handed the message up.

    A relay's means custody, selective repeat's that the message is held until those before it are there.

    The other way round cannot hold: what was delivered may be believed failed.
    """

    wants = (Seal, Accept, Transport)

    def __init__(self, config: NoConfig) -> None:
        self._numbered: dict[tuple[str, str, int, int], str] = {}
        self._there: set[tuple[str, str, str]] = set()

    def feed(self, record: Any) -> str | None:
        """An acknowledgement of what its peer has not accepted."""
        if isinstance(record, Seal):
            number = record.sender, record.receiver, record.stream, record.sequence
            self._numbered[number] = record.message
        elif isinstance(record, Accept):
            self._there.add((record.sender, record.receiver, record.message))
        elif isinstance(record, Transport) and record.event == "acknowledged":
            message = self._numbered.get((record.party, record.peer, record.stream, record.sequence))
            if message is not None and (record.party, record.peer, message) not in self._there:
                return f"{record.party} was told that {record.peer} has {message}, which it has not"
        return None
