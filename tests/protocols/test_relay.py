"""Store and forward through a third party."""

from math import inf
from typing import Any
from zlib import crc32

import pytest

from cbmnet.protocols.endpoint import (
    CONFIRM,
    DATA,
    LINK_ACK,
    Acknowledged,
    GaveUp,
    InCustody,
    LocalProtocolError,
    Received,
    Undelivered,
    encode_frame,
)
from cbmnet.protocols.variants.relay import Cover, Relay, RelayConfig, _pack
from tests.protocols.by_hand import complain, give, note, numbers, said, talk

NUMBER = {name: crc32(name.encode()) & 0xFFFF for name in "abc"}
"""What stands for a name in a mark."""


def parties(**config: Any) -> dict[str, Relay]:
    """a, b and c beyond the relay r, all configured alike."""
    config = {"rto_s": 3.0, "via": "r", "serves": ("a", "b", "c")} | config
    return {me: Relay(RelayConfig(**config), me) for me in "abcr"}


def test_a_message_goes_through_the_relay() -> None:
    """Custody is what the sender learns; the destination gets the bytes as from their origin."""
    ends, sent = parties(), []
    ends["a"].command(note(1), 0.0)
    events = talk(ends, 100.0, lambda me, d: sent.append((me, d.peer, d.kind)) or True)
    assert events == {"a": [InCustody("b", "r", 1, 1, 1)], "b": [Received("a", b"1")], "c": [], "r": []}
    assert sent == [
        ("a", "r", "notice>b"), ("r", "b", "relayed<a"), ("r", "a", "link-ack>b"), ("b", "r", "link-ack<a"),
    ]  # fmt: skip


def test_custody_is_not_delivery() -> None:
    """With b unreachable the sender learns custody all the same, and only the relay ever knows better."""
    ends = parties(hold_s=60.0)
    ends["a"].command(note(1), 0.0)
    events = talk(ends, 1000.0, lambda me, d: d.peer != "b")
    assert events["a"] == [InCustody("b", "r", 1, 1, 1)]
    assert events["b"] == []
    assert events["r"] == [Undelivered("a", "b", 1, 1, "not acknowledged while held")]
    assert ends["r"].next_timer() is None


def test_the_relay_goes_on_after_the_sender_would_have_given_up() -> None:
    """b comes back after 200 s; five attempts of a sender end at 93 s, custody lasts."""
    ends = parties(hold_s=1000.0)
    ends["a"].command(note(1), 0.0)
    tries = []

    def keeps(me: str, d: Any) -> bool:
        if d.peer == "b":
            tries.append(d.attempt)
        return d.peer != "b" or d.attempt >= 7

    events = talk(ends, 2000.0, keeps)
    assert events["b"] == [Received("a", b"1")]
    assert tries == list(range(1, 8))


def test_each_hop_hands_on_once() -> None:
    """Every datagram arriving three times: one event at b, one custody, and one parcel from r to b."""
    ends = parties()
    a, r, b = ends["a"], ends["r"], ends["b"]
    a.command(note(1), 0.0)
    give(a.datagrams_to_send() * 3, r, "a", 0.0)
    out = r.datagrams_to_send()
    assert [d.kind for d in out].count("relayed<a") == 1
    acks = [d for d in out if d.peer == "a"]
    assert len({(d.attempt, d.copy) for d in acks}) == 3
    give(acks, a, "r", 0.0)
    assert said(a) == [InCustody("b", "r", 1, 1, 1)]
    give([d for d in out if d.peer == "b"] * 3, b, "r", 0.0)
    assert said(b) == [Received("a", b"1")]


def test_equal_numbers_of_different_parties_do_not_meet() -> None:
    """a and c send 1 to b, a sends 1 to c, r sends 1 to b: four messages, no label twice, all delivered."""
    ends = parties()
    labels: list[Any] = []

    def keeps(me: str, d: Any) -> bool:
        labels.append((me, d.peer, d.kind, d.stream, d.epoch, d.sequence, d.attempt, d.copy))
        return True

    ends["a"].command(note(1, "b", data=b"ab"), 0.0)
    ends["a"].command(note(1, "c", data=b"ac"), 0.0)
    ends["c"].command(note(1, "b", data=b"cb"), 0.0)
    ends["r"].command(note(1, "b", data=b"rb"), 0.0)
    events = talk(ends, 100.0, keeps)
    assert sorted(events["b"], key=lambda e: e.peer) == [
        Received("a", b"ab"), Received("c", b"cb"), Received("r", b"rb"),
    ]  # fmt: skip
    assert Received("a", b"ac") in events["c"]
    assert len(set(labels)) == len(labels)
    assert {event.peer for event in events["a"]} == {"b", "c"}
    assert events["r"] == [Acknowledged("b", 1, 1, 1)]


def test_to_the_relay_itself_or_without_one_messages_go_directly() -> None:
    """Then an acknowledgement is the peer's own, and the label is the message's."""
    for ends, peer in ((parties(), "r"), (parties(via=""), "b")):
        ends["a"].command(note(1, peer), 0.0)
        assert numbers(ends["a"].outgoing) == [("notice", 1, 1)]
        events = talk(ends, 100.0)
        assert events["a"] == [Acknowledged(peer, 1, 1, 1)]
        assert events[peer] == [Received("a", b"1")]


def test_a_relay_that_is_full_takes_nothing_and_asks_to_be_asked_again() -> None:
    """The second message has no acknowledgement while the first is held, and is taken when it has gone."""
    ends = parties(capacity=1)
    a, r = ends["a"], ends["r"]
    a.command(note(1), 0.0)
    a.command(note(2), 0.0)
    give(a.datagrams_to_send(), r, "a", 0.0)
    assert said(r) == [Undelivered("a", "b", 1, 2, "full")]
    assert [(d.kind, d.sequence) for d in r.datagrams_to_send()] == [("relayed<a", 1), ("link-ack>b", 1)]
    r.receive(encode_frame(LINK_ACK, 1, 1, NUMBER["a"] << 16 | 1, None), "b", 1.0)
    a.handle_timer(3.0)
    give([d for d in a.datagrams_to_send() if d.sequence == 2], r, "a", 3.0)
    assert [(d.kind, d.sequence) for d in r.datagrams_to_send()] == [("relayed<a", 2), ("link-ack>b", 2)]


def test_a_sender_without_custody_gives_up() -> None:
    """The relay is down: GaveUp names the destination."""
    ends = parties(max_sends=2, backoff=1.0)
    ends["a"].command(note(1), 0.0)
    events = talk(ends, 100.0, lambda me, d: False)
    assert events["a"] == [GaveUp("b", 1, 1, 2)]


def test_only_the_relay_may_name_an_origin() -> None:
    """c cannot pass its own bytes off as a's; the relay could, which is why envelopes are signed."""
    forged = encode_frame(DATA, 1, 1, 1, _pack(Cover("a", "", b"lies")))
    b = parties()["b"]
    assert complain(b, forged, "c") == "c claims that this comes from 'a'"
    b.receive(forged, "r", 0.0)
    assert said(b) == [Received("a", b"lies")]


def test_what_cannot_be_passed_on_is_malformed() -> None:
    """A destination not served, the origin itself, both names at once, no cover, a wrong frame type."""
    r = parties()["r"]
    for cover in (Cover("", "z", b""), Cover("", "b", b""), Cover("a", "c", b"")):
        complain(r, encode_frame(DATA, 1, 1, 1, _pack(cover)))
    for data in (b"", b"plain", _pack(("", "c")), _pack(("", "c", "text")), _pack(("", "c", b"", 0))):
        assert "no relay's cover" in complain(r, encode_frame(DATA, 1, 1, 1, data))
    assert "no frame" in complain(r, encode_frame(CONFIRM, 1, 1, 1, None))
    r.receive(encode_frame(DATA, 1, 1, 1, _pack(Cover("", "c", b""))), "b", 0.0)
    assert len(r.datagrams_to_send()) == 2


def test_a_cover_with_text_that_is_none_is_malformed() -> None:
    """One flipped bit in a name makes no UTF-8, and no crash either."""
    cover = _pack(Cover("", "b", b"x")).replace(b"b", b"\xfa", 1)
    assert "no relay's cover" in complain(parties()["r"], encode_frame(DATA, 1, 1, 1, cover))


def test_custody_without_an_end_frees_its_place_too() -> None:
    """A relay of one place takes the second message once the first has been passed on."""
    ends = parties(capacity=1, hold_s=inf)
    for number in (1, 2, 3):
        ends["a"].command(note(number), 0.0)
    events = talk(ends, 1000.0, lambda me, d: True)
    assert [event.data for event in events["b"]] == [b"1", b"2", b"3"]


def test_a_relay_that_lost_its_memory_takes_no_answer_for_another() -> None:
    """What b says of a's message, which is forgotten, does not end the custody of c's of the same number."""
    ends = parties()
    ends["a"].command(note(1), 0.0)
    give(ends["a"].datagrams_to_send(), ends["r"], "a", 0.0)
    give([d for d in ends["r"].datagrams_to_send() if d.peer == "b"], ends["b"], "r", 1.0)
    late = ends["b"].datagrams_to_send()
    r = parties()["r"]
    ends["c"].command(note(1), 2.0)
    give(ends["c"].datagrams_to_send(), r, "c", 2.0)
    give(late, r, "b", 3.0)
    assert r.next_timer() is not None


def test_late_and_foreign_acknowledgements_change_nothing() -> None:
    """Of another peer, another destination's number, another epoch, and one that comes twice."""
    a = parties()["a"]
    a.command(note(1), 0.0)
    a.datagrams_to_send()
    own = NUMBER["b"] << 16 | 1
    for mark, peer in ((own, "b"), (own + (1 << 16), "r"), (1 << 32 | own, "r"), (1, "r")):
        a.receive(encode_frame(LINK_ACK, 1, 1, mark, None), peer, 1.0)
    assert said(a) == []
    for _ in range(2):
        a.receive(encode_frame(LINK_ACK, 1, 1, own, None), "r", 1.0)
    assert said(a) == [InCustody("b", "r", 1, 1, 1)]
    assert a.next_timer() is None


def test_commands_that_cannot_be_are_the_callers_bug() -> None:
    """A number under way, and data that leave no room for the names."""
    a = parties()["a"]
    a.command(note(1), 0.0)
    with pytest.raises(LocalProtocolError, match="under way already"):
        a.command(note(1), 0.0)
    with pytest.raises(LocalProtocolError, match="carries at most 65344"):
        a.command(note(2, data=bytes(65345)), 0.0)
    a.command(note(2, data=bytes(65344)), 0.0)
    give(a.datagrams_to_send(), r := parties()["r"], "a", 0.0)
    assert said(r) == []


@pytest.mark.parametrize("wrong", [{"hold_s": 0.0}, {"capacity": 0}, {"rto_s": 0.0}])
def test_a_config_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """A hold time, room for one, and what every retry needs."""
    with pytest.raises(ValueError, match="needs"):
        RelayConfig(**{"rto_s": 1.0} | wrong)
