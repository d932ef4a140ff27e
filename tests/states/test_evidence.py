"""All evidence is two-sided."""

from math import exp, fsum

import pytest

from cbmnet.measures import ActivityClass
from cbmnet.states.evidence import (
    BULLETIN_OUTCOMES,
    Answers,
    World,
    inspection_outcomes,
    notice_factor,
    query_outcomes,
    seen_rate,
    silent_factor,
)

CLASSES = {
    "exercise": ActivityClass("exercise", 2e-6, 3.0, 0.9),
    "movement": ActivityClass("movement", 1e-6, 5.0, 0.5, notifiable=False),
}
SIGNALS = {"alarm": (4e-6, 1.6e-5), "rung_rise": (1e-7, 1e-7)}
WORLD = World(1e-8, 1e-6, CLASSES, SIGNALS)

TABLES = {
    "query": query_outcomes(Answers(), 0.8),
    "inspection": inspection_outcomes((0.1, 0.2)),
    "bulletin": BULLETIN_OUTCOMES,
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_outcomes_of_an_experiment_sum_to_one_under_each_intent(
    table: dict[str, tuple[float, float]],
) -> None:
    """An experiment lists all its outcomes, so its expected likelihood ratio under benign intent is 1."""
    for intent in (0, 1):
        assert fsum(outcome[intent] for outcome in table.values()) == pytest.approx(1.0, abs=1e-15)
    ratio = fsum(benign * (attack / benign) for benign, attack in table.values())
    assert ratio == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("delivery", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("arrived", [0.0, 0.4, 1.0])
def test_the_marks_of_an_activity_sum_to_its_rate(delivery: float, arrived: float) -> None:
    """Notice and agreement, notice and contradiction, no notice yet: together a_y s, whatever the channel."""
    for kind in CLASSES.values():
        marks = [silent_factor(kind, delivery, arrived)]
        if kind.notifiable:
            marks += [notice_factor(kind, delivery * arrived, contradicted) for contradicted in (False, True)]
        for intent in (0, 1):
            total = fsum(seen_rate(kind)[intent] * mark[intent] for mark in marks)
            assert total == pytest.approx(kind.actual_rate_per_s(intent) * kind.seen_prob, rel=1e-12)


def test_r_is_the_sum_of_all_marks() -> None:
    """r(y) equals the sum over every mark of every class and every signal, taken one by one."""
    for intent in (0, 1):
        one_by_one = []
        for kind in CLASSES.values():
            rate = seen_rate(kind)[intent]
            one_by_one.append(rate * silent_factor(kind, 0.9, 1.0)[intent])
            if kind.notifiable:
                one_by_one += [rate * notice_factor(kind, 0.9, c)[intent] for c in (False, True)]
        one_by_one += [rates[intent] for rates in SIGNALS.values()]
        assert WORLD.marks_per_s()[intent] == pytest.approx(fsum(one_by_one), rel=1e-12)


def test_expected_likelihood_ratio_of_time_is_one() -> None:
    """Over any dt, marks and no mark together have expected ratio 1: exp(-r1 dt) + its complement."""
    benign, attack = WORLD.marks_per_s()
    dt = 1e-3 / attack
    quiet, marked = exp(-benign * dt), 1 - exp(-benign * dt)
    ratio = quiet * exp(-(attack - benign) * dt) + marked * (1 - exp(-attack * dt)) / (1 - exp(-benign * dt))
    assert ratio == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("benign", "attack", "nats"), [((0.98, 0.2), 0.9, -1.16), ((0.98, 0.2), 0.9, 2.73)])
def test_notice_weights_are_the_models(benign: tuple[float, float], attack: float, nats: float) -> None:
    """ln 3 - 1.59 - .67 = -1.16 for a notice that agrees, -.49 + 3.22 = 2.73 for one that contradicts."""
    from math import log

    kind = ActivityClass("exercise", 1e-6, 3.0, notice_prob=benign)
    factor = notice_factor(kind, attack, contradicted=nats > 0)
    rate = seen_rate(kind)
    assert log(rate[1] * factor[1] / (rate[0] * factor[0])) == pytest.approx(nats, abs=0.01)
