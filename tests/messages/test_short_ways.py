"""The usual message is checked and sealed the short way, which must decide as the long one does."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    BUILTIN_SCHEMAS,
    Field,
    Schema,
    Sender,
    SignedMessageError,
    Verifier,
    ptype_of,
    seal,
)

from .parties import ALICE, BOB, HEARTBEAT, NOTICE, NOW_MS, REALM, entry, sealed, verifier
from .test_schema import GOOD

_settings = settings(max_examples=1000, deadline=None, derandomize=True, database=None)
_near = st.sampled_from([-30_001, -30_000, -1, 0, 1, 29_999, 30_000, 90_000, 10**9])


class Stepwise(Verifier):
    """Goes every step for every message."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.keys.rights = {}


@st.composite
def cases(draw):
    """A message near the edges of every step, what its verifier knows of the key, and the time."""
    terms = draw(
        st.sampled_from(
            [{}, {"party": "north/a"}, {"party": "west"}, {"ptypes": (NOTICE,)}, {"ptypes": ()}]
            + [{"not_before_ms": NOW_MS + n} for n in (0, 1)]
            + [{"not_after_ms": NOW_MS + n} for n in (0, 1)]
            + [{"status": "superseded", "revoked_at_ms": NOW_MS + n} for n in (0, 1)]
            + [{"status": "compromised", "revoked_at_ms": NOW_MS}, {"status": "active", "revoked_at_ms": 0}]
        )
    )
    issued_ms = NOW_MS + draw(_near)
    lasts_ms = draw(st.sampled_from([1, 60_000, 86_400_000, 86_400_001]))
    changes = {
        "sender": draw(st.sampled_from(["north", "north", "north/a", "west"])),
        "receivers": draw(st.sampled_from([("south",), ("south", "west"), ("west",)])),
        "issued_ms": issued_ms,
        "expires_ms": issued_ms + lasts_ms,
        "payload": draw(st.sampled_from([{"count": 1}, {"count": 1}, {"count": -1}])),
    }
    signers = draw(st.sampled_from([[ALICE], [ALICE], [ALICE, BOB], [BOB]]))
    known = [entry(ALICE, **terms), *([entry(BOB, "bob")] if draw(st.booleans()) else [])]
    policies = draw(st.sampled_from([None, {HEARTBEAT: 1}, {HEARTBEAT: 2}, {NOTICE: 2}]))
    return known, policies, sealed(*signers, **changes).wire, NOW_MS + draw(_near)


def outcome(method, *arguments):
    try:
        return method(*arguments)
    except SignedMessageError as error:
        return error.code, error.detail, error.kid, error.message_id


def test_what_passes_all_at_once_passes_every_step_and_nothing_else_does():
    """Accepted alike or refused alike, with code, words, key and id; both ends of it are met often."""
    met = Counter()

    @_settings
    @given(cases())
    def decide(case):
        known, policies, wire, now_ms = case
        short, long = (
            make("south", REALM, verifier(*known, policies=policies).store) for make in (Verifier, Stepwise)
        )
        decided = outcome(short.check, wire, now_ms)
        assert decided == outcome(long.check, wire, now_ms)
        assert outcome(short.attribute, wire) == outcome(long.attribute, wire)
        met[decided[0] if type(decided) is tuple else "Accepted"] += 1

    decide()
    assert met["Accepted"] > 50
    assert {"SignerNotAllowed", "ThresholdNotMet", "NotReceiver", "Expired", "KeyRevoked"} <= met.keys()


def test_the_short_way_is_taken(monkeypatch):
    """The usual message goes through none of the steps."""
    for step in ("_authorise", "_check_time", "_check_keys"):
        monkeypatch.setattr(Verifier, step, None)
    judge = verifier()
    assert judge.accept(sealed().wire, NOW_MS).message.sequence == 1
    assert judge.attribute(sealed().wire).message.sequence == 1


# Of each field of each built-in payload: as it is, or spoilt in a way that a schema might miss.
_SPOILT = st.sampled_from(
    [None, True, 0, 1, -1, 2**64, 1.0, "", "x" * 65, "caf\xe9", "\ud800", "x" * 9000, b"", b"i" * 32, [], {}]
)
KINDS = sorted(GOOD)


@st.composite
def payloads(draw):
    """A built-in kind and a payload of it: good, in another order, with a field spoilt, missing or added."""
    kind = draw(st.sampled_from(KINDS))
    payload = dict(draw(st.permutations(sorted(GOOD[kind].items())))) if draw(st.booleans()) else None
    payload = dict(sorted(GOOD[kind].items())) if payload is None else payload
    change = draw(st.integers(0, 4))
    if change == 1:
        payload[draw(st.sampled_from(sorted(payload)))] = draw(_SPOILT)
    elif change == 2:
        del payload[draw(st.sampled_from(sorted(payload)))]
    elif change == 3:
        payload[draw(st.sampled_from(["zz", "a", "count", "Upper"]))] = draw(_SPOILT)
    return kind, payload


@_settings
@given(payloads())
def test_a_schema_vouches_only_for_what_fits_and_is_in_order(case):
    """Yes means a fault is found in nothing and the names ascend; a plain good one in order has its yes."""
    kind, payload = case
    schema = BUILTIN_SCHEMAS[ptype_of(kind)]
    vouched = schema.vouches(payload)
    fits = schema.fault(payload) is None
    assert schema.fits(payload) == fits
    plain = not any(f.optional or f.items or f.choices for f in schema.fields)
    ascii_ = all(value.isascii() for value in payload.values() if type(value) is str)
    assert vouched == (fits and plain and ascii_ and list(payload) == sorted(payload))


@pytest.mark.parametrize("payload", [None, [], (), "count", {}, {"count": 1, "x": 2}, {1: 1}, {b"count": 1}])
def test_a_schema_vouches_for_nothing_odd(payload):
    """What is no dict, or has other keys."""
    assert not Schema(Field("count", "uint")).vouches(payload)
    assert Schema().vouches({})
    assert not Schema().vouches({"count": 1})


@_settings
@given(
    payloads(),
    st.sampled_from([-1, 0, NOW_MS, 2**64 - 2, True, 1.0]),
    st.sampled_from([1, 60_000, 0, -1, True, 1.0]),
)
def test_a_stream_that_goes_on_is_sealed_as_any_message_is(case, now_ms, ttl_ms):
    """The same bytes as `seal` makes of the same fields, or both refuse with a LocalProtocolError."""
    kind, payload = case
    sender = Sender("north", [ALICE], REALM, epoch=3)
    first = sender.seal("heartbeat", ["south"], {"count": 1}, stream=1, now_ms=NOW_MS, ttl_ms=1)
    fields = first.message._replace(
        ptype=ptype_of(kind), sequence=2, issued_ms=now_ms, expires_ms=now_ms + ttl_ms,
        previous=first.id, payload=payload,
    )  # fmt: skip
    try:
        expected = seal(fields, [ALICE], REALM)
    except LocalProtocolError:
        with pytest.raises(LocalProtocolError):
            sender.seal(kind, ["south"], payload, stream=1, now_ms=now_ms, ttl_ms=ttl_ms)
    else:
        sent = sender.seal(kind, ["south"], payload, stream=1, now_ms=now_ms, ttl_ms=ttl_ms)
        assert (sent.wire, sent.id, sent.message) == (expected.wire, expected.id, expected.message)


def test_a_body_that_its_schema_lets_grow_too_large_is_not_sealed():
    """8,192 bytes at most, on a stream that goes on as with its first message."""
    kinds = {HEARTBEAT: Schema(Field("a", "bin"), Field("b", "bin"))}
    sender = Sender("north", [ALICE], REALM, schemas=kinds)
    given_ = {"stream": 1, "now_ms": NOW_MS, "ttl_ms": 1000}
    sender.seal("heartbeat", ["south"], {"a": b"", "b": b""}, **given_)
    with pytest.raises(LocalProtocolError, match="TooLarge"):
        sender.seal("heartbeat", ["south"], {"a": bytes(5000), "b": bytes(5000)}, **given_)


@pytest.mark.parametrize("kind", ["leader-text", "accident"])
def test_half_a_surrogate_pair_is_the_callers_error(kind):
    """Text that UTF-8 cannot hold is refused like any other field, whether a schema is plain or not."""
    sender, payload = Sender("north", [ALICE], REALM), GOOD[kind] | {"text": "\ud800"}
    with pytest.raises(LocalProtocolError):
        sender.seal(kind, ["south"], payload, stream=1, now_ms=NOW_MS, ttl_ms=1000)
