"""Link frames: what is one, and what only looks like one."""

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.errors import RemoteProtocolError
from cbmnet.protocols.endpoint import (
    CONFIRM,
    DATA,
    LINK_ACK,
    RECEIPT,
    decode_frame,
    encode_frame,
    party_of,
    route_of,
    way,
)
from cbmnet.protocols.frame import mark_of, read_mark

WHOLE = st.integers(0, 2**64 - 1)
STREAM = st.integers(0, 2**16 - 1)


@given(st.sampled_from([DATA, LINK_ACK, CONFIRM, RECEIPT]), STREAM, WHOLE, WHOLE, st.binary(max_size=300))
def test_a_frame_comes_back_as_it_went(
    kind: int, stream: int, sequence: int, attempt: int, data: bytes
) -> None:
    """Taking apart undoes putting together, and the bytes are the msgpack array of the specification."""
    envelope = data if kind == DATA or (kind == RECEIPT and data) else None
    data = encode_frame(kind, stream, sequence, attempt, envelope)
    assert decode_frame(data) == (1, kind, stream, sequence, attempt, envelope)
    assert data == msgpack.packb([1, kind, stream, sequence, attempt, envelope])


@pytest.mark.parametrize(
    "fields",
    [
        [2, 0, 1, 1, 1, b""],
        [True, 0, 1, 1, 1, b""],
        [1.0, 0, 1, 1, 1, b""],
        [1, 2, 1, 1, 1, b""],
        [1, 4, 1, 1, 1, b""],
        [1, 4, 1, 1, 1, None],
        [1, 0, 65536, 1, 1, b""],
        [1, 3, 1, 1, 1, "text"],
        [1, False, 1, 1, 1, b""],
        [1, 0, -1, 1, 1, b""],
        [1, 0, 1, -1, 1, b""],
        [1, 0, 1, 1, -1, b""],
        [1, 0, 1.0, 1, 1, b""],
        [1, 0, 1, "1", 1, b""],
        [1, 0, 1, 1, True, b""],
        [1, 0, 1, 1, 1, "text"],
        [1, 0, 1, 1, 1, None],
        [1, 1, 1, 1, 1, b""],
        [1, 0, 1, 1, 1],
        [1, 0, 1, 1, 1, b"", 0],
        [],
        {},
        7,
    ],
)
def test_what_only_looks_like_a_frame_is_refused(fields: Any) -> None:
    """Another version, type, count or sign, a bool or float for a number, an envelope too many or few."""
    with pytest.raises(RemoteProtocolError):
        decode_frame(msgpack.packb(fields))


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91" * 60_000, encode_frame(DATA, 1, 1, 1, b"x") + b"\0"])
def test_rubbish_is_refused(data: bytes) -> None:
    """Nothing, an unused byte, arrays in arrays to the end, and a frame with a byte behind it."""
    with pytest.raises(RemoteProtocolError):
        decode_frame(data)


def test_a_frame_has_a_greatest_size() -> None:
    """What no envelope needs is not even looked at."""
    with pytest.raises(RemoteProtocolError, match="at most 65600"):
        decode_frame(encode_frame(DATA, 1, 1, 1, bytes(65_600)))


@given(st.binary(max_size=64))
def test_any_bytes_are_a_frame_or_a_refusal(data: bytes) -> None:
    """No other exception comes out."""
    try:
        frame = decode_frame(data)
    except RemoteProtocolError:
        return
    assert len(frame) == 6


@given(st.integers(0, 2**32 - 1), STREAM, STREAM)
def test_a_mark_comes_back_as_it_went(epoch: int, own: int, attempt: int) -> None:
    """Epoch, the variant's own and the attempt share 64 bits; with the first two 0 it is the attempt."""
    assert read_mark(mark_of(epoch, own, attempt)) == (epoch, own, attempt)
    assert mark_of(0, 0, attempt) == attempt
    assert mark_of(epoch, own, attempt) < 2**64


def test_a_way_names_peer_and_route() -> None:
    """Route 0 is the peer itself; what is no number is no way."""
    assert [way("b", route) for route in (0, 1, 12)] == ["b", "b@1", "b@12"]
    assert [(party_of(w), route_of(w)) for w in ("b", "b@1", "b@12")] == [("b", 0), ("b", 1), ("b", 12)]
    for wrong in ("b@x", "b@-1", "b@1@2", "b@ 1"):
        with pytest.raises(RemoteProtocolError):
            route_of(wrong)
