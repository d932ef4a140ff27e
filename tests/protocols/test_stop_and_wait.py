"""Stop and wait, by hand: the code follows its table, and no two acknowledgements share a label."""

from random import Random
from typing import Any

import pytest

from cbmnet.protocols.endpoint import (
    CONFIRM,
    LINK_ACK,
    RECEIPT,
    Acknowledged,
    GaveUp,
    Received,
    Send,
    encode_frame,
)
from cbmnet.protocols.variants.stop_and_wait import (
    ACK_OF_HEAD,
    AWAITING,
    COMMAND,
    DATA_COMES,
    GIVE_UP,
    IDLE,
    LAST_ACK,
    LAST_GIVE_UP,
    NEXT,
    OTHER_ACK,
    TIMEOUT,
)
from tests.protocols.by_hand import complain, give, made, note, numbers, said


class Walk:
    """An endpoint walked by random events, each of which the table must know in the state it meets."""

    def __init__(self, seed: int) -> None:
        self.end, self.random = made("stop-and-wait", rto_s=1.0, backoff=1.0, max_sends=2), Random(seed)
        self.now, self.sent, self.foreign = 0.0, 0, 0
        self.seen: set[tuple[str, str]] = set()

    @property
    def line(self) -> Any:
        return self.end._lines.get(("b", 1))

    @property
    def state(self) -> str:
        return IDLE if self.line is None or self.line.head is None else AWAITING

    def step(self) -> None:
        before, choice = self.state, self.random.choice([COMMAND, "ack", OTHER_ACK, DATA_COMES, "timer"])
        event = choice
        if choice == COMMAND:
            self.sent += 1
            self.end.command(note(self.sent), self.now)
        elif choice == DATA_COMES:
            self.foreign += 1
            self.end.receive(encode_frame(0, 1, self.foreign, 1, b"x"), "b", self.now)
        elif choice == OTHER_ACK:
            self.end.receive(encode_frame(LINK_ACK, 1, self.sent + 9, 1, None), "b", self.now)
        elif before == IDLE:
            assert self.end.next_timer() is None
            return
        else:
            event = self.settle(choice)
        self.seen.add((before, event))
        assert NEXT[before][event] == self.state, (before, event)

    def settle(self, choice: str) -> str:
        line, waits = self.line, bool(self.line.waiting)
        if choice == "ack":
            self.end.receive(encode_frame(LINK_ACK, 1, line.head.sequence, 1, None), "b", self.now)
            return ACK_OF_HEAD if waits else LAST_ACK
        last = line.attempt == 2
        self.now = self.end.next_timer()
        self.end.handle_timer(self.now)
        return (GIVE_UP if waits else LAST_GIVE_UP) if last else TIMEOUT


def test_the_code_follows_its_table() -> None:
    """Random walks meet every key of the table, go where it says, and meet nothing it does not have."""
    seen: set[tuple[str, str]] = set()
    for seed in range(20):
        walk = Walk(seed)
        for _ in range(100):
            walk.step()
        seen |= walk.seen
    assert seen == {(state, event) for state, events in NEXT.items() for event in events}


def test_every_repeated_acknowledgement_has_a_label_of_its_own() -> None:
    """Attempts that come again, also late and out of turn, are answered under labels never used before."""
    a, b = made("stop-and-wait", rto_s=1.0), made("stop-and-wait", rto_s=1.0)
    out = []
    for number in (1, 2):
        a.command(note(number), 10.0 * number)
        out += a.datagrams_to_send()
        a.handle_timer(10.0 * number + 1.0)
        out += a.datagrams_to_send()
        a.receive(encode_frame(LINK_ACK, 1, number, 2, None), "b", 10.0 * number + 2.0)
    first1, second1, first2, second2 = out
    give([first1, second1, second2, first1, first2, second2, first1, second1], b, "a", 0.0)
    labels = [(d.sequence, d.attempt, d.copy) for d in b.datagrams_to_send()]
    assert len(set(labels)) == 8
    assert labels[:3] == [(1, 1, 0), (1, 2, 0), (2, 2, 0)]
    assert all(copy % 256 == 0 for _, _, copy in labels)


def test_duplicates_are_handed_up_and_what_waits_is_sent_in_turn() -> None:
    """The receiver does not tell duplicates apart; the sender gives up on one and goes on with the next."""
    a, b = made("stop-and-wait", rto_s=1.0, backoff=1.0, max_sends=2), made("stop-and-wait", rto_s=1.0)
    a.command(note(1), 0.0)
    a.command(note(2), 0.0)
    (first,) = a.datagrams_to_send()
    give([first, first], b, "a", 0.5)
    assert said(b) == [Received("a", b"1")] * 2
    a.handle_timer(1.0)
    assert numbers(a.datagrams_to_send()) == [("notice", 1, 2)]
    a.handle_timer(2.0)
    assert said(a) == [GaveUp("b", 1, 1, 2)]
    assert numbers(a.datagrams_to_send()) == [("notice", 2, 1)]
    give(b.datagrams_to_send(), a, "b", 2.5)  # late acknowledgements of what was given up
    assert said(a) == []
    a.receive(encode_frame(LINK_ACK, 1, 2, 1, None), "b", 2.6)
    assert said(a) == [Acknowledged("b", 1, 2, 1)]


@pytest.mark.parametrize("type_", [CONFIRM, RECEIPT])
def test_frames_of_other_variants_are_malformed(type_: int) -> None:
    """Neither a confirmation nor a receipt is taken for an acknowledgement, or a signed receipt for data."""
    a = made("stop-and-wait", rto_s=1.0)
    a.command(note(1), 0.0)
    a.datagrams_to_send()
    complain(a, encode_frame(type_, 1, 1, 1, None))
    complain(a, encode_frame(RECEIPT, 1, 1, 1, b"signed"))
    assert a.next_timer() == 1.0


def test_an_attempt_beyond_all_labels_is_answered() -> None:
    """A number no label can hold comes back in the frame, and its label holds the lower 16 bits."""
    b = made("stop-and-wait", rto_s=1.0)
    b.receive(encode_frame(0, 1, 1, 2**40 + 3, b"x"), "a", 0.0)
    (ack,) = b.datagrams_to_send()
    assert ack.attempt == 3
    assert ack.data == encode_frame(LINK_ACK, 1, 1, 2**40 + 3, None)


@pytest.mark.parametrize(
    ("name", "timing"), [("stop-and-wait", {"rto_s": 2.0}), ("stop-and-wait-adaptive", {})]
)
def test_a_late_acknowledgement_of_an_earlier_life_frees_nothing(name: str, timing: dict[str, Any]) -> None:
    """Sequence 1 of epoch 1 is not acknowledged by an answer to sequence 1 of epoch 0, and is by its own."""
    a, b = (made(name, max_sends=1, **timing) for _ in "ab")
    answers = []
    for epoch in (0, 1):
        a.command(Send("b", b"%d" % epoch, "notice", 1, epoch, 1), 10.0 * epoch)
        (sent,) = a.datagrams_to_send()
        b.receive(sent.data, "a", 10.0 * epoch)
        answers += b.datagrams_to_send()
        if not epoch:
            a.handle_timer(9.0)
            assert type(a.next_event()) is GaveUp
    a.receive(answers[0].data, "b", 11.0)
    assert a.next_event() is None
    a.receive(answers[1].data, "b", 11.0)
    assert type(a.next_event()) is Acknowledged
