"""The interface every endpoint keeps, and what its variants share.

An endpoint owns no clock, socket, thread or random source. After any input its driver drains
`datagrams_to_send`, then `next_event` until None, then re-arms one timer at `next_timer`. Calling
`handle_timer` early is harmless. An exhausted retry is an *indefinite* failure: the peer may have acted.

Several routes may lead to one peer. Route 0 to "b" is addressed as "b", route k as "b@k", and what came by
route k from "a" is handed over as coming from "a@k". The frames are in `frame`, the events in `events`.
"""

import struct
from collections import deque
from contextlib import suppress
from struct import Struct
from typing import Any, ClassVar, Protocol, TypeVar

from cbmnet.datagram import Datagram
from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.protocols.events import (
    Acknowledged,
    Broadcast,
    Confirmed,
    Forged,
    GaveUp,
    InCustody,
    Malformed,
    Receipted,
    Received,
    Settled,
    Unconfirmed,
    Undelivered,
)
from cbmnet.protocols.frame import (
    ACK_KIND,
    CONFIRM,
    DATA,
    FRAME_VERSION,
    KINDS,
    LINK_ACK,
    MAX_DATA_BYTES,
    MAX_FRAME_BYTES,
    RECEIPT,
    Frame,
    Send,
    ack_datagram,
    data_datagram,
    decode_frame,
    encode_frame,
)
from cbmnet.registry import Family

__all__ = [
    "ACK_KIND", "AT_MOST_ONCE", "CONFIRM", "DATA", "FRAME_VERSION", "IN_ORDER", "KINDS", "LINK_ACK",
    "MAX_FRAME_BYTES", "OR_GAVE_UP", "RECEIPT", "VARIANTS", "Acknowledged", "Broadcast", "Confirmed",
    "Datagram", "Endpoint", "EndpointBase", "Forged", "Frame", "GaveUp", "InCustody",
    "LocalProtocolError", "Malformed", "QueuedEndpoint", "Receipted", "Received", "RemoteProtocolError",
    "Send", "Settled", "Unconfirmed", "Undelivered", "VariantMaker", "ack_datagram", "check_frame",
    "data_datagram", "decode_frame", "encode_frame", "expect_send", "named", "party_of", "route_of", "way",
]  # fmt: skip

AT_MOST_ONCE, IN_ORDER, OR_GAVE_UP = "at-most-once", "in-order", "at-least-once-or-gave-up"
"""What a variant may claim of honest ends over any line: tests hold it to its `claims`."""


class Endpoint(Protocol):
    """One state machine per party and layer: these six methods are all that a driver needs."""

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Takes bytes that arrived from the peer."""

    def command(self, command: Any, now: float) -> None:
        """Takes an order of the layer above; a wrong one is a LocalProtocolError."""

    def handle_timer(self, now: float) -> None:
        """Does what is due by now."""

    def next_timer(self) -> float | None:
        """Absolute time of the earliest timer, or None."""

    def datagrams_to_send(self) -> list[Datagram]:
        """What is to be sent, in order; each is handed out once."""

    def next_event(self) -> Any | None:
        """The next event for the layer above, or None."""


class QueuedEndpoint(Endpoint, Protocol):
    """An endpoint whose queues a driver may empty in place, instead of asking the two methods for them."""

    outgoing: deque[Datagram]
    events: deque[Any]


class VariantMaker(Protocol):
    """How the registry builds a variant: its own config."""

    def __call__(self, config: Any) -> Endpoint:
        """One party's endpoint of this variant."""


VARIANTS: Family[VariantMaker] = Family("variants", "cbmnet.protocols.variants")


class EndpointBase:
    """The outgoing queues that every endpoint has, and what its variant claims.

    `me` is the party's name, empty if nobody told; a driver or a builder may set it.
    """

    claims: ClassVar[frozenset[str]] = frozenset()
    me: str = ""

    def __init__(self) -> None:
        self.outgoing: deque[Datagram] = deque()
        self.events: deque[Any] = deque()

    def datagrams_to_send(self) -> list[Datagram]:
        """What is to be sent, in order."""
        outgoing = list(self.outgoing)
        self.outgoing.clear()
        return outgoing

    def next_event(self) -> Any | None:
        """The next event, or None. TypeError for a None among the events, at which a driver would stop."""
        if not self.events:
            return None
        event = self.events.popleft()
        if event is None:
            raise TypeError("None stands among the events")
        return event

    def handle_timer(self, now: float) -> None:
        """Nothing is due in an endpoint without timers."""

    def next_timer(self) -> float | None:
        """An endpoint without timers."""
        return None


E = TypeVar("E")


def named(endpoint: E, name: str) -> E:
    """The endpoint, which now knows the party's name as `me`, if it can and nobody said another."""
    if not getattr(endpoint, "me", None):
        with suppress(AttributeError):  # of a class with slots, or a frozen one
            endpoint.me = name  # type: ignore[attr-defined]
    return endpoint


_numbers = Struct(">HIQ").pack  # stream, epoch and sequence as a label has them


def expect_send(command: object) -> Send:
    """The command as `Send`; LocalProtocolError for any other, and for one that no frame can carry."""
    if type(command) is not Send:
        raise LocalProtocolError(f"a variant takes Send, not {type(command).__name__}")
    check_frame(command)
    return command


def check_frame(command: Send | Broadcast) -> None:
    """LocalProtocolError for numbers or data that no frame can carry."""
    data = command.data
    try:
        _numbers(command.stream, command.epoch, command.sequence)  # looks at all three at once
        if type(data) is bytes and len(data) <= MAX_DATA_BYTES:
            return
    except struct.error:
        pass
    size = f"{len(data)} bytes" if type(data) is bytes else f"data of type {type(data).__name__}"
    raise LocalProtocolError(
        f"{size} as {command.stream!r}/{command.epoch!r}/{command.sequence!r}: a frame carries up to "
        f"{MAX_DATA_BYTES} bytes, streams of 16 bits, epochs of 32, sequences of 64"
    )


def way(peer: str, route: int) -> str:
    """How a peer is addressed by one of the routes to it, counted from 0."""
    return f"{peer}@{route}" if route else peer


def party_of(way: str) -> str:
    """The peer at the end of a way."""
    return way.partition("@")[0]


def route_of(way: str) -> int:
    """The number of a way's route; RemoteProtocolError for what is no way."""
    number = way.partition("@")[2] or "0"
    if not (number.isascii() and number.isdigit()):
        raise RemoteProtocolError(f"{way!r} is no way to a peer")
    return int(number)
