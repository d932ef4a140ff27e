"""Algorithm 2: Ed25519 and ML-DSA-65 together (the wire specification, sections Envelope and What is signed).

Either part alone would be enough for a forger who breaks it, so both must verify. ML-DSA (FIPS 204) is in
the cryptography library from 48.0.0 on, and only where its OpenSSL has it: it is looked for when first
asked for, and its absence is AlgorithmUnavailable. A signature takes 3,373 bytes and, for signing, some
thirty times as long as Ed25519: for checkpoints rather than for every message.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.keys import HYBRID, key_id

CONTEXT = b"cbmnet-hybrid-v1"
ED25519_PUBLIC_BYTES = 32
ED25519_SIGNATURE_BYTES = 64


@cache
def _mldsa() -> Any | None:
    """The library's module, or None where it cannot make a key."""
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415  (absent before 48.0.0)

        mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes(32))
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        return None
    return mldsa


def is_available() -> bool:
    """Whether the installed cryptography has ML-DSA-65."""
    return _mldsa() is not None


def _required() -> Any:
    mldsa = _mldsa()
    if mldsa is None:
        raise SignedMessageError(Code.ALGORITHM_UNAVAILABLE, "the installed cryptography has no ML-DSA-65")
    return mldsa


class HybridSigner:
    """Signs M with ML-DSA-65 and the context and M with Ed25519.

    `public_key` is 32 + 1,952 bytes, a signature 64 + 3,309; the second part is randomised, so two
    signatures of one message differ. Raises SignedMessageError with AlgorithmUnavailable.
    """

    algorithm = HYBRID

    def __init__(self, ed25519: Ed25519PrivateKey, ml_dsa: Any) -> None:
        _required()
        self._ed25519, self._ml_dsa = ed25519, ml_dsa
        self.public_key = ed25519.public_key().public_bytes_raw() + ml_dsa.public_key().public_bytes_raw()
        self.kid = key_id(self.algorithm, self.public_key)

    @classmethod
    def from_seeds(cls, ed25519_seed: bytes, ml_dsa_seed: bytes) -> "HybridSigner":
        """The signer of two independent seeds of 32 bytes (RFC 8032 section 5.1.5, FIPS 204 section 5.1)."""
        if any(type(seed) is not bytes or len(seed) != 32 for seed in (ed25519_seed, ml_dsa_seed)):
            raise LocalProtocolError("a hybrid key needs two seeds of 32 bytes")
        if ed25519_seed == ml_dsa_seed:
            raise LocalProtocolError("the two seeds of a hybrid key must be independent")
        ml_dsa = _required().MLDSA65PrivateKey.from_seed_bytes(ml_dsa_seed)
        return cls(Ed25519PrivateKey.from_private_bytes(ed25519_seed), ml_dsa)

    def sign(self, data: bytes) -> bytes:
        """Both signatures of M, Ed25519's first."""
        ml_dsa: bytes = self._ml_dsa.sign(data, CONTEXT)
        return self._ed25519.sign(CONTEXT + data) + ml_dsa


def hybrid_check(public_key: bytes) -> Callable[[bytes, bytes], bool] | None:
    """What checks a signature (first argument) of M with this key; None where ML-DSA-65 is missing."""
    mldsa = _mldsa()
    if mldsa is None:
        return None
    ed25519 = Ed25519PublicKey.from_public_bytes(public_key[:ED25519_PUBLIC_BYTES])
    ml_dsa = mldsa.MLDSA65PublicKey.from_public_bytes(public_key[ED25519_PUBLIC_BYTES:])

    def check(signature: bytes, signed: bytes) -> bool:
        try:
            ed25519.verify(signature[:ED25519_SIGNATURE_BYTES], CONTEXT + signed)
            ml_dsa.verify(signature[ED25519_SIGNATURE_BYTES:], signed, CONTEXT)
        except InvalidSignature:
            return False
        return True

    return check
