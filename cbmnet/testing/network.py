"""Endpoints of one's own, driven by hand: parties, links, one virtual clock.

It is the network of a simulation without states: the same driver, routes, faults and records. So a fault
that is found here means the same in a run, and the invariants of a run hold their watch here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from itertools import permutations
from math import inf
from typing import Any

from cbmnet.channels.fault_lists import check_faults, made_faults, read_faults
from cbmnet.channels.faults import Fault, Faults, NodeFault
from cbmnet.channels.link import StageSpec, build_route
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.drivers import MAX_STEPS_AT_ONCE
from cbmnet.drivers.clock import Clock, schedule
from cbmnet.drivers.damage import plan_faults
from cbmnet.drivers.simpy_driver import Host
from cbmnet.errors import CbmnetError, LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import (
    Acknowledged,
    Endpoint,
    GaveUp,
    Malformed,
    Received,
    Send,
    named,
    party_of,
    way,
)
from cbmnet.recorder import Observer, Recorder
from cbmnet.records import (
    Accept,
    ClockSet,
    Corrupt,
    Crash,
    Deliver,
    Drop,
    Duplicate,
    Pause,
    Seal,
    Timer,
    Transport,
)
from cbmnet.records import (
    Send as SendRecord,
)
from cbmnet.simulation.invariant import chosen, watches
from cbmnet.simulation.labels import Labels
from cbmnet.streams import Streams

Make = Callable[[], Endpoint]
_SAID: dict[Any, str] = {Acknowledged: "acknowledged", GaveUp: "gave up", Malformed: "malformed"}
TOLD = (
    Accept, ClockSet, Corrupt, Crash, Deliver, Drop, Duplicate, Pause, Seal, SendRecord, Timer, Transport,
)  # fmt: skip
MAX_STEPS = 100_000
MAX_SENT = 100_000  # datagrams: endpoints that answer each other for ever double them again and again


def name_of(data: bytes) -> str:
    """What a message is called in records: its text, or a digest of bytes that are no short plain text."""
    text = data.decode("ascii", "replace")
    if len(data) <= 32 and text.isprintable() and text.isascii():
        return text
    return blake2b(data, digest_size=8).hexdigest()


def targets_of(command: Any) -> Sequence[str]:
    """Whom the message of a command is for; nobody, if it is one of a variant's own and says no message."""
    if not all(hasattr(command, field) for field in ("data", "kind", "stream", "sequence")):
        return ()
    peers = getattr(command, "peers", None)
    return peers if peers is not None else [command.peer] if hasattr(command, "peer") else ()


class EndpointNetwork:
    """Parties by name, each with a way to make its endpoint; every two are joined both ways.

    `stages` are those of each link (default: a second of delay, nothing lost), `faults` what happens to
    which datagram or party (as it is printed and saved: a list or its JSON as text), `invariants` the names
    of what must hold (or each with its config), `observers` further watchers. `routes` is how many ways
    there are between two parties. Times are seconds. More than `max_steps_at_once` events at one instant, or
    `max_sent` datagrams in all, are a SimulationError.
    """

    def __init__(
        self,
        makes: Mapping[str, Make],
        *,
        stages: Sequence[StageSpec] = (("constant", ConstantConfig(1.0)),),
        faults: Iterable[Fault | Mapping[str, Any]] | str | bytes = (),
        invariants: Iterable[str | tuple[str, Any]] = (),
        observers: Iterable[Observer] = (),
        routes: int = 1,
        seed: int = 0,
        max_steps_at_once: int = MAX_STEPS_AT_ONCE,
        max_sent: int = MAX_SENT,
    ) -> None:
        __tracebackhide__ = True  # a schedule or an invariant that cannot be is told at the line of the test
        self.clock, self.seed = Clock(max_steps_at_once), seed
        self.events: dict[str, list[Any]] = {name: [] for name in makes}
        self.sent: dict[tuple[str, str], list[bytes]] = {}
        self.accepted: dict[tuple[str, str], list[bytes]] = {}
        try:
            self.faults = _schedule(faults)
            makes = {name: _naming(name, make) for name, make in makes.items()}
            check_faults(self.faults, _names(_ways(makes, routes)), makes, inf)
            self._watches = watches(chosen(invariants, TOLD))
        except CbmnetError as error:
            raise error.with_traceback(None) from None
        self._recorder = Recorder([*self._watches, Labels(max_sent), *observers])
        self._numbers: dict[tuple[str, str, int], int] = {}
        self.hosts = {
            name: Host(self.clock, name, make(), partial(self._heard, name), self._recorder)
            for name, make in makes.items()
        }
        self._connect(stages, routes)
        plan_faults(self.faults, self.clock, self.hosts, makes)

    @property
    def now(self) -> float:
        """The virtual time in seconds."""
        return self.clock.now

    @property
    def links(self) -> list[str]:
        """The names of all links, as a fault names them."""
        return _names(self._ways)

    @property
    def unused_faults(self) -> tuple[Fault, ...]:
        """The faults of datagrams that have met none so far: a kind or number that was never sent, say."""
        stages = [stage for host in self.hosts.values() for route in host.routes() for stage in route.after]
        met = {fault for stage in stages if isinstance(stage, Faults) for fault in stage.met}
        return tuple(f for f in self.faults if not isinstance(f, NodeFault) and f not in met)

    def send(
        self, source: str, target: str, data: bytes = b"", *, kind: str = "notice", stream: int = 1
    ) -> Send:
        """Gives a message its number and orders its sending now; without data its number is its data.

        LocalProtocolError if `source` has sent these data before: nothing could tell the two apart.
        """
        self._expect(source, target)
        line = source, target, stream
        number = self._numbers.get(line, 0) + 1
        command = Send(target, data or b"%d" % number, kind, stream, 0, number)
        self.command(source, command)
        self._numbers[line] = number
        return command

    def command(self, source: str, command: Any) -> None:
        """Gives a party's endpoint an order now: `Send`, `Broadcast`, or what the variant takes.

        LocalProtocolError if the endpoint refuses it, or has sent these data before; then it is not among
        `sent`, though invariants have heard of an order that the endpoint itself refused.
        """
        self._expect(source)
        targets = targets_of(command)
        for target in targets:
            self._check_data(source, target, command.data)
        for target in targets:
            self._note(source, target, command)
        try:
            with self._telling_the_seed():
                self.hosts[source].command(command)
        except LocalProtocolError:
            for target in targets:
                self.sent[source, target].remove(command.data)
            raise

    def at(self, time_s: float, act: Callable[[], Any]) -> None:
        """Has something done at a time that is still to come; LocalProtocolError for one that is over."""
        if not time_s >= self.now:
            raise LocalProtocolError(f"at {time_s} s: it is {self.now:g} s already")
        schedule(self.clock, time_s - self.clock.now, None, lambda _: act())

    def step(self) -> bool:
        """Jumps to the next instant at which something is due and does it all; False if nothing is."""
        if self.clock.peek() == inf:
            return False
        with self._telling_the_seed():
            self.clock.advance()
        return True

    def drive(self, max_steps: int = MAX_STEPS) -> None:
        """Goes on until nothing is due any more, and asks the invariants for what they say of the end.

        SimulationError after `max_steps`: a network that never falls silent is told, not waited for.
        """
        for _ in range(max_steps):
            if not self.step():
                break
        else:
            waiting = ", ".join(f"{host} at {host.endpoint.next_timer()}" for host in self.hosts.values())
            raise SimulationError(
                f"still busy after {max_steps} steps, at {self.now:g} s; next timers: {waiting}"
            )
        for watch in self._watches:
            watch.result(self.now, silent=True)

    # --- its own making -------------------------------------------------------------------------

    def _connect(self, stages: Sequence[StageSpec], routes: int) -> None:
        streams = Streams(self.seed, 0)
        self._ways = _ways(self.hosts, routes)
        for source, target in self._ways:
            route = build_route(source, target, [list(stages)], streams)
            self.hosts[party_of(source)].connect(route, self.hosts[party_of(target)])

    @contextmanager
    def _telling_the_seed(self) -> Iterator[None]:
        """What fails says with which seed and when; a broken promise tells its own time."""
        try:
            yield
        except SimulationError as error:
            where = f"seed {self.seed}, {self.now:g} s: "
            if type(error) is not SimulationError or str(error).startswith(where):  # one order within a step
                raise
            raise SimulationError(where + str(error)) from error

    def _expect(self, *parties: str) -> None:
        for party in parties:
            if party not in self.hosts:
                there = ", ".join(self.hosts)
                raise LocalProtocolError(f"there is no party {party!r}; there are {there}")

    # --- what is told ---------------------------------------------------------------------------

    def _check_data(self, source: str, target: str, data: Any) -> None:
        if type(data) is not bytes:
            raise LocalProtocolError(f"data are bytes, not {type(data).__name__}: {data!r}")
        if data in self.sent.get((source, target), ()):
            raise LocalProtocolError(f"{source} has sent {data!r} to {target} before; data must differ")

    def _note(self, source: str, target: str, command: Any) -> None:
        self.sent.setdefault((source, target), []).append(command.data)
        name, number = name_of(command.data), (command.stream, command.sequence)
        self._recorder.tell(Seal, self.now, source, target, command.kind, name, *number)

    def _heard(self, name: str, event: Any) -> None:
        self.events[name].append(event)
        if type(event) is Received:
            sender = party_of(event.peer)
            self.accepted.setdefault((sender, name), []).append(event.data)
            told = name, sender, "message", name_of(event.data), 0.0
            self._recorder.tell(Accept, self.now, *told)
        elif (said := _SAID.get(type(event))) is not None:
            number = [getattr(event, key, 0) for key in ("stream", "sequence", "attempts")]
            self._recorder.tell(Transport, self.now, name, event.peer, said, *number)


def _ways(parties: Iterable[str], routes: int) -> list[tuple[str, str]]:
    """Every way from a party to another, as a route names its two ends."""
    pairs = sorted(permutations(parties, 2))
    return [(way(source, n), way(target, n)) for source, target in pairs for n in range(routes)]


def _names(ways: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{source}>{target}" for source, target in ways]


def _naming(name: str, make: Make) -> Make:
    if not callable(make):
        said = "what makes an endpoint is called, such as partial(Mine, config)"
        raise LocalProtocolError(f"{name}: {said}; {make!r} cannot be")
    return lambda: named(make(), name)


def _schedule(faults: Iterable[Fault | Mapping[str, Any]] | str | bytes) -> tuple[Fault, ...]:
    """What was given, looked at as a file of it would be: what was made by hand may hold anything."""
    if isinstance(faults, str | bytes):
        return read_faults(faults)
    if isinstance(faults, Mapping):
        raise LocalProtocolError("faults is one fault; it is a list of them")
    return made_faults(faults)


class EndpointPair(EndpointNetwork):
    """Two endpoints, "a" and "b", made alike or each in its own way.

    `options` are those of an `EndpointNetwork`: stages, faults, invariants, observers, routes, seed,
    max_steps_at_once and max_sent.
    """

    def __init__(self, make: Make, make_b: Make | None = None, **options: Any) -> None:
        __tracebackhide__ = True
        super().__init__({"a": make, "b": make_b or make}, **options)
