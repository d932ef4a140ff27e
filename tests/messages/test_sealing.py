"""What seals opens again, and what cannot conform is never sealed."""

import msgpack
import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    BUILTIN_SCHEMAS,
    Ed25519Signer,
    HybridSigner,
    MacSigner,
    Schema,
    Sender,
    pae,
    ptype_of,
    seal,
)
from cbmnet.messages.schema import Field

from .parties import (
    ALICE,
    BOB,
    HEARTBEAT,
    MAC,
    NOW_MS,
    REALM,
    SECRET,
    digest,
    entry,
    message,
    sealed,
    verifier,
)

NOTICE_PAYLOAD = {"activity": 7, "activity_class": "exercise", "size": 13_000, "start_ms": NOW_MS}


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_sealed_message_is_accepted_as_it_was(count):
    """The receiver gets the very message, its id and its signers by kid."""
    signers = [Ed25519Signer.from_seed(bytes([n]) * 32) for n in range(1, count + 1)]
    check = verifier(*(entry(s, f"p{n}") for n, s in enumerate(signers))).accept
    out = sealed(*signers)
    accepted = check(out.wire, NOW_MS)
    assert accepted.message == out.message == message()
    assert accepted.id == out.id
    assert [e.kid for e in accepted.signers] == sorted(s.kid for s in signers)
    assert accepted.gap is None
    assert accepted.message.kind == "heartbeat"


def test_the_wire_is_the_array_that_the_specification_shows():
    """[1, ptype, body, [[kid, signature]]], with the signature over the PAE of type, realm and body."""
    out = sealed()
    version, ptype, body, [[kid, signature]] = msgpack.unpackb(out.wire)
    assert (version, ptype, kid) == (1, HEARTBEAT, ALICE.kid)
    signed = pae(f"{HEARTBEAT};realm={REALM}".encode(), body)
    assert signature == ALICE.sign(signed)
    assert out.id == digest(signed)
    assert msgpack.unpackb(body) == [
        1,
        "north",
        ["south"],
        1,
        0,
        1,
        NOW_MS,
        NOW_MS + 60_000,
        bytes(32),
        {"count": 1},
    ]


def test_one_signature_costs_at_most_160_bytes():
    """The overhead over the body stays within 160 bytes."""
    out = seal(message(ptype=ptype_of("notice"), payload=NOTICE_PAYLOAD), [ALICE], REALM)
    assert len(out.wire) - len(msgpack.unpackb(out.wire)[2]) <= 160


def test_a_mac_is_good_for_the_simulation():
    """Algorithm 0xF0 verifies in the realm "sim" with the secret at hand."""
    check = verifier(entry(MAC), realm="sim", secrets={MAC.kid: SECRET}).accept
    assert check(sealed(MAC, realm="sim").wire, NOW_MS).signers[0].person == "alice"


def test_the_id_does_not_depend_on_who_signed():
    """A countersignature leaves the message id as it was."""
    assert sealed(ALICE).id == sealed(ALICE, BOB).id == sealed(BOB).id


def test_keys_in_any_order_are_sealed_in_canonical_order():
    """A payload dict need not be sorted, at any depth."""
    shuffled = {"b": 1, "a": {"d": [{"z": 1, "y": 2}], "c": None}}
    straight = {"a": {"c": None, "d": [{"y": 2, "z": 1}]}, "b": 1}
    assert sealed(payload=shuffled).wire == sealed(payload=straight).wire


def test_a_body_of_every_size_class_is_read():
    """Bodies on both sides of each length header pass, up to the full 8 KiB."""
    schemas = BUILTIN_SCHEMAS | {HEARTBEAT: Schema(Field("blob", "bin"))}
    room = 8192 - len(msgpack.unpackb(sealed(payload={"blob": b"x" * 300}).wire)[2]) + 300
    for size in (1, 100, 150, 160, 200, 255, 256, 257, 4096, room):
        wire = sealed(payload={"blob": b"x" * size}).wire
        assert verifier(schemas=schemas).check(wire, NOW_MS).message.payload["blob"] == b"x" * size


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "North"},
        {"sender": ""},
        {"sender": "n" * 65},
        {"sender": 5},
        {"sender": ["n"]},
        {"receivers": ()},
        {"receivers": ("b", "a")},
        {"receivers": ("a", "a")},
        {"receivers": ["a"]},
        {"receivers": tuple(f"r{n:02}" for n in range(17))},
        {"receivers": (1,)},
        {"stream": -1},
        {"stream": 65536},
        {"stream": True},
        {"stream": 1.0},
        {"epoch": 2**32},
        {"sequence": 0},
        {"sequence": 2**64},
        {"issued_ms": -1},
        {"expires_ms": NOW_MS},
        {"expires_ms": 2**64},
        {"previous": b"short"},
        {"previous": bytearray(32)},
        {"payload": {"Upper": 1}},
        {"payload": {"": 1}},
        {"payload": {"k" * 33: 1}},
        {"payload": {1: 1}},
        {"payload": {"x": 1.5}},
        {"payload": {"x": 2**64}},
        {"payload": {"x": -(2**63) - 1}},
        {"payload": {"x": "\ud800"}},
        {"payload": {"x": (1,)}},
        {"payload": {"x": {1, 2}}},
        {"payload": {"x": [0] * 65}},
        {"payload": {"x": "y" * 8193}},
        {"payload": []},
        {"payload": {f"k{n}": n for n in range(65)}},
        {"payload": {"x": [[[[[[[[1]]]]]]]]}},
        {"payload": {"x": [{"b": 1, 2: 3}]}},
        {"payload": {"x": msgpack.Timestamp(1)}},
        {"ptype": ""},
        {"ptype": "x" * 97},
        {"ptype": "\xe9"},
    ],
)
def test_a_field_that_cannot_conform_is_the_callers_error(changes):
    """Nothing outside section Body is ever sealed."""
    with pytest.raises(LocalProtocolError):
        sealed(**changes)


def test_a_body_over_8_kib_is_not_sealed():
    """The body limit holds for the sum of fields that are each within their own."""
    with pytest.raises(LocalProtocolError, match="TooLarge"):
        sealed(payload={"a": b"x" * 5000, "b": b"x" * 5000})


def test_a_payload_that_misses_its_schema_is_not_sealed():
    """A built-in kind is checked when it is sealed, and the field is named."""
    with pytest.raises(LocalProtocolError, match="'count' is missing"):
        seal(message(payload={}), [ALICE], REALM)


class _Odd:
    algorithm, public_key = 1, b""

    def __init__(self, kid, signature):
        self.kid, self._signature = kid, signature

    def sign(self, data):
        return self._signature


@pytest.mark.parametrize(
    "signers",
    [[], [ALICE, ALICE], [ALICE] * 9, [_Odd(b"x" * 15, b"s" * 64)], [_Odd(b"x" * 16, b"s" * 65)]],
)
def test_signers_that_cannot_conform_are_the_callers_error(signers):
    """0 or 9 signers, one twice, a kid or signature of a wrong length are refused."""
    with pytest.raises(LocalProtocolError):
        seal(message(), signers, REALM)


@pytest.mark.parametrize("realm", ["", "Live", "a b", "x" * 33, "live\n"])
def test_a_realm_outside_its_alphabet_is_the_callers_error(realm):
    """Realms match [a-z0-9-]{1,32}."""
    with pytest.raises(LocalProtocolError):
        sealed(realm=realm)


@pytest.mark.parametrize("make", [lambda: MacSigner(b"x" * 31), lambda: MacSigner(b"x" * 65),
                                  lambda: Ed25519Signer.from_seed(b"x" * 31)])  # fmt: skip
def test_a_secret_of_a_wrong_length_is_refused(make):
    """Seeds are 32 bytes, simulation secrets 32 to 64."""
    with pytest.raises(LocalProtocolError):
        make()


def test_a_sender_counts_and_chains_each_stream_apart():
    """Sequences run from 1 per stream, each message naming the id before it."""
    sender = Sender("north", [ALICE], REALM, epoch=9)
    first, second = (
        sender.seal("heartbeat", ["west", "south"], {"count": n}, stream=1, now_ms=NOW_MS, ttl_ms=1000)
        for n in (1, 2)
    )
    other = sender.seal("heartbeat", ["south"], {"count": 1}, stream=2, now_ms=NOW_MS, ttl_ms=1000)
    assert [x.message.sequence for x in (first, second, other)] == [1, 2, 1]
    assert [x.message.previous for x in (first, second, other)] == [bytes(32), first.id, bytes(32)]
    assert first.message.receivers == ("south", "west")
    assert (first.message.epoch, first.message.expires_ms) == (9, NOW_MS + 1000)


def test_a_stream_keeps_its_receivers():
    """Other receivers on a stream would make false gaps: refused."""
    sender = Sender("north", [ALICE], REALM)
    sender.seal("heartbeat", ["south"], {"count": 1}, stream=1, now_ms=NOW_MS, ttl_ms=1000)
    with pytest.raises(LocalProtocolError, match="stream 1"):
        sender.seal("heartbeat", ["west"], {"count": 1}, stream=1, now_ms=NOW_MS, ttl_ms=1000)
    with pytest.raises(LocalProtocolError):
        sender.seal("heartbeat", "south", {"count": 1}, stream=2, now_ms=NOW_MS, ttl_ms=1000)


def test_a_failed_seal_uses_up_no_sequence():
    """After a caller's error the stream goes on without a gap."""
    sender = Sender("north", [ALICE], REALM)
    with pytest.raises(LocalProtocolError):
        sender.seal("heartbeat", ["south"], {"count": -1}, stream=1, now_ms=NOW_MS, ttl_ms=1000)
    assert (
        sender.seal("heartbeat", ["south"], {"count": 1}, stream=1, now_ms=NOW_MS, ttl_ms=1).message.sequence
        == 1
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"now_ms": -1},
        {"now_ms": True},
        {"now_ms": float(NOW_MS)},
        {"now_ms": 2**64 - 1},
        {"ttl_ms": 0},
        {"ttl_ms": -1},
        {"ttl_ms": 1.0},
        {"epoch": -1},
        {"epoch": 2**32},
        {"epoch": "9"},
    ],
)
def test_a_stream_that_goes_on_is_checked_as_its_first_message_was(wrong):
    """A wrong time or epoch is refused on an open stream too, and its bytes are never made."""
    sender = Sender("north", [ALICE], REALM, epoch=9)
    given = {"stream": 1, "now_ms": NOW_MS, "ttl_ms": 1000}
    sender.seal("heartbeat", ["south"], {"count": 1}, **given)
    sender.epoch = wrong.get("epoch", 9)
    with pytest.raises(LocalProtocolError):
        sender.seal(
            "heartbeat", ["south"], {"count": 2}, **(given | {k: wrong[k] for k in given if k in wrong})
        )


@pytest.mark.parametrize("kind", ["", "x" * 70, "caf\xe9"])
def test_a_kind_that_makes_no_payload_type_is_refused(kind):
    """Empty, too long, not ASCII."""
    with pytest.raises(LocalProtocolError, match="no payload type"):
        ptype_of(kind)


def test_a_sender_has_a_name():
    """As every sender and receiver: 1 to 64 of [a-z0-9./-]."""
    with pytest.raises(LocalProtocolError, match="must be 1 to 64"):
        Sender("North", [ALICE], REALM)


def test_the_largest_envelope_that_can_be_made_is_far_below_the_hard_limit():
    """A full body under eight hybrid signatures."""
    crowd = [HybridSigner.from_seeds(bytes([n]) * 32, bytes([n + 99]) * 32) for n in range(1, 9)]
    out = seal(message(payload={"b": bytes(8000), "c": bytes(60)}), crowd, REALM, schemas={})
    assert 34_000 < len(out.wire) < 37_000
