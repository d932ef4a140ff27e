"""Link frames: what is one, and what only looks like one."""

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.errors import RemoteProtocolError
from cbmnet.protocols.endpoint import DATA, LINK_ACK, decode_frame, encode_frame

WHOLE = st.integers(0, 2**64 - 1)


@given(WHOLE, WHOLE, WHOLE, st.binary(max_size=300) | st.none())
def test_a_frame_comes_back_as_it_went(
    stream: int, sequence: int, attempt: int, envelope: bytes | None
) -> None:
    """Taking apart undoes putting together, and the bytes are the msgpack array of the specification."""
    kind = LINK_ACK if envelope is None else DATA
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
