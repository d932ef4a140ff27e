"""Published vectors, and facts that another implementation can check."""

from hashlib import blake2b, sha256
from pathlib import Path

import cryptography_vectors
import pytest

from cbmnet.messages import ED25519, Ed25519Signer, MacSigner, key_id, pae
from cbmnet.messages.authenticator import key_check
from cbmnet.messages.keys import has_small_order

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def test_pae_agrees_with_the_example_that_dsse_publishes():
    """PAE of DSSE's example is DSSE's published string."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae(b"http://example.com/HelloWorld", b"hello world") == expected


@pytest.mark.parametrize(
    ("seed", "public", "data", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_ed25519_agrees_with_rfc_8032(seed, public, data, signature):
    """The signer gives the keys and signatures of RFC 8032 section 7.1, tests 1 and 2."""
    signer = Ed25519Signer.from_seed(bytes.fromhex(seed))
    assert signer.public_key == bytes.fromhex(public)
    assert signer.sign(bytes.fromhex(data)) == bytes.fromhex(signature)


def test_ed25519_agrees_with_the_thousand_published_vectors():
    """Keys and signatures as in the 1,024 vectors of Ed25519's authors; a changed bit does not verify."""
    file = Path(cryptography_vectors.__file__).parent / "asymmetric/Ed25519/sign.input"
    lines = file.read_text().splitlines()
    assert len(lines) == 1024
    for line in lines:
        private, public, data, signed = map(bytes.fromhex, line.split(":")[:4])
        signer, signature = Ed25519Signer.from_seed(private[:32]), signed[:64]
        check = key_check(ED25519, public)
        assert signer.public_key == public
        assert signer.sign(data) == signature
        assert check(signature, data)
        assert not check(signature, data + b"x")
        assert not check(bytes([signature[0] ^ 1]) + signature[1:], data)


def test_key_id_is_the_start_of_a_hash_over_algorithm_and_key():
    """kid = SHA-256("cbmnet-kid-v1" || algorithm || public key), first 16 bytes."""
    key = bytes(range(32))
    assert key_id(1, key) == sha256(b"cbmnet-kid-v1\x01" + key).digest()[:16]
    assert key_id(0xF0, key) != key_id(1, key)


def test_the_simulation_mac_is_plain_keyed_blake2b():
    """MAC = BLAKE2b-512 keyed with the secret; its public key is SHA-256 of the secret."""
    signer = MacSigner(b"k" * 40)
    assert signer.sign(b"data") == blake2b(b"data", key=b"k" * 40, digest_size=64).digest()
    assert signer.public_key == sha256(b"k" * 40).digest()


def _add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def _root(square):
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square % P else x * pow(2, (P - 1) // 4, P) % P
    return x if x * x % P == square % P else None


def _times_8_is_neutral(y):
    x = _root((y * y - 1) * pow(D * y * y + 1, -1, P) % P)
    if x is None:
        return False
    point = (x, y % P)
    for _ in range(3):
        point = _add(point, point)
    return point == (0, 1)


def small_order_encodings():
    """All 14, by curve arithmetic alone: y of order 8 solves D y^4 + 2 y^2 - 1 = 0."""
    root = _root((1 + D) % P)  # y^2 = (-1 +- sqrt(1 + D)) / D
    squares = [(-1 + sign * root) * pow(D, -1, P) % P for sign in (1, -1)]
    eighths = [y for s in squares if (y := _root(s)) is not None]
    ys = {0, 1, P - 1, P, P + 1, *eighths, *(P - y for y in eighths)}
    assert all(_times_8_is_neutral(y) for y in ys)
    return [(y | sign << 255).to_bytes(32, "little") for y in sorted(ys) for sign in (0, 1)]


def test_the_14_small_order_encodings_are_known():
    """The curve has exactly 14 encodings of small order, and all are recognised."""
    encodings = small_order_encodings()
    assert len(set(encodings)) == 14
    assert all(has_small_order(key) for key in encodings)


def test_honest_keys_have_no_small_order():
    """No ordinary key is taken for one of small order."""
    assert not any(has_small_order(Ed25519Signer.from_seed(bytes([n]) * 32).public_key) for n in range(50))
