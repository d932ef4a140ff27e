"""Outer encryption: only the right key, receiver and realm open it, and everything else is one code."""

import sys

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, hmac, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import Code, SignedMessageError
from cbmnet.messages.encryption import ENCRYPTION_OVERHEAD_BYTES, decrypt, encrypt
from cbmnet.messages.envelope import HARD_MAX_WIRE_BYTES, MAX_WIRE_BYTES
from tests.messages.parties import NOW_MS, REALM, sealed, verifier

KEY = X25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
WIRE = sealed().wire
SEALED = encrypt(WIRE, "south", REALM, PUBLIC)
INFO = f"cbmnet-hpke-v1;realm={REALM};receiver=south".encode()


def hkdf(secret: bytes, salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    """LabeledExtract of RFC 9180 section 4."""
    state = hmac.HMAC(salt or bytes(32), hashes.SHA256())
    state.update(b"HPKE-v1" + suite + label + ikm)
    return state.finalize()


def expand(prk: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of RFC 9180 section 4, for at most 32 bytes."""
    state = hmac.HMAC(prk, hashes.SHA256())
    state.update(length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01")
    return state.finalize()[:length]


def open_by_the_book(enc: bytes, ciphertext: bytes, key: X25519PrivateKey, info: bytes, aad: bytes) -> bytes:
    """RFC 9180 base mode, first message, written from the RFC alone: KEM 0x20, KDF 1, AEAD 3."""
    kem = b"KEM" + b"\x00\x20"
    shared = key.exchange(X25519PublicKey.from_public_bytes(enc))
    context = enc + key.public_key().public_bytes_raw()
    secret = expand(hkdf(b"", b"", kem, b"eae_prk", shared), kem, b"shared_secret", context, 32)
    suite = b"HPKE" + b"\x00\x20\x00\x01\x00\x03"
    schedule = (
        b"\x00" + hkdf(b"", b"", suite, b"psk_id_hash", b"") + hkdf(b"", b"", suite, b"info_hash", info)
    )
    prk = hkdf(b"", secret, suite, b"secret", b"")
    aead = ChaCha20Poly1305(expand(prk, suite, b"key", schedule, 32))
    return aead.decrypt(expand(prk, suite, b"base_nonce", schedule, 12), ciphertext, aad)


def code(*arguments, **settings) -> str:
    with pytest.raises(SignedMessageError) as caught:
        decrypt(*arguments, **settings)
    return caught.value.code


def test_the_reference_of_this_test_agrees_with_the_rfc():
    """What the tests decrypt by opens the published vector of RFC 9180, appendix A.2.1."""
    key = X25519PrivateKey.from_private_bytes(
        bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
    )
    enc = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
    ciphertext = bytes.fromhex(
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
    )
    plain = open_by_the_book(enc, ciphertext, key, b"Ode on a Grecian Urn", b"Count-0")
    assert plain == b"Beauty is truth, truth beauty"


def test_what_is_encrypted_is_hpke_with_realm_and_receiver():
    """An independent reading of RFC 9180 opens it: encapsulated key, ciphertext, tag, and this info."""
    assert open_by_the_book(SEALED[:32], SEALED[32:], KEY, INFO, b"") == WIRE


def test_an_encrypted_message_is_opened_and_then_verified():
    """Sign, then seal: what comes out is the envelope, and the verifier takes it."""
    wire = decrypt(SEALED, "south", REALM, KEY)
    assert wire == WIRE
    assert verifier().accept(wire, NOW_MS).message.sender == "north"


@given(st.binary(min_size=1, max_size=2000))
def test_every_envelope_comes_back_48_bytes_longer_in_between(wire):
    """Any bytes round the way; nothing of a longer one shows in the open."""
    hidden = encrypt(wire, "south", REALM, PUBLIC)
    assert len(hidden) == len(wire) + ENCRYPTION_OVERHEAD_BYTES == len(wire) + 48
    assert decrypt(hidden, "south", REALM, KEY) == wire
    assert len(wire) < 8 or wire not in hidden


def test_two_encryptions_differ():
    """Each encryption has a key pair of its own: equal envelopes cannot be recognised."""
    assert encrypt(WIRE, "south", REALM, PUBLIC)[:32] != SEALED[:32]


@pytest.mark.parametrize(
    ("receiver", "realm", "key"),
    [
        ("west", REALM, KEY),
        ("south/desk", REALM, KEY),
        ("south", "live", KEY),
        ("south", REALM, X25519PrivateKey.from_private_bytes(b"K" * 32)),
    ],
    ids=["receiver", "part of the receiver", "realm", "key"],
)
def test_another_receiver_realm_or_key_opens_nothing(receiver, realm, key):
    """Receiver, realm and key each bind the ciphertext; the code is always BadEncoding."""
    assert code(SEALED, receiver, realm, key) == Code.BAD_ENCODING


@pytest.mark.parametrize("at", range(len(SEALED)))
def test_one_changed_bit_anywhere_opens_nothing(at):
    """No byte of an encrypted envelope can be changed (bit 7 of the key's last byte included)."""
    for bit in (1, 0x80):
        spoilt = bytearray(SEALED)
        spoilt[at] ^= bit
        assert code(bytes(spoilt), "south", REALM, KEY) == Code.BAD_ENCODING


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: bytes(32) + tail))
def test_strangers_bytes_give_one_code(stranger):
    """Whatever comes, points of small order included, is BadEncoding and no other exception."""
    assert code(stranger, "south", REALM, KEY) == Code.BAD_ENCODING


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 47, 48, 49, len(SEALED) - 1])
def test_a_cut_off_ciphertext_gives_the_same_code(cut):
    """Every shorter ciphertext is BadEncoding."""
    assert code(SEALED[:cut], "south", REALM, KEY) == Code.BAD_ENCODING


def test_an_encrypted_nothing_is_no_envelope():
    """48 bytes that decrypt to nothing at all are refused before they are tried."""
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
    empty = suite.encrypt(b"", KEY.public_key(), INFO)
    assert len(empty) == 48
    assert code(empty, "south", REALM, KEY) == Code.BAD_ENCODING


def test_size_is_looked_at_before_anything_else(monkeypatch):
    """A ciphertext over the limit is TooLarge, even where HPKE is missing: nothing is computed for it."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.hpke", None)
    monkeypatch.delattr("cryptography.hazmat.primitives.hpke")
    assert code(bytes(MAX_WIRE_BYTES + 49), "south", REALM, KEY) == Code.TOO_LARGE
    assert code(bytes(100), "south", REALM, KEY, max_wire_bytes=51) == Code.TOO_LARGE
    assert code(bytes(48), "south", REALM, KEY) == Code.BAD_ENCODING
    assert code(bytes(49), "south", REALM, KEY) == Code.ALGORITHM_UNAVAILABLE


def test_the_limit_is_that_of_the_envelope_within():
    """An envelope of exactly the limit passes, one byte more does not."""
    for limit in (100, MAX_WIRE_BYTES, HARD_MAX_WIRE_BYTES):
        exact = encrypt(bytes(limit), "south", REALM, PUBLIC)
        assert decrypt(exact, "south", REALM, KEY, max_wire_bytes=limit) == bytes(limit)
        assert code(exact, "south", REALM, KEY, max_wire_bytes=limit - 1) == Code.TOO_LARGE


def test_a_library_without_hpke_is_said_plainly(monkeypatch):
    """Before cryptography 47 there is no HPKE: both ways say AlgorithmUnavailable, each time anew."""
    with monkeypatch.context() as old:
        old.setitem(sys.modules, "cryptography.hazmat.primitives.hpke", None)
        old.delattr("cryptography.hazmat.primitives.hpke")
        for call in (
            lambda: encrypt(WIRE, "south", REALM, PUBLIC),
            lambda: decrypt(SEALED, "south", REALM, KEY),
        ):
            with pytest.raises(SignedMessageError) as caught:
                call()
            assert caught.value.code == Code.ALGORITHM_UNAVAILABLE
    assert decrypt(SEALED, "south", REALM, KEY) == WIRE


def test_a_library_without_this_suite_is_said_plainly(monkeypatch):
    """An HPKE that lacks ChaCha20Poly1305, by name or when it comes to use, is AlgorithmUnavailable too."""

    class Refusing:
        def __init__(self, *_):
            pass

        def decrypt(self, *_):
            raise UnsupportedAlgorithm("no ChaCha20Poly1305")

    with monkeypatch.context() as old:
        old.setattr(hpke, "AEAD", object())
        assert code(SEALED, "south", REALM, KEY) == Code.ALGORITHM_UNAVAILABLE
    monkeypatch.setattr(hpke, "Suite", Refusing)
    assert code(SEALED, "south", REALM, KEY) == Code.ALGORITHM_UNAVAILABLE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wire": b""}, "1 to 65536"),
        ({"wire": bytes(HARD_MAX_WIRE_BYTES + 1)}, "1 to 65536"),
        ({"receiver": "South"}, "receiver"),
        ({"receiver": "south;realm=live"}, "receiver"),
        ({"realm": "live;receiver=x"}, "realm"),
        ({"public_key": bytes(31)}, "32 bytes"),
        ({"public_key": bytearray(PUBLIC)}, "32 bytes"),
        ({"public_key": bytes(32)}, "small order"),
        ({"public_key": b"\x01" + bytes(31)}, "small order"),
    ],
)
def test_what_cannot_be_encrypted_is_our_own_bug(changes, words):
    """A size, name, realm or key that cannot be, points of small order included, is named."""
    good = {"wire": WIRE, "receiver": "south", "realm": REALM, "public_key": PUBLIC}
    with pytest.raises(LocalProtocolError, match=words):
        encrypt(**good | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"receiver": ""}, "receiver"),
        ({"realm": "LIVE"}, "realm"),
        ({"private_key": Ed25519PrivateKey.from_private_bytes(b"k" * 32)}, "X25519"),
        ({"private_key": b"k" * 32}, "X25519"),
        ({"max_wire_bytes": 0}, "max_wire_bytes"),
        ({"max_wire_bytes": HARD_MAX_WIRE_BYTES + 1}, "max_wire_bytes"),
    ],
)
def test_a_setting_that_cannot_be_is_our_own_bug(changes, words):
    """A receiver, realm, key or limit of ours that cannot be is no fault of the peer's."""
    good = {"sealed": SEALED, "receiver": "south", "realm": REALM, "private_key": KEY}
    with pytest.raises(LocalProtocolError, match=words):
        decrypt(**good | changes)
