"""The dialogue layer, moved by hand: queries with their answers and deadlines, the desk, line tests."""

from collections.abc import Callable
from math import isnan, nan
from typing import Any

import pytest

from cbmnet.datagram import Datagram, Label
from cbmnet.errors import LocalProtocolError
from cbmnet.messages import Sender
from cbmnet.protocols.dialogue import (
    Answered,
    Ask,
    Dialogue,
    Heard,
    Late,
    Refused,
    Rejected,
    Say,
    Sent,
)
from cbmnet.protocols.endpoint import VARIANTS, Malformed, Received, encode_frame
from cbmnet.protocols.heartbeat import DeliveryEstimate, HeartbeatConfig
from cbmnet.simulation.keys import REALM, make_signers, make_verifier, trust_store
from cbmnet.streams import Streams
from cbmnet.verification.agent import VerificationAgent

NAMES = ("north", "south", "west")
SIGNERS, SECRETS = make_signers(NAMES, "mac", Streams(1, 0))
STORE = trust_store(SIGNERS)
QUIET = HeartbeatConfig()
EVERY_10_S = HeartbeatConfig(period_s=10.0, half_life_s=1e12)
DeskRule = Callable[[str, Label], str | None]


def passes(peer: str, label: Label) -> None:
    return None


def party(
    name: str,
    heartbeat: HeartbeatConfig = QUIET,
    desk: DeskRule = passes,
    *,
    ttl_s: float = 3600.0,
    since_s: float = 0.0,
) -> Dialogue:
    """A party over fire-and-forget, with its real verifier and a line test of a 5 s wait."""
    period_s = heartbeat.period_s
    peers = {
        other: None if period_s is None else DeliveryEstimate(period_s, 5.0, heartbeat.half_life_s)
        for other in NAMES
        if other != name
    }
    judge = VerificationAgent(make_verifier(name, STORE, SECRETS, naive=False, ttl_s=ttl_s)).judge
    transport = VARIANTS["fire-and-forget"].make(VARIANTS["fire-and-forget"].config())
    sender = Sender(name, [SIGNERS[name]], REALM)
    return Dialogue(sender, judge, transport, peers, heartbeat, ttl_s=ttl_s, desk=desk, since_s=since_s)


def events(end: Dialogue, *kinds: type) -> list[Any]:
    found = []
    while (event := end.next_event()) is not None:
        if not kinds or type(event) in kinds:
            found.append(event)
    return found


def carried(source: str, end: Dialogue, target: Dialogue, now: float, to: str = "south") -> list[Datagram]:
    """What `end` has to send to one peer reaches it now."""
    sent = [datagram for datagram in end.datagrams_to_send() if datagram.peer == to]
    for datagram in sent:
        target.receive(datagram.data, source, now)
    return sent


def asked(desk: DeskRule = passes) -> tuple[Dialogue, Dialogue, bytes]:
    """North has asked south about its activity 7 at 0 s, with an answer due by 100 s; south has it."""
    north, south = party("north"), party("south", desk=desk)
    north.command(Ask("south", 7, "what is this?", 100.0), 0.0)
    (sent,) = events(north, Sent)
    carried("north", north, south, 5.0)
    return north, south, sent.id


def answer(south: Dialogue, query: bytes, now: float, *, benign: bool = True) -> None:
    south.command(Say("north", "clarification", {"benign": benign, "query": query, "text": "so"}), now)


@pytest.mark.parametrize(("benign", "outcome"), [(True, "benign"), (False, "other")])
def test_an_answer_in_time_settles_the_query(benign: bool, outcome: str) -> None:
    """It is heard and settled as what it says, once; no deadline is left."""
    north, south, query = asked()
    assert [event.message.payload["activity"] for event in events(south, Heard)] == [7]
    assert north.next_timer() == 100.0
    answer(south, query, 10.0, benign=benign)
    carried("south", south, north, 20.0, to="north")
    assert events(north, Answered) == [Answered("south", query, 7, outcome)]
    assert north.next_timer() is None
    north.handle_timer(100.0)
    assert events(north) == []


def test_a_deadline_that_passes_settles_the_query_as_unanswered() -> None:
    """Not a moment before it, and once."""
    north, _, query = asked()
    north.handle_timer(99.999)
    assert events(north) == []
    north.handle_timer(100.0)
    assert events(north) == [Answered("south", query, 7, "none")]
    north.handle_timer(200.0)
    assert events(north) == []


def test_an_answer_after_the_deadline_is_heard_and_not_used() -> None:
    """It is late; the query was settled by its silence and is not settled again."""
    north, south, query = asked()
    north.handle_timer(100.0)
    events(north)
    answer(south, query, 90.0)
    carried("south", south, north, 150.0, to="north")
    assert events(north, Late, Answered) == [Late("south", query)]


def test_an_answer_after_the_deadline_is_late_even_if_the_timer_is() -> None:
    """The deadline counts, not when the driver came to look at it."""
    north, south, query = asked()
    answer(south, query, 90.0)
    carried("south", south, north, 100.5, to="north")
    north.handle_timer(101.0)
    assert events(north, Late, Answered) == [Late("south", query), Answered("south", query, 7, "none")]


def test_a_third_party_cannot_answer_for_the_one_asked() -> None:
    """Its clarification of the same query is late mail, and the query stays open."""
    north, _, query = asked()
    west = party("west")
    west.command(Say("north", "clarification", {"benign": True, "query": query, "text": "calm"}), 10.0)
    carried("west", west, north, 20.0, to="north")
    assert events(north, Late, Answered) == [Late("west", query)]
    assert north.next_timer() == 100.0


def test_a_query_refused_at_the_desk_is_answered_with_a_refusal() -> None:
    """The asked party's desk refuses it unread; for the asker that is another answer."""
    north, south, query = asked(desk=lambda peer, label: "refused")
    (refused,) = events(south, Refused)
    assert (refused.peer, refused.message.kind, refused.reason) == ("north", "query", "refused")
    carried("south", south, north, 9.0, to="north")
    assert events(north, Answered) == [Answered("south", query, 7, "other")]


def test_a_query_that_is_not_forwarded_gets_no_word() -> None:
    """Nothing is sent back, so its deadline passes."""
    north, south, query = asked(desk=lambda peer, label: "not forwarded")
    assert [event.reason for event in events(south, Refused, Heard)] == ["not forwarded"]
    assert south.datagrams_to_send() == []
    north.handle_timer(100.0)
    assert events(north, Answered) == [Answered("south", query, 7, "none")]


def test_the_askers_own_desk_may_stop_the_answer() -> None:
    """An answer that is not passed on is not used; its deadline passes."""
    north = party("north", desk=lambda peer, label: "not forwarded")
    south = party("south")
    north.command(Ask("south", 7, "what is this?", 100.0), 0.0)
    (sent,) = events(north, Sent)
    carried("north", north, south, 5.0)
    answer(south, sent.id, 10.0)
    carried("south", south, north, 20.0, to="north")
    north.handle_timer(100.0)
    assert events(north, Answered) == [Answered("south", sent.id, 7, "none")]


def test_due_heartbeats_are_sent_with_their_count_to_every_peer() -> None:
    """Those of 10 and 20 s are numbered from 1; who slept from then to 65 s sends that of 60 s alone."""
    north = party("north", EVERY_10_S)
    for now_s in (10.0, 20.0, 65.0):
        north.handle_timer(now_s)
    sent = events(north, Sent)
    assert [(event.peer, event.message.payload["count"]) for event in sent] == [
        (peer, count) for count in (1, 2, 6) for peer in ("south", "west")
    ]
    assert north.next_timer() == 70.0


def test_without_heartbeats_nothing_is_due() -> None:
    """Whenever its life began."""
    assert party("north", since_s=-1.0).next_timer() is None


def beating(beats: int, desk: DeskRule = passes, reaches: Any = "wire") -> tuple[Dialogue, list[Datagram]]:
    """South after so many heartbeats of north, each a second under way, and the datagrams of them."""
    config = HeartbeatConfig(10.0, reaches, 1e12)
    north, south = party("north", config), party("south", config, desk)
    sent = []
    for beat in range(1, beats + 1):
        north.handle_timer(10.0 * beat)
        sent += carried("north", north, south, 10.0 * beat + 1.0)
    return south, sent


def test_heartbeats_that_arrive_in_time_raise_the_delivery_estimate() -> None:
    """Three of three: 4/5; and the peer that was not heard is known to be out of reach: 1/5."""
    south, _ = beating(3)
    assert south.delivery_prob("north", 36.0) == pytest.approx(4 / 5)
    assert south.delivery_prob("west", 36.0) == pytest.approx(1 / 5)


def test_junk_corrupted_bytes_and_replays_never_move_the_estimate() -> None:
    """Only due heartbeats teach: noise can neither hide silence nor make it."""
    south, sent = beating(3)
    expected = [beating(3)[0].delivery_prob("north", t) for t in (36.0, 66.0, 1000.0)]
    events(south)
    for datagram in sent:
        south.receive(datagram.data, "north", 34.0)
        south.receive(datagram.data[:-1] + bytes([datagram.data[-1] ^ 1]), "north", 34.0)
        south.receive(datagram.data, "west", 34.0)
    south.receive(b"junk", "north", 34.0)
    south.receive(encode_frame(0, 1, 1, 1, b"no envelope"), "north", 34.0)
    said = events(south)
    assert {type(event) for event in said} == {Rejected, Malformed}
    assert [south.delivery_prob("north", t) for t in (36.0, 66.0, 1000.0)] == expected
    assert south.delivery_prob("west", 1000.0) == party("south", EVERY_10_S).delivery_prob("west", 1000.0)


def test_a_heartbeat_of_another_count_than_is_due_moves_nothing() -> None:
    """Even its true sender cannot send tomorrow's line test today."""
    north, south = party("north", EVERY_10_S), party("south", EVERY_10_S)
    north.command(Say("south", "heartbeat", {"count": 99}), 12.0)
    carried("north", north, south, 13.0)
    assert [event.message.payload["count"] for event in events(south, Heard)] == [99]
    silent = party("south", EVERY_10_S)
    for later_s in (16.0, 996.0):
        assert south.delivery_prob("north", later_s) == silent.delivery_prob("north", later_s)


def test_a_wire_test_passes_below_a_desk_that_stops_everything() -> None:
    """A machine answers it, so it teaches delivery though no message would be passed on."""
    south, _ = beating(3, desk=lambda peer, label: "not forwarded")
    assert south.delivery_prob("north", 36.0) == pytest.approx(4 / 5)


def test_a_drill_teaches_what_the_desk_does() -> None:
    """A test that reaches the desk is stopped there, and counts as missed."""
    south, _ = beating(3, desk=lambda peer, label: "not forwarded", reaches="desk")
    assert south.delivery_prob("north", 36.0) == pytest.approx(1 / 5)
    assert len(events(south, Refused)) == 3


def test_an_order_that_makes_no_sense_is_the_callers_fault() -> None:
    """Another command, or the delivery of a peer without line tests, is a LocalProtocolError."""
    north = party("north")
    with pytest.raises(LocalProtocolError):
        north.command("say it", 0.0)
    with pytest.raises(LocalProtocolError):
        north.delivery_prob("south", 0.0)


def test_a_relayed_heartbeat_counts_for_who_signed_it() -> None:
    """North's tests that come by west's line teach delivery from north, and nothing about west."""
    north, south = party("north", EVERY_10_S), party("south", EVERY_10_S)
    for beat in range(1, 21):
        north.handle_timer(10.0 * beat)
        for datagram in north.datagrams_to_send():
            if datagram.peer == "south":
                south.receive(datagram.data, "west", 10.0 * beat + 1.0)
    assert south.delivery_prob("north", 206.0) > 0.9
    assert south.delivery_prob("west", 206.0) < 0.1


@pytest.mark.parametrize("wrong", [None, Received("south", "text")])  # type: ignore[arg-type]
def test_what_a_transport_may_not_hand_up_is_told(wrong: Any) -> None:
    """A None would end the draining, and leave what stands behind it to the next time."""
    north = party("north")
    north.transport.events.append(wrong)  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"None stands among the events|Received with data of type str"):
        north.handle_timer(1.0)


def test_a_transports_time_that_is_none_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared away, it would never be told."""
    north = party("north", EVERY_10_S)
    monkeypatch.setattr(north.transport, "next_timer", lambda: nan)
    assert isnan(north.next_timer() or 0.0)
