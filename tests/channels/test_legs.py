"""Routes in legs: a hop with a memory is entered in the order of arrival, whatever the hops before did."""

from typing import Any

from cbmnet.channels.faults import Datagrams, Duplicate, Faults
from cbmnet.channels.link import Route, build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.channels.stages.gilbert_elliott import GilbertElliottConfig
from cbmnet.channels.stages.partition import PartitionConfig
from cbmnet.channels.stages.queue import QueueConfig
from cbmnet.datagram import Datagram, Label
from cbmnet.drivers.clock import Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.protocols.endpoint import Received, Send
from cbmnet.protocols.variants.fire_and_forget import FireAndForget
from cbmnet.recorder import Recorder
from cbmnet.registry import NoConfig
from cbmnet.streams import Streams

SLOW, SERVED = ("exponential", ExponentialConfig(100.0)), ("queue", QueueConfig(10.0, "constant"))
BURSTS = ("gilbert-elliott", GilbertElliottConfig(0.2, 0.5))


def route(*hops: list[Any]) -> Route:
    return build_route("a", "b", hops, Streams(2, 0))


def legs_of(*hops: list[Any]) -> int:
    made = route(*hops)
    flight = made.carry(Datagram(b"x", "b", *Label("notice", 1, 0, 1)), 0.0)[0]
    count = 1
    while made.has_further(flight):
        (flight,) = made.onward(flight)
        count += 1
    return count


def arrivals(*hops: list[Any], count: int = 200, every_s: float = 5.0) -> list[tuple[float, int]]:
    env, arrived = Clock(), []
    recorder = Recorder()

    def note(event: Any) -> None:
        if type(event) is Received:
            arrived.append((env.now, int(event.data)))

    a = Host(env, "a", FireAndForget(NoConfig()), lambda event: None, recorder)
    b = Host(env, "b", FireAndForget(NoConfig()), note, recorder)
    a.connect(route(*hops), b)
    for number in range(1, count + 1):
        order = Send("b", b"%d" % number, "notice", 1, 0, number)
        schedule(env, number * every_s, order, lambda call: a.command(call.value))
    env.run()
    return arrived


def test_a_way_is_cut_before_a_hop_with_a_memory() -> None:
    """Only there, and only where a hop before may have changed the order."""
    assert legs_of([SLOW], [SLOW]) == 1
    assert legs_of([SERVED, SLOW], [SLOW]) == 1
    assert legs_of([SLOW], [SERVED, SLOW]) == 2
    assert legs_of([SLOW], [SERVED], [SLOW], [BURSTS, SLOW]) == 3
    assert legs_of([("bernoulli", BernoulliConfig(0.0))], [SERVED]) == 1
    assert legs_of([("duplication", DuplicationConfig(0.0))], [BURSTS]) == 1


def test_a_queue_behind_a_delay_serves_in_the_order_of_arrival() -> None:
    """No two leave within a service time, nobody waits while the server is idle, the first come is first."""
    there = arrivals([SLOW], [SERVED])
    before = arrivals([SLOW], [("constant", ConstantConfig(0.0))])
    assert [number for _, number in there] == [number for _, number in before]
    assert [number for _, number in there] != sorted(number for _, number in there)
    free_s = 0.0
    for (left_s, number), (came_s, same) in zip(there, before, strict=True):
        assert number == same
        free_s = max(free_s, came_s) + 10.0
        assert abs(left_s - free_s) < 1e-9


def test_words_of_a_later_leg_are_those_of_its_hop() -> None:
    """A delay drawn on the second hop is the same whether a leg was cut before it or not."""
    cut = dict(reversed(pair) for pair in arrivals([SLOW], [("queue", QueueConfig(0.0)), SLOW]))
    whole = dict(reversed(pair) for pair in arrivals([SLOW], [SLOW]))
    assert cut == whole


def test_fates_flies_every_leg() -> None:
    """For tables of an idle line: the sum of all hops, and copies of every hop."""
    twice = ("duplication", DuplicationConfig(1.0))
    steady = ("constant", ConstantConfig(7.0))
    ends = route([steady], [BURSTS, steady], [twice, SERVED, steady]).fates(
        Datagram(b"x", "b", *Label("notice", 1, 0, 3)), 100.0
    )
    kept = sorted(f.at_s for f in ends if f.drop is None)
    assert kept in ([], [131.0, 141.0])
    assert len(ends) == (2 if kept else 1)


def test_a_partition_cuts_every_way() -> None:
    """Routes side by side are those of the same two parties."""
    cut = ("partition", PartitionConfig((("a",), ("b",)), 0.0, 100.0))
    for way in ("", "@1"):
        made = build_route(f"a{way}", f"b{way}", [[cut]], Streams(2, 0))
        (flight,) = made.carry(Datagram(b"x", f"b{way}", *Label("notice", 1, 0, 1)), 5.0)
        assert flight.drop == "partition"


def test_two_that_copy_give_copies_of_their_own() -> None:
    """A copy made by a fault and one made by a further stage of the route have labels of their own."""
    made = route([("constant", ConstantConfig(1.0))])
    twice = Faults([Duplicate(Datagrams("a>b", copy=0), 3.0)])
    made.after += [twice, twice]
    flights = made.carry(Datagram(b"x", "b", *Label("notice", 1, 0, 1)), 0.0)
    labels = [flight.label for flight in flights]
    assert len(labels) == len(set(labels)) == 3
