"""Hostile bytes: a known code or Accepted, nothing else, and no state changed."""

import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from random import Random

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cbmnet.messages import Code, SignedMessageError, reader
from cbmnet.messages.codes import EVIDENCE, MALFORMED
from cbmnet.messages.envelope import read_frame_fast, read_frame_slow
from cbmnet.messages.reader import read_item

from .parties import (
    ALICE,
    BOB,
    MAC,
    NOW_MS,
    SECRET,
    code_of,
    digest,
    entry,
    raw_body,
    sealed,
    signed_raw,
    verifier,
)

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
# `make soak` does ten times what every run of the tests does.
SCALE = 10 if os.environ.get("CBMNET_SOAK") else 1
_settings = settings(max_examples=2000 * SCALE, derandomize=True, database=None)


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
    fast = read_frame_fast(wire, judge._begins)
    if fast is not None:
        assert fast == read_frame_slow(wire, judge._allowed)


def test_the_usual_envelopes_are_read_by_hand():
    """The fast reader is not dead: it takes one and several signatures."""
    begins = verifier()._begins
    assert read_frame_fast(WIRE, begins) is not None
    assert read_frame_fast(TWO, begins) is not None


@pytest.mark.parametrize("number", range(20 * SCALE))
def test_every_single_bit_flip_is_refused_and_changes_nothing(number):
    """All flips of 20 envelopes (soak: 200), one and two signatures, small and large bodies."""
    mac = number >= 2  # Ed25519 twice, then the fast algorithm: the envelope is the same
    signers = ([ALICE, BOB] if number else [ALICE]) if not mac else [MAC]
    realm = "sim" if mac else "exercise-2026-11"
    wire = sealed(*signers, realm=realm, sequence=1 + number, payload={"count": number**8}).wire
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


def mutated(random, wire):
    """A good envelope spoilt in one to three places: bits, bytes, cuts, insertions, parts doubled."""
    data = bytearray(wire)
    for _ in range(random.randint(1, 3)):
        at, how = random.randrange(len(data)), random.randrange(5)
        if how == 0:
            data[at] ^= 1 << random.randrange(8)
        elif how == 1:
            data[at] = random.randrange(256)
        elif how == 2:
            del data[at : at + random.randint(1, 8)]
        elif how == 3:
            data[at:at] = random.randbytes(random.randint(1, 8))
        else:
            data[at:at] = data[at : at + random.randint(1, 40)]
        data = data or bytearray(b"\0")
    return bytes(data)


@pytest.mark.parametrize("seed", range(10))
def test_mutations_of_good_envelopes_give_accepted_or_a_code(seed):
    """100,000 (soak: a million), half of them a spoilt body truly signed: nothing else, no state changed."""
    random = Random(seed)
    goods = [sealed(MAC, realm="sim", sequence=n, payload={"count": 10**n}).wire for n in (1, 9, 15)]
    bodies = [msgpack.unpackb(wire)[2] for wire in goods]
    judge = verifier(entry(MAC, "mac"), realm="sim", secrets={MAC.kid: SECRET})
    before = state(judge.guard)
    codes = Counter()
    for _ in range(5_000 * SCALE):
        codes[code_of(judge.check, mutated(random, random.choice(goods)))] += 1
        body = mutated(random, random.choice(bodies))
        codes[code_of(judge.check, signed_raw(body, MAC, realm="sim"))] += 1
    assert set(codes) <= {*map(str, Code), "Accepted"}
    assert MALFORMED - {"TooDeep"} <= set(codes)
    assert {"Accepted", "UnknownKey", "BadSignature", "SignerNotAllowed", "NotReceiver"} <= set(codes)
    assert state(judge.guard) == before


WIDE = b"\xdc\x00\x40" + b"\x90" * 64
BOMBS = {
    "nested arrays": b"\x91" * 65_536,
    "arrays of arrays": (b"\x94\x01" + b"\xdc\x00\x40" * 6 + (b"\xdc\x00\x40" + b"\x90" * 64) * 1000)[
        :65_536
    ],
    "small maps": (b"\x94\x01" + b"\x80" * 65_536)[:65_536],
    "maps in maps": (b"\x94\x01" + b"\x81\xa1a" * 65_536)[:65_536],
    "a huge array declared": b"\xdd\xff\xff\xff\xff" + bytes(65_531),
    "a huge bin declared": b"\x94\x01\xa1a\xc6\xff\xff\xff\xff" + bytes(65_527),
    "many pairs": (b"\x94\x01\xa1a\xc4\x00\xdc\x00\x40" + b"\x92\xc4\x00\xc4\x00" * 65_536)[:65_536],
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_a_bounded_amount_of_memory_and_steps(name):
    """64 KiB of strangers' bytes: refused within a mebibyte, and after looking at 64 values at most."""
    judge = verifier(max_wire_bytes=65_536)
    looked: list[int] = []

    def counted(*arguments):
        looked.append(1)
        return read_item(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_item", counted)
        tracemalloc.start()
        assert code_of(judge.check, BOMBS[name]) in MALFORMED
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**20
    assert len(looked) <= 65


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
    """All of it, the parts that load later included, stands on the standard library and two more."""
    script = (
        "import sys; before = set(sys.modules); import cbmnet.messages as m; "
        "[getattr(m, n) for n in m.__all__]; "
        "new = {name.split('.')[0] for name in set(sys.modules) - before}; "
        "ours = {'cbmnet', 'cryptography', 'msgpack', '_cffi_backend', '_openssl', 'cython_runtime'}; "
        "new = {name for name in new if not name.startswith('_cython_')}; "
        "print(sorted(new - ours - sys.stdlib_module_names | new & {'asyncio'}))"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
