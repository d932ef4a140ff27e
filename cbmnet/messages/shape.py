"""The shape of a usual envelope: what it has in common with an earlier one of its stream.

Most envelopes of a stream differ only in the sequence, the times, `previous`, the payload and the signature.
What comes before the sequence need not be read again: where the bytes are the same, so is what they say.
An envelope that differs in anything else has no known shape, and is read in full.
"""

from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple

from cbmnet.messages.authenticator import Check, Key
from cbmnet.messages.body import pack
from cbmnet.messages.envelope import ONE_PAIR, SHORT, TAIL_BYTES
from cbmnet.messages.message import Message
from cbmnet.messages.trust import Entry

_PREVIOUS = b"\xc4\x20"  # a bin of 32
# The first byte of a number -> the format of what follows, how many bytes that is, and the least and most
# that are written so; a number below 128 is its own first byte.
_LARGE = {
    0xCC: ("1sB", 2, 1 << 7, (1 << 8) - 1), 0xCD: ("1sH", 3, 1 << 8, (1 << 16) - 1),
    0xCE: ("1sI", 5, 1 << 16, (1 << 32) - 1), 0xCF: ("1sQ", 9, 1 << 32, (1 << 64) - 1),
}  # fmt: skip
_SMALL = ("0sB", 1, 0, (1 << 7) - 1)

MOST = 1024

Constants = tuple[bytes, bytes, bytes, bytes, bytes]
Parts = tuple[bytes, int, bytes, int, bytes, int, bytes, bytes, bytes, bytes, bytes]
"""Header and sequence, header and time of issue, header and expiry, header and `previous`, payload, headers
and key id of the signature, signature."""


class Shape(NamedTuple):
    """What is known of an envelope by its length and the bytes before its sequence.

    `parts_of` takes an envelope apart, from its sequence on, or raises struct.error if its length is another;
    of the parts, headers and key id must be the `constants`. The sequence must lie within `first` to `last`,
    and the time of issue within `from_ms` until before `until_ms`, which is when the key may sign a time so
    written; expiry must be later, and at least `least_expiry_ms`, to be so written. What is signed is
    `prefix` and the body, from `body_at` to `body_end`; `check` verifies it for `signers`. The rest is common
    to the messages.
    """

    parts_of: Callable[[bytes], Parts]
    constants: Constants
    first: int
    last: int
    from_ms: int
    until_ms: int
    least_expiry_ms: int
    prefix: bytes
    body_at: int
    body_end: int
    check: Check
    signers: tuple[Entry, ...]
    vouches: Callable[[Any], bool]
    ptype: str
    sender: str
    receivers: tuple[str, ...]
    stream: int
    epoch: int


class Shapes:
    """The shapes that a verifier has learned; beyond 1,024 it begins anew.

    A shape is learned when its place of difference was seen before among envelopes of this length, so that
    texts of ever new lengths cost next to nothing.
    """

    def __init__(self) -> None:
        # Length of an envelope -> where the sequence began in the last one read in full.
        self._heads: dict[int, int] = {}
        self._known: dict[bytes, Shape] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, wire: bytes) -> Shape | None:
        """The shape of an envelope with these first bytes and this length, if one was learned."""
        return self._known.get(wire[: self._heads.get(len(wire), 0)])

    def learn(
        self,
        wire: bytes,
        body: bytes,
        message: Message,
        prefix: bytes,
        key: Key,
        vouches: Callable[[Any], bool],
    ) -> None:
        """Remembers an authentic envelope that has one signature, of 64 bytes, by this key.

        `vouches` must say yes to its payload; `prefix` is what was signed before the body.
        """
        at = len(wire) - TAIL_BYTES - len(body) + len(pack((1, *message[1:5])))
        if self._heads.get(len(wire)) != at:
            self._heads[len(wire)] = at
        elif (shape := _shape_of(wire, at, len(body), message, prefix, key, vouches)) is not None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[wire[:at]] = shape


def _shape_of(
    wire: bytes,
    at: int,
    body_bytes: int,
    message: Message,
    prefix: bytes,
    key: Key,
    vouches: Callable[[Any], bool],
) -> Shape | None:
    """The shape, or None if one of the times is written in one byte."""
    number, size, least, most = _LARGE.get(wire[at], _SMALL)
    issued_at = at + size
    if (issue := _LARGE.get(wire[issued_at])) is None:
        return None
    expiry_at = issued_at + issue[1]
    if (expiry := _LARGE.get(wire[expiry_at])) is None:
        return None
    body_end = len(wire) - TAIL_BYTES
    payload_bytes = body_end - expiry_at - expiry[1] - 34
    headers = wire[issued_at : issued_at + 1], wire[expiry_at : expiry_at + 1]
    first_header = wire[at : at + 1] if wire[at] in _LARGE else b""
    return Shape(
        _parts(f">{at}x{number}{issue[0]}{expiry[0]}2s32s{payload_bytes}s22s64s"),
        (first_header, *headers, _PREVIOUS, ONE_PAIR + key.kid + SHORT),
        max(least, 1),
        most,
        max(key.rights.from_ms, issue[2]),
        key.rights.until_ms,
        expiry[2],
        prefix,
        body_end - body_bytes,
        body_end,
        key.check,
        key.signers,
        vouches,
        *message[:5],
    )


@lru_cache(maxsize=1024)
def _parts(form: str) -> Callable[[bytes], Parts]:
    return Struct(form).unpack
