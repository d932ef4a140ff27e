"""What configured links and a protocol do, alone: no states, no desks, one party that sends notices.

Faults, the adversary and what the script does to lines and parties (outages, crashes, pauses, clocks) are in
force, but that nobody loses its memory.

Datagrams are counted on the way out of the sender (to a relay, if there is one), messages end to end. Bursts
and queues make neighbours alike, so datagrams are stated by batch means: a t interval over batches of one
after the other. What was still waiting behind others at the end was never sent: where that is much, the
sender is given more than its protocol can carry, and the rest says little.
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from typing import Any

from cbmnet.channels.stage import ASTRAY, Flight
from cbmnet.datagram import Label
from cbmnet.drivers.clock import Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.errors import CbmnetError, SimulationError, described
from cbmnet.messages import Sender
from cbmnet.protocols.endpoint import Acknowledged, GaveUp, InCustody, Received, party_of
from cbmnet.protocols.endpoint import Send as Order
from cbmnet.recorder import Recorder
from cbmnet.records import Deliver, Send
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.endpoints import connect, make_transport
from cbmnet.simulation.intervene import intervene_alone
from cbmnet.simulation.keys import REALM, make_signers
from cbmnet.simulation.labels import Labels
from cbmnet.statistics import mean_interval, proportion_interval, quantile_interval
from cbmnet.statistics.interval import Interval
from cbmnet.streams import Streams
from cbmnet.units import DAY_S

KIND = "notice"
BATCHES = 20
QUANTILES = (0.5, 0.9, 0.99)
_NOTICE = {"activity": 7, "activity_class": "exercise", "size": 20000, "start_ms": 1_000_000}


@dataclass(frozen=True)
class Plan:
    """Who sends how many messages to whom, one every `every_s` seconds, from which seed."""

    source: str
    target: str
    messages: int
    every_s: float
    seed: int


def probe(config: RunConfig, plan: Plan) -> dict[str, Interval | None]:
    """Each quantity with its interval, or None where nothing was there to measure it by. SimulationError."""
    try:
        return _probe(config, plan)
    except CbmnetError:
        raise
    except Exception as error:
        raise SimulationError(f"{config.name}, seed {plan.seed}: {described(error)}") from error


def _probe(config: RunConfig, plan: Plan) -> dict[str, Interval | None]:
    clock, streams = Clock(config.study.max_steps_at_once), Streams(plan.seed, 0)
    watch = _Watch(plan, clock)
    parties, recorder = sorted(config.states), Recorder([Labels(), watch])
    hosts = {
        name: Host(
            clock, name, make_transport(config.protocol, name, parties), partial(watch.heard, name), recorder
        )
        for name in parties
    }
    connect(config, streams, hosts)
    signers, _ = make_signers([plan.source], "mac", streams)
    intervene_alone(config, clock, hosts, streams)
    sender = Sender(plan.source, [signers[plan.source]], REALM)
    for number in range(plan.messages):
        order = partial(_send, clock, hosts[plan.source], sender, plan.target, watch)
        schedule(clock, number * plan.every_s, None, order)
    try:
        clock.run(until=plan.messages * plan.every_s + config.crypto.ttl + 30 * DAY_S)
    except SimulationError as error:
        said = f"{config.name}, seed {plan.seed}, {clock.now:.3f} s: {error}"
        raise SimulationError(said) from error
    held = (flight for host in hosts.values() for flight in host.waiting)
    under_way = {flight.label._replace(copy=0) for flight in (*clock.pending(Flight), *held)}
    return watch.result(config.study.level, under_way)


def _send(clock: Clock, host: Host, sender: Sender, target: str, watch: "_Watch", _: Any) -> None:
    now_ms = round(clock.now * 1000.0)
    sealed = sender.seal(KIND, (target,), _NOTICE, stream=1, now_ms=now_ms, ttl_ms=10**9)
    watch.given[sealed.wire] = clock.now
    host.command(Order(target, sealed.wire, KIND, 1, 0, sealed.message.sequence))


class _Watch:
    """Sees every datagram of the probe, and what both ends learn."""

    wants: tuple[type, ...] = (Send, Deliver)

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self._plan, self._clock = plan, clock
        self.given: dict[bytes, float] = {}
        self._sent: dict[Label, float] = {}
        self._arrived: dict[Label, list[float]] = {}
        self._order: list[Label] = []  # of first arrivals
        self._received: Counter[bytes] = Counter()
        self._taken_s: list[float] = []
        self._acknowledged, self._given_up = set[int](), set[int]()

    def feed(self, record: Any) -> None:
        """Takes a Send or a Deliver of the probe's own messages on its own way."""
        # To a relay a notice is "notice>target": what its sender's line does is counted there.
        if record.sender != self._plan.source or record.label.kind.partition(">")[0] != KIND:
            return
        if record.label.copy & ASTRAY:
            return
        label = record.label._replace(copy=0)
        if type(record) is Send:
            self._sent.setdefault(record.label, record.at_s)
        elif label in self._sent:
            if label not in self._arrived:
                self._order.append(label)
            self._arrived.setdefault(label, []).append(record.at_s)

    def heard(self, name: str, event: Any) -> None:
        """Takes what an endpoint says."""
        kind = type(event)
        if kind is Received and name == self._plan.target and party_of(event.peer) != name:
            self._received[event.data] += 1
            if self._received[event.data] == 1 and event.data in self.given:
                self._taken_s.append(self._clock.now - self.given[event.data])
        elif name == self._plan.source and kind in (Acknowledged, InCustody):
            self._acknowledged.add(event.sequence)
        elif name == self._plan.source and kind is GaveUp:
            self._given_up.add(event.sequence)

    def result(self, level: float, under_way: AbstractSet[Label]) -> dict[str, Interval | None]:
        """All that was measured; what is still under way at the end is not lost."""
        n, wires = self._plan.messages, list(self.given)
        there = [wire in self._received for wire in wires]
        failed = [k in self._given_up and k not in self._acknowledged for k in range(1, n + 1)]
        copies = [max(0, self._received[wire] - 1) for wire in wires]
        sends = Counter(label.sequence for label in self._sent)
        unsent = sum(sends[k] == 0 for k in range(1, n + 1))
        counted = {
            "never sent": proportion_interval(unsent, n, level),
            "sends a message": mean_interval([sends[k] for k in range(1, n + 1)], level),
            "acknowledged": proportion_interval(len(self._acknowledged), n, level),
            "delivered": proportion_interval(sum(there), n, level),
            "delivered but believed failed": proportion_interval(
                sum(d and f for d, f in zip(there, failed, strict=True)), n, level
            ),
            "acknowledged but not delivered": proportion_interval(
                sum(k in self._acknowledged and not d for k, d in enumerate(there, start=1)), n, level
            ),
            "duplicates a message": mean_interval(copies, level),
        }
        return self._datagrams(level, under_way) | counted | _quantiles("message delay", self._taken_s, level)

    def _datagrams(self, level: float, under_way: AbstractSet[Label]) -> dict[str, Interval | None]:
        labels = list(self._sent)
        lost = [label not in self._arrived and label not in under_way for label in labels]
        runs = [len(list(run)) for is_lost, run in groupby(lost) if is_lost]
        delays_s = [at_s - self._sent[label] for label in self._order for at_s in self._arrived[label][:1]]
        place = {label: number for number, label in enumerate(labels)}
        highest, late = -1, []
        for label in self._order:
            late.append(place[label] < highest)
            highest = max(highest, place[label])
        return {
            "loss": _batches(lost, level) if lost else None,
            "mean loss run": mean_interval(runs, level) if runs else None,
            "reordered": _batches(late, level) if late else None,
        } | _quantiles("datagram delay", delays_s, level)


def _batches(values: Sequence[bool], level: float) -> Interval:
    """The share of a sequence whose neighbours are alike: a t interval over the means of its batches.

    It is cut at 0 and 1, beyond which there is no share. Where no batch differs from another their spread
    tells nothing, and the interval is that of a count.
    """
    share = sum(values) / len(values)
    if len(values) < BATCHES:
        found = mean_interval([float(v) for v in values], level)
        method = found.method
    else:
        # Sizes differ by one at most, so that every value counts; the interval lies about the share of all.
        cuts = [len(values) * k // BATCHES for k in range(BATCHES + 1)]
        found = mean_interval([sum(values[a:b]) / (b - a) for a, b in pairwise(cuts)], level)
        method = f"t, {BATCHES} batches"
    if found.low == found.high:
        return proportion_interval(sum(values), len(values), level)
    low = None if found.low is None else max(found.low - found.mean + share, 0.0)
    high = None if found.high is None else min(found.high - found.mean + share, 1.0)
    return Interval(share, low, high, found.n, level, method)


def _quantiles(name: str, values: Sequence[float], level: float) -> dict[str, Interval | None]:
    return {
        f"{name}, {q:.0%} quantile, s": quantile_interval(values, q, level) if values else None
        for q in QUANTILES
    }
