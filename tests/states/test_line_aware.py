"""The joint filter over intent and line: against its definition, and in the limits where it is known."""

from collections.abc import Iterator, Sequence
from math import exp, log
from random import Random
from typing import Any

import pytest

from cbmnet.measures import ActivityClass
from cbmnet.states.beliefs.independent import Independent, IndependentConfig
from cbmnet.states.beliefs.line_aware import LineAware, LineAwareConfig
from cbmnet.states.evidence import World, notice_factor, seen_rate, silent_factor
from cbmnet.states.latency import Latency

DAY = 86400.0
KIND = ActivityClass("exercise", 0.2 / DAY)
WORLD = World(0.05 / (14 * DAY), 0.95 / (14 * DAY), {"exercise": KIND}, {"alarm": (0.4 / DAY, 1.4 / DAY)})
LATE = Latency([i * 60.0 for i in range(1, 1001)])
LINE = LineAwareConfig(mtbf_s=45 * DAY, mttr_s=5 * DAY)  # up nine tenths of the time
HONEST, DECEPTIVE = 0.98, 0.2

Marks = Sequence[tuple[float, Sequence[float]]]


def rule(line: LineAwareConfig = LINE, latency: Latency = LATE, world: World = WORLD) -> LineAware:
    return LineAware(line, world, latency, 30 * DAY)


def by_hand(marks: Marks, now: float, line: LineAwareConfig = LINE, world: World = WORLD) -> float:
    """The definition, with SciPy's exponential of the whole 4 x 4 generator.

    The states are benign up, benign down, attack up, attack down.
    """
    import numpy as np
    from scipy.linalg import expm

    onset, end, rates = world.onset_per_s, world.end_per_s, world.marks_per_s()
    fails, mends = 1 / line.mtbf_s, 1 / line.mttr_s
    generator = np.array([
        [-fails - onset - rates[0], mends, end, 0.0],
        [fails, -mends - onset - rates[0], 0.0, end],
        [onset, 0.0, -fails - end - rates[1], mends],
        [0.0, onset, fails, -mends - end - rates[1]],
    ])  # fmt: skip
    up, prior = line.availability, world.prior
    weights = np.kron([1 - prior, prior], [up, 1 - up])
    at = 0.0
    for time, factor in [*sorted(marks, key=lambda mark: mark[0]), (now, (1.0,) * 4)]:
        weights = expm(generator * (time - at)) @ weights * np.array(factor)
        weights, at = weights / weights.sum(), time
    return float(weights[2] + weights[3])


def silent(delivery_up: float, arrived: float, kind: ActivityClass = KIND) -> tuple[float, ...]:
    """Seen, and no notice: it weighs only where the line was up."""
    rate, factor = seen_rate(kind), silent_factor(kind, delivery_up, arrived)
    return rate[0] * factor[0], rate[0], rate[1] * factor[1], rate[1]


def told(delivery_up: float, contradicted: bool = False) -> tuple[float, ...]:
    """Seen, and a notice arrived: the line was up."""
    rate, factor = seen_rate(KIND), notice_factor(KIND, delivery_up, contradicted)
    return rate[0] * factor[0], 0.0, rate[1] * factor[1], 0.0


def test_a_history_gives_what_the_whole_generator_gives() -> None:
    """Notices, silences, an alarm, a late and an awaited notice: the belief is the definition's, to 1e-12."""
    alarm = WORLD.signals["alarm"]
    belief, up = rule(), 0.8 / 0.9
    for key, day in enumerate((1.0, 2.0, 4.0, 4.5, 11.0001, 11.3001)):
        belief.activity(key, KIND, day * DAY, 0.8)
    belief.notice(0, False, 1.1 * DAY)
    belief.signal("alarm", 3.0 * DAY)
    belief.notice(3, True, 4.9 * DAY)  # the second of two that overlap, late
    both = (alarm[0], alarm[0], alarm[1], alarm[1])
    marks = [
        (1.0 * DAY, told(up)), (2.0 * DAY, silent(up, 1.0)), (3.0 * DAY, both), (4.0 * DAY, silent(up, 1.0)),
        (4.5 * DAY, told(up, contradicted=True)), (11.0001 * DAY, silent(up, LATE.arrived_by(0.3999 * DAY))),
        (11.3001 * DAY, silent(up, LATE.arrived_by(0.0999 * DAY))),
    ]  # fmt: skip
    assert belief.probability(11.4 * DAY) == pytest.approx(by_hand(marks, 11.4 * DAY), abs=1e-12, rel=1e-12)


@pytest.mark.parametrize("quiet_s", [1.0, 3600.0, DAY, 60 * DAY])
@pytest.mark.parametrize("onset_days", [14 / 0.05, 1e9])
@pytest.mark.parametrize(("mtbf", "mttr"), [(45 * DAY, 5 * DAY), (600.0, 60.0), (DAY, 400 * DAY)])
def test_quiet_is_the_exponential_of_the_whole(
    quiet_s: float, onset_days: float, mtbf: float, mttr: float
) -> None:
    """The product of two closed 2 x 2 forms is SciPy's 4 x 4 exponential, to 1e-12, however long it lasts."""
    world = World(1 / (onset_days * DAY), 0.07 / DAY, WORLD.classes, WORLD.signals)
    line = LineAwareConfig(mtbf, mttr)
    belief = rule(line, Latency([0.0]), world)
    belief.activity(1, KIND, 10.0, line.availability)
    belief.activity(2, KIND, 10.0 + quiet_s, line.availability)
    marks = [(10.0, silent(1.0, 1.0)), (10.0 + quiet_s, silent(1.0, 1.0))]
    now = 10.0 + 2 * quiet_s
    assert belief.probability(now) == pytest.approx(by_hand(marks, now, line, world), abs=1e-12, rel=1e-10)


def histories() -> Iterator[tuple[Any, ...]]:
    """40 days of calls in the order of time: activities, most with a notice, some late, and alarms."""
    draw = Random(4)
    calls: list[tuple[Any, ...]] = []
    for key in range(60):
        at = draw.uniform(0.0, 40 * DAY)
        calls.append((at, "activity", key, KIND, at, draw.uniform(0.3, 0.9)))
        if draw.random() < 0.7:
            late = at + draw.uniform(0.0, 59_000.0)
            calls.append((late, "notice", key, draw.random() < 0.2, late))
        alarm = draw.uniform(0.0, 40 * DAY)
        calls.append((alarm, "signal", "alarm", alarm))
    return iter(sorted(calls, key=lambda call: call[0]))


@pytest.mark.parametrize(
    "line",
    [
        LineAwareConfig(45 * DAY, 0.0),
        LineAwareConfig(45 * DAY, 1e-7),
        LineAwareConfig(9e-6, 1e-6),
    ],
    ids=["never down", "mended at once", "without memory"],
)
def test_a_line_without_outages_or_memory_is_judged_as_independent(line: LineAwareConfig) -> None:
    """As the repair time or the line's memory goes to 0, the beliefs are those of `independent`, to 1e-12."""
    aware, independent = rule(line), Independent(IndependentConfig(), WORLD, LATE, 30 * DAY)
    for at, call, *arguments in histories():
        for belief in (aware, independent):
            getattr(belief, call)(*arguments)
        assert aware.probability(at) == pytest.approx(independent.probability(at), abs=1e-12, rel=1e-11)


def nats(*seen: tuple[float, bool], line: LineAwareConfig = LINE, q: float = 0.9) -> float:
    """Nats added by activities seen on a day, announced or not, while intent never moves.

    At rho 1 and without alarms neither the activities nor the quiet between them are evidence.
    """
    kind = ActivityClass("exercise", 0.2 / DAY, rho=1.0, contradiction_prob=(0.0, 0.0))
    belief = rule(line, Latency([0.0]), World(1e-25, 1e-24, {"exercise": kind}, {}))
    before = belief.probability(0.0)
    for key, (day, announced) in enumerate(seen):
        belief.activity(key, kind, day * DAY, q)
        if announced:
            belief.notice(key, False, day * DAY)
    after = belief.probability(seen[-1][0] * DAY)
    return log(after / (1 - after)) - log(before / (1 - before))


def silences(*days: float, line: LineAwareConfig = LINE, q: float = 0.9) -> float:
    """Nats added by unannounced activities."""
    return nats(*((day, False) for day in days), line=line, q=q)


def test_one_silence_weighs_as_under_independent_loss() -> None:
    """ln[(1 - d q) / (1 - h q)]: before anything is known of the line only the mean counts."""
    assert silences(0.0) == pytest.approx(log((1 - DECEPTIVE * 0.9) / (1 - HONEST * 0.9)), abs=1e-12)
    half = silences(0.0, line=LineAwareConfig(DAY, DAY), q=0.4)
    assert half == pytest.approx(log((1 - DECEPTIVE * 0.4) / (1 - HONEST * 0.4)), abs=1e-12)


def test_two_silences_at_once_weigh_less_than_one() -> None:
    """Both in one outage: ln[(A (1 - d)^2 + 1 - A) / (A (1 - h)^2 + 1 - A)] = 1.907, and one alone 1.939."""
    together = log((0.9 * 0.8**2 + 0.1) / (0.9 * 0.02**2 + 0.1))
    assert silences(0.0, 0.0) == pytest.approx(together, abs=1e-12)
    assert silences(0.0, 0.0) < silences(0.0) < 2.0


def test_silences_add_up_as_the_line_forgets() -> None:
    """A gap of 3 d gives the weight found by summing over the line at both times; 1,000 d give the sum."""
    kept = exp(-3 * (1 / 45 + 1 / 5))
    both_up, one_up, none_up = 0.9 * (0.9 + 0.1 * kept), 0.09 * (1 - kept), 0.1 * (0.1 + 0.9 * kept)

    def both_silent(notice_prob: float) -> float:
        quiet = 1 - notice_prob
        return both_up * quiet**2 + 2 * one_up * quiet + none_up

    exact = log(both_silent(DECEPTIVE) / both_silent(HONEST))
    assert silences(0.0, 3.0) == pytest.approx(exact, abs=1e-12)
    assert silences(0.0, 0.0) < silences(0.0, 3.0) < silences(0.0, 20.0) < silences(0.0, 1000.0)
    assert silences(0.0, 1000.0) == pytest.approx(2 * silences(0.0), abs=1e-12)


def test_a_notice_in_between_restores_the_weight() -> None:
    """It says that the line was up: both silences then weigh 3.69 nats each, as on a line without loss."""
    full = log((1 - DECEPTIVE) / (1 - HONEST))
    calming = log(DECEPTIVE / HONEST)
    at_once = nats((0.0, False), (0.0, True), (0.0, False))
    assert at_once == pytest.approx(2 * full + calming, abs=1e-12)
    spread = nats((0.0, False), (1.0, True), (2.0, False))
    assert 2 * full > spread - calming > 2 * silences(0.0) > silences(0.0, 2.0)


def test_a_notice_weighs_more_on_the_next_silence_the_nearer_it_is() -> None:
    """What arrived lends its weight to the next activity through the line's memory, and to no far one."""
    calming = log(DECEPTIVE / HONEST)
    alone = calming + silences(0.0)
    lent = [nats((0.0, True), (day, False)) - alone for day in (0.1, 1.0, 5.0, 30.0, 1000.0)]
    assert lent == sorted(lent, reverse=True)
    assert lent[0] > 1.0
    assert lent[-1] == pytest.approx(0.0, abs=1e-12)


def test_silence_on_a_line_that_is_always_down_weighs_nothing() -> None:
    """Nobody could have been heard; and a notice that came all the same, impossible, moves nothing."""
    dead = LineAwareConfig(0.0, DAY)
    assert silences(0.0, 1.0, 2.0, line=dead) == pytest.approx(0.0, abs=1e-12)
    assert nats((0.0, True), (1.0, False), line=dead) == pytest.approx(0.0, abs=1e-12)


def test_a_mean_above_the_availability_is_out_of_reach() -> None:
    """A line that is up half the time delivers half at most, whatever mean is believed."""
    half = LineAwareConfig(DAY, DAY)
    assert silences(0.0, line=half, q=0.9) == silences(0.0, line=half, q=0.5)


def test_the_order_of_asking_does_not_matter() -> None:
    """Asking often, which folds settled marks into the checkpoint, gives what asking once gives."""
    often, once = rule(), rule()
    for at, call, *arguments in histories():
        for belief in (often, once):
            getattr(belief, call)(*arguments)
        often.probability(at)
    assert often.probability(41 * DAY) == pytest.approx(once.probability(41 * DAY), rel=1e-9)


def test_with_a_lead_the_notice_belongs_to_the_time_when_it_was_due() -> None:
    """The line is judged where the notice left, five days before the start, also when it is seen late."""
    early = ActivityClass("manoeuvre", 0.1 / DAY, lead_s=5 * DAY)
    world = World(WORLD.onset_per_s, WORLD.end_per_s, {"exercise": KIND, "manoeuvre": early}, WORLD.signals)
    belief = rule(world=world)
    belief.activity(1, KIND, 1.0 * DAY, 0.9)
    belief.notice(1, False, 1.1 * DAY)
    belief.activity(2, KIND, 3.0 * DAY, 0.9)
    belief.probability(5.9 * DAY)
    belief.activity(3, early, 6.0 * DAY, 0.9)
    sighted, unsaid = seen_rate(early), silent_factor(early, 1.0, 1.0)
    marks = [
        (1.0 * DAY, told(1.0)), (1.0 * DAY, (unsaid[0], 1.0, unsaid[1], 1.0)), (3.0 * DAY, silent(1.0, 1.0)),
        (6.0 * DAY, (sighted[0], sighted[0], sighted[1], sighted[1])),
    ]  # fmt: skip
    expected = by_hand(marks, 6.0 * DAY, world=world)
    assert belief.probability(6.0 * DAY) == pytest.approx(expected, abs=1e-12, rel=1e-12)


@pytest.mark.parametrize(("mtbf", "mttr"), [(-1.0, 1.0), (1.0, -1.0), (0.0, 0.0), (float("inf"), 1.0)])
def test_a_line_that_cannot_be_is_refused(mtbf: float, mttr: float) -> None:
    """Negative or endless times, and a line that is neither up nor down, are told at once."""
    with pytest.raises(ValueError, match="mtbf and mttr must be at least 0 and finite, and not both 0"):
        LineAwareConfig(mtbf, mttr)
