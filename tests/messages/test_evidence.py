"""Evidence: what convicts, and what does not."""

import msgpack
import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    Evidence,
    MacSigner,
    SignedMessageError,
    TrustStore,
    Verifier,
    judge,
    load_evidence,
    save_evidence,
)

from .parties import ALICE, BOB, EVE, HEARTBEAT, NOW_MS, REALM, SECRET, chain, entry, sealed, verifier


def refusal(*wires: bytes) -> SignedMessageError:
    """The error of the last envelope once those before it were accepted."""
    check = verifier()
    for wire in wires[:-1]:
        check.accept(wire, NOW_MS)
    with pytest.raises(SignedMessageError) as caught:
        check.check(wires[-1], NOW_MS)
    return caught.value


TWO = sealed(payload={"count": 1}).wire, sealed(payload={"count": 2}).wire


def test_an_equivocation_becomes_a_file_that_convicts_anywhere() -> None:
    """Saved by the receiver, judged by somebody else with the trust store alone."""
    data = save_evidence(refusal(*TWO), REALM)
    judgement = judge(load_evidence(data), verifier(me="third-party"))
    assert judgement.guilty
    assert (judgement.sender, judgement.persons) == ("north", ("alice",))
    assert "two messages with sequence 1 of stream 1, epoch 0" in judgement.reason


def test_a_chain_break_convicts_too() -> None:
    """A message that denies the one before it."""
    first, _ = chain(2)
    liar = sealed(sequence=2, previous=b"x" * 32)
    error = refusal(first.wire, liar.wire)
    assert error.code == "ChainBreak"
    judgement = judge(load_evidence(save_evidence(error, REALM)), verifier())
    assert judgement.guilty
    assert "sequence 2 of stream 1, epoch 0 denies the message before it" in judgement.reason
    assert judge(Evidence(REALM, liar.wire, first.wire), verifier()).guilty


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (sealed(), sealed()),
        tuple(chain(2)),
        (sealed(), sealed(sequence=3, previous=b"x" * 32)),
        (sealed(), sealed(epoch=1, payload={"count": 2})),
        (sealed(), sealed(stream=2, payload={"count": 2})),
    ],
)
def test_what_an_honest_sender_signs_convicts_nobody(earlier, later) -> None:
    """One message twice, a message and its successor, one with a gap, another epoch, another stream."""
    judgement = judge(Evidence(REALM, earlier.wire, later.wire), verifier())
    assert not judgement.guilty
    assert judgement.reason == "an honest sender may have signed both"
    assert (judgement.sender, judgement.persons) == ("", ())


def test_another_sender_is_another_story() -> None:
    """Two parties may use the same stream and sequence."""
    store = entry(ALICE, "alice", "north"), entry(BOB, "bob", "west")
    two = Evidence(REALM, sealed(ALICE).wire, sealed(BOB, sender="west").wire)
    assert not judge(two, verifier(*store)).guilty


def test_time_and_receiver_do_not_matter_and_keys_do() -> None:
    """Long expired and addressed to others: guilty. Unknown, compromised or not yet valid keys: not shown."""
    two = Evidence(REALM, *TWO)
    assert judge(two, verifier(me="elsewhere")).guilty
    unknown = judge(two, verifier(entry(EVE)))
    assert not unknown.guilty
    assert "the earlier envelope does not count: UnknownKey" in unknown.reason
    for terms in (
        {"status": "compromised", "revoked_at_ms": NOW_MS + 1},
        {"not_before_ms": NOW_MS + 1},
        {"ptypes": ()},
    ):
        assert not judge(two, verifier(entry(**terms))).guilty


def test_only_persons_who_signed_both_are_named() -> None:
    """Whoever countersigned one of the two has not contradicted themselves."""
    one, two = sealed(ALICE, BOB), sealed(ALICE, payload={"count": 2})
    judgement = judge(Evidence(REALM, one.wire, two.wire), verifier(entry(ALICE), entry(BOB, "bob")))
    assert judgement.guilty
    assert judgement.persons == ("alice",)


def test_a_person_in_other_letters_is_the_same_person() -> None:
    """Two keys, entered for alice and for ALICE: one hand signed both."""
    one, two = sealed(ALICE), sealed(BOB, payload={"count": 2})
    judgement = judge(Evidence(REALM, one.wire, two.wire), verifier(entry(ALICE), entry(BOB, "ALICE")))
    assert judgement.guilty
    assert judgement.persons == ("alice",)


def test_a_realm_is_judged_by_a_verifier_of_that_realm() -> None:
    """In another realm nothing is shown, and the reason says so."""
    judgement = judge(Evidence("live", *TWO), verifier())
    assert not judgement.guilty
    assert "realm 'live'" in judgement.reason


def test_a_simulation_mac_convicts_nobody_without_the_secret() -> None:
    """Whoever can check a MAC can make it; without the secret it cannot even be checked."""
    mac = MacSigner(SECRET)
    wires = [sealed(mac, realm="sim", payload={"count": n}).wire for n in (1, 2)]
    store = TrustStore([entry(mac)])
    assert not judge(Evidence("sim", *wires), Verifier("x", "sim", store)).guilty


def test_there_is_nothing_to_save_without_two_envelopes() -> None:
    """A refusal for another reason, or one whose earlier envelope is no longer kept."""
    with pytest.raises(LocalProtocolError, match="nothing to show"):
        save_evidence(SignedMessageError("Expired", "late"), REALM)
    with pytest.raises(LocalProtocolError):
        save_evidence(SignedMessageError("Equivocation", "x", evidence=(b"later",)), REALM)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "BadEncoding"),
        (b"\xc1", "BadEncoding"),
        (msgpack.packb([1, REALM, b""]), "BadEncoding"),
        (msgpack.packb(7), "BadEncoding"),
        (msgpack.packb([2, REALM, b"", b""]), "UnsupportedVersion"),
        (msgpack.packb([True, REALM, b"", b""]), "UnsupportedVersion"),
        (msgpack.packb([1, "No Realm", b"", b""]), "BadField"),
        (msgpack.packb([1, b"sim", b"", b""]), "BadField"),
        (msgpack.packb([1, "sim", "", b""]), "BadField"),
        (msgpack.packb([1, "sim", b"", 0]), "BadField"),
        (bytes(200_000), "TooLarge"),
        (msgpack.packb([1, REALM, b"", b""]) + b"x", "BadEncoding"),
    ],
)
def test_what_is_no_file_of_evidence_is_refused(data: bytes, code: str) -> None:
    """One stable code for each way of being none."""
    with pytest.raises(SignedMessageError) as caught:
        load_evidence(data)
    assert caught.value.code == code


def test_evidence_with_rubbish_in_it_shows_nothing() -> None:
    """A file of two empty envelopes is well formed and convicts nobody."""
    assert not judge(load_evidence(msgpack.packb([1, REALM, b"", TWO[0]])), verifier()).guilty
    assert "the later envelope" in judge(Evidence(REALM, TWO[0], b"x"), verifier()).reason


def test_a_policy_of_two_persons_protects_from_a_single_forger() -> None:
    """Where two must sign, what one signed alone is no message of the sender and convicts nobody."""
    assert not judge(Evidence(REALM, *TWO), verifier(policies={HEARTBEAT: 2})).guilty


def test_a_simulation_mac_convicts_nobody_with_the_secret_either() -> None:
    """Whoever can check it could have made both envelopes."""
    mac = MacSigner(SECRET)
    wires = [sealed(mac, realm="sim", payload={"count": n}).wire for n in (1, 2)]
    judge_of_sim = Verifier("x", "sim", TrustStore([entry(mac)]), secrets={mac.kid: SECRET})
    told = judge(Evidence("sim", *wires), judge_of_sim)
    assert not told.guilty
    assert "no one person signed both" in told.reason


def test_two_persons_who_disagree_convict_neither() -> None:
    """A key of the parent and one of its navy under one number: somebody lied, but who is not shown."""
    store = entry(ALICE, "ada", "north/navy"), entry(BOB, "bob", "north")
    one, two = sealed(ALICE, sender="north/navy"), sealed(BOB, sender="north/navy", payload={"count": 2})
    told = judge(Evidence(REALM, one.wire, two.wire), verifier(*store))
    assert (told.guilty, told.sender, told.persons) == (False, "", ())


def test_a_person_is_convicted_by_two_keys_of_theirs() -> None:
    """Another key is no excuse."""
    store = entry(ALICE, "ada"), entry(BOB, "ada")
    told = judge(
        Evidence(REALM, sealed(ALICE).wire, sealed(BOB, payload={"count": 2}).wire), verifier(*store)
    )
    assert (told.guilty, told.persons) == (True, ("ada",))
