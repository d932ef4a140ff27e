"""The interface every endpoint keeps, and the link frame its variants speak.

An endpoint owns no clock, socket, thread or random source. After any input its driver drains
`datagrams_to_send`, then `next_event` until None, then re-arms one timer at `next_timer`. Calling
`handle_timer` early is harmless. An exhausted retry is an *indefinite* failure: the peer may have acted.

A link frame is msgpack `[1, type, stream, sequence, attempt, envelope or nil]`: type 0 carries data, type
1 is a link acknowledgement, an unsigned hint that stops retransmission and proves nothing.
"""

from collections import deque
from typing import Any, NamedTuple, Protocol

import msgpack

from cbmnet.datagram import Datagram
from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.registry import Family

FRAME_VERSION, DATA, LINK_ACK = 1, 0, 1
MAX_FRAME_BYTES = 65536 + 64
ACK_KIND = "link-ack"


class Send(NamedTuple):
    """Command: carry these bytes to the peer. Kind, stream, epoch and sequence are the message's own."""

    peer: str
    data: bytes
    kind: str
    stream: int
    epoch: int
    sequence: int


class Received(NamedTuple):
    """Event: a peer's bytes arrived, possibly again."""

    peer: str
    data: bytes


class Acknowledged(NamedTuple):
    """Event: a link acknowledgement came for this message; a hint, not evidence."""

    peer: str
    stream: int
    sequence: int
    attempts: int


class GaveUp(NamedTuple):
    """Event: no acknowledgement after the last attempt; whether the peer has the message is unknown."""

    peer: str
    stream: int
    sequence: int
    attempts: int


class Malformed(NamedTuple):
    """Event: bytes that are no frame of ours; recorded and otherwise ignored."""

    peer: str
    detail: str


class Endpoint(Protocol):
    """One state machine per party and layer.

    `outgoing` and `events` are its queues; a driver may empty them in place instead of asking the two
    methods, as the one in virtual time does, where calls are what costs.
    """

    outgoing: deque[Datagram]
    events: deque[Any]

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


class VariantMaker(Protocol):
    """How the registry builds a variant: its own config."""

    def __call__(self, config: Any) -> Endpoint:
        """One party's endpoint of this variant."""


VARIANTS: Family[VariantMaker] = Family("variants", "cbmnet.protocols.variants")

_pack = msgpack.Packer(use_bin_type=True).pack
_unpack = msgpack.unpackb
# Named tuples by their plainest constructor: on the message path the generated one is a tenth of the time.
_new = tuple.__new__


Frame = tuple[int, int, int, int, int, bytes | None]
"""A link frame taken apart: version, type, stream, sequence, attempt, and the envelope in data alone."""


def encode_frame(type_: int, stream: int, sequence: int, attempt: int, envelope: bytes | None) -> bytes:
    """The bytes of one link frame."""
    packed: bytes = _pack((FRAME_VERSION, type_, stream, sequence, attempt, envelope))
    return packed


def decode_frame(data: bytes) -> Frame:
    """Takes a link frame apart; RemoteProtocolError if it is not one."""
    if len(data) > MAX_FRAME_BYTES:
        raise RemoteProtocolError(f"frame of {len(data)} bytes; at most {MAX_FRAME_BYTES}")
    try:
        frame: Frame = _unpack(data, use_list=False, max_array_len=6, max_map_len=0, max_ext_len=0)
        version, type_, stream, sequence, attempt, envelope = frame
    except (ValueError, TypeError, msgpack.exceptions.UnpackException) as error:
        raise RemoteProtocolError("not a link frame") from error
    carries = type(envelope)
    if version != FRAME_VERSION or (
        (type_ != DATA or carries is not bytes) and (type_ != LINK_ACK or envelope is not None)
    ):
        raise RemoteProtocolError("link frame of another version or type, or with another content than its")
    whole = type(version) is type(type_) is type(stream) is type(sequence) is type(attempt) is int
    if not whole or stream | sequence | attempt < 0:
        raise RemoteProtocolError("link frame with fields of the wrong type, or negative")
    return frame


class EndpointBase:
    """The outgoing queues that every endpoint has."""

    def __init__(self) -> None:
        self.outgoing: deque[Datagram] = deque()
        self.events: deque[Any] = deque()

    def datagrams_to_send(self) -> list[Datagram]:
        """What is to be sent, in order."""
        outgoing = list(self.outgoing)
        self.outgoing.clear()
        return outgoing

    def next_event(self) -> Any | None:
        """The next event, or None."""
        return self.events.popleft() if self.events else None

    def handle_timer(self, now: float) -> None:
        """Nothing is due in an endpoint without timers."""

    def next_timer(self) -> float | None:
        """An endpoint without timers."""
        return None


def expect_send(command: object) -> Send:
    """The command as `Send`; LocalProtocolError for any other."""
    if type(command) is not Send:
        raise LocalProtocolError(f"a variant takes Send, not {type(command).__name__}")
    return command


def data_datagram(send: Send, attempt: int) -> Datagram:
    """The datagram of one attempt at one message."""
    peer, data, kind, stream, epoch, sequence = send
    frame = _pack((FRAME_VERSION, DATA, stream, sequence, attempt, data))
    return _new(Datagram, (frame, peer, kind, stream, epoch, sequence, attempt, 0))


def ack_datagram(peer: str, stream: int, sequence: int, attempt: int, copy: int) -> Datagram:
    """The datagram of one link acknowledgement; `copy` tells repeated ones apart."""
    frame = _pack((FRAME_VERSION, LINK_ACK, stream, sequence, attempt, None))
    return _new(Datagram, (frame, peer, ACK_KIND, stream, 0, sequence, attempt, copy))


def received(peer: str, data: bytes) -> Received:
    """The event of a peer's bytes."""
    return _new(Received, (peer, data))


def settled(
    kind: type[Acknowledged] | type[GaveUp], peer: str, stream: int, sequence: int, attempts: int
) -> Acknowledged | GaveUp:
    """The event of a message that is no longer under way."""
    return _new(kind, (peer, stream, sequence, attempts))
