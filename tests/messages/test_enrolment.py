"""Enrolment: a key gets in only by the hand that holds it."""

import msgpack
import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import HybridSigner, SignedMessageError, hybrid, open_enrolment, request_enrolment
from cbmnet.messages.enrolment import ENROLMENT
from cbmnet.messages.envelope import write_frame
from cbmnet.messages.pae import signing_prefix

from .parties import ALICE, BOB, HEARTBEAT, NOTICE, NOW_MS, REALM

CHALLENGE = b"c" * 16


def request(signer=ALICE, **changes) -> bytes:
    terms = {"realm": REALM, "now_ms": NOW_MS, "challenge": CHALLENGE} | changes
    return request_enrolment(signer, "alice", "north/navy", [NOTICE, HEARTBEAT], **terms)


def opened(wire: bytes, **changes):
    terms = {"realm": REALM, "challenge": CHALLENGE, "not_before_ms": 5, "not_after_ms": 9} | changes
    return open_enrolment(wire, **terms)


def code(wire: bytes, **changes) -> str:
    with pytest.raises(SignedMessageError) as caught:
        opened(wire, **changes)
    return caught.value.code


def raw(signer=ALICE, key=None, **changes) -> bytes:
    """A request made by hand, truly signed by `signer`."""
    fields = {
        "one": 1, "algorithm": 1, "key": signer.public_key if key is None else key, "person": "alice",
        "party": "north", "ptypes": [], "now": NOW_MS, "challenge": CHALLENGE,
    } | changes  # fmt: skip
    body = msgpack.packb([value for value in fields.values() if value is not ...])
    signed = b"%b%d %b" % (signing_prefix(ENROLMENT, REALM), len(body), body)
    return write_frame(ENROLMENT, body, [(signer.kid, signer.sign(signed))])


@pytest.mark.parametrize("signer", [ALICE, HybridSigner.from_seeds(b"h" * 32, b"H" * 32)])
def test_a_request_gives_the_entry_it_asks_for(signer) -> None:
    """Key, person, party and payload types are the request's, the validity is the keeper's."""
    entry = opened(request(signer))
    assert (entry.kid, entry.algorithm, entry.public_key) == (signer.kid, signer.algorithm, signer.public_key)
    assert (entry.person, entry.party, entry.ptypes) == ("alice", "north/navy", (HEARTBEAT, NOTICE))
    assert (entry.not_before_ms, entry.not_after_ms, entry.status) == (5, 9, "active")


def test_a_request_answers_one_challenge_in_one_realm() -> None:
    """An old request, or one for an exercise, proves nothing here."""
    assert code(request(), challenge=b"d" * 16) == "BadField"
    assert code(request(), realm="live") == "BadSignature"


def test_nobody_enrols_a_key_they_do_not_hold() -> None:
    """BOB cannot have ALICE's key entered under a name of his choice."""
    assert code(raw(BOB, ALICE.public_key)) == "BadSignature"
    spoilt = bytearray(raw())
    spoilt[-1] ^= 1
    assert code(bytes(spoilt)) == "BadSignature"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"one": 2}, "BadField"),
        ({"person": b"alice"}, "BadField"),
        ({"person": ""}, "BadTrustStore"),
        ({"party": "No Party"}, "BadField"),
        ({"party": 7}, "BadField"),
        ({"ptypes": [1]}, "BadField"),
        ({"ptypes": "x"}, "BadField"),
        ({"now": ...}, "BadField"),
        ({"algorithm": 9}, "BadTrustStore"),
        ({"algorithm": 300}, "BadField"),
        ({"key": bytes(32)}, "BadTrustStore"),
        ({"key": 1}, "BadField"),
        ({"challenge": 1.5}, "BadEncoding"),
    ],
)
def test_a_request_that_is_none_is_refused(changes, expected) -> None:
    """Wrong fields, a key of small order, an unknown algorithm, a float: each its stable code."""
    assert code(raw(**changes)) == expected


def test_other_bytes_are_refused() -> None:
    """Too long, rubbish, and an envelope of another kind."""
    assert code(bytes(65_537)) == "TooLarge"
    assert code(b"") == "BadEncoding"
    assert code(write_frame(NOTICE, b"", [(ALICE.kid, bytes(64))])) == "UnknownType"


def test_without_the_library_a_hybrid_key_cannot_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """AlgorithmUnavailable, not a key that nobody checked."""
    wire = request(HybridSigner.from_seeds(b"h" * 32, b"H" * 32))
    monkeypatch.setattr(hybrid, "_mldsa", lambda: None)
    assert code(wire) == "AlgorithmUnavailable"


@pytest.mark.parametrize(
    ("person", "party", "challenge"),
    [
        ("", "north", CHALLENGE),
        ("a", "North", CHALLENGE),
        ("a", "north", b"c" * 15),
        ("a", "north", b"c" * 65),
    ],
)
def test_a_request_that_could_not_be_opened_is_not_made(person, party, challenge) -> None:
    """A person without a name, a party that is none, a challenge too short or too long."""
    with pytest.raises(LocalProtocolError):
        request_enrolment(ALICE, person, party, [], realm=REALM, now_ms=NOW_MS, challenge=challenge)


@pytest.mark.parametrize("challenge", [None, b"", b"c" * 15, b"c" * 65, "c" * 16])
def test_a_keeper_without_a_challenge_enrols_nobody(challenge) -> None:
    """None of a request and none of a keeper would be equal, and anybody's old request good."""
    with pytest.raises(LocalProtocolError, match="16 to 64 bytes"):
        opened(raw(challenge=challenge), challenge=challenge)


@pytest.mark.parametrize(
    "changes",
    [
        {"one": True},
        {"algorithm": True},
        {"now": "junk"},
        {"now": -1},
        {"challenge": None},
        {"ptypes": [NOTICE, HEARTBEAT]},
        {"ptypes": [NOTICE, NOTICE]},
    ],
)
def test_a_request_has_one_form(changes) -> None:
    """Bools, texts and what does not ascend are no fields of a request."""
    assert code(raw(**changes)) == "BadField"


def test_a_request_names_a_person_who_can_be_told_apart() -> None:
    """Invisible characters in a name are BadTrustStore, as in the store itself."""
    assert code(raw(person="ada\u200b")) == "BadTrustStore"
