"""The exact filter against its own definition, evaluated the long way round."""

from math import log

import pytest

from cbmnet.measures import ActivityClass
from cbmnet.states.beliefs.independent import Independent, IndependentConfig
from cbmnet.states.evidence import World, notice_factor, seen_rate, silent_factor
from cbmnet.states.latency import Latency
from cbmnet.states.propagator import Propagator

DAY = 86400.0
KIND = ActivityClass("exercise", 0.2 / DAY)
WORLD = World(0.05 / (14 * DAY), 0.95 / (14 * DAY), {"exercise": KIND}, {"alarm": (0.4 / DAY, 1.4 / DAY)})
LATE = Latency([i * 60.0 for i in range(1, 1001)])


def rule(latency: Latency = LATE) -> Independent:
    return Independent(IndependentConfig(), WORLD, latency, 30 * DAY)


def by_hand(marks: list[tuple[float, tuple[float, float]]], now: float) -> float:
    """The definition: propagate, multiply, propagate, in order of time."""
    quiet = Propagator(WORLD.onset_per_s, WORLD.end_per_s, WORLD.marks_per_s())
    weights, at = (1 - WORLD.prior, WORLD.prior), 0.0
    for time, factor in sorted(marks):
        weights = quiet.after(weights, time - at)
        weights = (weights[0] * factor[0], weights[1] * factor[1])
        at = time
    weights = quiet.after(weights, now - at)
    return weights[1] / sum(weights)


def product(*factors: tuple[float, float]) -> tuple[float, float]:
    benign, attack = 1.0, 1.0
    for factor in factors:
        benign, attack = benign * factor[0], attack * factor[1]
    return benign, attack


def test_a_late_notice_changes_the_past_not_the_present() -> None:
    """With an alarm between the activity and its notice, the belief is what replaying all of it gives."""
    belief = rule()
    belief.activity(1, KIND, 1000.0, 0.9)
    belief.signal("alarm", 20_000.0)
    waiting = product(seen_rate(KIND), silent_factor(KIND, 0.9, LATE.arrived_by(29_000.0)))
    alarm = WORLD.signals["alarm"]
    assert belief.probability(30_000.0) == pytest.approx(
        by_hand([(1000.0, waiting), (20_000.0, alarm)], 30_000.0)
    )
    belief.notice(1, False, 31_000.0)
    settled = product(seen_rate(KIND), notice_factor(KIND, 0.9, False))
    assert belief.probability(40_000.0) == pytest.approx(
        by_hand([(1000.0, settled), (20_000.0, alarm)], 40_000.0)
    )


def test_a_notice_after_all_could_have_come_is_not_used() -> None:
    """Once F > .9999 the silence stands; a notice that comes still later moves nothing."""
    belief = rule()
    belief.activity(1, KIND, 1000.0, 0.9)
    before = belief.probability(200_000.0)
    belief.notice(1, False, 200_000.0)
    assert belief.probability(200_000.0) == before


def test_the_notice_of_an_unseen_activity_carries_no_weight() -> None:
    """A notice alone is talk."""
    belief = rule()
    before = belief.probability(5000.0)
    belief.notice(7, False, 5000.0)
    assert belief.probability(5000.0) == before


def test_the_order_of_asking_does_not_matter() -> None:
    """Asking often, which folds settled marks into the checkpoint, gives what asking once gives."""
    often, once = rule(), rule()
    for number in range(40):
        at = 3000.0 * (number + 1)
        for belief in (often, once):
            if number % 3 == 0:
                belief.activity(number, KIND, at, 0.9)
            elif number % 3 == 1:
                belief.notice(number - 1, number % 2 == 0, at)
            else:
                belief.signal("alarm", at)
        often.probability(at)
    assert often.probability(200_000.0) == pytest.approx(once.probability(200_000.0), rel=1e-9)


def test_silence_grows_with_time_and_trust() -> None:
    """While a notice is awaited its silence weighs more with F, and more the more the line is trusted."""

    def weight(delivery: float, now: float) -> float:
        odds = []
        for trust in (delivery, 0.0):
            belief = rule()
            belief.activity(1, KIND, 0.0, trust)
            p = belief.probability(now)
            odds.append(log(p / (1 - p)))
        return odds[0] - odds[1]

    growing = [weight(0.95, now) for now in (0.0, 15_000.0, 30_000.0, 50_000.0)]
    assert growing[0] == 0.0
    assert growing == sorted(growing)
    assert weight(0.95, 60_000.0) > weight(0.5, 60_000.0) > weight(0.0, 60_000.0) == 0.0


def test_tempering_scales_all_evidence() -> None:
    """With w = 0 nothing moves the belief from its prior, alarms and quiet included."""
    belief = Independent(IndependentConfig(tempering=0.0), WORLD, LATE, 30 * DAY)
    belief.signal("alarm", 100.0)
    belief.activity(1, KIND, 200.0, 0.9)
    assert belief.probability(50_000.0) == pytest.approx(WORLD.prior, rel=1e-9)


def test_an_alarm_weighs_what_its_rates_say() -> None:
    """One alarm adds ln(1.4 / .4) to the log-odds, whatever came before."""
    belief = rule()
    before = belief.probability(10.0)
    belief.signal("alarm", 10.0)
    after = belief.probability(10.0)
    assert log(after / (1 - after)) - log(before / (1 - before)) == pytest.approx(log(1.4 / 0.4))


def test_a_notice_that_came_before_the_sighting_counts() -> None:
    """With a lead longer than all latencies the notice is known when the activity is seen, and settles it."""
    early = ActivityClass("launch", 0.2 / DAY, lead_s=200_000.0)
    told, silent = rule(), rule()
    for belief in (told, silent):
        belief.activity(1, early, 250_000.0, 0.9)
    told.notice(1, False, 51_000.0)
    assert told.probability(250_000.0) < silent.probability(250_000.0) / 10


def test_word_of_an_activity_belongs_to_its_start_however_often_one_asks() -> None:
    """A bulletin that comes within the time it may take is placed at its activity; asking moves nothing."""
    late = World(WORLD.onset_per_s, WORLD.end_per_s, WORLD.classes, WORLD.signals, word_s=40 * 3600.0)
    often = Independent(IndependentConfig(), late, LATE, 30 * DAY)
    once = Independent(IndependentConfig(), late, LATE, 30 * DAY)
    for belief in (often, once):
        belief.activity(1, KIND, 1000.0, 0.9)
        belief.notice(1, False, 2000.0)
        belief.signal("alarm", 60_000.0)
    for hour in range(30):
        often.probability(60_000.0 + 1800.0 * hour)
    for belief in (often, once):
        belief.experiment((0.06, 0.8), 1000.0, 130_000.0)
    settled = product(seen_rate(KIND), notice_factor(KIND, 0.9, False))
    marks = [(1000.0, settled), (1000.0, (0.06, 0.8)), (60_000.0, WORLD.signals["alarm"])]
    assert often.probability(130_000.0) == pytest.approx(by_hand(marks, 130_000.0))
    assert often.probability(130_000.0) == pytest.approx(once.probability(130_000.0), rel=1e-12)


@pytest.mark.parametrize("delay_s", [0.7, 90.1, 1200.0, 4321.7])
def test_a_notice_at_the_last_possible_moment_counts(delay_s: float) -> None:
    """With a fixed delay the notice comes as the waiting time ends; rounding must not make it late."""
    for number in range(50):
        start_s = 1000.1 * (number + 1)
        arrived_s = (start_s + delay_s) + delay_s
        told, untold = rule(Latency([delay_s + delay_s])), rule(Latency([delay_s + delay_s]))
        for belief in (told, untold):
            belief.activity(1, KIND, start_s, 1.0)
        told.notice(1, False, arrived_s)
        assert told.probability(arrived_s + 1.0) < untold.probability(arrived_s + 1.0) / 10
