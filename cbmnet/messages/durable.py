"""A guard and a sender whose state outlives the process (Replay guard across a restart).

Both write before they act: a change is stored before it is applied, a sequence number before it is used.
What a storage cannot notice of itself is a state that is whole but old, from a backup: the caller says
so (`restored`), or a `mark` kept outside the backup shows it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.body import U16, U32, U64
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.guard import Change, ReplayGuard
from cbmnet.messages.keys import Signer
from cbmnet.messages.kinds import BUILTIN_SCHEMAS
from cbmnet.messages.schema import Schema
from cbmnet.messages.sealing import Sealed, Sender
from cbmnet.messages.state import (
    MAX_TIME_MS,
    SenderState,
    StreamMark,
    add_reserved,
    is_change,
    pack_change,
    pack_guard,
    pack_reserved,
    pack_sender,
    read_change,
    read_guard,
    read_sender,
)
from cbmnet.messages.storage import Storage, Stored
from cbmnet.messages.verifier import SKEW_MS

COMPACT_AFTER = 1024
BLOCK = 256

_FIRST = bytes(32)


class DurableGuard(ReplayGuard):
    """A replay guard kept in a storage: `apply` stores the change first, so `Verifier.accept` is durable.

    Opening it at `now_ms` loads what is stored. Nothing stored is a state lost, unless `first_start`; a
    backup put back is told by `restored`, or shown by `at_least`, a `mark` the caller keeps outside the
    backup. Then `floor_ms` becomes now + `skew_ms`, which must be the verifier's: whatever was accepted and
    forgotten was issued before that, and is TooOld for ever. It holds as long as the clock was not set back.

    `mark` counts the changes ever stored. After `compact_after` of them, and once they weigh as much as the
    snapshot they follow, a new snapshot replaces them, so writing costs a constant factor for any number of
    streams. Raises SignedMessageError with StateCorrupt, LocalProtocolError for a setting that cannot be.
    """

    def __init__(
        self,
        storage: Storage,
        now_ms: int,
        *,
        first_start: bool = False,
        restored: bool = False,
        at_least: int = 0,
        skew_ms: int = SKEW_MS,
        compact_after: int = COMPACT_AFTER,
    ) -> None:
        super().__init__()
        _check_time(now_ms)
        _check_time(skew_ms)
        _check_time(now_ms + skew_ms)
        if type(at_least) is not int or not 0 <= at_least <= U64:
            raise LocalProtocolError("a mark must be a whole number from 0 on")
        self.mark = 0
        self._storage, self._compact_after = storage, compact_after
        stored = storage.load()
        self._load(stored)
        lost = stored.snapshot is None and not first_start
        if lost or restored or self.mark < at_least:
            self.floor_ms = max(self.floor_ms, now_ms + skew_ms)
            self.mark = max(self.mark, at_least)  # else the next start would take itself for a backup too
        self.compact()  # also on a first start: from now on, nothing stored is a state lost

    def apply(self, change: Change) -> None:
        """Stores a change, then adds it; raises LocalProtocolError if it does not fit, or what storing does.

        If storing fails the guard is as it was; the storage must be opened anew. Applying the same change
        again does nothing.
        """
        stream = self._fitting(change)
        if stream is not None and change.sequence in stream.slots and self.is_duplicate(change.digest):
            return
        if not is_change(change):
            raise LocalProtocolError("not a change that a verifier has made")
        # Before the change, not after it: if this fails, the change was not stored either.
        if self._deltas >= self._compact_after and self._delta_bytes >= self._snapshot_bytes:
            self.compact()
        record = pack_change(change)
        self._storage.append(record)
        super().apply(change)
        self.mark += 1
        self._deltas += 1
        self._delta_bytes += len(record)

    def compact(self) -> None:
        """Puts one snapshot in the place of everything stored."""
        snapshot = pack_guard(self.mark, self.freeze())
        self._storage.replace(snapshot)
        self._deltas, self._delta_bytes, self._snapshot_bytes = 0, 0, len(snapshot)

    def _load(self, stored: Stored) -> None:
        if stored.snapshot is not None:
            self.mark, state = read_guard(stored.snapshot)
            self.thaw(state)
        elif stored.records:
            raise SignedMessageError(Code.STATE_CORRUPT, "changes without the snapshot before them")
        for record in stored.records:
            change = read_change(record)
            try:
                super().apply(change)
            except LocalProtocolError as error:
                raise SignedMessageError(Code.STATE_CORRUPT, f"stored state: {error}") from None
            self.mark += 1


class DurableSender(Sender):
    """A sender kept in a storage, which never says two things under one number.

    Each opening begins the epoch max(stored + 1, `now_ms` in seconds) and stores it before first use, so
    that also after an older backup was put back no number is used twice; within it, sequence numbers are
    stored in blocks of `block` before use. The first message of a stream in the new epoch is chained to the
    last id known: the last one after `save`, else the last before the newest block. Leave `epoch` alone.

    `ahead_s` tells how far the epoch runs ahead of the clock (seconds, usually 0): the clock was set back,
    or starts came faster than one a second. A backup from before, put back within that time, could repeat
    an epoch; who restores backups waits so long, and never starts twice within a second.

    `before` gives, per stream, how far earlier starts can have come. A peer that has seen more of this
    sender shows that the state is an old one.

    Raises SignedMessageError with StateCorrupt, and LocalProtocolError for another sender's storage or
    what `Sender` raises.
    """

    def __init__(
        self,
        storage: Storage,
        name: str,
        signers: Sequence[Signer],
        realm: str,
        now_ms: int,
        *,
        block: int = BLOCK,
        compact_after: int = COMPACT_AFTER,
        schemas: Mapping[str, Schema] = BUILTIN_SCHEMAS,
    ) -> None:
        _check_time(now_ms)
        if block < 1:
            raise LocalProtocolError("a block must be 1 sequence number or more")
        stored = _load_sender(storage.load(), name, realm)
        epoch = max(stored.epoch + 1, now_ms // 1000)
        if epoch > U32:
            raise LocalProtocolError(f"epoch {epoch} is over {U32}")
        last_ids = {number: mark.last_id for number, mark in stored.streams.items()}
        super().__init__(name, signers, realm, epoch, last_ids=last_ids, schemas=schemas)
        self.ahead_s = epoch - now_ms // 1000
        self.before = stored.streams
        self._storage, self._block, self._compact_after = storage, block, compact_after
        self._marks = dict(stored.streams)
        self._limits: dict[int, int] = {}  # per stream, the highest sequence reserved in this epoch
        self._replace()

    def seal(
        self,
        kind: str,
        receivers: Sequence[str],
        payload: dict[str, Any],
        *,
        stream: int,
        now_ms: int,
        ttl_ms: int,
    ) -> Sealed:
        """As `Sender.seal`, its number stored before; what storing raises is passed on, nothing is sealed."""
        state = self._streams.get(stream)
        if (1 if state is None else state[1]) > self._limits.get(stream, 0):
            self._reserve(stream)
        return super().seal(kind, receivers, payload, stream=stream, now_ms=now_ms, ttl_ms=ttl_ms)

    def save(self) -> None:
        """Stores the last ids, for a clean stop: the next epoch then goes on from them without a gap."""
        for number, mark in self._marks.items():
            self._marks[number] = mark._replace(last_id=self._last_id(number))
        self._replace()

    def _reserve(self, stream: int) -> None:
        if type(stream) is not int or not 0 <= stream <= U16:
            return  # sealing refuses it
        if self._deltas >= self._compact_after:
            self._replace()
        state = self._streams.get(stream)
        mark = StreamMark(
            self.epoch, (0 if state is None else state[1] - 1) + self._block, self._last_id(stream)
        )
        self._storage.append(pack_reserved(stream, mark.reserved, mark.last_id))
        self._deltas += 1
        self._marks[stream], self._limits[stream] = mark, mark.reserved

    def _last_id(self, stream: int) -> bytes:
        state = self._streams.get(stream)
        return self._last_ids.get(stream, _FIRST) if state is None else state[2]

    def _replace(self) -> None:
        self._storage.replace(pack_sender(SenderState(self.name, self.realm, self.epoch, self._marks)))
        self._deltas = 0


def _load_sender(stored: Stored, name: str, realm: str) -> SenderState:
    if stored.snapshot is None:
        if stored.records:
            raise SignedMessageError(Code.STATE_CORRUPT, "reservations without the epoch before them")
        return SenderState(name, realm, -1, {})
    state = read_sender(stored.snapshot)
    for record in stored.records:
        add_reserved(state, record)
    if (state.name, state.realm) != (name, realm):
        raise LocalProtocolError(f"this is the state of {state.name} in realm {state.realm}")
    return state


def _check_time(now_ms: int) -> None:
    if type(now_ms) is not int or not 0 <= now_ms <= MAX_TIME_MS:
        raise LocalProtocolError("a time must be a whole number of milliseconds from 0 on")
