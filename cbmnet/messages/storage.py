"""Where durable state goes: a snapshot and the records appended after it (Replay guard across a restart).

What a record means is its owner's affair (`durable.py`); a storage keeps bytes, in order, through a crash.
"""

from typing import NamedTuple, Protocol

from cbmnet.errors import LocalProtocolError


class Stored(NamedTuple):
    """The newest snapshot, or None if none was ever written, and the records appended after it, in order."""

    snapshot: bytes | None
    records: list[bytes]


class Storage(Protocol):
    """Keeps one owner's state. `load` comes first; one owner at a time.

    Whatever a call raises, its effect is then unknown: open the storage anew and load.
    """

    def load(self) -> Stored:
        """Everything whose `append` or `replace` returned; what was under way may be there or not.

        Raises SignedMessageError with StateCorrupt if it cannot be relied on.
        """
        ...

    def append(self, record: bytes) -> None:
        """Adds one record; it is durable when this returns."""
        ...

    def replace(self, snapshot: bytes) -> None:
        """Puts one snapshot (not empty) in the place of everything, at once or not at all."""
        ...


class MemoryStorage:
    """A storage that lasts as long as the object: for tests and simulated nodes."""

    def __init__(self, stored: Stored = Stored(None, [])) -> None:  # noqa: B008 (it is copied, never changed)
        self._snapshot, self._records = stored.snapshot, list(stored.records)

    def load(self) -> Stored:
        """A copy, so it can be kept as a backup: `MemoryStorage(backup)` is the backup restored."""
        return Stored(self._snapshot, list(self._records))

    def append(self, record: bytes) -> None:
        """Adds one record."""
        self._records.append(bytes(record))

    def replace(self, snapshot: bytes) -> None:
        """Replaces everything; raises LocalProtocolError for an empty snapshot."""
        if not snapshot:
            raise LocalProtocolError("a snapshot must not be empty")
        self._snapshot, self._records = bytes(snapshot), []
