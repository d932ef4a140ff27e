"""Virtual time: SimPy's environment, with calls at absolute times.

SimPy schedules by delay, so a time asked for may come a rounding away; `Clock.at` takes the time itself.
It puts the entry where `Environment.schedule` would, with the least work, since the speed of a run
depends on it: an event here is any object with `callbacks` and `_ok`, which is all that SimPy's loop asks.
"""

from array import array
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from itertools import repeat
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
        self._steps = 0  # events at the present instant
        self._runs: list[_Run] = []
        self._room = MAX_IN_HEAP

    def at(self, at_s: float, event: Any, priority: int = NORMAL) -> None:
        """Has the event's callbacks called at this time, not before now."""
        queue: list[tuple[float, int, int, Any]] = self._queue  # type: ignore[assignment]
        heappush(queue, (at_s, priority, next(self._eid), event))
        if len(queue) > self._room:
            self._make_room(queue)

    def step(self) -> None:
        """Processes our own events that are due before any of SimPy's, then one of SimPy's.

        Ours cannot fail and have their callbacks in a tuple, where SimPy's have a list.
        """
        queue: list[tuple[float, int, int, Any]] = self._queue  # type: ignore[assignment]
        while queue and type(callbacks := (event := queue[0][3]).callbacks) is tuple:
            at_s = heappop(queue)[0]
            if at_s != self._now:
                self._now, self._steps = at_s, 0
            else:
                self._count(callbacks)
            for callback in callbacks:
                callback(event)
        self._step_theirs(queue)

    def _step_theirs(self, queue: list[tuple[float, int, int, Any]]) -> None:
        """One event of SimPy's, counted as ours are."""
        if queue and queue[0][0] == self._now:
            self._count(queue[0][3].callbacks)
        else:
            self._steps = 0
        super().step()

    def advance(self) -> None:
        """Processes all that is due at the next instant and nothing later; EmptySchedule if nothing is."""
        queue: list[tuple[float, int, int, Any]] = self._queue  # type: ignore[assignment]
        at_s = self.peek()
        while True:
            if queue and type(callbacks := queue[0][3].callbacks) is tuple:
                event = heappop(queue)[3]  # as in `step`, but one by one
                self._now, self._steps = at_s, self._steps + 1 if at_s == self._now else 0
                if self._steps > self.max_steps_at_once:
                    self._count(callbacks)
                for callback in callbacks:
                    callback(event)
            else:
                self._step_theirs(queue)
            if self.peek() != at_s:
                return

    def pending(self, kind: type) -> list[Any]:
        """The events of this kind that are still to come, in no order: flights under way, for example."""
        waiting = [event for *_, event in self._queue]
        for run in self._runs:
            waiting += run.ahead
        return [event for event in waiting if type(event) is kind]

    def _make_room(self, queue: list[tuple[float, int, int, Any]]) -> None:
        """Sorts our events out of the heap into a run, of which only the earliest is left there."""
        ours = [e for e in queue if type(e[3].callbacks) is tuple and type(e[3]) is not _Run]
        queue[:] = [e for e in queue if type(e[3].callbacks) is not tuple or type(e[3]) is _Run]
        heapify(queue)
        if ours:
            ours.sort()
            run = _Run(queue, ours)
            self._runs = [run, *(run for run in self._runs if len(run))]
        if (waiting := len(queue) + sum(len(run) for run in self._runs)) > self.max_waiting:
            raise SimulationError(
                f"{waiting} events wait at {self._now} s: endpoints that double what they send?"
            )
        self._room = len(queue) + max(MAX_IN_HEAP, len(queue))

    def _count(self, callbacks: Any) -> None:
        self._steps += 1
        if self._steps > self.max_steps_at_once:
            last = next((str(getattr(call, "__self__", call)) for call in callbacks or ()), "nobody's")
            raise SimulationError(
                f"{last}: more than {self.max_steps_at_once} steps at {self._now} s without time going on"
            )


class _Run:
    """Many events in order; it stands in the heap at the time and in the place of the earliest still to come.

    A heap of a million entries costs a miss of the cache on each of twenty levels. One of some thousand, with
    the heads of the runs among them, gives the same order: that of (time, priority, number of the event).
    Times and the rest are kept as plain numbers, and events in a tuple, which Python's collector leaves alone
    where it would go through a list of flights again and again. What has come stays until its run ends.
    """

    __slots__ = ("_coming", "_entries", "_events", "_queue", "callbacks")
    _ok = True

    def __init__(self, queue: list[tuple[float, int, int, Any]], entries: list[Any]) -> None:
        times_s, priorities, numbers, self._events = zip(*entries, strict=True)
        self._coming = iter(self._events)
        self._entries: Iterator[tuple[float, int, int, Any]] = zip(
            array("d", times_s), bytes(priorities), array("q", numbers), repeat(self), strict=False
        )
        self._queue, self.callbacks = queue, (self._go_on,)
        heappush(queue, next(self._entries))

    def __str__(self) -> str:
        calls = self.ahead[0].callbacks
        return ", ".join(str(getattr(call, "__self__", call)) for call in calls)

    def __len__(self) -> int:
        return length_hint(self._coming)

    @property
    def ahead(self) -> tuple[Any, ...]:
        """The events still to come."""
        return self._events[len(self._events) - len(self) :]

    def _go_on(self, _: Any) -> None:
        event, entry = next(self._coming), next(self._entries, None)
        if entry is not None:
            heappush(self._queue, entry)
        else:
            self._events, self._coming, self._entries = (), iter(()), iter(())  # lets go of all that has come
        for callback in event.callbacks:
            callback(event)


class Call(Struct, eq=False):
    """An event that calls functions, with itself as the argument; it costs a fifth of a Timeout."""

    callbacks: Any  # the loop takes them away when it processes the event
    value: Any = None
    _ok = True  # what the loop asks of an event that did not fail


def schedule(
    clock: Clock, delay_s: float, value: Any, function: Callable[[Any], None], priority: int = NORMAL
) -> None:
    """Calls `function` with an event of this value after the delay."""
    clock.at(clock.now + delay_s, Call((function,), value), priority)
