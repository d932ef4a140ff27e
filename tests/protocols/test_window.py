"""Go-back-N and selective repeat: what both keep, what each does, and their efficiency."""

from math import sqrt
from random import Random
from typing import Any

import pytest

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
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
from cbmnet.recorder import Recorder
from cbmnet.streams import Streams
from tests.protocols.by_hand import (
    complain,
    frame_of,
    give,
    heard,
    made,
    note,
    numbers,
    said,
    talk,
    told,
)

WINDOWED = ["go-back-n", "selective-repeat"]


def loaded(name: str, count: int, **config: Any) -> Any:
    """An endpoint with messages 1 to `count` commanded at 0."""
    a = made(name, **{"rto_s": 5.0} | config)
    for number in range(1, count + 1):
        a.command(note(number), 0.0)
    return a


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


def test_a_cumulative_acknowledgement_stands_for_those_lost_before_it() -> None:
    """Only the last of three acknowledgements arrives, and settles all three without a repeat."""
    a, b = loaded("go-back-n", 3), made("go-back-n", rto_s=5.0)
    give(a.datagrams_to_send(), b, "a", 1.0)
    give(b.datagrams_to_send()[2:], a, "b", 2.0)
    assert said(a) == [Acknowledged("b", 1, number, 1) for number in (1, 2, 3)]
    assert a.next_timer() is None


def test_go_back_n_keeps_nothing_that_comes_early() -> None:
    """It answers a frame out of order with the number of the last in order, each time under a new label."""
    a, b = loaded("go-back-n", 4), made("go-back-n", rto_s=5.0)
    one, _, three, four = a.datagrams_to_send()
    give([one, three, four, three], b, "a", 1.0)
    assert heard(b) == [1]
    answers = b.datagrams_to_send()
    assert numbers(answers) == [("link-ack", 1, count) for count in (1, 2, 3, 4)]


def test_a_frame_that_waits_to_go_again_may_still_be_acknowledged() -> None:
    """After going back, late acknowledgements settle what has not gone again yet, and it does not go."""
    a, b = loaded("go-back-n", 3, pace_s=2.0, rto_s=7.0), made("go-back-n", rto_s=7.0)
    out = a.datagrams_to_send()
    for now in (2.0, 4.0):
        a.handle_timer(now)
        out += a.datagrams_to_send()
    give(out, b, "a", 5.0)
    a.handle_timer(7.0)
    assert numbers(a.datagrams_to_send()) == [("notice", 1, 2)]
    give(b.datagrams_to_send(), a, "b", 8.0)
    for now in (9.0, 11.0, 20.0):
        a.handle_timer(now)
    assert a.datagrams_to_send() == []
    assert [event.attempts for event in told(a, Acknowledged)] == [2, 1, 1]


def test_selective_repeat_sends_repeats_before_new_frames() -> None:
    """With a pace, a frame that timed out goes before those that wait."""
    a = loaded("selective-repeat", 20, window=20, pace_s=2.0, rto_s=5.0)
    left = [d.sequence for d in a.datagrams_to_send()]
    for now in (2.0, 4.0, 5.0, 6.0, 8.0, 10.0):
        a.handle_timer(now)
        left += [d.sequence for d in a.datagrams_to_send()]
    assert left == [1, 2, 3, 1, 2, 3]


def test_a_gap_that_nobody_closes_opens_by_itself() -> None:
    """Frame 1 is lost for good and no later frame tells of it: what is held goes up after the hold time."""
    a, b = loaded("selective-repeat", 3), made("selective-repeat", rto_s=5.0, hold_s=7.0)
    first, *rest = a.datagrams_to_send()
    give(rest, b, "a", 1.0)
    assert heard(b) == []
    assert b.next_timer() == 8.0
    b.handle_timer(7.9)
    assert heard(b) == []
    b.datagrams_to_send()
    b.handle_timer(8.0)
    assert heard(b) == [2, 3]
    give([first], b, "a", 9.0)
    assert heard(b) == []
    assert b.datagrams_to_send() == []  # never acknowledged: its sender will give it up
    assert made("selective-repeat", rto_s=5.0).config.longest_gap_s == 25.0


def test_selective_repeat_holds_no_more_than_its_window() -> None:
    """A frame beyond it is neither kept nor acknowledged, so its sender repeats it."""
    a, b = loaded("selective-repeat", 6, window=6), made("selective-repeat", rto_s=5.0, window=3)
    give(a.datagrams_to_send()[1:], b, "a", 1.0)
    assert [d.sequence for d in b.datagrams_to_send()] == [2, 3]


def test_what_was_acknowledged_goes_up_when_a_new_epoch_comes() -> None:
    """Held frames of the old epoch are handed up before the first of the new one."""
    a, b = loaded("selective-repeat", 3), made("selective-repeat", rto_s=5.0)
    give(a.datagrams_to_send()[1:], b, "a", 1.0)
    again = made("selective-repeat", rto_s=5.0)
    again.command(note(1, epoch=1), 2.0)
    give(again.datagrams_to_send(), b, "a", 3.0)
    assert heard(b) == [2, 3, 1]
    assert b.next_timer() is None


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


def efficiency(name: str, window: int, loss: float, propagation: int, slots: int, seed: int) -> list[int]:
    """Messages handed up in each 1,000 slots of a saturated line; frame time 1, no acknowledgement lost."""
    env, recorder, streams = Clock(), Recorder(), Streams(seed, 0)
    bins = [0] * (slots // 1000 + 2)

    def arrived(event: Any) -> None:
        if type(event) is Received:
            bins[int(env.now) // 1000] += 1

    config = {"rto_s": 1 + 2 * propagation + 1e-6, "window": window, "max_sends": 64, "pace_s": 1.0}
    a = Host(env, "a", made(name, **config), lambda event: None, recorder)
    b = Host(env, "b", made(name, **config), arrived, recorder)
    there = [("bernoulli", BernoulliConfig(loss)), ("constant", ConstantConfig(1.0 + propagation))]
    a.connect(build_route("a", "b", [there], streams), b)
    b.connect(build_route("b", "a", [[("constant", ConstantConfig(float(propagation)))]], streams), a)
    for number in range(1, slots + 1):
        a.command(note(number))
    env.run(until=float(slots))
    return bins[1 : slots // 1000 - 1]


@pytest.mark.parametrize(("propagation", "loss"), [(1, 0.1), (2, 0.1), (3, 0.02), (4, 0.3)])
def test_efficiency_is_that_of_the_formulas(propagation: int, loss: float) -> None:
    """(1 - p)/(1 + 2ap) and 1 - p, within 4 standard errors over 38 bins of 1,000 slots."""
    a, slots = propagation, 40_000
    if loss == 0.3:
        slots = 20_000  # go-back-N is slow there: fewer messages than slots are enough
    for name, window, exact in (
        ("go-back-n", 1 + 2 * a, (1 - loss) / (1 + 2 * a * loss)),
        ("selective-repeat", 200, 1 - loss),
    ):
        bins = [count / 1000 for count in efficiency(name, window, loss, a, slots, seed=5)]
        mean = sum(bins) / len(bins)
        error = sqrt(sum((x - mean) ** 2 for x in bins) / (len(bins) - 1) / len(bins))
        assert abs(mean - exact) <= 4 * error, (name, mean, exact, error)
        assert error < 0.006


def last_arrival_s(name: str, window: int) -> float:
    """When the last of 60 messages is handed up, if the line is out for one frame; a = 2, frame time 1."""
    env, recorder, streams = Clock(), Recorder(), Streams(1, 0)
    times: list[float] = []
    config = {"rto_s": 5 + 1e-6, "window": window, "pace_s": 1.0}
    a = Host(env, "a", made(name, **config), lambda event: None, recorder)
    b = Host(env, "b", made(name, **config), lambda event: times.append(env.now), recorder)
    line = build_route("a", "b", [[("constant", ConstantConfig(3.0))]], streams)
    line.outages.append((9.5, 10.5))
    a.connect(line, b)
    b.connect(build_route("b", "a", [[("constant", ConstantConfig(2.0))]], streams), a)
    for number in range(1, 61):
        a.command(note(number))
    env.run()
    assert len(times) == 60
    return times[-1]


def test_a_loss_costs_go_back_n_exactly_its_window() -> None:
    """With a = 2 a lost frame delays all behind it by 1 + 2a = 5 slots; in selective repeat by one."""
    assert last_arrival_s("go-back-n", 5) == pytest.approx(62.0 + 5.0, abs=1e-4)
    assert last_arrival_s("selective-repeat", 50) == pytest.approx(62.0 + 1.0, abs=1e-4)


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
