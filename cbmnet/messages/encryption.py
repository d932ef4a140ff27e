"""Outer encryption of a whole envelope, for those who must not read it (section Framing, encrypted).

Sign, then seal: HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
ChaCha20Poly1305. Base mode says nothing about who encrypted: the envelope inside is a stranger's until
the verifier has accepted it. That the receivers are within the signed body keeps an honest message from
being sealed again for somebody else. The key pair of one encryption is the one randomness in this package
that does not come in: the cryptography library draws it from the system, and takes no other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.body import is_name
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import HARD_MAX_WIRE_BYTES, MAX_WIRE_BYTES
from cbmnet.messages.pae import check_realm

ENCRYPTION_OVERHEAD_BYTES = 32 + 16  # the encapsulated key before the ciphertext, the tag after it


def encrypt(wire: bytes, receiver: str, realm: str, public_key: bytes) -> bytes:
    """The envelope for one receiver's eyes: 48 bytes longer, and another one every time.

    `public_key` is the receiver's X25519 key, 32 bytes (RFC 7748). Raises LocalProtocolError for an
    envelope that is not 1 to 65,536 bytes, a name, a realm or a key that cannot be, and SignedMessageError
    with AlgorithmUnavailable where the cryptography library has no HPKE.
    """
    info = _info(receiver, realm)
    if not 1 <= len(wire) <= HARD_MAX_WIRE_BYTES:
        raise LocalProtocolError(f"an envelope of {len(wire)} bytes, 1 to {HARD_MAX_WIRE_BYTES} allowed")
    if type(public_key) is not bytes or len(public_key) != 32:
        raise LocalProtocolError("an X25519 public key must be 32 bytes")
    with _suite() as suite:
        try:
            sealed: bytes = suite.encrypt(wire, X25519PublicKey.from_public_bytes(public_key), info)
        except ValueError as error:  # a point of small order: anyone could open it
            raise LocalProtocolError("the X25519 public key has small order") from error
    return sealed


def decrypt(
    sealed: bytes,
    receiver: str,
    realm: str,
    private_key: X25519PrivateKey,
    *,
    max_wire_bytes: int = MAX_WIRE_BYTES,
) -> bytes:
    """The envelope within, at most `max_wire_bytes` (1 to 65,536) long; it must still be verified.

    Raises SignedMessageError: TooLarge before anything is computed; AlgorithmUnavailable where the
    cryptography library has no HPKE; BadEncoding, with no word on why, for whatever is not an envelope
    encrypted to this key, receiver and realm. Raises LocalProtocolError for a setting that cannot be.
    """
    info = _info(receiver, realm)
    if not 1 <= max_wire_bytes <= HARD_MAX_WIRE_BYTES:
        raise LocalProtocolError(f"max_wire_bytes must be 1 to {HARD_MAX_WIRE_BYTES}")
    if not isinstance(private_key, X25519PrivateKey):
        raise LocalProtocolError("the private key must be an X25519 key")
    if len(sealed) > (most := max_wire_bytes + ENCRYPTION_OVERHEAD_BYTES):
        raise SignedMessageError(Code.TOO_LARGE, f"{len(sealed)} bytes, at most {most} allowed")
    if len(sealed) <= ENCRYPTION_OVERHEAD_BYTES:
        raise SignedMessageError(Code.BAD_ENCODING, "too short for an encrypted envelope")
    with _suite() as suite:
        try:
            wire: bytes = suite.decrypt(sealed, private_key, info)
        except (InvalidTag, ValueError) as error:
            raise SignedMessageError(Code.BAD_ENCODING, "cannot be decrypted here") from error
    return wire


def _info(receiver: str, realm: str) -> bytes:
    """What both sides must agree on; a name or a realm has no `;`, so two pairs never look alike."""
    if not is_name(receiver):
        raise LocalProtocolError(f"receiver {receiver!r} must be 1 to 64 of [a-z0-9./-]")
    check_realm(realm)
    return f"cbmnet-hpke-v1;realm={realm};receiver={receiver}".encode("ascii")


@contextmanager
def _suite() -> Iterator[Any]:
    """The suite, looked for at each use; raises SignedMessageError with AlgorithmUnavailable."""
    try:
        from cryptography.hazmat.primitives import hpke  # noqa: PLC0415  (absent before 47.0.0)

        yield hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
    except (ImportError, AttributeError, UnsupportedAlgorithm) as error:
        raise SignedMessageError(
            Code.ALGORITHM_UNAVAILABLE, "the installed cryptography has no HPKE of this suite"
        ) from error
