"""What becomes of a party that crashes, stands still, or has a wrong clock."""

from functools import partial
from typing import Any

import pytest

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.drivers.clock import Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.drivers.skewed import Skewed
from cbmnet.errors import LocalProtocolError
from cbmnet.protocols.endpoint import Acknowledged, GaveUp, Received, Send
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.recorder import Recorder
from cbmnet.records import ClockSet, Crash, Deliver, Drop, Pause
from cbmnet.streams import Streams


class Pair:
    """Two stop-and-wait hosts a second apart; `seen` has every record of failures, deliveries and drops."""

    wants = (Crash, Pause, ClockSet, Deliver, Drop)

    def __init__(self, rto_s: float = 2.5, max_sends: int = 10) -> None:
        self.env, self.seen = Clock(), []
        self.said: dict[str, list[tuple[float, Any]]] = {"a": [], "b": []}
        self.config = StopAndWaitConfig(rto_s, 1.0, max_sends)
        recorder = Recorder([self])
        self.a, self.b = (
            Host(self.env, name, StopAndWait(self.config), self.hear(name), recorder) for name in "ab"
        )
        for one, other in ((self.a, self.b), (self.b, self.a)):
            stages = [("constant", ConstantConfig(1.0))]
            one.connect(build_route(one.name, other.name, [stages], Streams(1, 0)), other)

    def hear(self, name: str) -> Any:
        return lambda event: self.said[name].append((self.env.now, event))

    def feed(self, record: Any) -> None:
        self.seen.append(record)

    def send(self, *sequences: int) -> None:
        for sequence in sequences:
            self.a.command(Send("b", b"%d" % sequence, "notice", 1, 0, sequence))

    def at(self, when_s: float, act: Any, *arguments: Any) -> None:
        schedule(self.env, when_s, None, lambda _: act(*arguments))


def test_what_arrives_at_a_pause_waits_for_its_end() -> None:
    """A message that comes at second 1 is handed up at second 5, when the party goes on, and none is lost."""
    pair = Pair(rto_s=60.0)
    pair.b.pause(5.0)
    pair.send(1)
    pair.env.run()
    assert pair.said["b"] == [(5.0, Received("a", b"1"))]
    assert [type(r) for r in pair.seen] == [Pause, Pause, Deliver, Deliver]
    assert pair.seen[2].at_s == 5.0


def test_timers_of_a_paused_party_come_late() -> None:
    """The sender stands still over its timeout and repeats the message as soon as it goes on."""
    pair = Pair()
    pair.send(1)
    pair.a.pause(7.0)
    pair.b.crash(2.0)
    pair.env.run()
    assert [type(event) for _, event in pair.said["a"]] == [Acknowledged]
    assert pair.said["b"][0][0] == 8.0


def test_a_crash_during_a_pause_loses_what_waited() -> None:
    """A process that stands still and then dies takes with it what it had not read."""
    pair = Pair(rto_s=60.0, max_sends=1)
    pair.b.pause(20.0)
    pair.send(1)
    pair.at(5.0, pair.b.crash, 1.0)
    pair.env.run()
    assert pair.said["b"] == []
    assert [r.reason for r in pair.seen if type(r) is Drop] == ["receiver down"]
    assert type(pair.said["a"][0][1]) is GaveUp
    assert pair.env.now >= 60.0


def test_a_crash_with_its_state_goes_on_and_one_without_begins_anew() -> None:
    """With its state the sender repeats what was under way; without it nothing is left to repeat."""
    for renew, told in ((False, 1), (True, 0)):
        pair = Pair()
        pair.send(1)
        pair.b.crash(3.0)
        pair.a.crash(4.0, partial(StopAndWait, pair.config) if renew else None)
        pair.env.run()
        assert len(pair.said["b"]) == told
        assert [r.fresh for r in pair.seen if type(r) is Crash and r.party == "a"] == [renew, renew]


def test_a_fast_clock_times_out_early() -> None:
    """A clock that gains a second a second takes 1.25 s for 2.5: it repeats before an answer can come."""
    attempts = {}
    for drift in (0.0, 1.0):
        pair = Pair()
        pair.a.set_clock(100.0, drift)
        pair.send(1)
        pair.env.run()
        ((when_s, event),) = pair.said["a"]
        assert when_s == 2.0
        attempts[drift] = event.attempts
    assert attempts == {0.0: 1, 1.0: 2}


@pytest.mark.parametrize("drift", [-0.3, 1e-6, 0.1, 1 / 3])
def test_a_wrong_clock_never_spins(drift: float) -> None:
    """Whatever rounding makes of a deadline there and back, each timeout takes one wake-up."""
    pair = Pair(rto_s=0.7, max_sends=64)
    pair.b.crash(1e9)
    pair.a.set_clock(0.1, drift)
    pair.send(1)
    pair.env.max_steps_at_once = 3
    pair.env.run(until=1e4)
    assert type(pair.said["a"][0][1]) is GaveUp
    assert pair.said["a"][0][0] == pytest.approx(64 * 0.7 / (1.0 + drift))


def test_a_clock_that_is_set_twice_adds_up() -> None:
    """Offsets add, and a new drift holds from then on."""
    clock = Skewed(StopAndWait(StopAndWaitConfig(1.0)))
    clock.set(10.0, 0.5, 100.0)
    clock.set(-4.0, 0.0, 110.0)
    assert clock.own_time_s(110.0) == 100.0 + 10.0 + 15.0 - 4.0
    assert clock.own_time_s(120.0) == clock.own_time_s(110.0) + 10.0


def test_a_clock_cannot_stand_still() -> None:
    """A drift of -1 or below is the caller's mistake."""
    with pytest.raises(LocalProtocolError, match="above -1"):
        Pair().a.set_clock(0.0, -1.0)


def spells(pair: Pair) -> list[tuple[float, str, bool]]:
    return [(r.at_s, type(r).__name__, r.down if type(r) is Crash else r.still) for r in pair.seen
            if type(r) in (Crash, Pause)]  # fmt: skip


def test_a_crash_ends_at_its_time_also_where_a_pause_goes_on() -> None:
    """The party comes back empty at 15; what it is told while it still stands is not forgotten with that."""
    pair = Pair(rto_s=60.0)
    fresh = StopAndWait(pair.config)
    pair.at(5.0, pair.a.crash, 10.0, lambda: fresh)
    pair.at(12.0, pair.a.pause, 20.0)
    pair.at(10.0, pair.send, 1)
    pair.at(20.0, pair.send, 2)
    pair.env.run(until=16.0)
    assert pair.a.endpoint is fresh
    pair.env.run(until=100.0)
    assert spells(pair) == [
        (5.0, "Crash", True), (12.0, "Pause", True), (15.0, "Crash", False), (32.0, "Pause", False),
    ]  # fmt: skip
    assert [event.data for _, event in pair.said["b"]] == [b"2"]


@pytest.mark.parametrize("loses_state", [False, True])
def test_a_failure_that_begins_when_another_ends_is_another(loses_state: bool) -> None:
    """Two crashes that touch are two, each told; and what a pause held is taken before a crash follows."""
    pair = Pair(rto_s=60.0)
    renew = (lambda: StopAndWait(pair.config)) if loses_state else None
    for start_s in (5.0, 15.0):
        pair.at(start_s, pair.b.crash, 10.0, renew)
    pair.env.run()
    assert spells(pair) == [
        (5.0, "Crash", True),
        (15.0, "Crash", False),
        (15.0, "Crash", True),
        (25.0, "Crash", False),
    ]

    pair = Pair(rto_s=60.0)
    pair.at(15.0, pair.b.crash, 10.0, renew)  # comes first at its instant
    pair.at(5.0, pair.b.pause, 10.0)
    pair.at(7.0, pair.send, 1)
    pair.env.run(until=50.0)
    assert pair.said["b"] == [(15.0, Received("a", b"1"))]
    assert Drop not in map(type, pair.seen)

    pair = Pair(rto_s=60.0)
    pair.at(15.0, pair.b.pause, 10.0)
    pair.at(5.0, pair.b.crash, 10.0, renew)
    pair.env.run(until=50.0)
    assert spells(pair) == [
        (5.0, "Crash", True),
        (15.0, "Crash", False),
        (15.0, "Pause", True),
        (25.0, "Pause", False),
    ]


def test_after_a_pause_everything_is_taken_in_the_order_of_its_coming() -> None:
    """An order, two arrivals and an order: as they came, and not arrivals first."""
    pair, taken = Pair(rto_s=60.0), list[str]()

    class Noting(StopAndWait):
        def command(self, command: object, now: float) -> None:
            taken.append(f"told {command.sequence}")  # type: ignore[attr-defined]
            super().command(command, now)

        def receive(self, data: bytes, peer: str, now: float) -> None:
            taken.append("heard")
            super().receive(data, peer, now)

    pair.b.endpoint = Noting(pair.config)
    pair.b.pause(20.0)
    for at_s, number in ((6.0, 1), (9.0, 2)):
        pair.at(at_s, pair.b.command, Send("a", b"%d" % number, "notice", 2, 0, number))
    pair.at(6.5, pair.send, 1)
    pair.env.run(until=20.5)
    assert taken == ["told 1", "heard", "told 2"]
