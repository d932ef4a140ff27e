"""The bytes of stored state: MessagePack, read back strictly (Replay guard across a restart).

    guard:  snapshot [1, "guard", mark, floor ms, digests, [[sender, stream, epoch, below,
                     [sequence], ids and previous by turns, [envelope]]]]
            record   [sender, stream, epoch, sequence, id, previous, digest, envelope]
    sender: snapshot [1, "sender", name, realm, epoch, [[stream, epoch, reserved, last id]]]
            record   [stream, reserved, last id]

Digests, ids and previous are bins of 32 bytes each, one after the other; streams and sequences ascend.
Whatever its checksums say, state that this code could not have written is StateCorrupt.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import msgpack

from cbmnet.messages.body import U16, U32, U64, is_name
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import HARD_MAX_WIRE_BYTES
from cbmnet.messages.guard import DIGESTS, EVIDENCE, WINDOW, Change, GuardState, StreamState

MAX_TIME_MS = (1 << 63) - 1
ID_BYTES = 32

_VERSION = 1
_GUARD, _SENDER = "guard", "sender"
_pack = msgpack.packb


class StreamMark(NamedTuple):
    """How far a sender's stream may have come: the epoch, the highest sequence reserved in it, the last id.

    The last id (32 bytes, zeros if none) is of that epoch or an earlier one.
    """

    epoch: int
    reserved: int
    last_id: bytes


class SenderState(NamedTuple):
    """A sender's state: whose it is, the newest epoch opened, and its streams by number."""

    name: str
    realm: str
    epoch: int
    streams: dict[int, StreamMark]


def pack_guard(mark: int, state: GuardState) -> bytes:
    """A guard's snapshot; `mark` counts the changes ever stored."""
    streams = [
        (
            *(stream.sender, stream.stream, stream.epoch, stream.below),
            [sequence for sequence, _ in stream.slots],
            b"".join([part for _, slot in stream.slots for part in slot]),
            stream.wires,
        )
        for stream in state.streams
    ]
    fields = _VERSION, _GUARD, mark, state.floor_ms, b"".join(state.digests), streams
    raw: bytes = _pack(fields)
    return raw


def read_guard(raw: bytes) -> tuple[int, GuardState]:
    """The mark and state of a snapshot; raises SignedMessageError with StateCorrupt."""
    mark, floor_ms, packed, rows = _snapshot(raw, _GUARD, 4)
    digests = _ids(packed)
    _need(_is_uint(mark, U64) and _is_uint(floor_ms, MAX_TIME_MS, -1), "mark or floor")
    _need(len(digests) <= DIGESTS and len(set(digests)) == len(digests), "digests")
    streams = [_read_stream(row) for row in _rows(rows, 7)]
    _need(all(a[:2] < b[:2] for a, b in pairwise(streams)), "streams out of order")
    return mark, GuardState(floor_ms, digests, streams)


def _read_stream(row: tuple[Any, ...]) -> StreamState:
    sender, number, epoch, below, sequences, packed, wires = row
    _need(type(sequences) is tuple and 1 <= len(sequences) <= WINDOW, "sequences")
    _need(all(_is_uint(sequence, U64, 1) for sequence in sequences), "sequences")
    _need(all(a < b for a, b in pairwise(sequences)), "sequences out of order")
    highest, parts = sequences[-1], _ids(packed)
    _need(sequences[0] > highest - WINDOW and len(parts) == 2 * len(sequences), "window")
    _need(is_name(sender) and _is_uint(number, U16) and _is_uint(epoch, U32), "stream")
    _need(_is_uint(below, max(0, highest - WINDOW)), "lowest sequence")
    newest = sum(1 for sequence in sequences if sequence > highest - EVIDENCE)
    _need(type(wires) is tuple and len(wires) == newest and all(map(_is_wire, wires)), "envelopes")
    slots = list(zip(sequences, zip(parts[::2], parts[1::2], strict=True), strict=True))
    return StreamState(sender, number, epoch, below, slots, list(wires))


def pack_change(change: Change) -> bytes:
    """A guard's record."""
    raw: bytes = _pack(tuple(change))
    return raw


def read_change(raw: bytes) -> Change:
    """The change of a record; raises SignedMessageError with StateCorrupt."""
    change = Change(*_array(_unpack(raw), 8))
    _need(is_change(change), "change")
    return change


def is_change(change: Change) -> bool:
    """Whether it is one that a verifier can have made."""
    sender, stream, epoch, sequence, message_id, previous, digest, wire = change
    return (
        is_name(sender)
        and _is_uint(stream, U16)
        and _is_uint(epoch, U32)
        and _is_uint(sequence, U64, 1)
        and _is_id(message_id)
        and _is_id(previous)
        and _is_id(digest)
        and _is_wire(wire)
    )


def pack_sender(state: SenderState) -> bytes:
    """A sender's snapshot."""
    streams = [(number, *mark) for number, mark in sorted(state.streams.items())]
    raw: bytes = _pack((_VERSION, _SENDER, state.name, state.realm, state.epoch, streams))
    return raw


def read_sender(raw: bytes) -> SenderState:
    """The state of a snapshot; raises SignedMessageError with StateCorrupt."""
    name, realm, epoch, rows = _snapshot(raw, _SENDER, 4)
    _need(is_name(name) and type(realm) is str and _is_uint(epoch, U32), "sender")
    marks = _rows(rows, 4)
    for number, opened, reserved, last_id in marks:
        _need(_is_uint(number, U16) and _is_uint(opened, epoch), "stream")
        _need(_is_uint(reserved, U64, 1) and _is_id(last_id), "stream")
    _need(all(a[0] < b[0] for a, b in pairwise(marks)), "streams out of order")
    return SenderState(name, realm, epoch, {number: StreamMark(*mark) for number, *mark in marks})


def pack_reserved(stream: int, reserved: int, last_id: bytes) -> bytes:
    """A sender's record: up to which sequence numbers are taken, and the last id known."""
    raw: bytes = _pack((stream, reserved, last_id))
    return raw


def add_reserved(state: SenderState, raw: bytes) -> None:
    """Adds a record to a state in its newest epoch; raises SignedMessageError with StateCorrupt."""
    number, reserved, last_id = _array(_unpack(raw), 3)
    _need(_is_uint(number, U16) and _is_uint(reserved, U64, 1) and _is_id(last_id), "record")
    known = state.streams.get(number)
    _need(known is None or (known.epoch, known.reserved) < (state.epoch, reserved), "numbers reserved twice")
    state.streams[number] = StreamMark(state.epoch, reserved, last_id)


def _unpack(raw: bytes) -> Any:
    try:
        value = msgpack.unpackb(raw, use_list=False, max_map_len=0, max_ext_len=0)
    except (ValueError, msgpack.UnpackException) as error:
        raise SignedMessageError(Code.STATE_CORRUPT, f"stored state: {error}") from None
    _need(_pack(value) == raw, "not written by this code")
    return value


def _snapshot(raw: bytes, kind: str, count: int) -> tuple[Any, ...]:
    version, found, *fields = _array(_unpack(raw), 2 + count)
    _need(type(version) is int and version == _VERSION, "version")
    _need(found == kind, f"not of a {kind}")
    return tuple(fields)


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise SignedMessageError(Code.STATE_CORRUPT, f"stored state: {what}")


def _array(value: Any, count: int) -> tuple[Any, ...]:
    if type(value) is not tuple or len(value) != count:
        raise SignedMessageError(Code.STATE_CORRUPT, f"stored state: not an array of {count}")
    return value


def _rows(value: Any, count: int) -> list[tuple[Any, ...]]:
    _need(type(value) is tuple, "streams")
    return [_array(row, count) for row in value]


def _ids(packed: Any) -> list[bytes]:
    if type(packed) is not bytes or len(packed) % ID_BYTES:
        raise SignedMessageError(Code.STATE_CORRUPT, "stored state: ids")
    return [packed[start : start + ID_BYTES] for start in range(0, len(packed), ID_BYTES)]


def _is_uint(value: Any, most: int, least: int = 0) -> bool:
    return type(value) is int and least <= value <= most


def _is_id(value: Any) -> bool:
    return type(value) is bytes and len(value) == ID_BYTES


def _is_wire(value: Any) -> bool:
    return type(value) is bytes and 0 < len(value) <= HARD_MAX_WIRE_BYTES
