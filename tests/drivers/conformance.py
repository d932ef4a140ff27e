"""The scripts of the conformance suite, and how each driver runs them.

A case is a network of parties that speak one variant, what they are ordered when, and a list of faults. Every
link takes 30 ms, those of a third party 50 ms more. A driver's run of a case gives the events of each party.
"""

import asyncio
import dataclasses
import selectors
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from cbmnet.channels.faults import Datagrams, Delay, Drop, Duplicate, Fault, Faults, by_link
from cbmnet.channels.link import Route, build_route
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.drivers.asyncio_driver import UdpHost
from cbmnet.drivers.stream_driver import StreamHost
from cbmnet.protocols.endpoint import VARIANTS, Broadcast, Endpoint, Send, way
from cbmnet.protocols.variants.receipts import Receipts, ReceiptsConfig
from cbmnet.recorder import Observer
from cbmnet.streams import Streams
from cbmnet.testing import EndpointNetwork
from tests.protocols.test_receipts import Signed

DELAY_S, RTO_S = 0.03, 0.5
APART_S = 0.05
"""What a timer does, or one peer sends, is at least so far from whatever else happens at that party."""
TURN_S = 0.005
AFTER_S = 0.15  # how long a real network is still listened to when its script is over
STAGES = [("constant", ConstantConfig(DELAY_S))]
LOCAL = ("127.0.0.1", 0)
Events = dict[str, list[Any]]

# What a variant is given where its config has such a field; a variant that needs more has a network below.
QUICK = {
    "rto_s": RTO_S, "backoff": 1.0, "max_sends": 3, "initial_rto_s": RTO_S, "min_rto_s": RTO_S,
    "spacing_s": 0.25,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Network:
    """Parties and their settings; `kind` is the label of a's message on its first link, `answer` of what
    answers it there, and `first` the number of that answer. `far` is whom a speaks to, over `hop`.
    """

    variant: str
    settings: Mapping[str, Mapping[str, Any]]
    kind: str = "notice"
    answer: str = "link-ack"
    first: int = 1
    hop: str = "b"
    routes: int = 1
    to_all: tuple[str, ...] = ()
    signed: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether the variant answers at all."""
        return self.variant not in ("fire-and-forget", "blind-copies", "k-of-n")

    def __str__(self) -> str:
        return self.variant + " with a notary" * self.signed


@dataclasses.dataclass(frozen=True)
class Case:
    """One script in one network: orders as (second, party, command), and faults."""

    network: Network
    script: str
    orders: Sequence[tuple[float, str, Any]]
    faults: Sequence[Fault]

    def __str__(self) -> str:
        return f"{self.network}: {self.script}"


def quick(variant: str, party: str = "a", **more: Any) -> dict[str, Any]:
    """Settings for this variant, of those that it has."""
    names = {field.name for field in dataclasses.fields(VARIANTS[variant].config)}
    other = {} if party == "a" else {"rto_s": 1.3 * RTO_S}  # so that no two repeat themselves at one time
    return {key: value for key, value in (QUICK | other | more).items() if key in names}


def networks() -> Iterator[Network]:
    """Those of every registered variant."""
    for name in VARIANTS.names():
        pair = {party: quick(name, party) for party in "ab"}
        if name == "k-of-n":
            yield Network(name, {party: {"k": 2, "n": 3} for party in "ab"}, routes=3)
        elif name == "relay":
            ends = quick(name, via="r")
            relay = quick(name, via="r", serves=("a", "b"), hold_s=1.3)
            yield Network(name, {"a": ends, "b": ends, "r": relay}, "notice>b", "link-ack>b", hop="r")
        elif name == "broadcast":
            yield Network(name, {party: quick(name) for party in "abc"}, to_all=("b", "c"))
        elif name == "receipts":
            four = {party: {"depth": 4} for party in "ab"}
            yield Network(name, four, answer="receipt", first=2)
            yield Network(name, four, answer="receipt", first=2, signed=True)
        else:
            yield Network(name, pair)


def cases() -> list[Case]:
    """Every script in every network."""
    return [case for network in networks() for case in _scripts(network)]


def _scripts(network: Network) -> Iterator[Case]:
    there, back = f"a>{network.hop}", f"{network.hop}>a"
    data = partial(Datagrams, there, network.kind, sequence=1, attempt=1)
    answer = Datagrams(back, network.answer, attempt=network.first)
    ways = [f"{way('a', r)}>{way(network.hop, r)}" for r in range(network.routes)]
    one, two = [(0.0, 1)], [(0.0, 1), (0.16, 2)]
    scripts: dict[str, tuple[list[tuple[float, int]], list[Fault]]] = {
        "a clean line": (one, []),
        "the first data are lost": (one, [Drop(data())]),
        "the first answer is lost": (one, [Drop(answer)]),
        "all answers are lost": (one, [Drop(Datagrams(back, network.answer))]),
        "all to one peer is lost": (one, [Drop(Datagrams(link)) for link in ways]),
        "a duplicate comes late": (two, [Duplicate(data(), 0.33)]),
        "an answer comes late": (two, [Delay(answer, 0.2)]),
        "the first is overtaken": (two, [Delay(data(), 0.31)]),
        "two at once": ([(0.0, 1), (0.0, 2)], []),
        "two in a row, the first is lost": (two, [Drop(data())]),
    }
    for script, (sends, faults) in scripts.items():
        orders = [(at_s, "a", _order(network, number)) for at_s, number in sends]
        yield Case(network, script, orders, [*faults, *_far(network)])
    both = [(0.0, "a", _order(network, 1)), (0.34, "b", _order(network, 1, "b", "a"))]
    if network.hop == "r":  # who is its own relay sends directly
        both.append((0.68, "r", _order(network, 1, "r", "b")))
    yield Case(network, "both speak", both, list(_far(network)))


def _far(network: Network) -> Iterator[Fault]:
    """Whom a broadcast reaches besides is further off, so that no two arrive at one instant."""
    if network.to_all:
        yield from (Delay(Datagrams(link), 0.05) for link in ("a>c", "c>a", "b>c", "c>b"))


def _order(network: Network, number: int, source: str = "a", target: str = "b") -> Send | Broadcast:
    data = b"%s %d" % (source.encode(), number)
    if network.signed:
        data = Signed().wire(number, target, source)
    rest = data, "notice", 1, 0, number
    if network.to_all:
        return Broadcast(tuple(p for p in "abc" if p != source), *rest)
    return Send(target, *rest)


# --- endpoints ----------------------------------------------------------------------------------


def makes(network: Network) -> dict[str, Callable[[], Endpoint]]:
    """How each party's endpoint is made in this process."""
    return {party: partial(_make, network, party) for party in network.settings}


def _make(network: Network, party: str) -> Any:
    member, settings = VARIANTS[network.variant], network.settings[party]
    if network.signed:
        return Receipts(ReceiptsConfig(**settings), Signed().notaries[party])
    endpoint = member.make(member.config(**settings))
    if hasattr(endpoint, "me"):
        endpoint.me = party
    return endpoint


# --- virtual time -------------------------------------------------------------------------------


def in_virtual_time(
    case: Case, made: Mapping[str, Callable[[], Endpoint]], observers: Sequence[Observer] = ()
) -> tuple[Events, float]:
    """The events of each party under the SimPy driver, and when the last thing happened."""
    network = EndpointNetwork(
        made, stages=STAGES, faults=case.faults, routes=case.network.routes, observers=observers
    )
    for at_s, party, command in case.orders:
        network.at(at_s, partial(network.command, party, command))
    network.drive()
    return network.events, network.now


# --- real time ----------------------------------------------------------------------------------


class PatientLoop(asyncio.SelectorEventLoop):
    """A loop whose clock is real, but for what a busy machine takes beyond 5 ms for one turn of the loop.

    Else a late turn finds timers passed while what would have stopped them lies unread in a socket.
    """

    def __init__(self) -> None:
        super().__init__(_PatientSelector())

    def time(self) -> float:
        return self._selector.now_s  # type: ignore[attr-defined, no-any-return]


class _PatientSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self) -> None:
        super().__init__()
        self._seen_s = self.now_s = time.monotonic()

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(timeout)
        seen_s = time.monotonic()
        self.now_s += min(seen_s - self._seen_s, (timeout or 0.0) + TURN_S)
        self._seen_s = seen_s
        return ready


Open = Callable[[Case, str, Endpoint, list[Any], dict[str, Route]], Any]


async def open_udp(case: Case, name: str, endpoint: Endpoint, told: list[Any], lines: Any) -> UdpHost:
    """A party on UDP, with a socket for each route."""
    local = [LOCAL] * case.network.routes
    return await UdpHost.open(endpoint, local, {}, told.append, now_s=0.0, routes=lines)


async def open_streams(case: Case, name: str, endpoint: Endpoint, told: list[Any], lines: Any) -> StreamHost:
    """A party on TCP."""
    return await StreamHost.open(endpoint, name, LOCAL, told.append, now_s=0.0, routes=lines)


async def in_real_time(case: Case, opened: Open, for_s: float, start_s: float) -> Events:
    """The events of each party under an asyncio driver, from `start_s` on and for so long."""
    await asyncio.sleep(start_s)
    events: Events = {name: [] for name in case.network.settings}
    hosts = {
        name: await opened(case, name, make(), events[name], _routes(case, name))
        for name, make in makes(case.network).items()
    }
    _introduce(hosts, case.network.routes)
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    for at_s, party, command in case.orders:
        if at_s:
            await asyncio.sleep(begun_s + at_s - loop.time())
        hosts[party].command(command)
    await asyncio.sleep(begun_s + for_s + AFTER_S - loop.time())
    for host in hosts.values():
        await host.aclose()
    return events


def _routes(case: Case, source: str) -> dict[str, Route]:
    damage, routes = by_link(case.faults), {}
    for target in case.network.settings:
        for number in range(case.network.routes if target != source else 0):
            route = build_route(way(source, number), way(target, number), [STAGES], Streams(0, 0))
            if faults := damage.get(f"{route.source}>{route.target}"):
                route.after.append(Faults(faults))
            routes[route.target] = route
    return routes


def _introduce(hosts: Mapping[str, Any], routes: int) -> None:
    for source, host in hosts.items():
        for target, peer in hosts.items():
            for number in range(routes if target != source else 0):
                is_udp = isinstance(peer, UdpHost)
                host.know(way(target, number), peer.addresses[number] if is_udp else peer.address)
