"""The envelope: all that is sent (the wire specification, section Envelope).

The usual shape is read by hand, so that unauthenticated bytes cost little; any other shape goes through
the strict pass, which names the code or accepts it.
"""

from collections.abc import Container, Sequence
from functools import lru_cache
from struct import Struct

import msgpack

from cbmnet.messages.body import MAX_BODY_BYTES
from cbmnet.messages.codes import Code
from cbmnet.messages.keys import KID_BYTES, SIGNATURE_BYTES
from cbmnet.messages.message import MAX_PTYPE_BYTES
from cbmnet.messages.reader import (
    ENVELOPE_DEPTH,
    LIMITS,
    Item,
    Limits,
    check_version,
    read_item,
    refuse,
    scan,
)

HARD_MAX_WIRE_BYTES = 64 * 1024
MAX_WIRE_BYTES = 16 * 1024
MAX_SIGNATURES = 8
MAX_VALUES_BESIDE_PAIRS = 40

Signatures = tuple[tuple[bytes, bytes], ...]
Frame = tuple[str, bytes, Signatures]  # payload type, raw body, pairs of kid and signature by kid
_LENGTHS = frozenset(SIGNATURE_BYTES.values())
_PAIR = b"\x92\xc4\x10"  # [kid of 16, ...
SHORT_BYTES = 64
SHORT = b"\xc4\x40"  # a signature of 64
ONE_PAIR = b"\x91" + _PAIR
_TAIL = Struct("4s16s2s64s")  # one pair: its headers, the kid, the header of the signature, the signature
_read_tail = _TAIL.unpack_from
TAIL_BYTES = _TAIL.size
_FRAME = b"\x94\x01"  # an array of four that begins with version 1


def write_frame(ptype: str, body: bytes, signatures: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The envelope of well-formed parts; the pairs must ascend by kid."""
    begin = frame_begin(ptype)
    if len(signatures) == 1 and len(signatures[0][1]) == SHORT_BYTES:
        return write_short_frame(begin, body, *signatures[0])
    pairs = [_PAIR + kid + _BINS[len(signature)] + signature for kid, signature in signatures]
    count = len(pairs)
    array = bytes((0x90 + count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return b"".join((begin, _BINS[len(body)], body, array, *pairs))


@lru_cache(maxsize=1024)
def frame_begin(ptype: str) -> bytes:
    """What every envelope of this payload type begins with."""
    packed: bytes = msgpack.packb(ptype)
    return _FRAME + packed


def write_short_frame(begin: bytes, body: bytes, kid: bytes, signature: bytes) -> bytes:
    """The usual envelope, with one signature of 64 bytes; `begin` is the `frame_begin` of its type."""
    return b"".join((begin, _BINS[len(body)], body, ONE_PAIR, kid, SHORT, signature))


class _BinHeaders(dict[int, bytes]):
    """What comes before a bin of each size; each is written but once."""

    def __missing__(self, size: int) -> bytes:
        if size < 256:
            header = b"\xc4%c" % size
        else:
            header = b"\xc5" + size.to_bytes(2, "big") if size < 65536 else b"\xc6" + size.to_bytes(4, "big")
        self[size] = header
        return header


_BINS = _BinHeaders()


def read_frame_fast(wire: bytes, ptypes: dict[bytes, str]) -> Frame | None:
    """The parts of an envelope whose signatures are all of 64 bytes, else None.

    `ptypes` maps the `frame_begin` of each allowed payload type, of 32 characters or more, to its text.
    """
    try:
        at = 4 + wire[3]
        ptype = ptypes.get(wire[:at])
        if ptype is None:
            return None
        if wire[at] == 0xC4:
            start = at + 2
            end = start + wire[at + 1]
        else:
            start = at + 3
            end = start + (wire[at + 1] << 8) + wire[at + 2]
            if wire[at] != 0xC5 or not 256 <= end - start <= MAX_BODY_BYTES:
                return None
        if len(wire) == end + _TAIL.size:
            pair, kid, short, signature = _read_tail(wire, end)
            if pair == ONE_PAIR and short == SHORT:
                return ptype, wire[start:end], ((kid, signature),)
        signatures = _read_pairs_fast(wire, end)
    except IndexError:
        return None
    return None if signatures is None else (ptype, wire[start:end], signatures)


def _read_pairs_fast(wire: bytes, at: int) -> Signatures | None:
    count = wire[at] - 0x90
    if not (1 <= count <= MAX_SIGNATURES and len(wire) == at + 1 + 85 * count):
        return None
    pairs = []
    last = b""
    for start in range(at + 1, len(wire), 85):
        kid = wire[start + 3 : start + 19]
        if wire[start : start + 3] != _PAIR or wire[start + 19 : start + 21] != SHORT or kid <= last:
            return None
        pairs.append((kid, wire[start + 21 : start + 85]))
        last = kid
    return tuple(pairs)


def read_frame_slow(
    wire: bytes, allowed: Container[str] | None, limits: Limits = LIMITS, max_signatures: int = MAX_SIGNATURES
) -> Frame:
    """The parts of an envelope; raises SignedMessageError with the code of the first offence.

    `allowed` are the payload types that are taken, None for any.
    """
    # Version, type, body and pairs of two: what has more values than this is no envelope.
    scan(wire, ENVELOPE_DEPTH, limits, max_values=MAX_VALUES_BESIDE_PAIRS + 3 * max_signatures)
    top = _item(wire, 0, limits)
    if top.family != "array" or top.value == 0:
        refuse(Code.BAD_FIELD, "an envelope must be an array of 4")
    version = _item(wire, top.end, limits)
    check_version(version)
    if top.value != 4:
        refuse(Code.BAD_FIELD, f"the envelope has {top.value} elements, not 4")
    ptype = _item(wire, version.end, limits)
    _check_ptype(ptype, allowed)
    body = _item(wire, ptype.end, limits)
    if body.family != "bin":
        refuse(Code.BAD_FIELD, "the body must be a bin")
    return ptype.value, body.value, _read_pairs(wire, body.end, limits, max_signatures)


def _item(wire: bytes, at: int, limits: Limits) -> Item:
    return read_item(
        wire, at, 1, ENVELOPE_DEPTH, limits
    )  # the scan has been over it: only the shape is asked


def _check_ptype(item: Item, allowed: Container[str] | None) -> None:
    text = item.value
    if item.family != "str" or not text.isascii() or not 1 <= len(text) <= MAX_PTYPE_BYTES:
        refuse(Code.BAD_FIELD, f"the payload type must be a str of 1 to {MAX_PTYPE_BYTES} ASCII characters")
    if allowed is not None and text not in allowed:
        refuse(Code.UNKNOWN_TYPE, f"payload type {text!r} is not allowed here")


def _read_pairs(wire: bytes, at: int, limits: Limits, most: int) -> Signatures:
    family, count, at = _item(wire, at, limits)
    if family != "array" or not 1 <= count <= most:
        refuse(Code.BAD_FIELD, f"signatures must be an array of 1 to {most} pairs")
    pairs: list[tuple[bytes, bytes]] = []
    for _ in range(count):
        pair = _item(wire, at, limits)
        if pair.family != "array" or pair.value != 2:
            refuse(Code.BAD_FIELD, "a signature must be a pair of kid and signature")
        kid = _item(wire, pair.end, limits)
        if kid.family != "bin" or len(kid.value) != KID_BYTES:
            refuse(Code.BAD_FIELD, f"a kid must be a bin of {KID_BYTES}")
        if pairs and kid.value <= pairs[-1][0]:
            refuse(Code.NOT_CANONICAL, f"kid {kid.value.hex()} does not ascend")
        signature = _item(wire, kid.end, limits)
        if signature.family != "bin" or len(signature.value) not in _LENGTHS:
            refuse(Code.BAD_FIELD, f"a signature must be a bin of {sorted(_LENGTHS)} bytes")
        pairs.append((kid.value, signature.value))
        at = signature.end
    return tuple(pairs)
