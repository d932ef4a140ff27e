"""The clock: SimPy's events and our own in one order, at the times asked for."""

import pytest

from cbmnet.drivers.clock import LAST, Call, Clock, schedule


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
    schedule(clock, 0.2, None, lambda _: clock.at(0.9, Call((lambda _: seen.append(clock.now),))))
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
