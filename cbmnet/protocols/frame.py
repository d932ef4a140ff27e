"""The link frame that variants speak, and the datagrams that carry it.

A link frame is msgpack `[1, type, stream, sequence, attempt, envelope or nil]`. Type 0 carries data, type 1
is a link acknowledgement, an unsigned hint that stops retransmission and proves nothing, type 2 confirms an
acknowledgement, type 3 is a receipt, signed or not.

The attempt is the sender's own business: whoever answers a frame echoes it. A variant that has more to say
there writes a *mark*: the epoch in the upper 32 bits, 16 bits of its own, and the attempt in the lower 16.
In epoch 0 with nothing of its own, the mark is the attempt.

A frame has no checksum. It stands on a link that discards damaged frames, as UDP and every link layer do;
where one hands them up, a damaged number is an honest frame of another number, and what a message says is
protected by its signature alone.
"""

from typing import Annotated, Literal

from msgspec import DecodeError, Meta, Struct, ValidationError
from msgspec.msgpack import Decoder, Encoder

from cbmnet.datagram import Datagram
from cbmnet.errors import RemoteProtocolError

FRAME_VERSION = 1
DATA, LINK_ACK, CONFIRM, RECEIPT = range(4)
ACK_KIND = "link-ack"
KINDS = ("data", ACK_KIND, "confirm", "receipt")
"""What a frame of each type is called; labels of the last three bear it, those of data the message's kind."""
MAX_DATA_BYTES = 65536
MAX_FRAME_BYTES = MAX_DATA_BYTES + 64
MAX_STREAM = 0xFFFF
_LOW = 0xFFFF
COPY_STEP = 256
"""Repeated answers are numbered in steps, since a duplicating channel numbers its copies by ones."""

_Stream = Annotated[int, Meta(ge=0, le=MAX_STREAM)]
_Whole = Annotated[int, Meta(ge=0)]
_Envelope = Annotated[bytes, Meta(max_length=MAX_DATA_BYTES)]
Frame = tuple[Literal[1], Literal[0, 1, 2, 3], _Stream, _Whole, _Whole, _Envelope | None]
"""A link frame taken apart: version, type, stream, sequence, attempt, and the envelope."""

_NEVER_BARE, _ALWAYS_BARE = (DATA,), (LINK_ACK, CONFIRM)  # of an envelope; a receipt may be either
_pack = Encoder().encode
_unpack = Decoder(Frame).decode


class Send(Struct, frozen=True, gc=False):
    """Command: carry these bytes to the peer. Kind, stream, epoch and sequence are the message's own."""

    peer: str
    data: bytes
    kind: str
    stream: int
    epoch: int
    sequence: int


def encode_frame(type_: int, stream: int, sequence: int, attempt: int, envelope: bytes | None) -> bytes:
    """The bytes of one link frame."""
    return _pack((FRAME_VERSION, type_, stream, sequence, attempt, envelope))


def decode_frame(data: bytes) -> Frame:
    """Takes a link frame apart; RemoteProtocolError if it is not one."""
    try:
        frame: Frame = _unpack(data)
    except (ValidationError, DecodeError, RecursionError) as error:
        if len(data) > MAX_FRAME_BYTES:
            raise RemoteProtocolError(f"frame of {len(data)} bytes; at most {MAX_FRAME_BYTES}") from error
        raise RemoteProtocolError(f"not a link frame: {error}") from error
    if frame[1] in (_NEVER_BARE if frame[5] is None else _ALWAYS_BARE):
        raise RemoteProtocolError("link frame without its envelope, or with one too many")
    return frame


def mark_of(epoch: int, own: int, attempt: int) -> int:
    """What a frame's attempt field says: epoch (32 bits), 16 bits of the variant's own, the attempt (16)."""
    return epoch << 32 | own << 16 | attempt & _LOW


def read_mark(mark: int) -> tuple[int, int, int]:
    """Epoch, the variant's own 16 bits, and the attempt."""
    return mark >> 32, mark >> 16 & _LOW, mark & _LOW


def data_datagram(send: Send, attempt: int) -> Datagram:
    """The datagram of one attempt at one message."""
    stream, sequence = send.stream, send.sequence
    frame = _pack((FRAME_VERSION, DATA, stream, sequence, attempt, send.data))
    return Datagram(frame, send.peer, send.kind, stream, send.epoch, sequence, attempt)


def marked_datagram(send: Send, attempt: int, own: int = 0) -> Datagram:
    """The same with a mark, from which the receiver learns the epoch and what else the variant says."""
    stream, epoch, sequence = send.stream, send.epoch, send.sequence
    frame = _pack((FRAME_VERSION, DATA, stream, sequence, mark_of(epoch, own, attempt), send.data))
    return Datagram(frame, send.peer, send.kind, stream, epoch, sequence, attempt & _LOW)


def ack_datagram(peer: str, stream: int, sequence: int, attempt: int, copy: int) -> Datagram:
    """The datagram of one link acknowledgement; `copy` tells repeated ones apart."""
    frame = _pack((FRAME_VERSION, LINK_ACK, stream, sequence, attempt, None))
    return Datagram(frame, peer, ACK_KIND, stream, attempt >> 32, sequence, attempt & _LOW, copy)


def answer_datagram(
    type_: int, peer: str, stream: int, sequence: int, mark: int, count: int, envelope: bytes | None = None
) -> Datagram:
    """An answer to a frame, of any type but data: it echoes the mark.

    `count` (from 1) tells the answers of this type to this message apart; it is the label's attempt.
    """
    frame = _pack((FRAME_VERSION, type_, stream, sequence, mark, envelope))
    epoch, copy = mark >> 32, (count >> 16) * COPY_STEP & _LOW
    return Datagram(frame, peer, KINDS[type_], stream, epoch, sequence, count & _LOW, copy)


def echo_datagram(
    peer: str, stream: int, sequence: int, mark: int, again: int, kind: str = ACK_KIND
) -> Datagram:
    """A link acknowledgement of one very attempt, which its label names; `again` counts from 0."""
    frame = _pack((FRAME_VERSION, LINK_ACK, stream, sequence, mark, None))
    epoch, _, attempt = read_mark(mark)
    return Datagram(frame, peer, kind, stream, epoch, sequence, attempt, again * COPY_STEP & _LOW)
