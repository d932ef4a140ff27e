"""A storage in one file that survives a crash, a power cut and a torn write, and notices damage.

    file   = "cbmstate" 0x01, snapshot record (empty payload: none yet), appended records
    record = length (4, big-endian)  guard (8)  payload (length)  hash (32)
    guard  = first 8 bytes of SHA-256("length" | hash before | length)
    hash   = SHA-256("record" | hash before | length | payload); before the first: SHA-256(the 9 bytes)

So each hash is the checksum of its own record and of all before it, and a record taken out, put in or
moved breaks the chain. The file is only ever made by rename, header and snapshot complete: what a crash
can leave behind is a prefix of the last appended record, and that is cut off.

Torn or damaged? A length alone cannot tell: one flipped bit makes a stored record reach past the end of
the file, and cutting it off would forget what was accepted. Hence the guard: a last record is torn only if
fewer than its first 12 bytes are there, or its length is vouched for and longer than the rest of the file.
Damage that leaves the file its length is therefore always StateCorrupt. A file cut short within its last
record looks torn, and one cut between two records looks whole: both are a backup restored, which no file
can show of itself (see `durable.py`). Zeros where a file system lost data but kept the length are not a
prefix: StateCorrupt, for they may as well have been a record that was acted on.
"""

import fcntl
import os
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.storage import Stored

MAGIC = b"cbmstate\x01"
GUARD_BYTES = 8
HASH_BYTES = 32
MAX_RECORD_BYTES = 1 << 20
MAX_SNAPSHOT_BYTES = 1 << 30

_HEAD_BYTES = 4 + GUARD_BYTES
_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_START = sha256(MAGIC).digest()


class System:
    """Every call a file store makes to the operating system, so that a test can stand in for it."""

    def lock(self, path: str) -> int:
        """The descriptor that holds the lock file; raises BlockingIOError if another one does."""
        file = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise
        return file

    def open(self, path: str, create: bool) -> int:
        """A descriptor of a file with mode 0600; `create` makes it anew and empty, whatever was there."""
        file = os.open(path, _FLAGS | (os.O_CREAT | os.O_TRUNC if create else 0), 0o600)
        os.fchmod(file, 0o600)  # a restored backup may come with another mode
        return file

    def read(self, file: int) -> bytes:
        """The whole content."""
        with open(file, "rb", closefd=False) as stream:
            stream.seek(0)
            return stream.read()

    def write(self, file: int, data: bytes, offset: int) -> int:
        """Writes at an offset; returns how many bytes were taken."""
        return os.pwrite(file, data, offset)

    def truncate(self, file: int, size: int) -> None:
        """Cuts the file to `size` bytes."""
        os.ftruncate(file, size)

    def sync(self, file: int) -> None:
        """Returns when content and length are on the disk."""
        os.fsync(file)

    def rename(self, old: str, new: str) -> None:
        """Puts one name in the place of another, atomically."""
        os.replace(old, new)

    def sync_folder(self, path: str) -> None:
        """Returns when the names in a folder are on the disk."""
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self, file: int) -> None:
        """Gives a descriptor back, and with it its lock."""
        os.close(file)


class FileStore:
    """A `Storage` in the file `path`, beside which lie `path`.lock and, while it is replaced, `path`.new.

    The folder must exist; the file is made by the first `load`. A second store on the same path, in this
    process or another, raises LocalProtocolError until the first is closed. Records are at most 1 MiB,
    snapshots 1 to 2^30 bytes. OSError of the disk is passed on; the store then takes nothing more until
    it is loaded again. A damaged file is left as it is: move it away to start without it, as a state lost.
    """

    def __init__(self, path: str | os.PathLike[str], *, system: System | None = None) -> None:
        self.path = os.path.abspath(path)  # the folder it was opened in, wherever the process goes
        self._system = System() if system is None else system
        self._file: int | None = None
        self._end, self._hash, self._ready = 0, _START, False
        try:
            self._lock: int | None = self._system.lock(self.path + ".lock")
        except BlockingIOError:
            raise LocalProtocolError(f"{self.path} is in use by another store") from None

    def load(self) -> Stored:
        """The state, its torn tail cut off, and everything on the disk before it is relied on.

        Raises SignedMessageError with StateCorrupt for any other damage.
        """
        if self._lock is None:
            raise LocalProtocolError("this store is closed")
        self._ready = False
        self._let_go()
        try:
            file = self._file = self._system.open(self.path, create=False)
        except FileNotFoundError:
            self._put(b"")
            return Stored(None, [])
        data = self._system.read(file)
        stored, end, newest = _read(data)
        if end < len(data):
            self._system.truncate(file, end)
        # What a killed process had written but not synced is read back all the same, and so is a name
        # not yet synced. Whoever acts on it needs it to outlast a power cut.
        self._system.sync(file)
        self._system.sync_folder(_folder(self.path))
        self._end, self._hash, self._ready = end, newest, True
        return stored

    def append(self, record: bytes) -> None:
        """Adds a record of 0 to 2^20 bytes, on the disk on return; raises LocalProtocolError or OSError."""
        if len(record) > MAX_RECORD_BYTES:
            raise LocalProtocolError(f"a record of {len(record)} bytes, at most {MAX_RECORD_BYTES} allowed")
        if not self._ready or self._file is None:
            raise LocalProtocolError("load the store first, and again after a failure")
        self._ready = False  # until this record is on the disk, none may build on it
        frame, newest = _frame(self._hash, record)
        self._write(self._file, frame, self._end)
        self._system.sync(self._file)
        self._end, self._hash, self._ready = self._end + len(frame), newest, True

    def replace(self, snapshot: bytes) -> None:
        """Puts a snapshot in the place of everything; raises LocalProtocolError or OSError."""
        if not 0 < len(snapshot) <= MAX_SNAPSHOT_BYTES:
            raise LocalProtocolError(f"a snapshot must be 1 to {MAX_SNAPSHOT_BYTES} bytes")
        if not self._ready:
            raise LocalProtocolError("load the store first, and again after a failure")
        self._put(snapshot)

    def close(self) -> None:
        """Gives the lock back; closing twice does nothing."""
        self._ready = False
        self._let_go()
        if self._lock is not None:
            self._system.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _put(self, snapshot: bytes) -> None:
        self._ready = False
        frame, newest = _frame(_START, snapshot)
        file = self._system.open(self.path + ".new", create=True)
        try:
            self._write(file, MAGIC + frame, 0)
            self._system.sync(file)  # before the rename: a name must never show unwritten content
            self._system.rename(self.path + ".new", self.path)
            self._system.sync_folder(_folder(self.path))
        except BaseException:
            self._system.close(file)
            raise
        self._let_go()
        self._file = file
        self._end, self._hash, self._ready = len(MAGIC) + len(frame), newest, True

    def _write(self, file: int, data: bytes, offset: int) -> None:
        done = 0
        while done < len(data):  # a write may take less than it is given
            done += self._system.write(file, data[done:] if done else data, offset + done)

    def _let_go(self) -> None:
        if self._file is not None:
            self._system.close(self._file)
            self._file = None


def _folder(path: str) -> str:
    return str(Path(path).parent)


def _guard(before: bytes, length: bytes) -> bytes:
    return sha256(b"length" + before + length).digest()[:GUARD_BYTES]


def _hash(before: bytes, length: bytes, payload: bytes) -> bytes:
    return sha256(b"".join((b"record", before, length, payload))).digest()


def _frame(before: bytes, payload: bytes) -> tuple[bytes, bytes]:
    length = len(payload).to_bytes(4, "big")
    newest = _hash(before, length, payload)
    return b"".join((length, _guard(before, length), payload, newest)), newest


def _read(data: bytes) -> tuple[Stored, int, bytes]:
    """What is stored, where it ends, and the last hash."""
    if data[: len(MAGIC)] != MAGIC:
        raise SignedMessageError(Code.STATE_CORRUPT, "not a state file of version 1")
    first = _record(data, len(MAGIC), _START, MAX_SNAPSHOT_BYTES)
    if first is None:  # it was complete before it had its name
        raise SignedMessageError(Code.STATE_CORRUPT, "the snapshot is cut short")
    snapshot, newest = first
    end = len(MAGIC) + _HEAD_BYTES + len(snapshot) + HASH_BYTES
    records: list[bytes] = []
    while (found := _record(data, end, newest, MAX_RECORD_BYTES)) is not None:
        payload, newest = found
        records.append(payload)
        end += _HEAD_BYTES + len(payload) + HASH_BYTES
    return Stored(snapshot or None, records), end, newest


def _record(data: bytes, start: int, before: bytes, limit: int) -> tuple[bytes, bytes] | None:
    """The payload and hash of the record at `start`, or None if the file ends before the record does."""
    body = start + _HEAD_BYTES
    length, vouched = data[start : start + 4], data[start + 4 : body]
    if vouched != _guard(before, length)[: len(vouched)]:
        raise SignedMessageError(Code.STATE_CORRUPT, f"the record at byte {start} does not follow")
    if len(data) < body:
        return None
    size = int.from_bytes(length, "big")
    if size > limit:
        raise SignedMessageError(
            Code.STATE_CORRUPT, f"a record of {size} bytes at byte {start}, at most {limit} allowed"
        )
    end = body + size + HASH_BYTES
    if len(data) < end:
        return None
    payload, newest = data[body : body + size], data[body + size : end]
    if newest != _hash(before, length, payload):
        raise SignedMessageError(Code.STATE_CORRUPT, f"the record at byte {start} is damaged")
    return payload, newest
