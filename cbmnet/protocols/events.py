"""What endpoints are told and what they tell, beside `Send`: one broadcast command, and the events.

No event says "certain": whatever was exchanged, the last transmission may have been lost, and whoever sent
it does not know (the two generals). Events say what this end has seen.
"""

from msgspec import Struct


class Broadcast(Struct, frozen=True, gc=False):
    """Command: carry these bytes to every one of the peers."""

    peers: tuple[str, ...]
    data: bytes
    kind: str
    stream: int
    epoch: int
    sequence: int


class Received(Struct, frozen=True, gc=False):
    """Event: a peer's bytes arrived, possibly again."""

    peer: str
    data: bytes


class Acknowledged(Struct, frozen=True, gc=False):
    """Event: a link acknowledgement came for this message; a hint, not evidence."""

    peer: str
    stream: int
    sequence: int
    attempts: int


class GaveUp(Struct, frozen=True, gc=False):
    """Event: no acknowledgement after the last attempt; whether the peer has the message is unknown."""

    peer: str
    stream: int
    sequence: int
    attempts: int


class Malformed(Struct, frozen=True, gc=False):
    """Event: bytes that are no frame of ours; recorded and otherwise ignored."""

    peer: str
    detail: str


class Confirmed(Struct, frozen=True, gc=False):
    """Event: the peer was heard to know that we have its message. It does not know that we heard that."""

    peer: str
    stream: int
    sequence: int


class Unconfirmed(Struct, frozen=True, gc=False):
    """Event: our acknowledgement was repeated to no end; whether the peer knows we have it is unknown."""

    peer: str
    stream: int
    sequence: int
    attempts: int


class Receipted(Struct, frozen=True, gc=False):
    """Event: the receipt of this depth came (2 acknowledges the message, 3 the acknowledgement, ...).

    Whoever sent the receipt has seen all depths below. `signed`: a notary has checked it, so it is evidence;
    otherwise it is a hint.
    """

    peer: str
    stream: int
    sequence: int
    depth: int
    signed: bool


class Forged(Struct, frozen=True, gc=False):
    """Event: a receipt that our notary does not accept; it counts for nothing."""

    peer: str
    stream: int
    sequence: int
    depth: int


class InCustody(Struct, frozen=True, gc=False):
    """Event: the relay `via` acknowledged a message for `peer`: it has it. Delivery is not known."""

    peer: str
    via: str
    stream: int
    sequence: int
    attempts: int


class Undelivered(Struct, frozen=True, gc=False):
    """Event at a relay: a message it did not take on, or let go unacknowledged, and why."""

    origin: str
    destination: str
    stream: int
    sequence: int
    reason: str


class Settled(Struct, frozen=True, gc=False):
    """Event: a broadcast is over; from `acknowledged` a hint came, of `unknown` nothing is known."""

    stream: int
    epoch: int
    sequence: int
    acknowledged: tuple[str, ...]
    unknown: tuple[str, ...]
