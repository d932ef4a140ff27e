"""Keys: how a key is named, and the signers (the wire specification, sections Envelope and What is signed).

Randomness comes in from the caller, as a seed or a secret.
"""

from hashlib import blake2b, sha256
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cbmnet.errors import LocalProtocolError

ED25519 = 1
HYBRID = 2  # Ed25519 and ML-DSA-65 together
SIMULATION_MAC = 0xF0
SIMULATION_REALM = "sim"

PUBLIC_KEY_BYTES = {ED25519: 32, HYBRID: 32 + 1952, SIMULATION_MAC: 32}
SIGNATURE_BYTES = {ED25519: 64, HYBRID: 64 + 3309, SIMULATION_MAC: 64}
KID_BYTES = 16
SECRET_BYTES = range(32, 65)

_FIELD_PRIME = 2**255 - 19
# The y coordinates of the eight points of small order (Chalkias, Garillot and
# Nikolaenko, "Taming the many EdDSAs", 2020). With the sign bit and the y that exceed the prime
# these are the 14 encodings under which one signature can pass for many messages.
_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _FIELD_PRIME - 1,
        int.from_bytes(
            bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
        ),
        int.from_bytes(
            bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
        ),
    }
)


def key_id(algorithm: int, public_key: bytes) -> bytes:
    """16 bytes: the start of SHA-256("cbmnet-kid-v1" || algorithm byte || public key)."""
    return sha256(b"cbmnet-kid-v1" + bytes((algorithm,)) + public_key).digest()[:KID_BYTES]


def has_small_order(public_key: bytes) -> bool:
    """Whether 32 bytes encode an Ed25519 point of order 1, 2, 4 or 8, canonically or not."""
    y = int.from_bytes(public_key, "little") & (2**255 - 1)
    return y % _FIELD_PRIME in _SMALL_ORDER_Y


class Signer(Protocol):
    """Something that signs for one key: in memory here, a token or a service elsewhere."""

    kid: bytes
    algorithm: int
    public_key: bytes

    def sign(self, data: bytes) -> bytes:
        """The signature of M, as long as the algorithm asks."""
        ...


class Ed25519Signer:
    """Algorithm 1: Ed25519 (RFC 8032). `public_key` is 32 bytes, a signature 64."""

    algorithm = ED25519

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self.public_key = private_key.public_key().public_bytes_raw()
        self.kid = key_id(self.algorithm, self.public_key)
        self.sign = private_key.sign

    @classmethod
    def from_seed(cls, seed: bytes) -> "Ed25519Signer":
        """The signer of a seed of 32 bytes (RFC 8032 section 5.1.5); raises LocalProtocolError."""
        if type(seed) is not bytes or len(seed) != 32:
            raise LocalProtocolError("an Ed25519 seed must be 32 bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))


class MacSigner:
    """Algorithm 0xF0: keyed BLAKE2b-512, for simulations alone. Its public key is SHA-256(secret).

    Whoever can check it can also make it, so it proves nothing to a third party.
    """

    algorithm = SIMULATION_MAC

    def __init__(self, secret: bytes) -> None:
        check_secret(secret)
        self.public_key = sha256(secret).digest()
        self.kid = key_id(self.algorithm, self.public_key)
        self._keyed = blake2b(key=secret)

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        state = self._keyed.copy()
        state.update(data)
        return state.digest()


def check_secret(secret: bytes) -> None:
    """Raises LocalProtocolError unless the secret is 32 to 64 bytes."""
    if type(secret) is not bytes or len(secret) not in SECRET_BYTES:
        raise LocalProtocolError("a simulation secret must be 32 to 64 bytes")
