"""Signatures that come later, and how they meet the two-person rule."""

import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    HybridSigner,
    Root,
    SignedMessageError,
    TrustDocument,
    countersign,
    merge,
    ptype_of,
    request_enrolment,
    sign_document,
    signatures_of,
)
from cbmnet.messages.keys import Ed25519Signer

from .parties import ALICE, BOB, EVE, HEARTBEAT, NOW_MS, REALM, code_of, entry, sealed, signed_raw, verifier

OFFICERS = entry(ALICE, "alice"), entry(BOB, "bob")


def test_a_second_officer_may_sign_later() -> None:
    """One signature does not reach the threshold; the countersigned envelope does, under the same id."""
    judge = verifier(*OFFICERS, policies={HEARTBEAT: 2})
    first = sealed(ALICE)
    assert code_of(judge.check, first.wire) == "ThresholdNotMet"
    both = countersign(first.wire, BOB, REALM)
    accepted = judge.check(both, NOW_MS)
    assert accepted.id == first.id
    assert {e.person for e in accepted.signers} == {"alice", "bob"}
    assert both == sealed(ALICE, BOB).wire


def test_signatures_gathered_apart_are_merged() -> None:
    """Two envelopes of one message become one with all signatures, in either order."""
    one, two = sealed(ALICE).wire, sealed(BOB).wire
    assert merge(one, two) == merge(two, one) == sealed(ALICE, BOB).wire
    assert [kid for kid, _ in signatures_of(merge(one, two))] == sorted([ALICE.kid, BOB.kid])
    with pytest.raises(LocalProtocolError, match="do not say the same"):
        merge(one, sealed(BOB, sequence=2).wire)


def test_a_countersignature_in_another_realm_does_not_verify() -> None:
    """Whoever signs for an exercise has not signed for the live line."""
    wire = countersign(sealed(ALICE).wire, BOB, "live")
    assert code_of(verifier(*OFFICERS).check, wire) == "BadSignature"


def test_signing_again_changes_nothing() -> None:
    """A key has one signature under a message."""
    assert countersign(sealed(ALICE).wire, ALICE, REALM) == sealed(ALICE).wire


def test_there_is_no_ninth_signature() -> None:
    """Eight is the most an envelope holds."""
    wire = sealed(*(Ed25519Signer.from_seed(bytes([n]) * 32) for n in range(10, 18))).wire
    with pytest.raises(LocalProtocolError, match="at most 8"):
        countersign(wire, EVE, REALM)


def test_two_hybrid_signatures_fit_at_the_default_limit() -> None:
    """An envelope of a small body with two of 3,373 bytes is taken, and countersigning one adds the other."""
    one, two = (HybridSigner.from_seeds(bytes([n]) * 32, bytes([n + 9]) * 32) for n in (1, 2))
    wire = countersign(sealed(one).wire, two, REALM)
    accepted = verifier(entry(one, "a"), entry(two, "b"), policies={HEARTBEAT: 2}).check(wire, NOW_MS)
    assert {e.person for e in accepted.signers} == {"a", "b"}


def test_an_envelope_has_a_greatest_size() -> None:
    """Neither too long an envelope nor rubbish is signed."""
    with pytest.raises(SignedMessageError, match="TooLarge"):
        countersign(bytes(65_537), ALICE, REALM)
    with pytest.raises(SignedMessageError, match="BadField"):
        countersign(b"\x01", ALICE, REALM)


def test_nobody_signs_a_trust_store_or_an_enrolment_by_mistake() -> None:
    """A root's or an officer's key under what looks like a message must not make it a root's or theirs."""
    store = sign_document(TrustDocument(2, 0, (Root.of(EVE),), 1), [EVE], REALM)
    asked = request_enrolment(
        EVE, "mallory", "north", [HEARTBEAT], realm=REALM, now_ms=NOW_MS, challenge=b"c" * 16
    )
    for wire in (store, asked):
        for allowed in ({}, {"allowed": {ptype_of("trust-store"), ptype_of("enrolment")}}):
            with pytest.raises(SignedMessageError, match="UnknownType"):
                countersign(wire, ALICE, REALM, **allowed)
    with pytest.raises(SignedMessageError, match="UnknownType"):
        countersign(signed_raw(b"", ptype="application/x-of-ours"), ALICE, REALM)
    with pytest.raises(SignedMessageError, match="BadEncoding"):
        countersign(signed_raw(b"\xc1"), ALICE, REALM)


def test_a_kind_of_ones_own_is_countersigned_when_named() -> None:
    """The allow-list is the caller's."""
    wire = signed_raw(b"anything", ptype="application/x-of-ours")
    both = countersign(wire, BOB, REALM, allowed={"application/x-of-ours"})
    assert [kid for kid, _ in signatures_of(both)] == sorted([ALICE.kid, BOB.kid])
