"""Stream framing: what comes out does not depend on the chunks, and refusals come early and stay."""

import tracemalloc
from collections import deque
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import Code, SignedMessageError
from cbmnet.messages.envelope import MAX_WIRE_BYTES
from cbmnet.messages.framing import MAX_FRAME_BYTES, Deframer, frame
from tests.messages.parties import sealed

LIMIT = 50


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def run(chunks: list[bytes], limit: int = LIMIT) -> tuple[list[bytes], str]:
    """The envelopes of a stream, and the code it was refused with, or "Ended"."""
    deframer, out = Deframer(limit), []
    try:
        for chunk in chunks:
            for wire in deframer.feed(chunk):
                out.append(wire)  # noqa: PERF402  (what was given before a refusal must be kept)
        deframer.finish()
    except SignedMessageError as error:
        return out, error.code
    return out, "Ended"


envelopes = st.lists(st.binary(min_size=1, max_size=LIMIT), max_size=6)
cuts = st.lists(st.integers(0, 400), max_size=20)


def test_a_frame_is_four_bytes_of_length_and_the_envelope():
    """The length is uint32, big-endian, and counts the envelope alone."""
    assert frame(b"abc") == b"\x00\x00\x00\x03abc"
    assert frame(b"x" * 0x1234)[:4] == b"\x00\x00\x12\x34"


@pytest.mark.parametrize("size", [0, MAX_FRAME_BYTES + 1])
def test_nothing_is_framed_that_no_peer_may_take(size):
    """An empty envelope, or one over 1 MiB, is our own bug."""
    with pytest.raises(LocalProtocolError, match="1 to 1048576"):
        frame(bytes(size))


def test_the_largest_envelope_passes():
    """The limit itself is allowed on both sides."""
    wire = bytes(MAX_FRAME_BYTES)
    assert run([frame(wire)], MAX_FRAME_BYTES) == ([wire], "Ended")


@given(envelopes, cuts)
def test_any_chunks_give_the_same_envelopes(wires, at):
    """Framed envelopes come back, in order, however the stream is cut, empty chunks included."""
    assert run(cut(b"".join(map(frame, wires)), at)) == (wires, "Ended")


@given(envelopes, st.sampled_from([0, LIMIT + 1, 0x7FFFFFFF, 0xFFFFFFFF]), st.binary(max_size=30), cuts)
def test_a_bad_length_is_refused_after_what_came_before_it(wires, length, rest, at):
    """Envelopes before a bad length are given, nothing after it, whatever the chunks; the code is stable."""
    stream = b"".join(map(frame, wires)) + length.to_bytes(4, "big") + rest
    assert run(cut(stream, at)) == (wires, "TooLarge" if length else "BadEncoding")


@given(st.binary(max_size=300), cuts)
def test_any_bytes_at_all_depend_on_no_chunk(stream, at):
    """Strangers' bytes give the same envelopes and the same end in one chunk, in any, and byte by byte."""
    whole = run([stream])
    assert run(cut(stream, at)) == whole == run(cut(stream, list(range(len(stream)))))


@pytest.mark.parametrize(("length", "code"), [(0, Code.BAD_ENCODING), (LIMIT + 1, Code.TOO_LARGE)])
def test_a_bad_length_is_refused_with_its_fourth_byte(length, code):
    """Three bytes are waited on; the fourth refuses, before any byte of the envelope is there."""
    deframer, head = Deframer(LIMIT), length.to_bytes(4, "big")
    assert list(deframer.feed(head[:3])) == []
    with pytest.raises(SignedMessageError) as caught:
        list(deframer.feed(head[3:]))
    assert caught.value.code == code


@pytest.mark.parametrize("length", [0, LIMIT + 1])
def test_a_refused_stream_stays_refused(length):
    """After a refusal every feed, even of a good frame, and the end raise the same code and detail."""
    deframer, seen = Deframer(LIMIT), []
    with pytest.raises(SignedMessageError) as caught:
        list(deframer.feed(length.to_bytes(4, "big") + frame(b"good")))
    for call in (lambda: deframer.feed(frame(b"good")), deframer.finish, lambda: deframer.feed(b"")):
        with pytest.raises(SignedMessageError) as again:
            call()
        seen.append(str(again.value))
    assert seen == [str(caught.value)] * 3


@pytest.mark.parametrize("left", range(1, 7))
def test_a_stream_that_ends_within_a_frame_is_cut_off(left):
    """One to six of the seven bytes of a frame at the end: BadEncoding, and the bytes are told."""
    deframer = Deframer(LIMIT)
    assert list(deframer.feed(frame(b"whole") + frame(b"cut")[:left])) == [b"whole"]
    with pytest.raises(SignedMessageError, match=f"after {left} bytes") as caught:
        deframer.finish()
    assert caught.value.code == Code.BAD_ENCODING
    with pytest.raises(SignedMessageError):
        deframer.feed(frame(b"cut")[left:])


def test_a_stream_may_end_between_frames():
    """Nothing at all, and whole frames, are a good end; it may be asked for twice."""
    deframer = Deframer(LIMIT)
    deframer.finish()
    assert list(deframer.feed(frame(b"one"))) == [b"one"]
    deframer.finish()
    deframer.finish()


def test_the_default_limit_is_that_of_a_message():
    """16 KiB pass and one byte more does not, unless a higher limit is asked for."""
    assert MAX_WIRE_BYTES == 16 * 1024
    assert list(Deframer().feed(frame(bytes(MAX_WIRE_BYTES)))) == [bytes(MAX_WIRE_BYTES)]
    with pytest.raises(SignedMessageError, match="TooLarge"):
        list(Deframer().feed(frame(bytes(MAX_WIRE_BYTES + 1))))
    assert list(Deframer(MAX_WIRE_BYTES + 1).feed(frame(bytes(MAX_WIRE_BYTES + 1))))


@pytest.mark.parametrize("limit", [0, -1, MAX_FRAME_BYTES + 1, 1.5, True])
def test_a_limit_that_cannot_be_is_our_own_bug(limit):
    """The limit is a whole number from 1 to 1 MiB."""
    with pytest.raises(LocalProtocolError, match="max_wire_bytes"):
        Deframer(limit)


def test_a_chunk_must_be_gone_through():
    """The next chunk, or the end, before the envelopes of the last one are taken: no byte may be lost."""
    deframer = Deframer(LIMIT)
    given_up = deframer.feed(frame(b"one") + frame(b"two"))
    assert next(given_up) == b"one"
    for call in (lambda: deframer.feed(b""), deframer.finish):
        with pytest.raises(LocalProtocolError, match="every envelope"):
            call()
    assert list(given_up) == [b"two"]
    deframer.finish()


def test_the_last_envelope_of_a_chunk_leaves_nothing_behind():
    """Whoever stops at the last envelope of a chunk may go on with the next chunk."""
    deframer = Deframer(LIMIT)
    assert next(deframer.feed(frame(b"one"))) == b"one"
    assert list(deframer.feed(frame(b"two"))) == [b"two"]


def test_envelopes_are_bytes_of_their_own():
    """A reused receive buffer changes no envelope already given, nor one half received."""
    deframer, buffer = Deframer(LIMIT), bytearray(frame(b"one") + frame(b"two") + frame(b"three")[:6])
    taken = deframer.feed(buffer)
    one = next(taken)
    buffer[:] = bytes(len(buffer))
    assert [one, *taken] == [b"one", b"two"]
    assert list(deframer.feed(frame(b"three")[6:])) == [b"three"]


def memory(deframer: Deframer, chunk: bytes, times: int) -> tuple[int, int]:
    """What going through so many copies of a chunk left, and took at most, in bytes."""
    tracemalloc.start()
    try:
        for _ in range(times):
            with suppress(SignedMessageError):
                deque(deframer.feed(bytearray(chunk)), maxlen=0)
        return tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


def test_memory_stays_within_the_limit_and_a_chunk():
    """An envelope that comes in drops, one at the limit in a large chunk, and a flood after a refusal."""
    limit, some = 64 * 1024, 8 * 1024
    slow = Deframer(limit)
    list(slow.feed(limit.to_bytes(4, "big")))
    held, most = memory(slow, bytes(1), limit - 1)
    assert limit // 2 < held <= most < 1.25 * limit + some
    chunk = frame(bytes(limit)) * 20
    left, most = memory(Deframer(limit), chunk, 1)
    assert left < some
    assert most < 2 * len(chunk) + 2.25 * limit + some  # the chunk, our own of it, the envelope given
    refused = Deframer(limit)
    left, most = memory(refused, frame(b"x") + b"\xff" * 100_000, 1000)
    assert left < some
    assert most < 2 * 100_000 + some


def test_sealed_messages_travel():
    """Real envelopes come out of a stream as they went in."""
    wires = [sealed(sequence=sequence).wire for sequence in (1, 2, 3)]
    assert run([b"".join(map(frame, wires))], MAX_WIRE_BYTES) == (wires, "Ended")
