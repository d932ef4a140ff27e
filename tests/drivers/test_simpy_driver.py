"""Endpoints on the network in virtual time."""

from math import sqrt
from typing import Any

import pytest

from cbmnet.channels.link import Route, build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.errors import SimulationError
from cbmnet.protocols.endpoint import VARIANTS, Acknowledged, EndpointBase, GaveUp, Received, Send
from cbmnet.recorder import Recorder
from cbmnet.records import Deliver, Drop
from cbmnet.records import Send as SendRecord
from cbmnet.streams import Streams

STREAMS = Streams(1, 0)


def route(source: str, target: str, loss: float, *more: tuple[str, object]) -> Route:
    stages = [*more, ("bernoulli", BernoulliConfig(loss)), ("constant", ConstantConfig(1.0))]
    return build_route(source, target, [stages], STREAMS)


class Line:
    """Two hosts and what their endpoints said."""

    def __init__(self, variant: str, data_loss: float, ack_loss: float, *more: Any, **config: Any) -> None:
        member = VARIANTS[variant]
        self.env = Clock()
        self.said: dict[str, list[Any]] = {"a": [], "b": []}
        self.counts = {SendRecord: 0, Drop: 0, Deliver: 0}
        recorder = Recorder([self])
        self.a = Host(self.env, "a", member.make(member.config(**config)), self.said["a"].append, recorder)
        self.b = Host(self.env, "b", member.make(member.config(**config)), self.said["b"].append, recorder)
        self.a.connect(route("a", "b", data_loss, *more), self.b)
        self.b.connect(route("b", "a", ack_loss), self.a)

    wants = (SendRecord, Drop, Deliver)

    def feed(self, record: Any) -> None:
        self.counts[type(record)] += 1


def count(events: list[Any], kind: type) -> int:
    return sum(type(event) is kind for event in events)


def close(observed: float, exact: float, n: int) -> bool:
    return abs(observed - exact) <= 4 * sqrt(max(exact * (1 - exact), 1e-9) / n)


@pytest.mark.parametrize(("d", "a", "r"), [(0.5, 0.5, 5), (0.1, 0.3, 3), (0.0, 0.9, 2)])
def test_stop_and_wait_keeps_its_formulas(d: float, a: float, r: int) -> None:
    """Sends, acknowledged, delivered, and delivered but believed failed, within 4 standard errors."""
    n = 6000
    line = Line("stop-and-wait", d, a, rto_s=2.5, backoff=1.0, max_sends=r)
    for number in range(1, n + 1):
        line.a.command(Send("b", b"x", "notice", 1, 0, number))
    line.env.run()
    q = (1 - d) * (1 - a)
    delivered = {event.data for event in line.said["b"] if type(event) is Received}
    assert delivered == {b"x"}
    acknowledged, gave_up = count(line.said["a"], Acknowledged), count(line.said["a"], GaveUp)
    assert acknowledged + gave_up == n
    assert close(acknowledged / n, 1 - (1 - q) ** r, n)
    attempts = [event.attempts for event in line.said["a"]]
    exact = (1 - (1 - q) ** r) / q
    spread = sqrt(sum((x - exact) ** 2 for x in attempts)) / n
    assert abs(sum(attempts) / n - exact) <= 4 * spread + 1e-12


def test_delivered_but_believed_failed() -> None:
    """With loss .5 each way and 5 sends, .96875 are delivered and .20605 delivered but believed failed."""
    n = 6000
    line = Line("stop-and-wait", 0.5, 0.5, rto_s=2.5, backoff=1.0, max_sends=5)
    for number in range(1, n + 1):
        line.a.command(Send("b", number.to_bytes(4, "big"), "notice", 1, 0, number))
    line.env.run()
    delivered = {int.from_bytes(event.data, "big") for event in line.said["b"]}
    failed = {event.sequence for event in line.said["a"] if type(event) is GaveUp}
    assert close(len(delivered) / n, 0.96875, n)
    assert close(len(delivered & failed) / n, 0.20605, n)


def test_order_is_kept_and_each_is_acknowledged_once() -> None:
    """Over a line that loses and duplicates, what is handed up first time keeps the order of sending."""
    line = Line("stop-and-wait", 0.3, 0.3, ("duplication", DuplicationConfig(0.3)), rto_s=2.5, max_sends=20)
    for number in range(1, 301):
        line.a.command(Send("b", number.to_bytes(2, "big"), "notice", 1, 0, number))
    line.env.run()
    first = list(dict.fromkeys(int.from_bytes(event.data, "big") for event in line.said["b"]))
    assert first == list(range(1, 301))
    assert [event.sequence for event in line.said["a"]] == list(range(1, 301))


def test_nothing_is_created_or_destroyed() -> None:
    """Sent plus copies equals delivered plus dropped plus under way, here with nothing left under way."""
    line = Line("fire-and-forget", 0.4, 0.0)
    for number in range(500):
        line.a.command(Send("b", b"x", "notice", 1, 0, number))
    line.env.run()
    assert line.counts[SendRecord] == 500 == line.counts[Deliver] + line.counts[Drop]


def test_what_is_lost_at_ten_percent_is_lost_at_twenty() -> None:
    """Under Bernoulli loss the same draws decide at every rate."""
    kept = {}
    for loss in (0.1, 0.2):
        line = Line("fire-and-forget", loss, 0.0)
        for number in range(2000):
            line.a.command(Send("b", number.to_bytes(2, "big"), "notice", 1, 0, number))
        line.env.run()
        kept[loss] = {event.data for event in line.said["b"]}
    assert kept[0.2] < kept[0.1]


def test_a_crashed_receiver_loses_what_arrives_and_then_goes_on() -> None:
    """While it is down nothing is handed up; afterwards retransmission delivers what is still repeated."""
    line = Line("stop-and-wait", 0.0, 0.0, rto_s=2.5, backoff=1.0, max_sends=10)
    line.b.crash(6.5)
    line.a.command(Send("b", b"x", "notice", 1, 0, 1))
    line.env.run()
    assert count(line.said["b"], Received) == 1
    assert line.said["a"][0].attempts == 4  # at 0, 2.5, 5 and 7.5; the first arrival after 6 s is the last


class Spinner(EndpointBase):
    """An endpoint whose timer never moves on."""

    def command(self, command: Any, now: float) -> None:
        return None

    def receive(self, data: bytes, peer: str, now: float) -> None:
        return None

    def next_timer(self) -> float | None:
        return 1.0


def test_an_endpoint_that_spins_is_stopped() -> None:
    """A timer that never moves on ends in an error that names the party, the endpoint and the time."""
    env = Clock(max_steps_at_once=1000)
    host = Host(env, "a", Spinner(), lambda event: None, Recorder())
    host.pump()
    with pytest.raises(SimulationError, match=r"a \(Spinner\): more than 1000 steps at 1.0 s"):
        env.run()


def test_a_timer_that_was_settled_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a perfect line each message settles before its timeout, and the endpoint is never woken."""
    line = Line("stop-and-wait", 0.0, 0.0, rto_s=2.5)
    wakes: list[float] = []
    handle = line.a.endpoint.handle_timer

    def counted(now: float) -> None:
        wakes.append(now)
        handle(now)

    monkeypatch.setattr(line.a.endpoint, "handle_timer", counted)
    for number in range(1, 6):
        line.a.command(Send("b", b"x", "notice", 1, 0, number))
    line.env.run()
    assert count(line.said["a"], Acknowledged) == 5
    assert wakes == []


def test_a_short_crash_within_a_long_one_ends_nothing() -> None:
    """The party comes back when the last of overlapping crashes is over."""
    line = Line("fire-and-forget", 0.0, 0.0)
    line.b.crash(10.0)
    line.b.crash(2.0)
    line.env.run(until=5.0)
    assert line.b.down
    line.env.run(until=11.0)
    assert not line.b.down
