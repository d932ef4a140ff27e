"""The interface every endpoint keeps, and the link frame its variants speak.

An endpoint owns no clock, socket, thread or random source. After any input its driver drains
`datagrams_to_send`, then `next_event` until None, then re-arms one timer at `next_timer`. Calling
`handle_timer` early is harmless. An exhausted retry is an *indefinite* failure: the peer may have acted.

A link frame is msgpack `[1, type, stream, sequence, attempt, envelope or nil]`: type 0 carries data, type
1 is a link acknowledgement, an unsigned hint that stops retransmission and proves nothing.
"""

from collections import deque
from typing import Annotated, Any, Literal, Protocol

from msgspec import DecodeError, Meta, Struct, ValidationError
from msgspec.msgpack import Decoder, Encoder

from cbmnet.datagram import Datagram
from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.registry import Family

FRAME_VERSION, DATA, LINK_ACK = 1, 0, 1
MAX_FRAME_BYTES = 65536 + 64
ACK_KIND = "link-ack"


class Send(Struct, frozen=True, gc=False):
    """Command: carry these bytes to the peer. Kind, stream, epoch and sequence are the message's own."""

    peer: str
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

_Whole = Annotated[int, Meta(ge=0)]
Frame = tuple[Literal[1], Literal[0, 1], _Whole, _Whole, _Whole, bytes | None]
"""A link frame taken apart: version, type, stream, sequence, attempt, and the envelope in data alone."""

_pack = Encoder().encode
_unpack = Decoder(Frame).decode


def encode_frame(type_: int, stream: int, sequence: int, attempt: int, envelope: bytes | None) -> bytes:
    """The bytes of one link frame."""
    return _pack((FRAME_VERSION, type_, stream, sequence, attempt, envelope))


def decode_frame(data: bytes) -> Frame:
    """Takes a link frame apart; RemoteProtocolError if it is not one."""
    if len(data) > MAX_FRAME_BYTES:
        raise RemoteProtocolError(f"frame of {len(data)} bytes; at most {MAX_FRAME_BYTES}")
    try:
        frame: Frame = _unpack(data)
    except (ValidationError, DecodeError, RecursionError) as error:
        raise RemoteProtocolError(f"not a link frame: {error}") from error
    if (frame[1] == DATA) == (frame[5] is None):
        raise RemoteProtocolError("link frame without its envelope, or with one too many")
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
    stream, sequence = send.stream, send.sequence
    frame = _pack((FRAME_VERSION, DATA, stream, sequence, attempt, send.data))
    return Datagram(frame, send.peer, send.kind, stream, send.epoch, sequence, attempt)


def ack_datagram(peer: str, stream: int, sequence: int, attempt: int, copy: int) -> Datagram:
    """The datagram of one link acknowledgement; `copy` tells repeated ones apart."""
    frame = _pack((FRAME_VERSION, LINK_ACK, stream, sequence, attempt, None))
    return Datagram(frame, peer, ACK_KIND, stream, 0, sequence, attempt, copy)
