"""Virtual time: SimPy's environment, with calls at absolute times.

SimPy schedules by delay, so a time asked for may come a rounding away; `Clock.at` takes the time itself.
Our own events stand in a heap beside SimPy's, numbered by the same counter, so that both come in one order:
by time, priority and number. An event of ours is any object with a `call`, which is called with the event.
The speed of a run depends on this loop: what it asks of an event is written for the fewest steps.
"""

from array import array
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from itertools import repeat
from math import inf
from operator import length_hint
from typing import Any

from msgspec import Struct
from simpy import Environment
from simpy.events import NORMAL

from cbmnet.drivers import MAX_STEPS_AT_ONCE
from cbmnet.errors import SimulationError

LAST = 2  # after everything else of the same time: SimPy's own priorities are 0 and 1
MAX_IN_HEAP = 4096
MAX_WAITING = 10_000_000
"""So many events may wait at once: ten times a full mesh of a thousand, and some gigabytes."""


class Clock(Environment):
    """An environment that SimPy's processes and our own events share.

    More than `max_steps_at_once` events at one instant are a SimulationError: something spins. So are more
    than `max_waiting` that are still to come: something doubles.
    """

    def __init__(self, max_steps_at_once: int = MAX_STEPS_AT_ONCE) -> None:
        super().__init__()
        self.max_steps_at_once, self.max_waiting = max_steps_at_once, MAX_WAITING
        self._steps, self._counted_s = -1, self._now  # after the first of an instant; which
        self._ours: list[tuple[float, int, int, Any]] = []
        self._runs: list[_Run] = []
        self._room = MAX_IN_HEAP

    def at(self, at_s: float, event: Any, priority: int = NORMAL) -> None:
        """Has the event called at this time, not before now."""
        ours = self._ours
        heappush(ours, (at_s, priority, next(self._eid), event))
        if len(ours) > self._room:
            self._make_room(ours)

    def peek(self) -> float:
        """The time of the next event, infinite if there is none."""
        return min(self._ours[0][0] if self._ours else inf, super().peek())

    def step(self) -> None:
        """Processes our own events that are due before any of SimPy's, then one of SimPy's."""
        ours, theirs = self._ours, self._queue
        while ours and not (theirs and theirs[0] < ours[0]):
            at_s, _, _, event = heappop(ours)
            if at_s != self._now:
                self._now = at_s
            else:
                self._count(event)
            event.call(event)
        self._step_theirs()

    def _step_theirs(self) -> None:
        """One event of SimPy's, counted as ours are."""
        if self._queue and self._queue[0][0] == self._now:
            self._count(self._queue[0][3])
        super().step()

    def advance(self) -> None:
        """Processes all that is due at the next instant and nothing later; EmptySchedule if nothing is."""
        ours, theirs = self._ours, self._queue
        at_s = self.peek()
        while True:
            if ours and not (theirs and theirs[0] < ours[0]):
                event = heappop(ours)[3]  # as in `step`, but one by one
                if at_s != self._now:
                    self._now = at_s
                else:
                    self._count(event)
                event.call(event)
            else:
                self._step_theirs()
            if self.peek() != at_s:
                return

    def pending(self, kind: type) -> list[Any]:
        """The events of this kind that are still to come, in no order: flights under way, for example."""
        waiting = [event for *_, event in self._ours]
        for run in self._runs:
            waiting += run.ahead
        return [event for event in waiting if type(event) is kind]

    def _make_room(self, heap: list[tuple[float, int, int, Any]]) -> None:
        """Sorts the events out of our heap into a run, of which only the earliest is left there."""
        entries = sorted(entry for entry in heap if type(entry[3]) is not _Run)
        heap[:] = [entry for entry in heap if type(entry[3]) is _Run]
        heapify(heap)
        if entries:
            run = _Run(heap, entries)
            self._runs = [run, *(run for run in self._runs if len(run))]
        if (waiting := len(heap) + sum(len(run) for run in self._runs)) > self.max_waiting:
            raise SimulationError(
                f"{waiting} events wait at {self._now} s: endpoints that double what they send?"
            )
        self._room = len(heap) + max(MAX_IN_HEAP, len(heap))

    def _count(self, event: Any) -> None:
        """One more at the present instant."""
        if self._counted_s != self._now:
            self._counted_s, self._steps = self._now, 0
        self._steps += 1
        if self._steps >= self.max_steps_at_once:
            most, who = self.max_steps_at_once, _whose(event)
            raise SimulationError(f"{who}: more than {most} steps at {self._now} s without time going on")


def _whose(event: Any) -> str:
    """Whom an event calls, for people; nobody where it is SimPy's and calls nothing."""
    calls = (event.call,) if hasattr(event, "call") else event.callbacks or ()
    return next((str(getattr(call, "__self__", call)) for call in calls), "nobody's")


class _Run:
    """Many events in order; it stands in the heap at the time and in the place of the earliest still to come.

    A heap of a million entries costs a miss of the cache on each of twenty levels. One of some thousand, with
    the heads of the runs among them, gives the same order: that of (time, priority, number of the event).
    Times and the rest are kept as plain numbers, and events in a tuple, which Python's collector leaves alone
    where it would go through a list of flights again and again. What has come stays until its run ends.
    """

    __slots__ = ("_coming", "_entries", "_events", "_heap", "call")

    def __init__(self, heap: list[tuple[float, int, int, Any]], entries: list[Any]) -> None:
        times_s, priorities, numbers, self._events = zip(*entries, strict=True)
        self._coming = iter(self._events)
        self._entries: Iterator[tuple[float, int, int, Any]] = zip(
            array("d", times_s), bytes(priorities), array("q", numbers), repeat(self), strict=False
        )
        self._heap, self.call = heap, self._go_on
        heappush(heap, next(self._entries))

    def __str__(self) -> str:
        return _whose(self.ahead[0])

    def __len__(self) -> int:
        return length_hint(self._coming)

    @property
    def ahead(self) -> tuple[Any, ...]:
        """The events still to come."""
        return self._events[len(self._events) - len(self) :]

    def _go_on(self, _: Any) -> None:
        event, entry = next(self._coming), next(self._entries, None)
        if entry is not None:
            heappush(self._heap, entry)
        else:
            self._events, self._coming, self._entries = (), iter(()), iter(())  # lets go of all that has come
        event.call(event)


class Call(Struct, eq=False):
    """An event that calls a function, with itself as the argument; it costs a fifth of a Timeout."""

    call: Callable[[Any], None]
    value: Any = None


def withdrawn(_: Any) -> None:
    """What an event calls that is no longer wanted: nothing, for no event can be taken out of a heap."""


def schedule(
    clock: Clock, delay_s: float, value: Any, function: Callable[[Any], None], priority: int = NORMAL
) -> None:
    """Calls `function` with an event of this value after the delay."""
    clock.at(clock.now + delay_s, Call(function, value), priority)
