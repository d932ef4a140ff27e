"""The clock: SimPy's events and our own in one order, at the times asked for."""

from random import Random
from sys import getrefcount
from typing import Any

import pytest
from simpy.events import NORMAL

from cbmnet.drivers.clock import LAST, MAX_IN_HEAP, Call, Clock, _Run, schedule, withdrawn
from cbmnet.errors import SimulationError


def test_events_of_both_kinds_come_in_one_order() -> None:
    """By time, then priority, then the order in which they were scheduled, whoever's they are."""
    clock, seen = Clock(), []

    def process() -> object:
        yield clock.timeout(1.0)
        seen.append("process")

    schedule(clock, 1.0, "last", lambda event: seen.append(event.value), LAST)
    clock.process(process())
    schedule(clock, 1.0, "first", lambda event: seen.append(event.value))
    clock.timeout(1.0, "second").callbacks.append(lambda event: seen.append(event.value))
    schedule(clock, 1.0, "third", lambda event: seen.append(event.value))
    schedule(clock, 0.5, "early", lambda event: seen.append(event.value))
    clock.run()
    # The process asks for its timeout only once it has started, after all of this was scheduled.
    assert seen == ["early", "first", "second", "third", "process", "last"]


def test_a_time_asked_for_is_the_time_given() -> None:
    """No rounding comes between: 0.2 + (0.9 - 0.2) would not be 0.9."""
    clock, seen = Clock(), []
    schedule(clock, 0.2, None, lambda _: clock.at(0.9, Call(lambda _: seen.append(clock.now))))
    clock.run()
    assert seen == [0.9]
    assert 0.2 + (0.9 - 0.2) != 0.9


def test_a_run_stops_where_it_is_told_to() -> None:
    """What is due at or after the end is left for the next run; nothing is lost between two runs."""
    clock, seen = Clock(), []
    for at_s in (1.0, 2.0, 3.0):
        schedule(clock, at_s, at_s, lambda event: seen.append((event.value, clock.now)))
    clock.run(until=2.0)
    assert seen == [(1.0, 1.0)]
    assert clock.now == 2.0
    clock.run()
    assert seen == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


def test_an_error_in_a_call_comes_out_of_the_run() -> None:
    """It is neither swallowed nor wrapped."""
    clock = Clock()
    schedule(clock, 1.0, None, lambda _: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        clock.run()


@pytest.mark.parametrize("count", [100, 3 * MAX_IN_HEAP, 10 * MAX_IN_HEAP])
def test_many_events_ahead_keep_their_order(count: int) -> None:
    """Many events leave the heap for sorted runs, and still come by time, priority and order of asking.

    Among them are SimPy's own, equal times, a wake-up that was withdrawn, and events asked for on the way.
    """
    clock, draw = Clock(), Random(1).randrange
    asked: list[tuple[float, int, int]] = []
    seen: list[tuple[float, int, int]] = []

    def ask(at_s: float, priority: int) -> Call:
        key = (at_s, priority, len(asked))
        asked.append(key)
        event = Call(see, key)
        clock.at(at_s, event, priority)
        return event

    def see(event: Call) -> None:
        seen.append(event.value)
        if event.value[2] % 3 == 0 and len(asked) < 2 * count:
            ask(clock.now + 1 + draw(50), NORMAL)

    for number in range(count):
        event = ask(float(draw(100)), (NORMAL, LAST)[number % 7 == 0])
        if number % 11 == 0:
            event.call = withdrawn
            asked[-1] = (-1.0, 0, 0)
        if number % 100 == 0:
            key = (float(draw(100)), NORMAL, len(asked))
            asked.append(key)
            clock.timeout(key[0], key).callbacks.append(lambda event: seen.append(event.value))
    assert len(clock.pending(Call)) == count
    assert len(clock._ours) <= 2 * MAX_IN_HEAP
    clock.run()
    assert seen == sorted(key for key in asked if key[0] >= 0.0)
    assert clock.pending(Call) == []


def test_a_run_that_stops_among_sorted_events_goes_on_where_it_stopped() -> None:
    """At, before and after a stop nothing is lost; `advance` takes one instant and no more."""
    clock, seen = Clock(), []
    for number in range(2 * MAX_IN_HEAP + 10):
        schedule(clock, float(number // 2), number, lambda event: seen.append(event.value))
    clock.run(until=5)
    assert seen == list(range(10))
    clock.advance()
    assert seen == list(range(12))
    assert len(clock.pending(Call)) == 2 * MAX_IN_HEAP - 2
    clock.run()
    assert seen == list(range(2 * MAX_IN_HEAP + 10))


def test_who_spins_is_named_also_out_of_a_run() -> None:
    """The party whose event it is, not the run that held it."""

    class Party:
        def __str__(self) -> str:
            return "norway (a variant)"

        def act(self, _: Call) -> None:
            clock.at(clock.now, Call(self.act))

    clock = Clock(max_steps_at_once=MAX_IN_HEAP * 2)
    party = Party()
    for _ in range(MAX_IN_HEAP * 2 + 10):
        clock.at(1.0, Call(party.act))
    with pytest.raises(SimulationError, match=r"norway \(a variant\): more than"):
        clock.run()


def test_processes_that_go_on_in_time_are_no_spin() -> None:
    """A limit of steps at one instant is no limit of a run, with events of SimPy's alone too."""
    clock = Clock(max_steps_at_once=100)

    def process() -> object:
        for _ in range(200):
            yield clock.timeout(1.0)

    for _ in range(3):
        clock.process(process())
    clock.run()
    assert clock.now == 200.0


def test_a_process_that_spins_is_stopped_in_both_ways_of_running() -> None:
    """By `run` and by `advance`."""

    def spin(clock: Clock) -> object:
        while True:
            yield clock.timeout(0.0)

    for advance in (False, True):
        clock = Clock(max_steps_at_once=100)
        clock.process(spin(clock))
        with pytest.raises(SimulationError, match="more than 100 steps at 0"):
            clock.advance() if advance else clock.run()


def test_a_run_that_is_over_holds_no_event() -> None:
    """What has come is let go at the latest when the last of its run has."""
    clock, event = Clock(), Call(lambda _: None)
    held_by_us = getrefcount(event)
    clock.at(0.5, event)
    for number in range(MAX_IN_HEAP):
        schedule(clock, 1.0, number, lambda _: None)
    clock.run(until=0.75)
    assert getrefcount(event) > held_by_us
    clock.run()
    assert getrefcount(event) == held_by_us


class Named:
    """Somebody whose calls are scheduled."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def called(self, _: Any) -> None:
        """Nothing."""


def test_sorted_events_are_called_after_whoever_is_next() -> None:
    """What an error about too many steps at once names is who spins, not who came first."""
    queue: list[Any] = []
    run = _Run(queue, [(float(n), 1, n, Call(Named(name).called)) for n, name in enumerate("abc")])
    for name in "abc":
        assert str(run) == name
        assert queue.pop()[3] is run
        run._go_on(None)
    assert queue == []


def test_what_doubles_without_end_is_stopped() -> None:
    """Each event brings two, a second later: an error long before the memory is full."""
    env = Clock()
    env.max_waiting = 20_000

    def twice(_: Any) -> None:
        schedule(env, 1.0, None, twice)
        schedule(env, 1.0, None, twice)

    twice(None)
    with pytest.raises(SimulationError, match=r"events wait at 1\d.0 s: endpoints that double"):
        env.run(until=100.0)


@pytest.mark.parametrize("at_s", [0.0, 3.5])
def test_as_many_steps_at_once_as_are_allowed_pass_and_one_more_does_not(at_s: float) -> None:
    """The first event of an instant counts like the others, and each instant is counted anew."""
    for count in (10, 11):
        clock, seen = Clock(max_steps_at_once=10), []
        for number in range(count):
            clock.at(at_s, Call(seen.append, number))
        for number in range(10):
            clock.at(5.0, Call(seen.append, number))
        if count == 10:
            clock.run()
            assert len(seen) == 20
        else:
            with pytest.raises(SimulationError, match="more than 10 steps at"):
                clock.run()
