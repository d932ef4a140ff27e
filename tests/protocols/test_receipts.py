"""Receipts to depth k, unsigned and signed."""

from math import sqrt
from typing import Any

import pytest

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.messages import (
    Accepted,
    Code,
    Ed25519Signer,
    Entry,
    Sender,
    SignedMessageError,
    TrustStore,
    Verifier,
    ptype_of,
)
from cbmnet.protocols.endpoint import (
    LINK_ACK,
    RECEIPT,
    Forged,
    LocalProtocolError,
    Receipted,
    Received,
    encode_frame,
)
from cbmnet.protocols.frame import mark_of
from cbmnet.protocols.notary import AcceptingNotary, EnvelopeNotary
from cbmnet.protocols.variants.receipts import COMPLETE, Receipts, ReceiptsConfig
from cbmnet.streams import Streams
from tests.protocols.by_hand import complain, frame_of, give, made, note, numbers, said, talk

REALM = "exercise-2026"
HOUR_MS = 3_600_000


def depths(events: list[Any]) -> list[int]:
    """The depths an end has seen, the message being 1."""
    return [1 if type(event) is Received else event.depth for event in events]


@pytest.mark.parametrize("depth", range(1, 8))
def test_a_chain_goes_to_its_depth_and_ends(depth: int) -> None:
    """Sender and receiver see every second depth, k transmissions are sent, and none more."""
    ends, sent = {me: made("receipts", depth=depth) for me in "ab"}, []
    ends["a"].command(note(1), 0.0)
    events = talk(ends, 1000.0, lambda me, d: sent.append((me, d.kind, d.attempt)) or True)
    assert depths(events["a"]) == list(range(2, depth + 1, 2))
    assert depths(events["b"]) == list(range(1, depth + 1, 2))
    assert sent[0] == ("a", "notice", 1)
    assert sent[1:] == [("ab"[(d - 1) % 2], "receipt", d) for d in range(2, depth + 1)]
    ours, theirs = ends["a"]._mine["b", 1, 0, 1], ends["b"]._theirs["a", 1].find(0, 1)
    assert ours.state == theirs.state == COMPLETE


def test_a_chain_that_is_over_keeps_no_bytes() -> None:
    """At depth 1 nothing is awaited from the start, at depth 2 nothing once the receipt has come."""
    for depth in (1, 2):
        ends = {me: made("receipts", depth=depth) for me in "ab"}
        ends["a"].command(note(1), 0.0)
        assert bool(ends["a"]._mine["b", 1, 0, 1].sent) == (depth == 2)
        talk(ends, 1000.0)
        assert ends["a"]._mine["b", 1, 0, 1].sent == b""


@pytest.mark.parametrize("lost", range(1, 7))
def test_whoever_sent_last_does_not_know_whether_it_arrived(lost: int) -> None:
    """If transmission m of 6 is lost its sender has seen m - 1, just as if m had arrived and m + 1 was lost.

    So the sender of m sees the same in two worlds in which the other end knows differently: no finite depth
    makes an end certain.
    """
    seen = {}
    for last in (lost, lost + 1):
        ends = {me: made("receipts", depth=6) for me in "ab"}
        ends["a"].command(note(1), 0.0)
        events = talk(ends, 1000.0, lambda me, d, last=last: d.attempt != last)
        seen[last] = {me: depths(events[me]) for me in "ab"}
    sender, other = ("a", "b") if lost % 2 else ("b", "a")
    assert seen[lost][sender] == seen[lost + 1][sender]
    assert seen[lost + 1][other] == [*seen[lost][other], lost]


@pytest.mark.parametrize(("depth", "loss"), [(2, 0.1), (5, 0.2), (1, 0.5)])
def test_a_chain_completes_with_the_power_of_its_depth(depth: int, loss: float) -> None:
    """(1 - e)^k, .81 at k = 2 and e = .1, within 4 standard errors of 6,000 chains over real links."""
    trials, streams = 6000, Streams(4, 0)
    ends = {me: made("receipts", depth=depth) for me in "ab"}
    lines = {
        me: build_route(me, other, [[("bernoulli", BernoulliConfig(loss))]], streams)
        for me, other in ("ab", "ba")
    }
    complete = 0
    for number in range(1, trials + 1):
        ends["a"].command(note(number), 0.0)
        events = talk(ends, 1e9, lambda me, d: lines[me].carry(d, 0.0)[0].drop is None, delay_s=0.0)
        complete += depth in depths(events["a"] + events["b"])
    exact = (1 - loss) ** depth
    assert abs(complete / trials - exact) <= 4 * sqrt(exact * (1 - exact) / trials)


def test_repeats_are_ignored_at_every_depth() -> None:
    """Each datagram arriving three times changes neither the events nor the number of transmissions."""
    ends = {me: made("receipts", depth=5) for me in "ab"}
    ends["a"].command(note(1), 0.0)
    sent, moved = [], True
    events: dict[str, list[Any]] = {"a": [], "b": []}
    while moved:
        moved = False
        for me, other in ("ab", "ba"):
            out = ends[me].datagrams_to_send()
            sent += out
            moved |= bool(out)
            give(list(out) * 3, ends[other], me, 0.0)
            events[other] += said(ends[other])
    assert len(sent) == 5
    assert (depths(events["a"]), depths(events["b"])) == ([2, 4], [1, 3, 5])


def test_receipts_out_of_turn_are_malformed() -> None:
    """A depth beyond the chain, the message's own, and one that skips; for a chain unknown, silence."""
    a = made("receipts", depth=5)
    a.command(note(1), 0.0)
    a.datagrams_to_send()

    def receipt(depth: int, sequence: int = 1) -> bytes:
        return encode_frame(RECEIPT, 1, sequence, mark_of(0, depth, 1), None)

    for depth in (0, 1, 6):
        assert f"receipt of depth {depth}, of at most 5" in complain(a, receipt(depth))
    assert complain(a, receipt(4)) == "receipt out of turn while awaiting a receipt"
    a.receive(receipt(2, 7), "b", 0.0)
    a.receive(receipt(3), "b", 0.0)  # of a message of b's that never came
    assert said(a) == []
    assert "no frame" in complain(a, encode_frame(LINK_ACK, 1, 1, 1, None))


def test_both_ends_may_use_one_number() -> None:
    """Chains of a's message 1 and of b's message 1 do not meet: one has the odd depths, one the even."""
    ends = {me: made("receipts", depth=4) for me in "ab"}
    ends["a"].command(note(1, "b"), 0.0)
    ends["b"].command(note(1, "a"), 0.0)
    sent = []
    events = talk(ends, 1000.0, lambda me, d: sent.append((me, *numbers([d])[0])) or True)
    assert sorted(depths(events["a"])) == sorted(depths(events["b"])) == [1, 2, 3, 4]
    assert len(set(sent)) == len(sent) == 8


def test_a_number_is_sent_once_and_chains_are_forgotten_in_time() -> None:
    """A second command is the caller's bug as long as the chain is remembered; 1,024 are."""
    a = made("receipts", depth=2)
    for number in range(1, 1026):
        a.command(note(number), 0.0)
    assert len(a._mine) == 1024
    with pytest.raises(LocalProtocolError, match="was sent before"):
        a.command(note(1025), 0.0)
    a.command(note(1), 0.0)


class Signed:
    """Two parties and a stranger with keys, notaries over real envelopes, and what a seals for b."""

    def __init__(self, depth: int = 4) -> None:
        keys = {name: Ed25519Signer.from_seed(bytes([n]) * 32) for n, name in enumerate("abe", start=1)}
        kinds = [ptype_of("heartbeat"), ptype_of("ack")]
        store = TrustStore([Entry.for_signer(key, f"officer {n}", n, kinds) for n, key in keys.items()])
        self.senders = {name: Sender(name, [key], REALM) for name, key in keys.items()}
        self.notaries = {
            name: EnvelopeNotary(self.senders[name], Verifier(name, REALM, store), ttl_s=3600.0)
            for name in "abe"
        }
        self.ends = {name: Receipts(ReceiptsConfig(depth), self.notaries[name]) for name in "ab"}

    def wire(self, count: int = 1, to: str = "b", by: str = "a") -> bytes:
        says = {"count": count}
        return self.senders[by].seal("heartbeat", (to,), says, stream=4, now_ms=0, ttl_ms=HOUR_MS).wire


def test_signed_receipts_go_to_the_depth_and_say_that_they_are_evidence() -> None:
    """Each receipt is an envelope of kind ack that refers to what it answers; all are accepted as signed."""
    world = Signed()
    world.ends["a"].command(note(1, data=world.wire()), 0.0)
    events = talk(world.ends, 100.0)
    assert events["a"] == [Receipted("b", 1, 1, 2, True), Receipted("b", 1, 1, 4, True)]
    assert [type(event) for event in events["b"]] == [Received, Receipted]
    assert events["b"][1] == Receipted("a", 1, 1, 3, True)


def first_receipt(world: Signed, data: bytes) -> Any:
    """b's answer to these bytes as message 1 of a, as a frame taken apart."""
    world.ends["a"].command(note(1, data=data), 0.0)
    give(world.ends["a"].datagrams_to_send(), world.ends["b"], "a", 0.0)
    (answer,) = world.ends["b"].datagrams_to_send()
    return frame_of(answer)


def test_a_forged_receipt_is_an_event_and_the_true_one_still_counts() -> None:
    """Unsigned, spoilt, by a stranger, for another message, to another, of another kind: all Forged."""
    world = Signed()
    wire, other = world.wire(), world.wire(2)
    _, _, _, _, mark, true = first_receipt(world, wire)
    foreign = Signed()
    from_b = {"stream": 9, "now_ms": 0, "ttl_ms": HOUR_MS}
    message_id = world.notaries["a"]._said_by("a", wire).id
    a = world.ends["a"]
    forged = {
        "unsigned": None,
        "spoilt": true[:-1] + bytes([true[-1] ^ 1]),
        "rubbish": b"signed, honestly",
        "by a stranger": world.notaries["e"]
        ._sender.seal("ack", ("a",), {"refers_to": message_id}, **from_b)
        .wire,
        "for another message": world.notaries["b"].receipt("a", other, 0.0),
        "to another": foreign.senders["b"].seal("ack", ("e",), {"refers_to": message_id}, **from_b).wire,
        "of another kind": world.wire(1, to="a", by="b"),
    }
    for why, receipt in forged.items():
        a.receive(encode_frame(RECEIPT, 1, 1, mark, receipt), "b", 0.0)
        assert said(a) == [Forged("b", 1, 1, 2)], why
        assert a.datagrams_to_send() == []
    a.receive(encode_frame(RECEIPT, 1, 1, mark, true), "b", 0.0)
    assert said(a) == [Receipted("b", 1, 1, 2, True)]
    assert numbers(a.datagrams_to_send()) == [("receipt", 1, 3)]


def test_nothing_that_is_not_authentic_gets_a_receipt() -> None:
    """Bytes that are no envelope, an envelope of somebody else's, and one to somebody else: no answer."""
    for data in (b"anything", Signed().wire(by="e"), Signed().wire(to="e")):
        world = Signed()
        world.ends["a"].command(note(1, data=data), 0.0)
        events = talk(world.ends, 100.0)
        assert events == {"a": [], "b": [Received("a", data)]}


def test_without_a_notary_a_receipt_is_a_hint() -> None:
    """It counts, and is told as unsigned, whatever it carries."""
    a = made("receipts", depth=2)
    a.command(note(1), 0.0)
    a.receive(encode_frame(RECEIPT, 1, 1, mark_of(0, 2, 1), b"looks signed"), "b", 0.0)
    assert said(a) == [Receipted("b", 1, 1, 2, False)]


def test_receipts_to_each_peer_have_their_own_stream() -> None:
    """A wire stream has one set of receivers; a way is answered as its party."""
    world = Signed()
    notary = world.notaries["b"]
    first = notary.receipt("a@2", world.wire(), 0.0)
    second = notary.receipt("e", world.wire(by="e"), 0.0)
    streams = [world.notaries["a"]._verifier.attribute(receipt).message.stream for receipt in (first, second)]
    assert streams == [0xF000, 0xF001]


class Accepting(Signed):
    """The same parties with notaries that accept before they sign, and what those told."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__(depth)
        self.judged: dict[str, list[Any]] = {name: [] for name in "abe"}
        self.notaries = {
            name: AcceptingNotary(
                self.senders[name], notary._verifier, self.judged[name].append, ttl_s=3600.0
            )
            for name, notary in self.notaries.items()
        }
        self.ends = {name: Receipts(ReceiptsConfig(depth), self.notaries[name]) for name in "ab"}


def test_an_accepting_notary_signs_for_what_it_accepted_and_tells_it() -> None:
    """The chain goes to its depth; every envelope that was answered passed every step, once."""
    world = Accepting()
    wire = world.wire()
    world.ends["a"].command(note(1, data=wire), 0.0)
    events = talk(world.ends, 100.0)
    assert events["a"] == [Receipted("b", 1, 1, 2, True), Receipted("b", 1, 1, 4, True)]
    assert [said.message.kind for said in world.judged["b"]] == ["heartbeat", "ack"]
    assert [said.message.kind for said in world.judged["a"]] == ["ack"]
    assert world.judged["b"][0].message.payload == {"count": 1}


def test_an_accepting_notary_gives_a_duplicate_the_same_receipt() -> None:
    """Its first receipt may be lost; the same envelope again is told as a duplicate."""
    world = Accepting()
    wire = world.wire()
    notary = world.notaries["b"]
    first = notary.receipt("a", wire, 0.0)
    assert first is not None
    assert notary.receipt("a", wire, 10.0) == first
    assert notary.receipt("e", wire, 10.0) is None
    assert [type(said) for said in world.judged["b"]] == [Accepted, SignedMessageError, SignedMessageError]
    assert {said.code for said in world.judged["b"][1:]} == {Code.DUPLICATE}
    assert world.notaries["a"].check("b", first, wire, 10.0)


def test_an_accepting_notary_signs_for_nothing_it_refuses() -> None:
    """Expired, to somebody else, spoilt, or handed on by another than its sender: no receipt."""
    world = Accepting()
    wire = world.wire()
    for data, now_s, code in (
        (wire, 7200.0, Code.EXPIRED),
        (Accepting().wire(to="e"), 0.0, Code.NOT_RECEIVER),
        (wire[:-1] + bytes([wire[-1] ^ 1]), 0.0, Code.BAD_SIGNATURE),
    ):
        assert world.notaries["b"].receipt("a", data, now_s) is None
        assert world.judged["b"].pop().code == code
    assert world.notaries["b"].receipt("e", wire, 0.0) is None
    assert type(world.judged["b"].pop()) is Accepted


def test_what_a_notary_expects_changes_no_judgement() -> None:
    """Told of an envelope beforehand or not, a receipt counts for that envelope alone."""
    told, untold = Signed(), Signed()
    says = {"count": 1}
    sealed = [
        world.senders["a"].seal("heartbeat", ("b",), says, stream=4, now_ms=0, ttl_ms=HOUR_MS)
        for world in (told, untold)
    ]
    assert sealed[0] == sealed[1]
    told.notaries["a"].expect(sealed[0])
    other = told.wire(2)
    receipt, wrong = (told.notaries["b"].receipt("a", data, 0.0) for data in (sealed[0].wire, other))
    for world in (told, untold):
        judged = [world.notaries["a"].check("b", said, sealed[0].wire, 0.0) for said in (receipt, wrong)]
        assert judged == [True, False]
        assert not world.notaries["a"].check("b", receipt, b"no envelope", 0.0)


@pytest.mark.parametrize("depth", [0, 65])
def test_a_depth_that_cannot_be_is_refused(depth: int) -> None:
    """1 to 64."""
    with pytest.raises(ValueError, match="1 to 64"):
        made("receipts", depth=depth)
