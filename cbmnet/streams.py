"""Keyed randomness: a draw belongs to what it decides, never to the order of calls.

One BLAKE2b of 64 bytes, keyed by (root seed, replication) and the link, per label gives eight words of 8
bytes. Each built-in channel stage owns a reserved word; any other stage hashes again with its own name,
so adding a stage moves no other stage's draws. A word stays bytes as long as it is only compared.
Long-lived sources (activities, sensing) have one `random.Random` per entity and purpose. Python's
`hash()` and the global generator are never used.
"""

import random
from hashlib import blake2b
from struct import Struct

from cbmnet.datagram import Datagram, Label

_NUMBERS = Struct(">HIQHH").pack
_PAST_ALL = b"\xff" * 9  # above every word of eight bytes

FIRST_WORD, SECOND_WORD, THIRD_WORD, FOURTH_WORD, FIFTH_WORD = (slice(k, k + 8) for k in range(0, 40, 8))


def unit(word: bytes) -> float:
    """A uniform number in [0, 1) from one word: its 53 highest bits, so never exactly 1."""
    return (int.from_bytes(word) >> 11) * 2.0**-53


def threshold(probability: float) -> bytes:
    """The bytes t for which `word < t` has this probability; 0 is never, 1 is always.

    Words compare as big-endian numbers do, to the last of their 64 bits.
    """
    limit = round(probability * 2.0**64)
    return limit.to_bytes(8) if limit < 2**64 else _PAST_ALL


class _Begun(dict[str | tuple[str, str], blake2b]):
    """By kind, or by kind and purpose, the hash of the link's key and these; each is made but once."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, name: str | tuple[str, str]) -> blake2b:
        kind, purpose = name if isinstance(name, tuple) else (name, "")
        # 32 bytes of key and a short kind leave all of a label within one block of BLAKE2b.
        hasher = self[name] = blake2b(self._key + f"{kind}\0{purpose}\0".encode(), digest_size=64)
        return hasher


class LinkDraws:
    """The words of one directed link; the same label always gets the same words.

    The link's key and what repeats (the kind of message, the purpose) are hashed once and kept.
    """

    __slots__ = ("_begun",)

    def __init__(self, key: bytes) -> None:
        self._begun = _Begun(key)

    def words(self, label: Label) -> bytes:
        """Eight words of eight bytes for this label."""
        return self.words_of(Datagram(b"", "", *label))

    def words_of(self, datagram: Datagram) -> bytes:
        """Eight words of eight bytes for the label of this datagram."""
        d = datagram
        hasher = self._begun[d.kind].copy()
        hasher.update(_NUMBERS(d.stream, d.epoch, d.sequence, d.attempt, d.copy))
        return hasher.digest()

    def more_words(self, label: Label, purpose: str) -> bytes:
        """Eight more words for a stage that has no reserved one; `purpose` is its own."""
        kind, *numbers = label
        hasher = self._begun[kind, purpose].copy()
        hasher.update(_NUMBERS(*numbers))
        return hasher.digest()


class Streams:
    """All randomness of one replication."""

    def __init__(self, seed: int, replication: int) -> None:
        self.seed = seed
        self.replication = replication
        self._key = blake2b(f"cbmnet/{seed}/{replication}".encode(), digest_size=32).digest()

    def link(self, name: str) -> LinkDraws:
        """The draws of the link `name`, for example "norway>russia/0"."""
        return LinkDraws(self.bytes("link", name, 32))

    def words_on(self, name: str, datagram: Datagram) -> bytes:
        """The very words of `link(name).words_of(datagram)`, for a link from which nothing is kept."""
        d = datagram
        begun = self.bytes("link", name, 32) + f"{d.kind}\0\0".encode()
        numbers = _NUMBERS(d.stream, d.epoch, d.sequence, d.attempt, d.copy)
        return blake2b(begun + numbers, digest_size=64).digest()

    def bytes(self, purpose: str, entity: str, size: int) -> bytes:
        """Up to 64 reproducible bytes, for simulation keys."""
        hasher = blake2b(f"bytes\0{purpose}\0{entity}".encode(), digest_size=size, key=self._key)
        return hasher.digest()

    def generator(self, purpose: str, entity: str) -> random.Random:
        """A generator of its own for one entity and purpose, for example ("activity", "norway>russia")."""
        return random.Random(self.bytes(purpose, entity, 32))
