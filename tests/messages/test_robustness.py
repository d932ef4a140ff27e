"""Hostile bytes: a known code or Accepted, nothing else, and no state changed."""

import subprocess
import sys

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cbmnet.messages import Code, SignedMessageError
from cbmnet.messages.codes import EVIDENCE
from cbmnet.messages.envelope import read_frame_fast, read_frame_slow

from .parties import ALICE, BOB, MAC, NOW_MS, SECRET, digest, entry, raw_body, sealed, signed_raw, verifier

WIRE = sealed().wire
TWO = sealed(ALICE, BOB).wire


def state(guard):
    held = {
        key: (s.epoch, s.highest, s.below, dict(s.slots), dict(s.wires)) for key, s in guard._streams.items()
    }
    return held, set(guard._digests), list(guard._newest)


@st.composite
def mutants(draw):
    """Good envelopes with bytes changed, cut, doubled or put in."""
    data = bytearray(draw(st.sampled_from([WIRE, TWO])))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(data)


_junk = st.binary(max_size=300) | mutants() | st.binary(max_size=200).map(signed_raw)
_settings = settings(max_examples=2000, deadline=None, derandomize=True, database=None)


@_settings
@given(_junk)
@example(b"")
@example(b"\x90" * 8000)
@example(b"\x91" * 16384)
@example(WIRE)
def test_any_bytes_give_accepted_or_a_known_code(wire):
    """Never another exception, evidence for nothing but the two codes that are evidence, no state changed."""
    judge = verifier(entry(), entry(BOB, "bob"))
    try:
        judge.check(wire, NOW_MS)
    except SignedMessageError as error:
        refusal = error
    else:
        refusal = None
    assert refusal is None or refusal.code in set(Code)
    assert refusal is None or bool(refusal.evidence) == (refusal.code in EVIDENCE)
    assert state(judge.guard) == ({}, set(), [])


@_settings
@given(mutants())
def test_the_fast_frame_reader_accepts_nothing_that_the_strict_one_refuses(wire):
    """What is read by hand is read the same by the strict pass."""
    judge = verifier()
    fast = read_frame_fast(wire, judge._headers)
    if fast is not None:
        assert fast == read_frame_slow(wire, judge._allowed)


def test_the_usual_envelopes_are_read_by_hand():
    """The fast reader is not dead: it takes one and several signatures."""
    headers = verifier()._headers
    assert read_frame_fast(WIRE, headers) is not None
    assert read_frame_fast(TWO, headers) is not None


@pytest.mark.parametrize("number", range(20))
def test_every_single_bit_flip_is_refused_and_changes_nothing(number):
    """All flips of 20 envelopes, one and two signatures, small and large bodies."""
    mac = number >= 2  # Ed25519 twice, then the fast algorithm: the envelope is the same
    signers = ([ALICE, BOB] if number else [ALICE]) if not mac else [MAC]
    realm = "sim" if mac else "exercise-2026-11"
    wire = sealed(*signers, realm=realm, sequence=1 + number, payload={"count": number**9}).wire
    judge = verifier(entry(), entry(BOB, "bob"), entry(MAC, "mac"), realm=realm, secrets={MAC.kid: SECRET})
    judge.accept(sealed(*signers, realm=realm, stream=9).wire, NOW_MS)
    before = state(judge.guard)
    for bit in range(len(wire) * 8):
        at, mask = divmod(bit, 8)
        flipped = bytearray(wire)
        flipped[at] ^= 1 << mask
        if number == 1 and _only_an_unknown_key(bytes(flipped), wire):
            continue  # a kid that no longer names a key is skipped by design, the other signature holds
        with pytest.raises(SignedMessageError):
            judge.accept(bytes(flipped), NOW_MS)
        assert state(judge.guard) == before
    assert judge.accept(wire, NOW_MS).change.digest == digest(wire)


def _only_an_unknown_key(flipped, wire):
    try:
        new, old = msgpack.unpackb(flipped), msgpack.unpackb(wire)
    except (ValueError, msgpack.UnpackException):
        return False
    if not isinstance(new, list) or new[:3] != old[:3] or [p[1] for p in new[3]] != [p[1] for p in old[3]]:
        return False
    kids = [pair[0] for pair in new[3]]
    return kids == sorted(kids)


def test_a_deep_or_wide_frame_is_refused_within_bounds():
    """16 KiB of nested arrays end at the depth limit, wide ones at the item limit."""
    assert _code(b"\x91" * 16384) == "TooDeep"
    assert _code(b"\xdd\xff\xff\xff\xff" + b"\x90" * 100) == "TooLarge"
    assert _code(signed_raw(msgpack.packb(raw_body())[:-8] + b"\x81\xa1a" + b"\x91" * 5000)) == "TooDeep"


def _code(wire):
    with pytest.raises(SignedMessageError) as caught:
        verifier().check(wire, NOW_MS)
    return caught.value.code


def test_importing_the_package_loads_nothing_heavy():
    """No simulator, no numpy, no pydantic, no asyncio comes in with the signed message."""
    script = (
        "import sys, cbmnet.messages; "
        "print(sorted({'simpy', 'numpy', 'pydantic', 'asyncio', 'structlog', 'scipy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
