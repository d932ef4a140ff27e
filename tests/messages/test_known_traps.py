"""The mistakes of others, each a test by its name: what a receiver of signed messages must not do."""

import msgpack
import pytest

from cbmnet.messages import (
    Ed25519Signer,
    Entry,
    MacSigner,
    SignedMessageError,
    TrustStore,
    Verifier,
    key_id,
    pae,
)

from .parties import ALICE, ALL, BOB, HEARTBEAT, NOW_MS, REALM, code_of, entry, message, sealed, verifier

TWO_PERSONS = {HEARTBEAT: 2}


def test_one_public_key_under_two_ids_is_not_two() -> None:
    """A store with one key in two entries is refused, under its own kid or another one."""
    kid = key_id(0xF0, ALICE.public_key)  # the same bytes, under another algorithm
    again = Entry(kid, 0xF0, ALICE.public_key, "eve", "north", ALL, 0, 2**62)
    for second in (again, entry(ALICE, "eve"), entry(ALICE, "eve")._replace(kid=b"k" * 16)):
        with pytest.raises(SignedMessageError, match="BadTrustStore"):
            TrustStore([entry(ALICE), second], TWO_PERSONS)


def test_two_keys_of_one_person_are_one_person() -> None:
    """They never meet the rule of two; a second person does."""
    hers = entry(ALICE, "alice"), entry(BOB, "alice")
    assert code_of(verifier(*hers, policies=TWO_PERSONS).check, sealed(ALICE, BOB).wire) == "ThresholdNotMet"
    theirs = entry(ALICE, "alice"), entry(BOB, "bob")
    assert code_of(verifier(*theirs, policies=TWO_PERSONS).check, sealed(ALICE, BOB).wire) == "Accepted"


def test_one_signature_twice_is_not_two() -> None:
    """A pair repeated in the envelope is not canonical."""
    version, ptype, body, pairs = msgpack.unpackb(sealed(ALICE).wire)
    wire = msgpack.packb([version, ptype, body, [*pairs, *pairs]])
    assert code_of(verifier(policies=TWO_PERSONS).check, wire) == "NotCanonical"


def test_trailing_bytes_are_not_ignored() -> None:
    """Neither after the envelope nor within the body."""
    assert code_of(verifier().check, sealed().wire + b"\0") == "TrailingBytes"
    body = msgpack.unpackb(sealed().wire)[2] + b"\0"
    assert code_of(verifier().check, signed(body)) == "TrailingBytes"


def test_a_longer_form_of_a_number_is_not_the_number() -> None:
    """Two encodings of one message would have two ids."""
    body = msgpack.unpackb(sealed().wire)[2]
    longer = body.replace(b"\xa5count\x01", b"\xa5count\xcc\x01")
    assert longer != body
    assert code_of(verifier().check, signed(longer)) == "NotCanonical"


def test_the_last_of_two_equal_keys_is_not_taken() -> None:
    """Nor the first: a map with a key twice is refused."""
    body = msgpack.unpackb(sealed().wire)[2]
    twice = body.replace(b"\x81\xa5count\x01", b"\x82\xa5count\x01\xa5count\x02")
    assert twice != body
    assert code_of(verifier().check, signed(twice)) == "NotCanonical"


def test_a_message_is_not_accepted_twice() -> None:
    """Neither the same envelope nor the same message under other signatures."""
    judge = verifier(entry(ALICE), entry(BOB, "bob"))
    judge.accept(sealed(ALICE).wire, NOW_MS)
    assert code_of(judge.check, sealed(ALICE).wire) == "Duplicate"
    assert code_of(judge.check, sealed(ALICE, BOB).wire) == "Replayed"


def test_the_algorithm_does_not_come_from_the_wire() -> None:
    """A MAC keyed with the public key, which everybody has, verifies nowhere as a signature."""
    forger = MacSigner(ALICE.public_key)
    version, ptype, body, _ = msgpack.unpackb(sealed(ALICE, realm="sim").wire)
    forged = forger.sign(pae(f"{ptype};realm=sim".encode(), body))
    wire = msgpack.packb([version, ptype, body, [[ALICE.kid, forged]]])
    judge = Verifier("south", "sim", TrustStore([entry(ALICE)]), secrets={ALICE.kid: ALICE.public_key})
    assert code_of(judge.check, wire) == "BadSignature"


def test_a_bad_signature_is_not_stripped() -> None:
    """One good signature does not save a message under which a known key's signature is wrong."""
    version, ptype, body, pairs = msgpack.unpackb(sealed(ALICE, BOB).wire)
    pairs = [[kid, signature if kid == ALICE.kid else bytes(64)] for kid, signature in pairs]
    judge = verifier(entry(ALICE), entry(BOB, "bob"))
    assert code_of(judge.check, msgpack.packb([version, ptype, body, pairs])) == "BadSignature"


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18])
def test_a_key_of_small_order_is_not_loaded(y: int, sign: int) -> None:
    """Under such a key one fixed signature passes for many messages; the library itself loads it."""
    key = bytearray(y.to_bytes(32, "little"))
    key[31] |= sign
    small = Entry(key_id(1, bytes(key)), 1, bytes(key), "eve", "north", ALL, 0, 2**62)
    with pytest.raises(SignedMessageError, match="small order"):
        TrustStore([small])


def test_a_signature_with_s_beyond_the_order_does_not_verify() -> None:
    """S + L is the same number modulo the order: taking it would give every message a second signature."""
    order = 2**252 + 27742317777372353535851937790883648493
    version, ptype, body, [[kid, signature]] = msgpack.unpackb(sealed(ALICE).wire)
    s = int.from_bytes(signature[32:], "little") + order
    wire = msgpack.packb([version, ptype, body, [[kid, signature[:32] + s.to_bytes(32, "little")]]])
    assert code_of(verifier().check, wire) == "BadSignature"


def test_an_exercise_is_not_the_real_thing() -> None:
    """What was signed in one realm verifies in no other, whatever else is right."""
    assert code_of(verifier(realm="live").check, sealed(realm=REALM).wire) == "BadSignature"


def signed(body: bytes, signer: Ed25519Signer = ALICE) -> bytes:
    """An envelope with truly signed bytes."""
    m = pae(f"{message().ptype};realm={REALM}".encode(), body)
    return msgpack.packb([1, message().ptype, body, [[signer.kid, signer.sign(m)]]])
