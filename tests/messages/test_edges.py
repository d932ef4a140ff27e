"""The last values that are taken and the first that are not, by the fast readers and by the strict pass."""

from itertools import pairwise

import msgpack
import pytest

from cbmnet.messages import Ed25519Signer, SignedMessageError, seal
from cbmnet.messages.body import decode_fast, decode_slow, encode
from cbmnet.messages.envelope import read_frame_fast, read_frame_slow, write_frame
from cbmnet.messages.reader import read_item

from .parties import ALICE, HEARTBEAT, NOTICE, REALM, message, verifier

BEGINS = verifier()._begins
SIGNERS = [Ed25519Signer.from_seed(bytes([n]) * 32) for n in range(1, 10)]
BODIES = [1, 113, 255, 256, 257, 511, 512, 8191, 8192]


def pairs(count: int) -> list[tuple[bytes, bytes]]:
    return sorted((s.kid, s.sign(b"x")) for s in SIGNERS[:count])


@pytest.mark.parametrize("size", BODIES)
@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_the_fast_frame_reader_reads_every_usual_envelope(size: int, count: int) -> None:
    """By hand, part for part what the strict pass finds."""
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    wire = write_frame(HEARTBEAT, body, pairs(count))
    fast = read_frame_fast(wire, BEGINS)
    assert fast == (HEARTBEAT, body, tuple(pairs(count))) == read_frame_slow(wire, None)


@pytest.mark.parametrize("count", [1, 2])
def test_the_fast_frame_reader_leaves_what_is_spoilt_to_the_strict_pass(count: int) -> None:
    """Every single byte of the frame around payload type, body, kids and signatures matters."""
    wire = write_frame(HEARTBEAT, b"b" * 100, pairs(count))
    body_at = wire.index(b"b" * 100)
    inner = set(range(body_at, body_at + 100))
    for number in range(count):
        start = body_at + 100 + 1 + 85 * number
        inner |= {*range(start + 3, start + 19), *range(start + 21, start + 85)}
    for at in sorted(set(range(len(wire))) - inner):
        spoilt = bytearray(wire)
        spoilt[at] ^= 1
        assert read_frame_fast(bytes(spoilt), BEGINS) is None
    assert read_frame_fast(wire[:-1], BEGINS) is None
    assert read_frame_fast(wire + b"x", BEGINS) is None


def test_the_fast_frame_reader_takes_no_pairs_out_of_order_and_no_ninth() -> None:
    """Equal or descending kids, no pair, and one too many are the strict pass's to name."""
    two = pairs(2)
    for wrong in ([*two[::-1]], [two[0], two[0]], pairs(9), []):
        assert read_frame_fast(write_frame(HEARTBEAT, b"b", wrong), BEGINS) is None


def test_a_frame_has_the_shortest_headers() -> None:
    """Where the form of a length changes: bodies of 255 and 256, 65,535 and 65,536 bytes, 15 and 16 pairs."""
    for size in (255, 256, 65_535, 65_536):
        assert write_frame(NOTICE, bytes(size), pairs(1)) == packed(NOTICE, bytes(size), pairs(1))
    many = sorted((bytes([n]) * 16, bytes([n]) * 64) for n in range(1, 18))
    for count in (1, 15, 16, 17):
        assert write_frame(NOTICE, b"b", many[:count]) == packed(NOTICE, b"b", many[:count])
    long = [(b"k" * 16, bytes(3373))]
    assert write_frame(NOTICE, b"b", long) == packed(NOTICE, b"b", long)


def packed(ptype: str, body: bytes, signatures: list[tuple[bytes, bytes]]) -> bytes:
    out: bytes = msgpack.packb([1, ptype, body, [list(pair) for pair in signatures]])
    return out


GOOD = message()
NAMES = tuple(sorted(f"name{n:02}" for n in range(17)))


def nested(depth: int) -> dict:
    value: object = 1
    for _ in range(depth - 1):
        value = {"a": value}
    return {"a": value}


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ({"stream": 65_535}, {"stream": 65_536}),
        ({"stream": 0}, {"stream": -1}),
        ({"epoch": 2**32 - 1}, {"epoch": 2**32}),
        ({"epoch": 0}, {"epoch": -1}),
        ({"sequence": 2**64 - 1}, {"sequence": 2**64}),
        ({"sequence": 1}, {"sequence": 0}),
        ({"issued_ms": 0, "expires_ms": 1}, {"issued_ms": 0, "expires_ms": 0}),
        ({"expires_ms": 2**64 - 1}, {"expires_ms": 2**64}),
        ({"sender": "n" * 64}, {"sender": "n" * 65}),
        ({"receivers": NAMES[:16]}, {"receivers": NAMES}),
        ({"receivers": NAMES[:1]}, {"receivers": ()}),
        ({"previous": bytes(32)}, {"previous": bytes(33)}),
        ({"payload": nested(8)}, {"payload": nested(9)}),
        (
            {"payload": {f"k{n:02}": n for n in range(64)}},
            {"payload": {f"k{n:02}": n for n in range(65)}},
        ),
        ({"payload": {"a": list(range(64))}}, {"payload": {"a": list(range(65))}}),
        ({"payload": {"a" * 32: 1}}, {"payload": {"a" * 33: 1}}),
        ({"payload": {"a": b"x" * 8050}}, {"payload": {"a": b"x" * 8193}}),
        ({"payload": {"a": -(2**63)}}, {"payload": {"a": -(2**63) - 1}}),
        ({"payload": {"a": 1, "b": 2}}, {"payload": {"a": 1, "": 2}}),
    ],
)
def test_the_last_value_is_taken_and_the_next_is_not(last: dict, first: dict) -> None:
    """Both readers give back what was encoded; beyond it nothing is encoded, and by hand it is refused."""
    good = GOOD._replace(**last)
    body = encode(good)
    assert body is not None
    assert decode_fast(GOOD.ptype, body) == good
    assert decode_slow(body) == good[1:]
    beyond = GOOD._replace(**first)
    assert encode(beyond) is None
    try:
        raw = msgpack.packb([1, *beyond[1:]])
    except OverflowError:
        return  # no integer of MessagePack is that large
    assert decode_fast(GOOD.ptype, raw) is None
    with pytest.raises(SignedMessageError):
        decode_slow(raw)


def test_a_body_has_a_greatest_size() -> None:
    """8,192 bytes are taken, one more is TooLarge for both."""
    room = 8192 - len(encode(GOOD._replace(payload={"a": b"x" * 300})) or b"") + 300
    assert len(encode(GOOD._replace(payload={"a": b"x" * room})) or b"") == 8192
    assert encode(GOOD._replace(payload={"a": b"x" * (room + 1)})) is None
    with pytest.raises(SignedMessageError, match="TooLarge"):
        decode_slow(msgpack.packb([1, *GOOD._replace(payload={"a": b"x" * (room + 1)})[1:]]))


INTEGERS = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63, 2**64 - 1]
NEGATIVES = [-1, -2, -31, -32, -33, -128, -129, -32_768, -32_769, -(2**31), -(2**31) - 1, -(2**63)]


@pytest.mark.parametrize("value", INTEGERS + NEGATIVES)
def test_integers_are_read_in_every_width(value: int) -> None:
    """The value, its family and where it ends."""
    data = msgpack.packb(value)
    assert read_item(data, 0, 1, 9) == ("uint" if value >= 0 else "int", value, len(data))


@pytest.mark.parametrize(
    ("data", "item"),
    [
        (b"\xc0", ("nil", None, 1)),
        (b"\xc2", ("bool", False, 1)),
        (b"\xc3", ("bool", True, 1)),
        (b"\x80", ("map", 0, 1)),
        (b"\x8f", ("map", 15, 1)),
        (b"\x90", ("array", 0, 1)),
        (b"\x9f", ("array", 15, 1)),
        (b"\xa0", ("str", "", 1)),
        (b"\xbf" + b"s" * 31, ("str", "s" * 31, 32)),
        (b"\xc4\x00", ("bin", b"", 2)),
        (b"\xdc\x00\x40", ("array", 64, 3)),
        (b"\xde\x00\x40", ("map", 64, 3)),
        (b"\xda\x20\x00" + b"s" * 8192, ("str", "s" * 8192, 8195)),
    ],
)
def test_the_other_families_are_read_at_their_edges(data: bytes, item: tuple) -> None:
    """Smallest and largest of each form."""
    assert read_item(data, 0, 1, 9) == item


def test_what_a_reader_says_of_a_place_is_its_place() -> None:
    """Faults name the byte at which the value begins."""
    for data, at in ((b"\x00\xa2x", 1), (b"\x00\x00\xc4\x05x", 2), (b"\x00\xa1\xff", 1)):
        with pytest.raises(SignedMessageError, match=f"at byte {at}"):
            read_item(data, at, 1, 9)


def test_a_canonical_order_is_strict() -> None:
    """Receivers and keys ascend; a schema's order is the order of its names."""
    assert all(a < b for a, b in pairwise(NAMES))
    out = seal(message(payload={"count": 1}), [ALICE], REALM)
    assert out.message.payload == {"count": 1}
