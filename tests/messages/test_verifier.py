"""The verification order, its codes, and the mistakes of other systems."""

import pickle
from functools import partial

import msgpack
import pytest

from cbmnet import messages
from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.messages import BUILTIN, HYBRID, Entry, SignedMessageError, Verifier, key_id, ptype_of
from cbmnet.messages.authenticator import Authenticator
from cbmnet.messages.codes import AUTHENTIC, FRESH, MALFORMED, ORDER, POLICY, STATE, Code

from .parties import (
    ALICE,
    BOB,
    EVE,
    HEARTBEAT,
    MAC,
    NOW_MS,
    REALM,
    SECRET,
    chain,
    code_of,
    entry,
    raw_body,
    sealed,
    signed_raw,
    verifier,
)

TWO = (entry(ALICE, "alice"), entry(BOB, "bob"))
BAD_SIGNATURE = b"\x00" * 64


def pairs_of(wire):
    return msgpack.unpackb(wire)[3]


def with_pairs(wire, pairs):
    return msgpack.packb([*msgpack.unpackb(wire)[:3], pairs])


def hybrid_entry(**terms):
    key = b"\x07" * 32 + b"m" * 1952
    base = Entry(key_id(HYBRID, key), HYBRID, key, "h", "north", tuple(BUILTIN), 0, 2**62)
    return base._replace(**terms)


def test_every_code_belongs_to_one_origin():
    """The groups divide the codes, and the error is the peer's fault."""
    groups = (MALFORMED, AUTHENTIC, FRESH, ORDER, POLICY, STATE)
    assert sum(map(len, groups)) == len(frozenset().union(*groups)) == len(Code)
    assert issubclass(SignedMessageError, RemoteProtocolError)


def test_an_error_survives_pickling():
    """A worker process can hand the error on with all it says."""
    error = SignedMessageError(Code.BAD_FIELD, "why", b"k", b"m", (b"e",))
    copy = pickle.loads(pickle.dumps(error))
    assert vars(copy) == vars(error)
    assert str(copy) == "BadField: why"


# The mistakes of other systems, each beaten.


def test_one_key_does_not_count_twice_towards_a_threshold():
    """Two keys of one person are one person: ThresholdNotMet."""
    judge = verifier(entry(ALICE, "alice"), entry(BOB, "alice"), policies={HEARTBEAT: 2})
    assert code_of(judge.check, sealed(ALICE, BOB).wire) == "ThresholdNotMet"
    assert code_of(judge.check, sealed(ALICE).wire) == "ThresholdNotMet"
    assert code_of(verifier(*TWO, policies={HEARTBEAT: 2}).check, sealed(ALICE, BOB).wire) == "Accepted"


@pytest.mark.parametrize("extra", [b"\0", b"\xc0", b"\x94"])
def test_trailing_bytes_are_refused(extra):
    """One byte after the envelope, or after the body inside a good signature, is TrailingBytes."""
    assert code_of(verifier().check, sealed().wire + extra) == "TrailingBytes"
    body = msgpack.packb(raw_body())
    assert code_of(verifier().check, signed_raw(body + extra)) == "TrailingBytes"


def test_non_minimal_integers_and_lengths_are_refused():
    """A longer form of the same value is NotCanonical, in the envelope and in the body."""
    wire, body = sealed().wire, msgpack.packb(raw_body())
    assert code_of(verifier().check, b"\x94\xcc\x01" + wire[2:]) == "NotCanonical"
    assert code_of(verifier().check, b"\xdc\x00\x04" + wire[1:]) == "NotCanonical"
    short = b"\xc4" + bytes([len(body)])
    assert wire.count(short) == 1
    assert code_of(verifier().check, wire.replace(short, b"\xc5\x00" + short[1:])) == "NotCanonical"
    assert code_of(verifier().check, wire.replace(short, b"\xc6\x00\x00\x00" + short[1:])) == "NotCanonical"
    assert code_of(verifier().check, wire.replace(b"\xc4\x40", b"\xc5\x00\x40")) == "NotCanonical"
    assert code_of(verifier().check, signed_raw(b"\x9a\xcc\x01" + body[2:])) == "NotCanonical"
    assert (
        code_of(verifier().check, signed_raw(body.replace(b"\xa5count\x01", b"\xa5count\xd0\x01")))
        == "NotCanonical"
    )


def test_the_last_of_two_equal_keys_is_not_taken():
    """A payload that names a key twice is refused, not read as its last."""
    twice = msgpack.packb(raw_body())[:-8] + b"\x82" + b"\xa5count\x01" + b"\xa5count\x02"
    assert code_of(verifier().check, signed_raw(twice)) == "NotCanonical"


def test_a_message_is_accepted_once():
    """The same bytes again are Duplicate; the same message under another signature is Replayed."""
    judge = verifier(*TWO)
    assert code_of(judge.accept, sealed(ALICE).wire) == "Accepted"
    verified = judge.verified
    assert code_of(judge.accept, sealed(ALICE).wire) == "Duplicate"
    assert judge.verified == verified  # the digest stops it before any signature is checked
    assert code_of(judge.accept, sealed(BOB).wire) == "Replayed"
    assert code_of(judge.accept, sealed(ALICE, BOB).wire) == "Replayed"


def test_the_algorithm_comes_from_the_trust_store():
    """There is no place on the wire to name one: a third element in a pair is BadField."""
    wire = sealed(MAC, realm="sim").wire
    (kid, signature), *_ = pairs_of(wire)
    for algorithm in (1, 0xF0, "none"):
        spoilt = with_pairs(wire, [[kid, signature, algorithm]])
        assert code_of(verifier(entry(MAC), realm="sim").check, spoilt) == "BadField"
    # A MAC keyed with a public key, the classic confusion, is no Ed25519 signature.
    forged = with_pairs(wire, [[ALICE.kid, MAC.sign(b"anything")]])
    assert code_of(verifier(entry(), realm="sim").check, forged) == "BadSignature"


@pytest.mark.parametrize("bad", [0, 1])
def test_a_bad_signature_is_not_stripped(bad):
    """One bad signature by a known key refuses the whole message, whoever else signed well."""
    wire = sealed(ALICE, BOB).wire
    pairs = pairs_of(wire)
    pairs[bad][1] = BAD_SIGNATURE
    with pytest.raises(SignedMessageError, match="BadSignature") as caught:
        verifier(*TWO).check(with_pairs(wire, pairs), NOW_MS)
    assert caught.value.kid == pairs[bad][0]


# Step 1 and 2.


def test_length_is_looked_at_first():
    """Over max_wire_bytes: TooLarge, before anything is read."""
    assert code_of(verifier(max_wire_bytes=100).check, b"\xc1" * 101) == "TooLarge"
    assert code_of(verifier(max_wire_bytes=100).check, b"\xc1" * 100) == "BadEncoding"
    with pytest.raises(LocalProtocolError):
        verifier(max_wire_bytes=65537)


def test_a_type_off_the_allow_list_is_unknown_even_if_the_policy_names_it():
    """Policy and allow-list are two things."""
    judge = verifier(allowed=BUILTIN - {HEARTBEAT}, policies={HEARTBEAT: 1})
    assert code_of(judge.check, sealed().wire) == "UnknownType"


def test_a_short_payload_type_takes_the_slow_road_and_arrives():
    """Payload types under 32 characters are read by the strict pass alone."""
    from cbmnet.messages import BUILTIN_SCHEMAS

    judge = verifier(entry(ptypes=("x/y",)), allowed={"x/y"}, schemas={"x/y": BUILTIN_SCHEMAS[HEARTBEAT]})
    assert code_of(judge.check, sealed(ptype="x/y").wire) == "Accepted"


def _envelope(*elements):
    base = msgpack.unpackb(sealed(ALICE, BOB).wire)
    for at, value in zip(elements[::2], elements[1::2], strict=True):
        base[at] = value
    return msgpack.packb(base)


KID, SIG = b"k" * 16, b"s" * 64


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"", "BadEncoding"),
        (b"\xc1", "BadEncoding"),
        (b"\xca\0\0\0\0", "BadEncoding"),
        (b"\x90", "BadField"),
        (b"\x01", "BadField"),
        (b"\x80", "BadField"),
        (b"\x91\x02", "UnsupportedVersion"),
        (b"\x91\x01", "BadField"),
        (_envelope(0, 2), "UnsupportedVersion"),
        (_envelope(0, 0), "UnsupportedVersion"),
        (_envelope(0, -1), "BadField"),
        (_envelope(0, True), "BadField"),
        (_envelope(0, "1"), "BadField"),
        (_envelope(0, None), "BadField"),
        (_envelope(1, 5), "BadField"),
        (_envelope(1, ""), "BadField"),
        (_envelope(1, "x" * 97), "BadField"),
        (_envelope(1, "\xe9"), "BadField"),
        (_envelope(1, "a/b"), "UnknownType"),
        (_envelope(1, b"x"), "BadField"),
        (_envelope(2, "body"), "BadField"),
        (_envelope(2, b"x" * 8193), "TooLarge"),
        (_envelope(3, []), "BadField"),
        (_envelope(3, [[bytes([n]) * 16, SIG] for n in range(9)]), "BadField"),
        (_envelope(3, {}), "BadField"),
        (_envelope(3, [[KID]]), "BadField"),
        (_envelope(3, [KID]), "BadField"),
        (_envelope(3, [[KID[1:], SIG]]), "BadField"),
        (_envelope(3, [["k" * 16, SIG]]), "BadField"),
        (_envelope(3, [[KID, SIG[1:]]]), "BadField"),
        (_envelope(3, [[KID, "s" * 64]]), "BadField"),
        (_envelope(3, [[KID, SIG], [KID, SIG]]), "NotCanonical"),
        (_envelope(3, [[b"z" * 16, SIG], [KID, SIG]]), "NotCanonical"),
        (_envelope(3, [[KID, b"s" * 3373]]), "UnknownKey"),
        (_envelope(3, [[[[[[[[]]]]]]]]), "TooDeep"),
        (_envelope(3, [[[[[[[]]]]]]]), "BadField"),
        (_envelope(3, [0] * 65), "TooLarge"),
        (_envelope(3, {"B": 1}), "BadField"),
        (_envelope(1, "a/b", 2, 7), "UnknownType"),
        (_envelope()[:-1], "BadEncoding"),
        (msgpack.packb([1, 2, 3, 4, 5]), "BadField"),
        (msgpack.packb([2, 2, 3, 4, 5]), "UnsupportedVersion"),
        (_envelope(3, [[KID, 1.5]]), "BadEncoding"),
        (_envelope(3, [[KID, msgpack.ExtType(1, b"")]]), "BadEncoding"),
    ],
)
def test_an_envelope_out_of_shape_has_its_code(wire, code):
    """Step 2: the first offence names the code."""
    assert code_of(verifier(*TWO).check, wire) == code


# Steps 4 and 5.


def test_unknown_keys_are_skipped_and_do_not_count():
    """With no known key it is UnknownKey; beside a known one an unknown signature changes nothing."""
    assert code_of(verifier().check, sealed(EVE).wire) == "UnknownKey"
    wire = sealed(ALICE, EVE).wire
    spoilt = with_pairs(wire, [[k, s if k == ALICE.kid else BAD_SIGNATURE] for k, s in pairs_of(wire)])
    accepted = verifier().check(spoilt, NOW_MS)
    assert [e.kid for e in accepted.signers] == [ALICE.kid]


def test_one_compromised_signer_refuses_the_whole_message():
    """Whatever it signed and whenever: KeyRevoked, before any signature is checked."""
    judge = verifier(entry(ALICE), entry(BOB, "bob", status="compromised", revoked_at_ms=NOW_MS + 10**6))
    wire = sealed(ALICE, BOB).wire
    assert code_of(judge.check, wire) == "KeyRevoked"
    assert judge.verified == 0
    assert code_of(judge.check, sealed(ALICE).wire) == "Accepted"


def test_a_compromised_key_alone_refuses_too():
    """The usual message has one signature; a good one and a bad one by a compromised key: KeyRevoked."""
    judge = verifier(entry(ALICE, status="compromised", revoked_at_ms=NOW_MS + 10**6))
    wire = sealed(ALICE).wire
    assert code_of(judge.check, wire) == "KeyRevoked"
    assert code_of(judge.check, with_pairs(wire, [[ALICE.kid, BAD_SIGNATURE]])) == "KeyRevoked"
    assert judge.verified == 0


def test_a_known_key_that_cannot_be_used_refuses_the_message():
    """A MAC outside the realm "sim", a MAC without its secret: AlgorithmUnavailable."""
    live = verifier(entry(MAC), realm="live", secrets={MAC.kid: SECRET})
    assert code_of(live.check, sealed(MAC, realm="live").wire) == "AlgorithmUnavailable"
    assert (
        code_of(verifier(entry(MAC), realm="sim").check, sealed(MAC, realm="sim").wire)
        == "AlgorithmUnavailable"
    )


def test_a_secret_of_another_key_is_the_callers_error():
    """The secret beside the store must be the one behind the key id."""
    with pytest.raises(LocalProtocolError):
        verifier(entry(MAC), realm="sim", secrets={MAC.kid: b"t" * 32})


def test_a_signature_of_a_wrong_length_for_its_key_is_bad():
    """A hybrid's length under an Ed25519 key is well formed and does not verify."""
    wire = with_pairs(sealed().wire, [[ALICE.kid, b"s" * 3373]])
    assert code_of(verifier().check, wire) == "BadSignature"
    mac = with_pairs(sealed(MAC, realm="sim").wire, [[MAC.kid, b"s" * 3373]])
    judge = verifier(entry(MAC), realm="sim", secrets={MAC.kid: SECRET})
    assert code_of(judge.check, mac) == "BadSignature"


@pytest.mark.parametrize("realm", ["live", "sim", "exercise-2026-12"])
def test_another_realm_cannot_verify(realm):
    """An exercise message is no live message."""
    assert code_of(verifier(realm=realm).check, sealed().wire) == "BadSignature"


def test_another_type_cannot_verify():
    """The payload type is signed: relabelled bytes are BadSignature."""
    parts = msgpack.unpackb(sealed().wire)
    parts[1] = ptype_of("ack")
    assert code_of(verifier().check, msgpack.packb(parts)) == "BadSignature"


def test_verified_counts_the_messages_whose_signatures_were_checked():
    """One per call that reached step 5, good or bad, however many signatures."""
    judge = verifier(*TWO)
    code_of(judge.check, sealed(ALICE, BOB).wire)
    code_of(judge.check, with_pairs(sealed().wire, [[ALICE.kid, BAD_SIGNATURE]]))
    code_of(judge.check, sealed(EVE).wire)
    assert judge.verified == 2


def test_the_body_is_read_only_after_its_signatures():
    """Junk with a bad signature is BadSignature, not a parse error."""
    wire = with_pairs(signed_raw(b"\xc1"), [[ALICE.kid, BAD_SIGNATURE]])
    assert code_of(verifier().check, wire) == "BadSignature"
    assert code_of(verifier().check, signed_raw(b"\xc1")) == "BadEncoding"


# Steps 7 to 10.


@pytest.mark.parametrize(
    ("party", "sender", "code"),
    [
        ("north", "north", "Accepted"),
        ("north", "north/nrrc", "Accepted"),
        ("north", "north/a/b", "Accepted"),
        ("north", "northern", "SignerNotAllowed"),
        ("north/nrrc", "north", "SignerNotAllowed"),
        ("north", "south", "SignerNotAllowed"),
        ("north/", "north/x", "SignerNotAllowed"),
    ],
)
def test_a_signer_speaks_for_its_party_and_parts_of_it_alone(party, sender, code):
    """The sender is the party or begins with party and a slash."""
    assert code_of(verifier(entry(party=party)).check, sealed(sender=sender).wire) == code


@pytest.mark.parametrize("ptypes", [(), (ptype_of("ack"),)])
def test_a_signer_may_sign_its_listed_types_alone(ptypes):
    """An empty list means none."""
    with pytest.raises(SignedMessageError, match="SignerNotAllowed") as caught:
        verifier(entry(ptypes=ptypes)).check(sealed().wire, NOW_MS)
    assert caught.value.kid == ALICE.kid


def test_every_known_signer_must_be_allowed():
    """One good signer does not carry one who may not sign."""
    judge = verifier(entry(ALICE), entry(BOB, "bob", party="west"))
    assert code_of(judge.check, sealed(ALICE, BOB).wire) == "SignerNotAllowed"


def test_a_message_to_others_is_not_taken():
    """NotReceiver, unless we are among several."""
    assert code_of(verifier(me="west").check, sealed().wire) == "NotReceiver"
    assert code_of(verifier(me="west").check, sealed(receivers=("south", "west")).wire) == "Accepted"


SKEW_MS, DAY_MS = 30_000, 24 * 3600 * 1000


@pytest.mark.parametrize(
    ("changes", "now_ms", "code"),
    [
        ({"expires_ms": NOW_MS + DAY_MS}, NOW_MS, "Accepted"),
        ({"expires_ms": NOW_MS + DAY_MS + 1}, NOW_MS, "TtlTooLong"),
        ({}, NOW_MS - SKEW_MS, "Accepted"),
        ({}, NOW_MS - SKEW_MS - 1, "FromFuture"),
        ({}, NOW_MS + 60_000 + SKEW_MS - 1, "Accepted"),
        ({}, NOW_MS + 60_000 + SKEW_MS, "Expired"),
        ({"expires_ms": NOW_MS + DAY_MS + 1}, NOW_MS - DAY_MS, "TtlTooLong"),
    ],
)
def test_time_is_judged_to_the_millisecond(changes, now_ms, code):
    """Too long, from the future, expired: each at its exact edge, in this order."""
    assert code_of(verifier().check, sealed(**changes).wire, now_ms) == code


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"not_before_ms": NOW_MS}, "Accepted"),
        ({"not_before_ms": NOW_MS + 1}, "KeyNotYetValid"),
        ({"not_after_ms": NOW_MS + 1}, "Accepted"),
        ({"not_after_ms": NOW_MS}, "KeyExpired"),
        ({"status": "superseded", "revoked_at_ms": NOW_MS + 1}, "Accepted"),
        ({"status": "superseded", "revoked_at_ms": NOW_MS}, "KeyRevoked"),
        ({"status": "superseded", "revoked_at_ms": 0}, "KeyRevoked"),
        ({"status": "active", "revoked_at_ms": 0}, "Accepted"),
    ],
)
def test_a_key_is_judged_by_the_time_of_issue(terms, code):
    """Validity is from not-before until before not-after; a superseded key holds for what came before."""
    assert code_of(verifier(entry(**terms)).check, sealed().wire, NOW_MS + 5) == code


def _steps():
    """Envelopes that fail at one step and at every later one, in order, with the code of the earliest."""
    late = {"issued_ms": NOW_MS + 10**6, "expires_ms": NOW_MS + 2 * 10**6}
    to_west = {**late, "receivers": ("west",)}
    yield "BadField", {**to_west, "sender": "west", "payload": {}}
    yield "SignerNotAllowed", {**to_west, "sender": "west"}
    yield "NotReceiver", to_west
    yield "FromFuture", {**late, "sequence": 1}
    yield "KeyExpired", {"issued_ms": NOW_MS + 20_000, "sequence": 1}
    yield "Equivocation", {"payload": {"count": 2}}


@pytest.mark.parametrize(("code", "changes"), list(_steps()))
def test_the_earliest_failing_step_names_the_code(code, changes):
    """A message wrong in many ways is refused for the first of them."""
    judge = verifier(entry(not_after_ms=NOW_MS + 10_000))
    judge.accept(sealed().wire, NOW_MS)
    assert code_of(judge.check, sealed(**changes).wire) == code


def test_a_refusal_names_its_message():
    """From step 4 on the error carries the message id."""
    out = sealed()
    with pytest.raises(SignedMessageError) as caught:
        verifier(me="west").check(out.wire, NOW_MS)
    assert caught.value.message_id == out.id


def test_a_trust_store_is_no_message():
    """Its kind is on the allow-list, but no ten-field body of it is accepted."""
    assert code_of(verifier().check, sealed(ptype=ptype_of("trust-store")).wire) == "BadField"


def test_check_changes_nothing_until_applied():
    """The same message can be checked again until its change is applied."""
    judge = verifier()
    first, second = (judge.check(sealed().wire, NOW_MS) for _ in range(2))
    assert first == second
    judge.guard.apply(first.change)
    assert code_of(judge.check, sealed().wire) == "Duplicate"


def test_a_naive_subclass_can_leave_out_signatures_and_signers_alone():
    """Who authenticates is an object, the other two steps are methods; what remains is still checked."""

    class Nobody(Authenticator):
        def authenticate(self, signatures, signed):
            return ()

    class Naive(Verifier):
        def _authorise(self, message, signers):
            pass

        def _check_keys(self, message, signers):
            pass

    from cbmnet.messages import TrustStore

    judge = Naive("south", REALM, TrustStore([]))
    judge.keys = Nobody(REALM, judge.store, {})
    forged = partial(sealed, EVE)
    assert judge.accept(forged().wire, NOW_MS).signers == ()
    assert judge.verified == 0
    assert code_of(judge.check, forged().wire) == "Duplicate"
    assert code_of(judge.check, forged(sequence=2, payload={}).wire) == "BadField"
    assert code_of(judge.check, chain(1, EVE, start=2)[0].wire, NOW_MS + 10**7) == "Expired"


@pytest.mark.parametrize("size", [0, -1, 65_537])
def test_a_limit_beyond_the_hard_one_is_the_callers_mistake(size):
    """Nothing, less, or more than 64 KiB."""
    with pytest.raises(LocalProtocolError, match="max_wire_bytes must be 1 to 65536"):
        verifier(max_wire_bytes=size)


def test_the_module_has_what_it_names_and_nothing_else():
    """Every name of `__all__` is there, also those that load when asked for; another is an AttributeError."""
    for name in messages.__all__:
        assert getattr(messages, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        messages.nothing  # noqa: B018


def test_attribution_asks_neither_for_whom_nor_when():
    """Another receiver, long expired, seen before: it says who said what, by steps 1, 2, 4 to 8 and keys."""
    judge = verifier(me="elsewhere")
    said = judge.attribute(sealed(expires_ms=NOW_MS + 1).wire)
    assert (said.message.sender, [e.person for e in said.signers], said.id) == (
        "north", ["alice"], sealed(expires_ms=NOW_MS + 1).id,
    )  # fmt: skip
    late = verifier(entry(not_after_ms=NOW_MS))
    assert code_of(lambda wire, _: late.attribute(wire), sealed().wire) == "KeyExpired"
    assert code_of(lambda wire, _: judge.attribute(wire), sealed(EVE).wire) == "UnknownKey"
    assert code_of(lambda wire, _: judge.attribute(wire), sealed(sender="west").wire) == "SignerNotAllowed"
    assert code_of(lambda wire, _: judge.attribute(wire), bytes(16_385)) == "TooLarge"


def test_an_envelope_has_its_id_whoever_signed_it():
    """Our own, a stranger's, another receiver's: steps 1 and 2 alone."""
    judge = verifier(me="elsewhere")
    assert judge.id_of(sealed(EVE).wire) == judge.id_of(bytearray(sealed().wire)) == sealed().id
    assert code_of(lambda wire, _: judge.id_of(wire), b"junk") == "TrailingBytes"


def test_bytes_from_a_buffer_are_bytes():
    """What a socket filled, and a view of it, is judged and remembered like the bytes in it."""
    judge = verifier()
    wire = sealed().wire
    assert judge.accept(bytearray(wire), NOW_MS).message.sender == "north"
    for again in (wire, bytearray(wire), memoryview(wire)):
        assert code_of(judge.check, again) == "Duplicate"
    assert code_of(judge.check, bytearray(b"junk")) == "TrailingBytes"
    assert judge.attribute(memoryview(wire)).message.sequence == 1


def test_a_detail_is_never_longer_than_a_log_can_bear():
    """400 characters, whatever strangers sent."""
    assert len(SignedMessageError(Code.BAD_FIELD, "x" * 10_000).detail) == 400


def test_a_receiver_has_a_name():
    """As every sender and receiver: 1 to 64 of [a-z0-9./-]."""
    with pytest.raises(LocalProtocolError, match="must be 1 to 64"):
        verifier(me="South")
