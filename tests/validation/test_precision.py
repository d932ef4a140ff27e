"""The number of trials that a case takes by itself: enough for 1 %, no more than twenty times its own."""

from dataclasses import asdict
from typing import Any

import pytest

from cbmnet.validation.case import CASES, Outcome, Results
from cbmnet.validation.precision import MOST_TIMES, imprecise, run_precisely
from cbmnet.validation.trials import TooFewError

from .laboratory import SOAK


def precisely(case: str, **parameters: Any) -> tuple[int, Results]:
    member = CASES[case]
    chosen, results = run_precisely(
        member.make, asdict(member.config(**parameters)), jobs=1, advance=lambda step: None
    )
    return chosen["trials"], results


def test_what_is_precise_at_once_runs_once() -> None:
    """The number to begin with is kept where every error is within 1 %."""
    trials, results = precisely("two-generals", loss=0.4, messages=1, trials=20_000)
    assert trials == 20_000
    assert all(o.standard_error <= 0.01 * o.exact for o in results.values())


def test_a_rarer_result_takes_more_trials() -> None:
    """A share of .09 is known to 1 % after (1 - .09)/.09/.01^2 trials, 101,000, and to .9 % after 125,000."""
    trials, results = precisely("two-generals", loss=0.1, messages=2, trials=10_000)
    assert 101_000 <= trials <= 160_000
    assert not imprecise(results)
    assert all(o.n == trials and o.agrees for o in results.values())


def test_it_ends_at_twenty_times_the_number_it_began_with() -> None:
    """What is rarer than that is told with its error, and with how many trials would do."""
    trials, results = precisely("two-generals", loss=0.001, messages=2, trials=1_000)
    assert trials == MOST_TIMES * 1_000
    (name,) = imprecise(results)
    o = results[name]
    needed = o.n * (o.standard_error / o.exact / 0.01) ** 2
    assert needed <= imprecise(results)[name] <= 1.4 * needed


def test_what_never_came_up_is_looked_for_among_all_it_may_take() -> None:
    """Nothing to measure is not the end while there are trials left; then it is an error."""
    with pytest.raises(TooFewError, match=r"in 4000 trials"):
        precisely("receipts", loss=1e-9, depth=2, trials=200)
    trials, _ = precisely("receipts", loss=0.002, depth=2, trials=200)
    assert trials == 4_000


@pytest.mark.parametrize(
    ("exact", "error", "enough"),
    [(0.5, 0.005, None), (0.5, 0.0051, 1300), (-2.0, 0.03, 2800), (0.0, 0.1, None)],
)
def test_one_percent_is_of_the_exact_value(exact: float, error: float, enough: int | None) -> None:
    """Of its size, whatever the sign; a result that is exactly 0 has no such share."""
    results = {"it": Outcome(exact, exact, error, 1_000)}
    assert imprecise(results) == ({} if enough is None else {"it": enough})


RARE: list[tuple[str, dict[str, Any]]] = [
    ("gilbert-elliott", {"p": 0.01, "r": 0.1, "e_good": 0.0, "e_bad": 1.0}),
    ("four-state", {"p13": 0.01, "p31": 0.1, "p32": 0.0, "p23": 1.0, "p14": 0.0}),
    ("stop-and-wait", {"data_loss": 0.1, "ack_loss": 0.2, "max_sends": 3}),
    ("arq-efficiency", {"scheme": "stop-and-wait", "a": 9.0, "loss": 0.5}),
    ("k-of-n", {"k": 5, "n": 5, "loss": 0.6}),
    ("queue", {"rho": 0.9}),
    ("spurious-timeout", {"timeout": 7.0}),
    ("reorder", {"spacing": 1.8, "distribution": "uniform"}),
    ("outage", {"up_s": 60.0, "down_s": 6000.0, "deadline_s": 10.0}),
    ("two-generals", {"loss": 0.02, "messages": 2}),
    ("receipts", {"loss": 0.6, "depth": 5}),
]


@pytest.mark.skipif(not SOAK, reason="a soak: minutes")
@pytest.mark.parametrize(("case", "parameters"), RARE, ids=[case for case, _ in RARE])
def test_away_from_the_defaults_every_error_is_at_most_one_percent(
    case: str, parameters: dict[str, Any]
) -> None:
    """Each case at a setting where its own number of trials is too few, or nearly; and it agrees."""
    _, results = precisely(case, **parameters)
    for name, o in results.items():
        assert o.agrees, (name, o)
        assert o.standard_error <= 0.01 * abs(o.exact), (name, o)
