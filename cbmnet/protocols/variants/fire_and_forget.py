"""Fire and forget: sent once, never acknowledged.

Guarantees nothing; the sender never learns what became of a message. It is the floor against which
every other variant is measured.
"""

from cbmnet.errors import RemoteProtocolError
from cbmnet.protocols.endpoint import (
    VARIANTS,
    EndpointBase,
    Malformed,
    Received,
    data_datagram,
    decode_frame,
    expect_send,
)
from cbmnet.protocols.frame import KINDS
from cbmnet.registry import NoConfig

# Theory of operation. There is one state and nothing ever leads out of it: a command goes out, a data frame
# is handed up as often as it comes. Acknowledgements, confirmations and receipts are none of this variant's
# frames, so for them the table has no key.
OPEN = "open"
NEXT = {OPEN: {"command": OPEN, "data": OPEN}}


@VARIANTS.register("fire-and-forget")
class FireAndForget(EndpointBase):
    """No state beyond the outgoing queues."""

    def __init__(self, config: NoConfig) -> None:
        super().__init__()

    def command(self, command: object, now: float) -> None:
        """Sends the one copy."""
        self.outgoing.append(data_datagram(expect_send(command), 1))

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Hands up what data frames carry; any other frame is Malformed."""
        try:
            _, type_, *_, envelope = decode_frame(data)
        except RemoteProtocolError as error:
            self.events.append(Malformed(peer, str(error)))
            return
        if envelope is not None and KINDS[type_] in NEXT[OPEN]:
            self.events.append(Received(peer, envelope))
        else:
            self.events.append(Malformed(peer, f"{KINDS[type_]} is no frame of this variant"))

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """When each attempt leaves, counted from the first, if no acknowledgement comes."""
        return (0.0,)
