"""What go-back-N and selective repeat have in common."""

from random import Random
from typing import Any

import pytest

from cbmnet.protocols.endpoint import (
    DATA,
    LINK_ACK,
    Acknowledged,
    GaveUp,
    LocalProtocolError,
    Received,
    encode_frame,
)
from cbmnet.protocols.frame import mark_of, read_mark
from tests.protocols.by_hand import (
    complain,
    frame_of,
    give,
    heard,
    loaded,
    made,
    note,
    numbers,
    said,
    talk,
    told,
)

WINDOWED = ["go-back-n", "selective-repeat"]


@pytest.mark.parametrize("name", WINDOWED)
class TestBoth:
    """What the two have in common."""

    def test_the_window_bounds_what_is_under_way(self, name: str) -> None:
        """Four of six go; the acknowledgement of the first lets the fifth go."""
        a, b = loaded(name, 6, window=4), made(name, rto_s=5.0)
        out = a.datagrams_to_send()
        assert [d.sequence for d in out] == [1, 2, 3, 4]
        give(out[:1], b, "a", 1.0)
        give(b.datagrams_to_send(), a, "b", 2.0)
        assert numbers(a.datagrams_to_send()) == [("notice", 5, 1)]

    def test_a_lost_first_frame_is_not_skipped(self, name: str) -> None:
        """The second frame says that the stream begins one before it."""
        a, b = loaded(name, 2), made(name, rto_s=5.0)
        first, second = a.datagrams_to_send()
        assert [read_mark(frame_of(d)[4])[1] for d in (first, second)] == [0, 1]
        give([second], b, "a", 1.0)
        assert heard(b) == []
        a.handle_timer(5.0)
        give(a.datagrams_to_send(), b, "a", 6.0)
        assert heard(b) == [1, 2]

    def test_a_stream_may_begin_anywhere(self, name: str) -> None:
        """Also at 0; sequences go up by one from there, and anything else is the caller's bug."""
        for start in (0, 1, 2**50):
            a, b = made(name, rto_s=5.0), made(name, rto_s=5.0)
            for number in range(start, start + 3):
                a.command(note(number), 0.0)
            events = talk({"a": a, "b": b}, 100.0)
            assert [int(event.data) for event in events["b"]] == [start, start + 1, start + 2]
            for wrong in (start, start + 2, start + 4):
                with pytest.raises(LocalProtocolError, match=f"sequence {wrong} of epoch 0 does not follow"):
                    a.command(note(wrong), 0.0)
            a.command(note(start + 3), 0.0)

    def test_the_stream_goes_on_after_a_message_that_was_given_up(self, name: str) -> None:
        """All frames of message 2 are lost; 3 to 6 arrive in order, and nobody waits for 2."""
        ends = {"a": loaded(name, 6, window=3, max_sends=2), "b": made(name, rto_s=5.0, max_sends=2)}
        events = talk(ends, 1000.0, lambda me, d: not (d.kind == "notice" and d.sequence == 2))
        assert [int(event.data) for event in events["b"]] == [1, 3, 4, 5, 6]
        assert [e.sequence for e in events["a"] if type(e) is GaveUp] == [2]
        assert [e.sequence for e in events["a"] if type(e) is Acknowledged] == [1, 3, 4, 5, 6]
        assert ends["a"].next_timer() is ends["b"].next_timer() is None

    def test_a_late_frame_of_what_was_passed_over_is_not_handed_up(self, name: str) -> None:
        """It would be out of order, and its sender has given it up."""
        a, b = loaded(name, 2, max_sends=1), made(name, rto_s=5.0)
        (late, _) = a.datagrams_to_send()
        a.handle_timer(5.0)
        a.handle_timer(5.0)
        a.command(note(3), 6.0)
        give(a.datagrams_to_send()[-1:], b, "a", 7.0)
        said(b)
        give([late], b, "a", 8.0)
        assert heard(b) == []

    def test_a_lost_acknowledgement_costs_a_repeat_and_no_duplicate(self, name: str) -> None:
        """The data go again, and are handed up once."""
        a, b = loaded(name, 1), made(name, rto_s=5.0)
        give(a.datagrams_to_send(), b, "a", 1.0)
        lost = b.datagrams_to_send()
        a.handle_timer(5.0)
        again = a.datagrams_to_send()
        assert numbers(again) == [("notice", 1, 2)]
        give(again, b, "a", 6.0)
        give(b.datagrams_to_send(), a, "b", 7.0)
        assert heard(b) == [1]
        assert said(a) == [Acknowledged("b", 1, 1, 2)]
        give(lost, a, "b", 9.0)  # and late it says nothing new
        assert said(a) == []

    def test_a_new_epoch_begins_anew_and_the_old_one_is_over(self, name: str) -> None:
        """A sender that lost its counters starts at 1 again; frames of its former life are ignored."""
        before, after, b = loaded(name, 3), made(name, rto_s=5.0), made(name, rto_s=5.0)
        old = before.datagrams_to_send()
        give(old[:2], b, "a", 1.0)
        b.datagrams_to_send()
        after.command(note(1, epoch=9), 10.0)
        new = after.datagrams_to_send()
        give(new, b, "a", 11.0)
        assert heard(b) == [1, 2, 1]
        assert b.datagrams_to_send()[0].epoch == 9
        give(old, b, "a", 12.0)
        assert heard(b) == []
        assert b.datagrams_to_send() == []
        with pytest.raises(LocalProtocolError, match="epoch 3 does not follow"):
            after.command(note(2, epoch=3), 13.0)

    def test_an_epoch_waits_until_the_one_before_is_through(self, name: str) -> None:
        """Else its frames would make the receiver drop what is still under way."""
        ends = {"a": loaded(name, 2), "b": made(name, rto_s=5.0)}
        ends["a"].command(note(1, epoch=1, data=b"11"), 0.0)
        assert [d.epoch for d in ends["a"].outgoing] == [0, 0]
        events = talk(ends, 100.0)
        assert [int(event.data) for event in events["b"]] == [1, 2, 11]

    def test_pace_keeps_frames_apart_on_all_streams_to_a_peer(self, name: str) -> None:
        """One frame every 2 s to b, whatever its stream, streams in turn; c has a pace of its own."""
        a = made(name, rto_s=100.0, pace_s=2.0)
        for stream in (1, 2):
            for number in (1, 2):
                a.command(note(number, stream=stream), 0.0)
        a.command(note(1, "c"), 0.0)
        left = [(0.0, d.peer, d.stream, d.sequence) for d in a.datagrams_to_send()]
        for now in (1.0, 2.0, 3.9, 4.0, 6.0, 8.0):
            a.handle_timer(now)
            left += [(now, d.peer, d.stream, d.sequence) for d in a.datagrams_to_send()]
        assert left == [
            (0.0, "b", 1, 1), (0.0, "c", 1, 1), (2.0, "b", 1, 2), (4.0, "b", 2, 1), (6.0, "b", 2, 2),
        ]  # fmt: skip

    def test_timers_count_from_the_sending_not_from_the_command(self, name: str) -> None:
        """A frame that waited 4 s for its turn has its whole timeout before it."""
        ends = {"a": loaded(name, 3, pace_s=4.0, rto_s=5.0, window=3), "b": made(name, rto_s=5.0)}
        sent = []
        talk(ends, 1000.0, lambda me, d: sent.append((me, d.sequence, d.attempt)) or True)
        assert [entry for entry in sent if entry[0] == "a"] == [("a", 1, 1), ("a", 2, 1), ("a", 3, 1)]

    def test_frames_that_cannot_be_are_malformed(self, name: str) -> None:
        """A base below 0, acknowledgements of what was never sent, and frames of other variants."""
        a = loaded(name, 3, window=2)
        a.datagrams_to_send()
        assert "base" in complain(a, encode_frame(DATA, 1, 3, mark_of(0, 4, 1), b"x"))
        assert "never sent" in complain(a, encode_frame(LINK_ACK, 1, 3, 1, None))
        assert "never sent" in complain(a, encode_frame(LINK_ACK, 2, 1, 1, None))
        assert "never sent" in complain(a, encode_frame(LINK_ACK, 1, 1, mark_of(1, 0, 1), None))
        assert "never sent" in complain(a, encode_frame(LINK_ACK, 1, 1, 1, None), "c")
        assert "no frame" in complain(a, encode_frame(3, 1, 1, 1, None))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"rto_s": 0.0},
            {"window": 0},
            {"window": 1024},
            {"max_sends": 0},
            {"max_sends": 65},
            {"pace_s": -1.0},
        ],
    )
    def test_a_config_that_cannot_be_is_refused(self, name: str, wrong: dict[str, float]) -> None:
        """Every number has its range."""
        with pytest.raises(ValueError, match="needs"):
            made(name, **{"rto_s": 5.0} | wrong)

    def test_the_offsets_are_the_timeouts(self, name: str) -> None:
        """A frame goes again every rto."""
        assert made(name, rto_s=5.0, max_sends=3).attempt_offsets_s() == (0.0, 5.0, 10.0)


def test_go_back_n_sends_the_window_again_and_selective_repeat_one_frame() -> None:
    """Of four frames the second is lost: the one repeats 2, 3, 4, the other 2 alone."""
    repeated = {}
    for name in WINDOWED:
        sent: list[tuple[int, int]] = []
        ends = {"a": loaded(name, 4), "b": made(name, rto_s=5.0)}

        def keeps(me: str, d: Any, sent: list[tuple[int, int]] = sent) -> bool:
            if me == "a":
                sent.append((d.sequence, d.attempt))
            return (me, d.sequence, d.attempt) != ("a", 2, 1)

        events = talk(ends, 100.0, keeps)
        assert [int(event.data) for event in events["b"]] == [1, 2, 3, 4]
        repeated[name] = [number for number, attempt in sent if attempt > 1]
    assert repeated == {"go-back-n": [2, 3, 4], "selective-repeat": [2]}


@pytest.mark.parametrize("name", WINDOWED)
def test_a_receiver_remembers_a_bounded_past(name: str) -> None:
    """After 5,000 messages a receiver's place in a stream holds no more than 1,024 numbers and its window."""
    a, b = made(name, rto_s=5.0), made(name, rto_s=5.0)
    for number in range(1, 5001):
        a.command(note(number), 0.0)
        give(a.datagrams_to_send(), b, "a", 0.0)
        give(b.datagrams_to_send(), a, "b", 0.0)
    (place,) = b.receive_lines.values()
    assert len(getattr(place, "echoes", ())) <= 1024 + 8
    assert len(told(b, Received)) == 5000
    assert len(a._send_lines["b", 1].flights) == 0


def test_random_losses_never_break_order_by_hand() -> None:
    """Under 200 seeds of random losses each way what is handed up is all that was not given up, in order."""
    for seed in range(200):
        random = Random(seed)
        name = WINDOWED[seed % 2]
        ends = {
            "a": loaded(name, 20, window=4, max_sends=3),
            "b": made(name, rto_s=5.0, window=4, max_sends=3),
        }
        events = talk(ends, 10_000.0, lambda me, d, random=random: random.random() > 0.4)
        got = [int(event.data) for event in events["b"]]
        gave_up = {event.sequence for event in events["a"] if type(event) is GaveUp}
        assert got == sorted(set(got))
        assert set(range(1, 21)) - set(got) <= gave_up
