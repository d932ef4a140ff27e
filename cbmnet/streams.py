"""Keyed randomness: a draw belongs to what it decides, never to the order of calls.

One BLAKE2b of 64 bytes, keyed by (root seed, replication), per (link, label) gives eight words of 64
bits. Each built-in channel stage owns a reserved word; any other stage hashes again with its own name,
so adding a stage moves no other stage's draws. Long-lived sources (activities, sensing) have one
`random.Random` per entity and purpose. Python's `hash()` and the global generator are never used.
"""

import random
from hashlib import blake2b
from struct import Struct

from cbmnet.datagram import Label

_NUMBERS = Struct(">HIQHH").pack
_EIGHT_WORDS = Struct(">8Q").unpack

Words = tuple[int, ...]


def unit(word: int) -> float:
    """A uniform number in [0, 1) from one word: its 53 highest bits, so never exactly 1."""
    return (word >> 11) * 2.0**-53


def threshold(probability: float) -> int:
    """The number t for which `word < t` has this probability; 0 is never, 1 is always."""
    return round(probability * 2.0**64)


class LinkDraws:
    """The words of one directed link; the same label always gets the same words."""

    __slots__ = ("_base",)

    def __init__(self, base: "blake2b") -> None:
        self._base = base

    def words(self, label: Label, purpose: bytes = b"") -> Words:
        """Eight words for this label; `purpose` names a stage that has no reserved word."""
        kind, stream, epoch, sequence, attempt, copy = label
        hasher = self._base.copy()
        hasher.update(_NUMBERS(stream, epoch, sequence, attempt, copy) + kind.encode() + purpose)
        return _EIGHT_WORDS(hasher.digest())


class Streams:
    """All randomness of one replication."""

    def __init__(self, seed: int, replication: int) -> None:
        self.seed = seed
        self.replication = replication
        self._key = blake2b(f"cbmnet/{seed}/{replication}".encode(), digest_size=32).digest()

    def link(self, name: str) -> LinkDraws:
        """The draws of the link `name`, for example "norway>russia/0"."""
        hasher = blake2b(digest_size=64, key=self._key)
        hasher.update(b"link\0" + name.encode() + b"\0")
        return LinkDraws(hasher)

    def bytes(self, purpose: str, entity: str, size: int) -> bytes:
        """Up to 64 reproducible bytes, for simulation keys."""
        hasher = blake2b(f"bytes\0{purpose}\0{entity}".encode(), digest_size=size, key=self._key)
        return hasher.digest()

    def generator(self, purpose: str, entity: str) -> random.Random:
        """A generator of its own for one entity and purpose, for example ("activity", "norway>russia")."""
        return random.Random(self.bytes(purpose, entity, 32))
