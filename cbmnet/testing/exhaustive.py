"""Exhaustive search: every order, loss, copy and timeout within bounds, shortest counterexample first.

Breadth first over copies of endpoints. A state is what the endpoints and the invariants hold, what is under
way, and how much of each bound is left; states that are equal are looked at once. There is no channel and no
delay: whatever is under way may arrive next, or never. Time moves on only when a timer fires, the earliest
first. So what is found needs no lucky delay. An endpoint that forgets by the clock without a timer is looked
at only at the times of timers: such a protocol belongs into random schedules as well.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from cbmnet.drivers.queued import drained
from cbmnet.errors import LocalProtocolError, described
from cbmnet.protocols.endpoint import (
    Acknowledged,
    Endpoint,
    GaveUp,
    Received,
    named,
    party_of,
    route_of,
    way,
)
from cbmnet.records import Accept, Crash, Deliver, Duplicate, Seal, Transport
from cbmnet.records import Send as SendRecord
from cbmnet.simulation.invariant import INVARIANTS, chosen
from cbmnet.testing.freezing import copied
from cbmnet.testing.network import name_of, targets_of
from cbmnet.testing.search_state import Bounds, Flying, Held, State, Step

TOLD = (Accept, Crash, Deliver, Duplicate, Seal, SendRecord, Transport)
"""What invariants may want here; copies and crashes, which they ask of elsewhere, are never told."""
_SAID: dict[Any, str] = {Acknowledged: "acknowledged", GaveUp: "gave up"}


@dataclass(frozen=True)
class Counterexample:
    """The shortest way to a violation: each step in words, and what is wrong after the last."""

    steps: tuple[str, ...]
    failure: str

    def __str__(self) -> str:
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join([*lines, self.failure])


@dataclass(frozen=True)
class Searched:
    """How many states there were, whether all within the bounds were seen, and what was found."""

    states: int
    complete: bool
    counterexample: Counterexample | None

    def __str__(self) -> str:
        if self.counterexample is not None:
            return str(self.counterexample)
        if self.complete:
            return f"nothing found: all {self.states} states within the bounds were looked at"
        return (
            f"nothing found in {self.states} states, and not all were looked at: "
            "raise max_states, or lower drops, duplicates, timeouts or the number of messages"
        )


def search(
    makes: Mapping[str, Callable[[], Endpoint]],
    script: Sequence[tuple[str, Any]],
    *,
    invariants: Iterable[str | tuple[str, Any]] = ("at-most-once",),
    bounds: Bounds | None = None,
) -> Searched:
    """Looks at every state that the parties can come to with this script of (party, command).

    Commands are given in their order, at any time: `Send`, or whatever the endpoints take. An exception of an
    endpoint is a violation too.
    """
    watched = chosen(invariants, TOLD)
    watchers = tuple((name, INVARIANTS[name].make(config)) for name, config in watched)
    if wrong := [item for item in script if not (isinstance(item, tuple) and len(item) == 2)]:
        raise LocalProtocolError(f"the script has {wrong[0]!r}; it is a list of (party, command)")
    if unknown := sorted({party for party, _ in script} - set(makes)):
        raise LocalProtocolError(f"the script names {unknown[0]!r}; there are {', '.join(sorted(makes))}")
    if not isinstance(bounds := bounds or Bounds(), Bounds):
        raise LocalProtocolError(f"bounds is {bounds!r}; write bounds=Bounds(drops=1, ...)")
    endpoints = {name: Held.of(named(make(), name)) for name, make in sorted(makes.items())}
    first = State(endpoints, Held.of(watchers), bounds)
    limit = first.bounds.max_states
    seen, queue = {first.key()}, deque([first])
    if failure := _end(first, script):
        return Searched(1, False, Counterexample((), failure))
    while queue:
        state = queue.popleft()
        for following in _moves(state, script):
            # The end is asked now, as the step is: later, a longer way to a wrong step would come first.
            if failure := following.failure or _end(following, script):
                return Searched(len(seen), False, Counterexample(following.steps(), failure))
            key = following.key()
            if key not in seen:
                if len(seen) >= limit:
                    return Searched(len(seen), False, None)
                seen.add(key)
                queue.append(following)
    return Searched(len(seen), True, None)


def _end(state: State, script: Sequence[tuple[str, Any]]) -> str:
    """What the invariants say where nothing more can happen."""
    timers = [held.object.next_timer() for held in state.endpoints.values()]
    if state.flying or state.said < len(script) or any(due is not None for due in timers):
        return ""
    said = [(name, watcher.result(inf)) for name, watcher in state.watchers.object]
    return "; ".join(f"invariant {name}: at the end {text}" for name, text in said if text is not None)


# --- the moves ----------------------------------------------------------------------------------


def _moves(state: State, script: Sequence[tuple[str, Any]]) -> Iterator[State]:
    if state.said < len(script):
        party, command = script[state.said]
        told = replace(state, said=state.said + 1)
        yield _act(told, party, _ordering(party, command), command=command)
    yield from _arrivals(state)
    if state.bounds.timeouts:
        yield from _timeouts(state)


def _ordering(party: str, command: Any) -> str:
    return f"{party} sends {name_of(command.data)}" if targets_of(command) else f"{party} is told {command!r}"


def _arrivals(state: State) -> Iterator[State]:
    bounds, links = state.bounds, set()
    for number, flying in enumerate(state.flying):
        link = flying.source, flying.datagram.peer
        if not bounds.reorder and link in links:
            continue
        links.add(link)
        gone = replace(state, flying=state.flying[:number] + state.flying[number + 1 :])
        yield _act(gone, flying.datagram.peer, f"{flying} arrives", arriving=flying)
        if bounds.duplicates:
            left = replace(state, bounds=replace(bounds, duplicates=bounds.duplicates - 1))
            yield _act(left, flying.datagram.peer, f"{flying} arrives, and will again", arriving=flying)
        if bounds.drops:
            yield replace(
                gone,
                bounds=replace(bounds, drops=bounds.drops - 1),
                path=Step(f"{flying} is lost", gone.path),
            )


def _timeouts(state: State) -> Iterator[State]:
    due = {name: held.object.next_timer() for name, held in state.endpoints.items()}
    earliest = min((at for at in due.values() if at is not None), default=None)
    if earliest is None:
        return
    bounds = replace(state.bounds, timeouts=state.bounds.timeouts - 1)
    then = replace(state, now=max(state.now, earliest), bounds=bounds)
    for name in [name for name, at in due.items() if at == earliest]:
        yield _act(then, name, f"the timer of {name} fires", timer=True)


def _act(
    state: State, party: str, said: str, *, command: Any = None, arriving: Flying | None = None,
    timer: bool = False,
) -> State:  # fmt: skip
    """The state after one party did something: its endpoint and the invariants are copied first."""
    party, route = party_of(party), route_of(party)
    if party not in state.endpoints:
        there = ", ".join(state.endpoints)
        raise LocalProtocolError(f"{arriving}: no such party; there are {there}")
    endpoint, watchers = copied(state.endpoints[party].object), copied(state.watchers.object)
    telling = _Telling(watchers, party)
    try:
        if command is not None:
            telling.sealed(command)
            endpoint.command(command, state.now)
        elif arriving is not None:
            telling.arrived(arriving)
            endpoint.receive(arriving.datagram.data, way(arriving.source, route), state.now)
        elif timer:
            endpoint.handle_timer(state.now)
        outgoing, events = drained(endpoint, party, state.now)
        flying = [Flying(party, datagram) for datagram in outgoing]
        for event in events:
            telling.event(event)
        telling.sent(flying)
    except Exception as error:
        if command is not None and isinstance(error, LocalProtocolError):
            raise  # the script orders what cannot be; of its own accord an endpoint has no such excuse
        telling.failures.append(f"{party} failed: {described(error)}")
        flying = []
    return replace(
        state, endpoints={**state.endpoints, party: Held.of(endpoint)}, watchers=Held.of(watchers),
        flying=(*state.flying, *flying), failure="; ".join(telling.failures), path=Step(said, state.path),
    )  # fmt: skip


class _Telling:
    """Tells the invariants what a party did, at time 0: a search has no time that they could mean."""

    def __init__(self, watchers: tuple[tuple[str, Any], ...], party: str) -> None:
        self._watchers, self._party = watchers, party
        self.failures: list[str] = []

    def sealed(self, command: Any) -> None:
        for target in targets_of(command):
            said = command.kind, name_of(command.data), command.stream, command.sequence
            self._tell(Seal(0.0, 0, 0, self._party, target, *said))

    def sent(self, flying: Sequence[Flying]) -> None:
        for _, d in flying:
            self._tell(SendRecord(0.0, 0, 0, self._party, party_of(d.peer), d.kind, d.label))

    def arrived(self, flying: Flying) -> None:
        source, d = flying
        self._tell(Deliver(0.0, 0, 0, source, self._party, d.kind, d.label, False, False))

    def event(self, event: Any) -> None:
        if type(event) is Received:
            sender = party_of(event.peer)
            self._tell(Accept(0.0, 0, 0, self._party, sender, "message", name_of(event.data), 0.0))
        elif type(event) in _SAID:
            said, number = _SAID[type(event)], (event.stream, event.sequence, event.attempts)
            self._tell(Transport(0.0, 0, 0, self._party, event.peer, said, *number))

    def _tell(self, record: Any) -> None:
        for name, watcher in self._watchers:
            if type(record) in watcher.wants and (said := watcher.feed(record)) is not None:
                self.failures.append(f"invariant {name}: {said}")
