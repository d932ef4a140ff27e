"""The usual message is checked and sealed the short way, which must decide as the long one does."""

from collections import Counter
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    BUILTIN_SCHEMAS,
    Field,
    HybridSigner,
    Schema,
    Sender,
    SignedMessageError,
    Verifier,
    ptype_of,
    seal,
)
from cbmnet.messages import verifier as verifier_module
from cbmnet.messages.authenticator import Authenticator
from cbmnet.messages.body import encode

from .parties import (
    ALICE,
    BOB,
    EVE,
    HEARTBEAT,
    NOTICE,
    NOW_MS,
    REALM,
    chain,
    entry,
    message,
    sealed,
    signed_raw,
    verifier,
)
from .test_schema import GOOD

_settings = settings(max_examples=1000, deadline=None, derandomize=True, database=None)
_near = st.sampled_from([-30_001, -30_000, -1, 0, 1, 29_999, 30_000, 90_000, 10**9])


class Stepwise(Verifier):
    """Goes every step for every message, and looks at every field of a payload by itself."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, schemas=UNVOUCHED, **settings)
        self._is_usual = lambda *_: False


def unvouched(schema):
    """The same fields, with nothing vouched for."""
    copy = Schema(*schema.fields)
    copy.vouches = lambda _: False
    return copy


UNVOUCHED = {ptype: unvouched(schema) for ptype, schema in BUILTIN_SCHEMAS.items()}


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


def learned(judge, wires, now_ms=NOW_MS):
    """The judge, with these accepted."""
    for wire in wires:
        judge.accept(wire, now_ms)
    return judge


def both(wires, *entries, now_ms=NOW_MS, **settings):
    """A verifier that has learned the shape of these, and one that learns none."""
    store = verifier(*entries).store
    return [learned(kind("south", REALM, store, **settings), wires, now_ms) for kind in (Verifier, Stepwise)]


def flipped(data):
    """Each byte with each of its bits turned over, and the bytes cut or with one more."""
    for at in range(len(data)):
        for bit in range(8):
            yield data[:at] + bytes((data[at] ^ 1 << bit,)) + data[at + 1 :]
    yield data[:-1]
    yield data + b"\0"


def test_an_envelope_of_a_known_shape_is_not_read_in_full(monkeypatch):
    """The third of a stream and a length, in `check` and in `attribute`; one with more bytes is."""
    sent = chain(5)
    judge = learned(verifier(), [m.wire for m in sent[:2]])
    for longer in ("_read_all", "_authorise", "_check_time", "_check_keys"):
        monkeypatch.setattr(Verifier, longer, None)
    assert judge.accept(sent[2].wire, NOW_MS).message == sent[2].message
    assert judge.attribute(sent[3].wire).message == sent[3].message
    assert judge.verified == 4
    with pytest.raises(TypeError):
        judge.check(sealed(sequence=4, previous=sent[2].id, payload={"count": 300}).wire, NOW_MS)


def test_an_envelope_of_a_known_shape_that_was_tampered_with_is_refused_as_any_other():
    """Every bit of it turned over: the same code, words, key and id as step by step."""
    sent = chain(4)
    short, long = both([m.wire for m in sent[:3]])
    for wire in flipped(sent[3].wire):
        assert outcome(short.check, wire, NOW_MS) == outcome(long.check, wire, NOW_MS)


@pytest.mark.parametrize("kind", ["heartbeat", "leader-text", "protest"])
def test_a_signer_who_signs_anything_is_judged_as_by_every_step(kind):
    """Every bit of a body of known shape turned over and truly signed: accepted or refused alike."""
    ptype, codes = ptype_of(kind), set()
    payload = {"count": 300} if kind == "heartbeat" else dict(sorted(GOOD[kind].items()))
    sent = chain(4, ptype=ptype, payload=payload)
    short, long = both([m.wire for m in sent[:3]])
    start, body = sent[3].wire.index(b"\x9a\x01"), encode(sent[3].message)
    assert sent[3].wire[start : start + len(body)] == body
    for spoilt in flipped(body):
        wire = signed_raw(spoilt, ptype=ptype)
        decided = outcome(short.check, wire, NOW_MS)
        assert decided == outcome(long.check, wire, NOW_MS)
        assert outcome(short.attribute, wire) == outcome(long.attribute, wire)
        codes.add(decided[0] if type(decided) is tuple else "Accepted")
    assert {"Accepted", "BadField", "NotReceiver", "NotCanonical", "ChainBreak", "TtlTooLong"} <= codes


def number(value, width):
    """An unsigned integer in this many bytes, header included, whether that is its shortest form or not."""
    return {1: b"", 2: b"\xcc", 3: b"\xcd", 5: b"\xce", 9: b"\xcf"}[width] + value.to_bytes(max(width - 1, 1))


@pytest.mark.parametrize("width", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("field", ["sequence", "issued"])
def test_a_number_of_a_known_shape_must_be_written_in_its_shortest_form(field, width):
    """At both ends of what each width may hold, and beyond them: as step by step."""
    least, most = {1: (0, 127), 2: (128, 255), 3: (256, 65535), 5: (2**16, 2**32 - 1), 9: (2**32, 2**62)}[
        width
    ]
    middle, room = (least + most) // 2, 256 ** max(width - 1, 1)

    def wire(value, later=1):
        """An envelope by hand with the number in question in `width` bytes, as all of its shape."""
        times = number(value, width) + number(value + later, width)
        if field == "sequence":
            times = number(NOW_MS, 9) + number(NOW_MS + 1, 9)
        body = b"".join((
            b"\x9a\x01\xa5north\x91\xa5south\x01\x00",
            number(value, width) if field == "sequence" else b"\x07",
            times, b"\xc4\x20", bytes([value & 255]) * 32, b"\x81\xa5count\x01",
        ))  # fmt: skip
        return signed_raw(body)

    short, long = both([])
    for judge in (short, long):
        for value in (middle, middle + 1):
            assert judge.attribute(wire(value)).message.payload == {"count": 1}
    refused = 0
    for value in sorted({0, 1, 127, 128, 255, max(least - 1, 0), least, least + 1, most - 1, most}):
        for later in (0, 1, 2):
            if value + later < room:
                made = wire(value, later)
                judged = outcome(long.attribute, made)
                assert outcome(short.attribute, made) == judged
                assert outcome(short.check, made, value) == outcome(long.check, made, value)
                refused += type(judged) is tuple and judged[0] == "NotCanonical"
    assert refused or width == 1


def test_a_long_signature_teaches_no_shape():
    """Of a hybrid key, whose signatures are long: nothing in them is taken for a sequence or a time."""
    hybrid = HybridSigner.from_seeds(b"h" * 32, b"i" * 32)
    judge = verifier(entry(hybrid))
    for m in chain(12, hybrid, issued_ms=1000, expires_ms=2000):
        assert judge.accept(m.wire, 1000).message == m.message
    assert len(judge._shapes) == len(judge._shapes._heads) == 0


def test_with_other_keys_no_shape_is_known():
    """A key that is compromised from now on signs nothing more, whatever was learned of it."""
    sent = chain(4)
    judge = learned(verifier(), [m.wire for m in sent[:3]])
    stolen = entry(status="compromised", revoked_at_ms=NOW_MS)
    judge.keys = Authenticator(REALM, verifier(stolen).store, {})
    assert outcome(judge.check, sent[3].wire, NOW_MS)[0] == "KeyRevoked"


def test_a_refusal_takes_an_envelope_apart_but_once(monkeypatch):
    """The id that a refusal names costs no second reading of strangers' bytes, known beginning or not."""
    sent, count = chain(4), Counter()
    judge = learned(verifier(), [m.wire for m in sent[:3]])
    for name in ("read_frame_fast", "read_frame_slow"):
        read = getattr(verifier_module, name)
        monkeypatch.setattr(
            verifier_module,
            name,
            lambda *given, name=name, read=read: (count.update([name]), read(*given))[1],
        )
    late = sealed(EVE, sequence=4, previous=sent[2].id)
    for wire, code in [
        (late.wire, "UnknownKey"),
        (sent[3].wire[:-1] + b"\0", "BadSignature"),
        (sent[3].wire[:-66] + b"\xc4\x44" + sent[3].wire[-64:], "BadEncoding"),
        (sent[3].wire[:-1], "BadEncoding"),
    ]:
        count.clear()
        assert outcome(judge.check, wire, NOW_MS)[0] == code
        assert count["read_frame_fast"] == 1
        assert count["read_frame_slow"] <= 1


def test_a_shape_goes_with_what_its_key_may_do():
    """A message of known shape issued when its key is no longer valid: KeyExpired, as for any other."""
    terms = entry(not_after_ms=NOW_MS + 5)
    sent = chain(3, issued_ms=NOW_MS)
    late = sealed(sequence=4, previous=sent[2].id, issued_ms=NOW_MS + 5)
    short, long = both([m.wire for m in sent], terms)
    decided = outcome(short.check, late.wire, NOW_MS)
    assert decided[0] == "KeyExpired"
    assert decided == outcome(long.check, late.wire, NOW_MS)


def test_shapes_of_streams_without_end_are_forgotten(monkeypatch):
    """No more are kept than may be, and every message is accepted as before."""
    monkeypatch.setattr("cbmnet.messages.shape.MOST", 4)
    judge = verifier()
    for stream in range(20):
        learned(judge, [m.wire for m in chain(3, stream=stream)])
        assert len(judge._shapes) <= 4
    assert judge.verified == 60


@pytest.mark.parametrize(("issue", "expiry"), [(2, 3), (2, 5), (3, 5), (3, 9), (5, 9), (9, 5), (5, 3)])
def test_times_of_two_widths_must_each_be_written_in_their_shortest_form(issue, expiry):
    """Issued in four bytes and expiring in eight has a shape, and is judged as step by step at every edge."""
    least = {2: 128, 3: 256, 5: 2**16, 9: 2**32}

    def wire(issued_ms, expires_ms):
        return signed_raw(b"".join((
            b"\x9a\x01\xa5north\x91\xa5south\x01\x00\x07", number(issued_ms, issue),
            number(expires_ms, expiry), b"\xc4\x20", bytes(32), b"\x81\xa5count\x01",
        )))  # fmt: skip

    short, long = both([])
    if issue < expiry:
        for judge in (short, long):
            for more in (0, 1):
                judge.attribute(wire(least[issue] + more, least[expiry]))
    assert len(short._shapes) == (issue < expiry)
    edges = sorted(
        {n for value in (0, 128, 256, 2**16, 2**32) for n in (value - 1, value, value + 1) if n >= 0}
    )
    codes = set()
    for issued_ms in edges:
        for expires_ms in edges:
            if issued_ms < 256 ** (issue - 1) and expires_ms < 256 ** (expiry - 1):
                made = wire(issued_ms, expires_ms)
                judged = outcome(long.attribute, made)
                assert outcome(short.attribute, made) == judged
                assert outcome(short.check, made, issued_ms) == outcome(long.check, made, issued_ms)
                codes.add(judged[0] if type(judged) is tuple else "Accepted")
    assert {"NotCanonical", "BadField"} >= codes - {"Accepted"}
    assert "NotCanonical" in codes
    assert ("Accepted" in codes) == (issue < expiry)


def test_a_month_of_a_simulation_is_read_the_short_way(monkeypatch):
    """Issued below 2^32 ms and expiring above: from the third message on as any other of its stream."""
    sent = chain(4, issued_ms=2**32 - 1, expires_ms=2**32)
    judge = learned(verifier(), [m.wire for m in sent[:2]], 2**32 - 1)
    monkeypatch.setattr(Verifier, "_read_all", None)
    assert judge.accept(sent[2].wire, 2**32 - 1).message == sent[2].message


def test_a_length_seen_once_teaches_no_shape():
    """Texts of ever new lengths leave nothing but the lengths; each is taken all the same."""
    judge = verifier()
    for size in range(1, 40):
        text = sealed(ptype=ptype_of("leader-text"), payload={"hostile": False, "text": "x" * size})
        assert judge.attribute(text.wire).message == text.message
    assert len(judge._shapes) == 0


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


def test_a_schema_without_fields_vouches_for_the_empty_payload_alone():
    """There is one payload without fields."""
    assert Schema().vouches({})
    assert not Schema().vouches({"count": 1})


_bounds = {
    "uint": [0, 1, 255, 2**64 - 1], "int": [-(2**63), -1, 0, 7, 2**64 - 1], "bool": [0, 1],
    "str": [0, 1, 2, 64], "bin": [0, 1, 2, 64],
}  # fmt: skip
_values = {
    "uint": [0, 1, 2, 255, 256, 2**64 - 1], "int": [-(2**63), -2, -1, 0, 7, 8], "bool": [False, True],
    "str": ["", "x", "xy", "\xe9", "x" * 64, "x" * 65], "bin": [b"", b"x", b"xy", b"x" * 64, b"x" * 65],
}  # fmt: skip


@st.composite
def own_schemas(draw):
    """A schema of plain fields, its names no one's keywords or builtins, and a payload close to it."""
    names = draw(st.lists(st.sampled_from(["a", "type", "int", "len", "class", "v0", "payload", "names"]),
                          max_size=5, unique=True))  # fmt: skip
    fields, payload = [], {}
    for name in names:
        kind = draw(st.sampled_from(sorted(_bounds)))
        least, most = sorted(draw(st.lists(st.sampled_from(_bounds[kind]), min_size=2, max_size=2)))
        fields.append(Field(name, kind, least, most))
        payload[name] = draw(st.sampled_from(_values[kind]) | _SPOILT)
    return Schema(*fields), dict(sorted(payload.items()))


@_settings
@given(own_schemas())
def test_a_schema_of_ones_own_vouches_for_what_has_no_fault(case):
    """Of plain fields in order, texts in ASCII: exactly then."""
    schema, payload = case
    ascii_ = all(value.isascii() for value in payload.values() if type(value) is str)
    assert schema.vouches(payload) == (schema.fault(payload) is None and ascii_)


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


class Which(StrEnum):
    SOUTH = "south"


def test_what_only_looks_like_a_name_spoils_no_name():
    """A refused lookalike leaves the honest message of the same stream as it was."""
    odd = message(epoch=77, receivers=(Which.SOUTH,))
    with pytest.raises(LocalProtocolError):
        seal(odd, [ALICE], REALM)
    assert verifier().check(sealed(epoch=77).wire, NOW_MS).message.epoch == 77
    assert seal(message(epoch=77), [ALICE], REALM).wire == sealed(epoch=77).wire


@pytest.mark.parametrize("stream", [True, 1.0])
def test_what_only_looks_like_a_stream_is_no_stream(stream):
    """Also when the stream that it equals goes on; no sequence is used up."""
    sender = Sender("north", [ALICE], REALM)
    times = {"now_ms": NOW_MS, "ttl_ms": 1000}
    sender.seal("heartbeat", ["south"], {"count": 1}, stream=1, **times)
    with pytest.raises(LocalProtocolError):
        sender.seal("heartbeat", ["south"], {"count": 2}, stream=stream, **times)
    assert sender.seal("heartbeat", ["south"], {"count": 2}, stream=1, **times).message.sequence == 2


def test_a_signer_is_asked_once_for_each_message():
    """A token or a service is not asked twice, whatever the length of its signature."""
    asked = []

    class Counting:
        def __init__(self, signer):
            self.kid, self.algorithm, self.public_key = signer.kid, signer.algorithm, signer.public_key
            self._signer = signer

        def sign(self, data):
            asked.append(data)
            return self._signer.sign(data)

    hybrid = HybridSigner.from_seeds(b"a" * 32, b"b" * 32)
    for number, signers in enumerate(([ALICE], [hybrid], [ALICE, hybrid]), 1):
        asked.clear()
        seal(message(sequence=number), [Counting(signer) for signer in signers], REALM)
        assert len(asked) == len(signers)
