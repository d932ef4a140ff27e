"""Data, acknowledgement, confirmation."""

from itertools import product
from typing import Any

import pytest

from cbmnet.protocols.endpoint import (
    CONFIRM,
    LINK_ACK,
    RECEIPT,
    Acknowledged,
    Confirmed,
    GaveUp,
    LocalProtocolError,
    Received,
    Unconfirmed,
    encode_frame,
)
from tests.protocols.by_hand import complain, give, made, note, numbers, said, talk


def pair(**config: Any) -> dict[str, Any]:
    config = {"rto_s": 3.0, "backoff": 1.0, "max_sends": 3} | config
    return {me: made("three-way", **config) for me in "ab"}


def test_each_end_learns_what_the_other_knows() -> None:
    """Over a perfect line: the sender that it arrived, the receiver that the sender knows; three frames."""
    ends, sent = pair(), []
    ends["a"].command(note(1), 0.0)
    events = talk(ends, 100.0, lambda me, d: sent.append((me, d.kind)) or True)
    assert events == {
        "a": [Acknowledged("b", 1, 1, 1)],
        "b": [Received("a", b"1"), Confirmed("a", 1, 1)],
    }
    assert sent == [("a", "notice"), ("b", "link-ack"), ("a", "confirm")]


def test_every_frame_is_repeated_until_the_next_comes() -> None:
    """The first of each kind is lost: the sender's timer repeats data, the other's acknowledgements."""
    ends, sent = pair(), []

    def keeps(me: str, d: Any) -> bool:
        sent.append((d.kind, d.attempt))
        return d.attempt > 1

    ends["a"].command(note(1), 0.0)
    events = talk(ends, 100.0, keeps)
    assert events["a"] == [Acknowledged("b", 1, 1, 3)]
    assert events["b"] == [Received("a", b"1"), Confirmed("a", 1, 1)]
    assert sorted(sent) == [
        ("confirm", 1), ("confirm", 2), ("link-ack", 1), ("link-ack", 2), ("link-ack", 3), ("notice", 1),
        ("notice", 2), ("notice", 3),
    ]  # fmt: skip


def test_no_report_is_ever_false() -> None:
    """Whatever of the first nine frames is lost: an end that reports knowledge is right about the other end.

    And knowledge stops somewhere: there is a pattern of losses that leaves each end short of what it wants.
    """
    seen = set()
    for pattern in product((True, False), repeat=9):
        ends, fates = pair(max_sends=2), iter(pattern)
        ends["a"].command(note(1), 0.0)
        events = talk(ends, 1000.0, lambda me, d, fates=fates: next(fates, False))
        kinds = {me: [type(event) for event in events[me]] for me in "ab"}
        if Acknowledged in kinds["a"]:
            assert Received in kinds["b"]
        if Confirmed in kinds["b"]:
            assert Acknowledged in kinds["a"]
        assert kinds["b"].count(Received) <= 1
        assert (Acknowledged in kinds["a"]) or (GaveUp in kinds["a"])
        if Received in kinds["b"]:
            assert (Confirmed in kinds["b"]) or (Unconfirmed in kinds["b"])
        seen.add((kinds["a"][-1], kinds["b"][-1] if kinds["b"] else None))
    assert (Acknowledged, Unconfirmed) in seen
    assert (GaveUp, Unconfirmed) in seen
    assert (GaveUp, None) in seen
    assert (Acknowledged, Confirmed) in seen


def test_an_acknowledgement_after_giving_up_is_still_knowledge() -> None:
    """The sender gave up, the late acknowledgement tells it better, and it confirms."""
    a = pair()["a"]
    a.command(note(1), 0.0)
    for now in (3.0, 6.0, 9.0):
        a.handle_timer(now)
    assert said(a) == [GaveUp("b", 1, 1, 3)]
    a.datagrams_to_send()
    a.receive(encode_frame(LINK_ACK, 1, 1, 1, None), "b", 20.0)
    assert said(a) == [Acknowledged("b", 1, 1, 3)]
    assert numbers(a.datagrams_to_send()) == [("confirm", 1, 1)]
    a.receive(encode_frame(LINK_ACK, 1, 1, 2, None), "b", 21.0)
    assert said(a) == []
    assert numbers(a.datagrams_to_send()) == [("confirm", 1, 2)]


def test_a_confirmation_after_giving_up_is_still_knowledge() -> None:
    """The receiver stopped repeating itself; a late confirmation tells it that the sender knows."""
    a, b = pair().values()
    a.command(note(1), 0.0)
    (data,) = a.datagrams_to_send()
    give([data], b, "a", 0.0)
    for now in (3.0, 6.0, 9.0):
        b.handle_timer(now)
    assert said(b) == [Received("a", b"1"), Unconfirmed("a", 1, 1, 3)]
    assert b.next_timer() is None
    b.datagrams_to_send()
    give([data], b, "a", 10.0)
    assert numbers(b.datagrams_to_send()) == [("link-ack", 1, 4)]
    assert b.next_timer() is None
    b.receive(encode_frame(CONFIRM, 1, 1, 1, None), "a", 11.0)
    b.receive(encode_frame(CONFIRM, 1, 1, 1, None), "a", 11.0)
    assert said(b) == [Confirmed("a", 1, 1)]
    give([data], b, "a", 12.0)  # the sender knows: there is nothing to answer
    assert b.datagrams_to_send() == []


def test_each_acknowledgement_is_confirmed_under_a_label_of_its_own() -> None:
    """Also when the same one comes three times."""
    a = pair()["a"]
    a.command(note(1), 0.0)
    a.datagrams_to_send()
    for _ in range(3):
        a.receive(encode_frame(LINK_ACK, 1, 1, 1, None), "b", 1.0)
    assert numbers(a.datagrams_to_send()) == [("confirm", 1, 1), ("confirm", 1, 2), ("confirm", 1, 3)]
    assert len(said(a)) == 1


def test_frames_out_of_turn() -> None:
    """A confirmation of what never came is malformed, an unasked acknowledgement is ignored."""
    a = pair()["a"]
    assert complain(a, encode_frame(CONFIRM, 1, 1, 1, None)) == "confirmation while new"
    assert "no frame" in complain(a, encode_frame(RECEIPT, 1, 1, 1, None))
    a.receive(encode_frame(LINK_ACK, 1, 1, 1, None), "b", 0.0)
    assert said(a) == []
    assert a.datagrams_to_send() == []


def test_a_number_is_sent_once() -> None:
    """Under way or acknowledged, its second command is the caller's bug; another epoch is another number."""
    a = pair()["a"]
    a.command(note(1), 0.0)
    with pytest.raises(LocalProtocolError, match="was sent before"):
        a.command(note(1), 0.0)
    a.receive(encode_frame(LINK_ACK, 1, 1, 1, None), "b", 1.0)
    with pytest.raises(LocalProtocolError, match="was sent before"):
        a.command(note(1), 2.0)
    a.command(note(1, epoch=1), 3.0)


def test_memory_is_bounded_on_both_sides() -> None:
    """After 3,000 exchanges each end remembers 1,024."""
    ends = pair()
    for number in range(1, 3001):
        ends["a"].command(note(number), 0.0)
        give(ends["a"].datagrams_to_send(), ends["b"], "a", 0.0)
        give(ends["b"].datagrams_to_send(), ends["a"], "b", 0.0)
        give(ends["a"].datagrams_to_send(), ends["b"], "a", 0.0)
    assert len(ends["a"]._ended) == len(ends["b"]._recent["a", 1]) == 1024
    assert ends["a"]._open == {}
    assert ends["a"].next_timer() is ends["b"].next_timer() is None


def test_a_new_epoch_ends_no_conversation_of_the_old() -> None:
    """The confirmation of an old message comes after a message of a new epoch, and confirms all the same."""
    a, b = pair().values()
    a.command(note(1), 0.0)
    give(a.datagrams_to_send(), b, "a", 1.0)
    give(b.datagrams_to_send(), a, "b", 2.0)
    late = a.datagrams_to_send()
    a.command(note(1, epoch=1), 2.0)
    give(a.datagrams_to_send(), b, "a", 3.0)
    give(late, b, "a", 4.0)
    assert [type(event) for event in said(b)] == [Received, Received, Confirmed]
    give(b.datagrams_to_send(), a, "b", 5.0)
    give(a.datagrams_to_send(), b, "a", 6.0)
    give(late, b, "a", 7.0)  # once more, when nothing is known of it
    assert said(b) == [Confirmed("a", 1, 1)]
    assert b.next_timer() is None
