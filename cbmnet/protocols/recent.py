"""What an endpoint remembers of a stream's last messages, so that it hands up each at most once.

The idea of the anti-replay window of IPsec (RFC 4303, section 3.4.3): of the newest epoch the last `SPAN`
sequences are remembered one by one, and whatever is older counts as known. So memory is bounded, and the
price is that a message overtaken by `SPAN` others is neither handed up nor acknowledged.

Epoch and sequence come from frames that nobody signed. Who can inject frames can make a stream deaf (by a
number far ahead) or be first with other bytes under a number; verification above finds the latter. Nobody
can have one number handed up twice.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

SPAN = 1024
T = TypeVar("T")


class Recent(Generic[T]):
    """A record for each of the last `span` sequences of one stream."""

    __slots__ = ("_epoch", "_highest", "_make", "_records", "_span")

    def __init__(self, make: Callable[[], T], span: int = SPAN) -> None:
        self._make, self._span = make, span
        self._records: dict[int, T] = {}
        self._epoch, self._highest = 0, -1

    def __len__(self) -> int:
        return len(self._records)

    def recall(self, epoch: int, sequence: int) -> T | None:
        """The record of this message, made if it is new; None for one older than what is remembered."""
        if sequence == self._highest + 1 and epoch == self._epoch:  # the usual message continues the newest
            self._highest = sequence
            self._records.pop(sequence - self._span, None)
            made = self._records[sequence] = self._make()
            return made
        if epoch < self._epoch:
            return None
        if epoch > self._epoch:
            self._records.clear()
            self._epoch, self._highest = epoch, -1
        if sequence <= self._highest - self._span:
            return None
        self._rise(sequence)
        record = self._records.get(sequence)
        if record is None:
            record = self._records[sequence] = self._make()
        return record

    def find(self, epoch: int, sequence: int) -> T | None:
        """The record of this message if there is one; changes nothing."""
        return self._records.get(sequence) if epoch == self._epoch else None

    def is_new(self, epoch: int, sequence: int) -> bool:
        """Whether `recall` would make a record for this message; changes nothing."""
        if epoch != self._epoch:
            return epoch > self._epoch
        return sequence > self._highest - self._span and sequence not in self._records

    def _rise(self, sequence: int) -> None:
        before = self._highest
        if sequence <= before:
            return
        self._highest = sequence
        for gone in range(before - self._span + 1, min(sequence - self._span, before) + 1):
            self._records.pop(gone, None)
