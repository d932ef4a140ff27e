"""The hybrid of Ed25519 and ML-DSA-65: both parts must verify, and a library without it says so."""

import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import HYBRID, HybridSigner, SignedMessageError, TrustStore, hybrid

from .parties import ALICE, NOW_MS, chain, code_of, entry, sealed, verifier

HANNA = HybridSigner.from_seeds(b"h" * 32, b"H" * 32)


def test_a_hybrid_signature_is_made_of_the_two_that_are_specified() -> None:
    """64 bytes of Ed25519 over the context and M, then 3,309 of ML-DSA-65 over M with that context."""
    signature = HANNA.sign(b"M")
    assert (len(signature), len(HANNA.public_key), HANNA.algorithm) == (3373, 1984, HYBRID)
    context = b"cbmnet-hybrid-v1"
    Ed25519PublicKey.from_public_bytes(HANNA.public_key[:32]).verify(signature[:64], context + b"M")
    MLDSA65PublicKey.from_public_bytes(HANNA.public_key[32:]).verify(signature[64:], b"M", context)
    with pytest.raises(InvalidSignature):
        MLDSA65PublicKey.from_public_bytes(HANNA.public_key[32:]).verify(signature[64:], b"M", b"")


def test_a_message_with_a_hybrid_signature_is_accepted() -> None:
    """Alone and beside an Ed25519 signature, as often as one likes, each step of the verifier included."""
    judge = verifier(entry(HANNA, "hanna"), entry(ALICE))
    first, second = chain(2, HANNA, ALICE)
    assert [e.person for e in judge.accept(first.wire, NOW_MS).signers] == [
        {HANNA.kid: "hanna", ALICE.kid: "alice"}[kid] for kid in sorted((HANNA.kid, ALICE.kid))
    ]
    assert judge.accept(second.wire, NOW_MS).message.sequence == 2


@pytest.mark.parametrize("at", [0, 63, 64, 3372])
def test_both_parts_must_verify(at: int) -> None:
    """A flipped bit in either signature refuses the message."""
    wire = sealed(HANNA).wire
    start = len(wire) - 3373
    spoilt = bytearray(wire)
    spoilt[start + at] ^= 1
    assert code_of(verifier(entry(HANNA)).check, bytes(spoilt)) == "BadSignature"


def test_a_signature_of_the_other_length_does_not_verify() -> None:
    """A hybrid key with 64 bytes, an Ed25519 key with 3,373: BadSignature, no other exception."""
    check = hybrid.hybrid_check(HANNA.public_key)
    assert check is not None
    assert not check(HANNA.sign(b"M")[:64], b"M")
    assert not check(b"", b"M")
    assert check(HANNA.sign(b"M"), b"M")


def test_two_signatures_of_one_message_differ_and_its_id_does_not() -> None:
    """ML-DSA is randomised: traces rely on ids, never on signature bytes."""
    one, two = sealed(HANNA), sealed(HANNA)
    assert one.wire != two.wire
    assert one.id == two.id


def test_without_the_library_the_algorithm_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing says so, and a message with such a signature is refused with AlgorithmUnavailable."""
    both = sealed(HANNA, ALICE).wire
    monkeypatch.setattr(hybrid, "_mldsa", lambda: None)
    assert not hybrid.is_available()
    with pytest.raises(SignedMessageError, match="AlgorithmUnavailable"):
        HybridSigner.from_seeds(b"h" * 32, b"H" * 32)
    assert code_of(verifier(entry(HANNA, "hanna"), entry(ALICE)).check, both) == "AlgorithmUnavailable"
    assert code_of(verifier(entry(ALICE)).check, both) == "Accepted"


@pytest.mark.parametrize(
    "seeds", [(b"h" * 31, b"H" * 32), (b"h" * 32, b"H" * 33), (b"h" * 32, "H" * 32), (b"h" * 32, b"h" * 32)]
)
def test_seeds_are_two_of_32_bytes(seeds: tuple[bytes, bytes]) -> None:
    """Another length or type, or one seed for both, is the caller's mistake."""
    with pytest.raises(LocalProtocolError):
        HybridSigner.from_seeds(*seeds)


def test_a_component_key_stands_in_one_entry_only() -> None:
    """The Ed25519 half of a hybrid key cannot count a second time on its own."""
    half = HybridSigner.from_seeds(bytes([1]) * 32, b"H" * 32)  # ALICE's seed
    with pytest.raises(SignedMessageError, match="BadTrustStore"):
        TrustStore([entry(half, "alice"), entry(ALICE, "eve")])


@pytest.mark.parametrize("broken", [None, object()])
def test_an_older_library_is_one_without_the_algorithm(
    broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the module is missing, or has no such key, the algorithm is not there."""
    name = "cryptography.hazmat.primitives.asymmetric.mldsa"
    monkeypatch.setitem(sys.modules, name, broken)
    package = sys.modules["cryptography.hazmat.primitives.asymmetric"]
    monkeypatch.setattr(package, "mldsa", broken)
    assert hybrid._mldsa.__wrapped__() is None
