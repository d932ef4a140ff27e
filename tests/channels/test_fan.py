"""A fan: one object for all links out of a party, and the same flights as a route for each pair."""

from collections.abc import Sequence
from typing import Any

import pytest

from cbmnet.channels.fan import Fan
from cbmnet.channels.link import StageSpec, build_route
from cbmnet.channels.stage import STAGES, Flight
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.corruption import CorruptionConfig
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.channels.stages.gamma import GammaConfig
from cbmnet.channels.stages.queue import QueueConfig
from cbmnet.channels.stages.scheduled_outage import ScheduledOutageConfig
from cbmnet.channels.stages.uniform import UniformConfig
from cbmnet.channels.stages.up_down import UpDownConfig
from cbmnet.datagram import Datagram
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.errors import SimulationError
from cbmnet.protocols.endpoint import VARIANTS, Received, Send
from cbmnet.recorder import Recorder
from cbmnet.records import Corrupt, Deliver, Drop, Duplicate
from cbmnet.records import Send as SendRecord
from cbmnet.streams import Streams

STREAMS = Streams(7, 2)
PLAIN: list[StageSpec] = [("bernoulli", BernoulliConfig(0.1)), ("uniform", UniformConfig(1.0, 0.5))]
EVERYTHING: list[StageSpec] = [
    ("duplication", DuplicationConfig(0.3)), ("bernoulli", BernoulliConfig(0.2)),
    ("duplication", DuplicationConfig(0.3)), ("corruption", CorruptionConfig(0.3)),
    ("scheduled-outage", ScheduledOutageConfig(((2.0, 3.0),))), ("uniform", UniformConfig(1.0, 0.5)),
    ("bernoulli", BernoulliConfig(0.1)), ("gamma", GammaConfig(2.0, 0.5)),
]  # fmt: skip


def told(flights: list[Flight]) -> list[tuple[Any, ...]]:
    """All of a flight but its route and its words."""
    return [(f.datagram, f.at_s, f.drop, f.hop, f.leg, f.corrupted, f.forged, f.generation) for f in flights]


@pytest.mark.parametrize("stages", [PLAIN, EVERYTHING], ids=["plain", "everything"])
def test_a_fan_gives_the_flights_of_a_route_for_each_pair(stages: Sequence[StageSpec]) -> None:
    """To the bit: loss, copies, flipped bits and times, for every peer, kind, sequence and attempt."""
    fan = Fan("a", stages, STREAMS)
    seen = set()
    for peer in ("b", "c", "north/navy"):
        route = build_route("a", peer, [stages], STREAMS)
        for number in range(300):
            kind = ("notice", "link-ack")[number % 2]
            datagram = Datagram(b"bytes", peer, kind, 1, 0, number, 1 + number % 3)
            flights = told(fan.carry(datagram, number / 100))
            assert flights == told(route.carry(datagram, number / 100))
            seen |= {(fate[2], fate[5], fate[7] > 0) for fate in flights}
    assert {fate for fate, *_ in seen} >= {None, "loss"}
    if stages is EVERYTHING:
        assert (None, True, True) in seen
        assert {fate for fate, *_ in seen} == {None, "loss", "scheduled outage"}


@pytest.mark.parametrize(
    "spec",
    [
        ("queue", QueueConfig(1.0)),
        ("up-down", UpDownConfig(3600.0, 60.0)),
        ("uniform", UniformConfig(1.0, 0.5, keep_order=True)),
        ("uniform", UniformConfig(1.0, 0.5, correlation=0.5)),
    ],
    ids=["queue", "up-down", "keep-order", "correlation"],
)
def test_a_stage_that_remembers_has_no_place_in_a_fan(spec: StageSpec) -> None:
    """Its history is that of one link: many links through one stage would share it."""
    with pytest.raises(ValueError, match="needs a route for each pair"):
        Fan("a", [*PLAIN, spec], STREAMS)


@pytest.mark.parametrize("name", sorted(STAGES.names()))
def test_what_calls_itself_memoryless_is_no_stage_with_something_to_forget(name: str) -> None:
    """A stage with an order to keep or a history to forget is not memoryless."""
    kind = STAGES[name].make
    if getattr(kind, "memoryless", False):
        assert not any(hasattr(kind, word) for word in ("ordered", "forget", "begin_anew"))


@pytest.mark.parametrize("delay_s", [float("nan"), float("inf"), -10.0])
def test_nonsense_on_a_fan_names_the_stage(delay_s: float) -> None:
    """As on a route: link, number and name of the stage, and what it did."""
    fan = Fan("a", [*PLAIN, ("constant", ConstantConfig(delay_s))], STREAMS)
    with pytest.raises(SimulationError, match=r"link a>c/0, stage 2 \(Constant\): .* to (nan|inf|-)"):
        fan.carry(Datagram(b"", "c", "notice", 1, 0, 1), 5.0)


class _Mesh:
    """Four parties, each with the rest by routes or by a fan; `c` and `d` send at the same times."""

    wants = (SendRecord, Drop, Duplicate, Corrupt, Deliver)

    def __init__(self, *, fans: bool) -> None:
        self.records: list[Any] = []
        self.events: list[Any] = []
        self.env, recorder, member = Clock(), Recorder([self]), VARIANTS["fire-and-forget"]
        names = ("a", "b", "c", "d")
        self.hosts = {
            name: Host(self.env, name, member.make(member.config()), self.events.append, recorder)
            for name in names
        }
        for name, host in self.hosts.items():
            if fans:
                host.connect_all(Fan(name, EVERYTHING, STREAMS), self.hosts.__getitem__)
            else:
                for other in names:
                    host.connect(build_route(name, other, [EVERYTHING], STREAMS), self.hosts[other])

    def feed(self, record: Any) -> None:
        self.records.append(record)

    def run(self) -> "_Mesh":
        for number in range(1, 101):
            for name, host in self.hosts.items():
                for other in self.hosts:
                    if other != name:
                        host.command(Send(other, name.encode(), "notice", 1, 0, number))
        self.env.run()
        return self


def test_a_mesh_of_fans_tells_the_records_of_a_mesh_of_routes() -> None:
    """Every record, in the same order and with the same cause, and every event."""
    by_fans, by_routes = _Mesh(fans=True).run(), _Mesh(fans=False).run()
    assert by_fans.records == by_routes.records
    assert by_fans.events == by_routes.events
    assert sum(type(event) is Received for event in by_fans.events) > 1000
    spoilt = [(r.receiver, r.label) for r in by_fans.records if type(r) is Deliver and r.corrupted]
    assert spoilt
    assert set(spoilt) <= {(r.receiver, r.label) for r in by_fans.records if type(r) is Corrupt}


def test_a_host_with_a_fan_knows_whom_there_is() -> None:
    """Nobody of the name is the error of a host without a way; a route of one's own is preferred."""
    mesh = _Mesh(fans=True)
    host = mesh.hosts["a"]
    with pytest.raises(SimulationError, match="no way to 'x'"):
        host.command(Send("x", b"", "notice", 1, 0, 1))
    mesh = _Mesh(fans=True)
    mesh.hosts["a"].connect(build_route("a", "b", [[]], STREAMS), mesh.hosts["b"])
    mesh.hosts["a"].command(Send("b", b"now", "notice", 1, 0, 1))
    mesh.env.run()
    assert mesh.env.now == 0.0
    assert mesh.events == [Received("a", b"now")]
