"""The replay guard: order within each stream (the wire specification, Verification order, 11 and 12).

A stream is (sender, stream number). Its window holds the id and `previous` of every sequence accepted
among the newest 1,024, and the envelopes of the newest 64, so that an equivocation has its evidence.
`check` changes nothing; `apply` takes the change that a caller has stored. Its state in full can be taken
out and put back (`durable.py`).
"""

from collections import deque
from typing import NamedTuple

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.message import Message

WINDOW = 1024
EVIDENCE = 64
DIGESTS = 4096

Gap = tuple[int, int]


class Change(NamedTuple):
    """What accepting one message adds to the guard's state; store it before acting on the message."""

    sender: str
    stream: int
    epoch: int
    sequence: int
    id: bytes
    previous: bytes
    digest: bytes
    wire: bytes


class StreamState(NamedTuple):
    """One stream's state in full.

    `below` is the highest accepted sequence that has left the window, or 0. `slots` are (sequence, (id,
    previous)) by ascending sequence, all within the newest 1,024 and at least one; `wires` are the
    envelopes of those within the newest 64, in the same order.
    """

    sender: str
    stream: int
    epoch: int
    below: int
    slots: list[tuple[int, tuple[bytes, bytes]]]
    wires: list[bytes]


class GuardState(NamedTuple):
    """A guard's state in full: `floor_ms`, the cached digests from the oldest on, the streams by name."""

    floor_ms: int
    digests: list[bytes]
    streams: list[StreamState]


class _Stream:
    """One stream in its current epoch."""

    __slots__ = ("below", "epoch", "highest", "slots", "wires")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.highest = 0
        self.below = 0  # the highest accepted sequence that has left the window
        self.slots: dict[int, tuple[bytes, bytes]] = {}  # sequence -> id, previous
        self.wires: dict[int, bytes] = {}

    def add(self, sequence: int, message_id: bytes, previous: bytes, wire: bytes) -> None:
        slots, wires = self.slots, self.wires
        if sequence == self.highest + 1:  # the usual step: one slot and one envelope grow old
            self.highest = sequence
            if slots.pop(sequence - WINDOW, None) is not None:
                self.below = sequence - WINDOW
            wires.pop(sequence - EVIDENCE, None)
        elif sequence > self.highest:
            self._advance(sequence)
            slots, wires = self.slots, self.wires
        slots[sequence] = message_id, previous
        if sequence > self.highest - EVIDENCE:
            wires[sequence] = wire

    def _advance(self, sequence: int) -> None:
        gone = sequence - WINDOW
        self.below = max((s for s in self.slots if s <= gone), default=self.below)
        self.slots = {s: slot for s, slot in self.slots.items() if s > gone}
        self.wires = {s: wire for s, wire in self.wires.items() if s > sequence - EVIDENCE}
        self.highest = sequence

    def freeze(self, sender: str, number: int) -> "StreamState":
        """Everything held, by ascending sequence."""
        slots = sorted(self.slots.items())
        wires = [wire for _, wire in sorted(self.wires.items())]
        return StreamState(sender, number, self.epoch, self.below, slots, wires)

    def nearest_below(self, sequence: int) -> int:
        """The highest accepted sequence below this one, 0 if there is none."""
        if sequence > self.highest:
            return self.highest
        # Down to the window's end only: in a young stream `below` is 0, and may be 2^64 away.
        end = max(self.below, self.highest - WINDOW)
        return next((s for s in range(sequence - 1, end, -1) if s in self.slots), self.below)


class ReplayGuard:
    """What was accepted, by stream, and the digests of the newest 4,096 accepted envelopes.

    `floor_ms`: what was issued at or before this time is TooOld, for its record may be lost; -1 for none.
    """

    def __init__(self) -> None:
        self.floor_ms = -1
        self._streams: dict[tuple[str, int], _Stream] = {}
        self._digests: set[bytes] = set()
        self._newest: deque[bytes] = deque()  # the same digests by age

    def is_duplicate(self, digest: bytes) -> bool:
        """Whether an envelope with this SHA-256 was accepted lately."""
        return digest in self._digests

    def check(self, message: Message, message_id: bytes, wire: bytes) -> Gap | None:
        """The gap before a message, first and last missing sequence, or None if there is none.

        (0, 0) means that an epoch starts from another message than the last one known. Raises
        SignedMessageError with TooOld, Replayed, Equivocation or ChainBreak.
        """
        _, sender, _, number, epoch, sequence, issued_ms, _, previous, _ = message
        if issued_ms <= self.floor_ms:
            raise SignedMessageError(
                Code.TOO_OLD, f"issued at {issued_ms} ms; state up to {self.floor_ms} ms may be lost"
            )
        stream = self._streams.get((sender, number))
        if stream is None:
            return _first_gap(message)
        if epoch != stream.epoch:
            return _epoch_gap(stream, message)
        if sequence == stream.highest + 1 and previous == stream.slots[stream.highest][0]:
            return None  # the usual message continues the newest
        _check_slot(stream, message, message_id, wire)
        return _check_chain(stream, message, message_id, wire)

    def apply(self, change: Change) -> None:
        """Adds an accepted message; raises LocalProtocolError if it no longer fits what was applied since.

        Applying the same change again does nothing.
        """
        sender, number, epoch, sequence, message_id, previous, digest, wire = change
        stream = self._streams.get((sender, number))
        if stream is None or epoch != stream.epoch or sequence <= stream.highest:  # what is newer always fits
            stream = self._fitting(change)
            if stream is None:
                stream = self._streams[sender, number] = _Stream(epoch)
        stream.add(sequence, message_id, previous, wire)
        digests, newest = self._digests, self._newest
        if digest not in digests:
            digests.add(digest)
            newest.append(digest)
            if len(newest) > DIGESTS:
                digests.discard(newest.popleft())

    def _fitting(self, change: Change) -> _Stream | None:
        """The stream a change goes on with, or None if it begins a stream or an epoch."""
        sender, number, epoch, sequence, message_id, _, _, _ = change
        stream = self._streams.get((sender, number))
        if stream is None or epoch > stream.epoch:
            return None
        if epoch < stream.epoch or sequence <= stream.highest - WINDOW:
            raise LocalProtocolError("a change older than the guard's state")
        if (slot := stream.slots.get(sequence)) is not None and slot[0] != message_id:
            raise LocalProtocolError("two messages for one sequence were checked before either was applied")
        return stream

    def freeze(self) -> GuardState:
        """The state in full, a copy."""
        streams = [stream.freeze(*key) for key, stream in sorted(self._streams.items())]
        return GuardState(self.floor_ms, list(self._newest), streams)

    def thaw(self, state: GuardState) -> None:
        """Takes the place of the state held; what `freeze` gave is not checked."""
        self.floor_ms = state.floor_ms
        self._newest = deque(state.digests)
        self._digests = set(state.digests)
        self._streams = {}
        for sender, number, epoch, below, slots, wires in state.streams:
            stream = self._streams[sender, number] = _Stream(epoch)
            stream.highest, stream.below, stream.slots = slots[-1][0], below, dict(slots)
            newest = [sequence for sequence, _ in slots if sequence > stream.highest - EVIDENCE]
            stream.wires = dict(zip(newest, wires, strict=True))


def _first_gap(message: Message) -> Gap | None:
    if message.sequence > 1:
        return 1, message.sequence - 1
    return None if message.previous == bytes(32) else (0, 0)


def _epoch_gap(stream: _Stream, message: Message) -> Gap | None:
    if message.epoch < stream.epoch:
        raise SignedMessageError(Code.TOO_OLD, f"epoch {message.epoch} is over, {stream.epoch} has begun")
    if message.sequence > 1:
        return 1, message.sequence - 1
    return None if message.previous == stream.slots[stream.highest][0] else (0, 0)


def _check_slot(stream: _Stream, message: Message, message_id: bytes, wire: bytes) -> None:
    sequence = message.sequence
    if sequence <= stream.highest - WINDOW:
        raise SignedMessageError(
            Code.TOO_OLD, f"sequence {sequence} is {WINDOW} or more below {stream.highest}"
        )
    slot = stream.slots.get(sequence)
    if slot is None:
        return
    if slot[0] == message_id:
        raise SignedMessageError(Code.REPLAYED, f"sequence {sequence} was accepted before")
    raise _evidence(Code.EQUIVOCATION, f"sequence {sequence} has two messages", stream, sequence, wire)


def _check_chain(stream: _Stream, message: Message, message_id: bytes, wire: bytes) -> Gap | None:
    sequence = message.sequence
    if sequence == 1:  # an epoch start is never a break, and nothing can be missing before it
        return None
    before = stream.slots.get(sequence - 1)
    if before is not None and before[0] != message.previous:
        detail = f"sequence {sequence} does not continue the message before it"
        raise _evidence(Code.CHAIN_BREAK, detail, stream, sequence - 1, wire)
    if sequence < stream.highest:
        after = stream.slots.get(sequence + 1)
        if after is not None and after[1] != message_id:
            detail = f"sequence {sequence} is not what the message after it continues"
            raise _evidence(Code.CHAIN_BREAK, detail, stream, sequence + 1, wire)
    if before is not None:
        return None
    first = stream.nearest_below(sequence) + 1
    return (first, sequence - 1) if first < sequence else None  # it was seen, and has left the window


def _evidence(code: Code, detail: str, stream: _Stream, sequence: int, wire: bytes) -> SignedMessageError:
    earlier = stream.wires.get(sequence)
    return SignedMessageError(code, detail, evidence=(wire,) if earlier is None else (earlier, wire))
