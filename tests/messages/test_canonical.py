"""Canonical bytes: the strict pass, its codes, and its agreement with the fast path."""

import struct

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cbmnet.messages import SignedMessageError
from cbmnet.messages.body import decode_fast, decode_slow

from .parties import NOW_MS, raw_body

GOOD = msgpack.packb(raw_body())


def slow(body):
    try:
        return decode_slow(body)
    except SignedMessageError as error:
        return error.code


def body_with(at, value):
    fields = raw_body()
    fields[at] = value
    return msgpack.packb(fields)


def payload_bytes(tail):
    """A body whose payload is given as bytes."""
    return GOOD[:-8] + tail


_FORMS = [
    (0xCC, ">B"),
    (0xCD, ">H"),
    (0xCE, ">I"),
    (0xCF, ">Q"),
    (0xD0, ">b"),
    (0xD1, ">h"),
    (0xD2, ">i"),
    (0xD3, ">q"),
]
_EDGES = sorted({sign * (1 << bits) + off for bits in (0, 5, 7, 8, 15, 16, 31, 32, 63) for sign in (1, -1)
                 for off in (-1, 0, 1)})  # fmt: skip


@pytest.mark.parametrize("value", [v for v in _EDGES if -(2**63) <= v < 2**64])
def test_an_integer_has_one_form(value):
    """Of all the forms that can hold an integer the shortest is taken, every other one is NotCanonical."""
    shortest = msgpack.packb(value)
    assert slow(payload_bytes(b"\x81\xa1a" + shortest))[8] == {"a": value}
    for first, layout in _FORMS:
        try:
            form = bytes([first]) + struct.pack(layout, value)
        except struct.error:
            continue
        if form != shortest:
            assert slow(payload_bytes(b"\x81\xa1a" + form)) == "NotCanonical"


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BadEncoding"),
        (GOOD + b"\0", "TrailingBytes"),
        (GOOD[:-1], "BadEncoding"),
        (b"\x9a", "BadEncoding"),
        (b"\x90", "BadField"),
        (b"\xc0", "BadField"),
        (b"\x91\x02", "UnsupportedVersion"),
        (b"\x91\x01", "BadField"),
        (b"\x9a\xcc\x01" + GOOD[2:], "NotCanonical"),
        (b"\xdc\0\x0a" + GOOD[1:], "NotCanonical"),
        (b"\xdd\0\0\0\x0a" + GOOD[1:], "NotCanonical"),
        (b"x" * 8193, "TooLarge"),
        (body_with(0, 2), "UnsupportedVersion"),
        (body_with(0, True), "BadField"),
        (body_with(0, -1), "BadField"),
        (body_with(0, 1.0), "BadEncoding"),
        (body_with(1, "North"), "BadField"),
        (body_with(1, b"north"), "BadField"),
        (body_with(1, ""), "BadField"),
        (body_with(1, "n\n"), "BadField"),
        (body_with(1, "n" * 65), "BadField"),
        (body_with(2, []), "BadField"),
        (body_with(2, "south"), "BadField"),
        (body_with(2, ["b", "a"]), "NotCanonical"),
        (body_with(2, ["a", "a"]), "NotCanonical"),
        (body_with(2, ["a", 1]), "BadField"),
        (body_with(2, ["b", "a", 1]), "NotCanonical"),
        (body_with(2, [f"r{n:02}" for n in range(17)]), "BadField"),
        (body_with(3, 65536), "BadField"),
        (body_with(3, True), "BadField"),
        (body_with(3, -1), "BadField"),
        (body_with(4, 2**32), "BadField"),
        (body_with(5, 0), "BadField"),
        (body_with(6, -1), "BadField"),
        (body_with(7, NOW_MS), "BadField"),
        (body_with(7, "late"), "BadField"),
        (body_with(8, b"x" * 31), "BadField"),
        (body_with(8, "x" * 32), "BadField"),
        (body_with(9, []), "BadField"),
        (body_with(9, None), "BadField"),
        (body_with(9, {"x": 1.5}), "BadEncoding"),
        (body_with(9, {"x": msgpack.Timestamp(1)}), "BadEncoding"),
        (body_with(9, {"x": msgpack.ExtType(5, b"")}), "BadEncoding"),
        (body_with(9, {"X": 1}), "BadField"),
        (body_with(9, {"b": 1, "a": 1}), "NotCanonical"),
        (body_with(9, {"k" * 33: 1}), "BadField"),
        (payload_bytes(b"\x81\x01\x01"), "BadField"),
        (payload_bytes(b"\x81\xc4\x01a\x01"), "BadField"),
        (payload_bytes(b"\x81\x90\x01"), "BadField"),
        (payload_bytes(b"\x82\xa1a\x01\xa1a\x01"), "NotCanonical"),
        (payload_bytes(b"\x81\xd9\x01a\x01"), "NotCanonical"),
        (payload_bytes(b"\x81\xa1a\xcc\x7f"), "NotCanonical"),
        (payload_bytes(b"\x81\xa1a\xd0\x01"), "NotCanonical"),
        (payload_bytes(b"\x81\xa1a\xd0\xe0"), "NotCanonical"),
        (payload_bytes(b"\x81\xa1a\xd3\xff\xff\xff\xff\x80\0\0\0"), "NotCanonical"),
        (payload_bytes(b"\x81\xa1a\xcf\0\0\0\0\xff\xff\xff\xff"), "NotCanonical"),
        (payload_bytes(b"\x81\xa1a\xc5\0\x01a"), "NotCanonical"),
        (payload_bytes(b"\xde\0\x01\xa1a\x01"), "NotCanonical"),
        (payload_bytes(b"\x81\xa1a\xc1"), "BadEncoding"),
        (payload_bytes(b"\x81\xa1a\xcd\0"), "BadEncoding"),
        (payload_bytes(b"\x81\xa1a\xa1\xff"), "BadEncoding"),
        (payload_bytes(b"\x81\xa1a\xa3\xed\xa0\x80"), "BadEncoding"),
        (payload_bytes(b"\x81\xa1a\xa2\xc0\x80"), "BadEncoding"),
        (payload_bytes(b"\x81\xa1a\xa5abc"), "BadEncoding"),
        (payload_bytes(b"\x81\xa1a\xdc\0\x41"), "TooLarge"),
        (payload_bytes(b"\x81\xa1a\xc5\x20\x01"), "TooLarge"),
        (payload_bytes(b"\x81\xa1a\xc6\xff\xff\xff\xff"), "TooLarge"),
        (payload_bytes(b"\xde\0\x41"), "TooLarge"),
        (payload_bytes(b"\x81\xa1a\xdd\0\0\0\x41"), "NotCanonical"),
        (body_with(9, {"x": nested(7)}), "Accepted"),
        (body_with(9, {"x": nested(8)}), "TooDeep"),
        (body_with(1, nested(8)), "BadField"),
        (body_with(1, nested(9)), "TooDeep"),
        (body_with(9, {"b": 1, "a": 1.5}), "NotCanonical"),
        (body_with(9, {"a": 1.5, "B": 1}), "BadEncoding"),
        (body_with(1, 1.5), "BadEncoding"),
        (body_with(2, ["b", "a"])[:-1], "BadEncoding"),
        (
            body_with(9, {"n": -(2**63), "u": 2**64 - 1, "z": [None, True, {"a": "\xfc", "b": b""}]}),
            "Accepted",
        ),
        (body_with(9, {}), "Accepted"),
        (msgpack.packb(raw_body()[:9]), "BadField"),
        (msgpack.packb([*raw_body(), 1]), "BadField"),
        (msgpack.packb([2, *raw_body()]), "UnsupportedVersion"),
    ],
)
def test_the_first_offence_names_the_code(body, code):
    """One left-to-right pass, then trailing bytes, then the fields in index order."""
    found = slow(body)
    assert (found if isinstance(found, str) else "Accepted") == code
    assert (decode_fast("any", body) is not None) == (code == "Accepted")


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.floats(),
    st.sampled_from([0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, -32, -33, -128, -129]),
)
_keys = st.one_of(st.from_regex(r"[a-z][a-z0-9_]{0,3}", fullmatch=True), st.text(max_size=3))
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=8,
)
_payloads = st.dictionaries(_keys, _values, max_size=5)
_good_payloads = _payloads.map(lambda p: dict(sorted(p.items())))


@st.composite
def bodies(draw):
    """Bodies that are good, nearly good, or have bytes changed, cut, doubled or put in."""
    fields = raw_body()
    fields[9] = draw(_good_payloads | _payloads)
    if draw(st.booleans()):
        fields[draw(st.integers(0, 9))] = draw(_values)
    if draw(st.integers(0, 9)) == 0:
        fields = fields[: draw(st.integers(0, 9))] + draw(st.lists(_values, max_size=2))
    data = bytearray(msgpack.packb(fields))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(data)


@settings(max_examples=1000, deadline=None, derandomize=True, database=None)
@given(bodies())
@example(GOOD)
@example(GOOD.replace(b"\xa5count", b"\xa5Count"))
def test_the_fast_path_and_the_strict_pass_accept_the_same_bodies(body):
    """Whatever one accepts the other does, with the same fields; the strict pass knows only known codes."""
    fast, strict = decode_fast("any", body), slow(body)
    assert (fast is None) == isinstance(strict, str)
    if fast is not None:
        assert repr(tuple(fast)) == repr(("any", *strict))
