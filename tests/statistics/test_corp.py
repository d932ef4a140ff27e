"""The decomposition of the Brier score: a worked case, the identities, and the bootstrap over runs."""

from collections.abc import Callable
from dataclasses import asdict
from math import nan, sqrt
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.statistics import Corp, corp, corp_intervals

from .beliefs import beliefs

# A coarse grid of forecasts makes ties the rule.
SAMPLES = st.lists(
    st.tuples(st.integers(0, 8).map(lambda k: k / 8), st.integers(0, 1)), min_size=1, max_size=40
)


def max_min(p: list[float], y: list[int]) -> list[float]:
    """The isotonic fit by its max-min formula, at each sample: no pooling of adjacent violators."""
    values = sorted(set(p))
    by_value = [[outcome for forecast, outcome in zip(p, y, strict=True) if forecast == v] for v in values]

    def mean_of(first: int, last: int) -> float:
        return fmean(outcome for group in by_value[first : last + 1] for outcome in group)

    ranks = range(len(values))
    fit = [max(min(mean_of(i, j) for j in ranks[k:]) for i in ranks[: k + 1]) for k in ranks]
    return [fit[values.index(forecast)] for forecast in p]


def brier(forecast: list[float], y: list[int]) -> float:
    return fmean((f - outcome) ** 2 for f, outcome in zip(forecast, y, strict=True))


def test_worked_case() -> None:
    """.2, .4, .6, .8 with 0, 1, 0, 1: the fit is 0, .5, .5, 1, so MCB .075, DSC .125, UNC .25, score .2."""
    parts = corp([0.2, 0.4, 0.6, 0.8], [0, 1, 0, 1])
    assert asdict(parts) == pytest.approx(asdict(Corp(0.075, 0.125, 0.25, 0.2)))


def test_equal_forecasts_are_pooled_whatever_their_order() -> None:
    """One forecast of .5 with outcomes 0, 1 discriminates nothing and is calibrated, in either order."""
    for y in ([0, 1], [1, 0]):
        assert corp([0.5, 0.5], y) == Corp(0.0, 0.0, 0.25, 0.25)


@given(SAMPLES)
def test_parts_add_up_and_are_what_they_say(samples: list[tuple[float, int]]) -> None:
    """Score = MCB - DSC + UNC to 1e-12, with the fit taken from another formula; no part is negative."""
    p, y = [forecast for forecast, _ in samples], [outcome for _, outcome in samples]
    parts, fit, mean = corp(p, y), max_min(p, y), fmean(y)
    assert parts.score == pytest.approx(
        parts.miscalibration - parts.discrimination + parts.uncertainty, abs=1e-12
    )
    assert parts.score == pytest.approx(brier(p, y), abs=1e-12)
    assert parts.uncertainty == pytest.approx(mean * (1 - mean), abs=1e-12)
    assert parts.miscalibration == pytest.approx(brier(p, y) - brier(fit, y), abs=1e-12)
    assert parts.discrimination == pytest.approx(fmean((f - mean) ** 2 for f in fit), abs=1e-12)
    assert min(asdict(parts).values()) >= 0.0


@given(SAMPLES, st.randoms(use_true_random=False))
def test_order_does_not_matter(samples: list[tuple[float, int]], random: object) -> None:
    """Shuffled samples give the same parts; a rising map of the forecasts leaves the discrimination."""
    shuffled = samples.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one = corp([p for p, _ in samples], [y for _, y in samples])
    other = corp([p for p, _ in shuffled], [y for _, y in shuffled])
    squared = corp([p * p for p, _ in samples], [y for _, y in samples])
    assert asdict(other) == pytest.approx(asdict(one), abs=1e-12)
    assert squared.discrimination == pytest.approx(one.discrimination, abs=1e-12)


def test_estimates_are_those_of_all_samples() -> None:
    """The intervals stand around the decomposition of all samples, count runs, and repeat with the seed."""
    p, y = beliefs(np.random.default_rng(6), 30, 20)
    runs = (p.tolist(), y.tolist())
    first, again = corp_intervals(*runs, 0.9, 50, 7), corp_intervals(*runs, 0.9, 50, np.random.default_rng(7))
    assert first == again != corp_intervals(*runs, 0.9, 50, 8)
    whole = asdict(corp(p.ravel().tolist(), y.ravel().tolist()))
    assert {name: interval.mean for name, interval in first.items()} == pytest.approx(whole, abs=1e-12)
    for interval in first.values():
        assert (interval.n, interval.level) == (30, 0.9)
        assert interval.low is not None
        assert interval.high is not None
        assert interval.low <= interval.mean <= interval.high


def test_a_resample_is_the_decomposition_of_the_runs_it_drew() -> None:
    """With one resample both limits are the parts of that draw of whole runs, taken with their copies."""
    runs, seed = 40, 9
    p, y = beliefs(np.random.default_rng(8), runs, 30)
    copies = np.random.default_rng(seed).multinomial(runs, [1 / runs] * runs)
    drawn = np.repeat(np.arange(runs), copies)
    expected = asdict(corp(p[drawn].ravel().tolist(), y[drawn].ravel().tolist()))
    assert expected["discrimination"] > 0.001
    for name, interval in corp_intervals(p.tolist(), y.tolist(), 0.95, 1, seed).items():
        limits = sorted((interval.mean, expected[name]))
        assert [interval.low, interval.high] == pytest.approx(limits, abs=1e-12)
        assert interval.method.startswith("bootstrap over runs, 1 resamples")


def test_bootstrap_takes_whole_runs() -> None:
    """The interval of the score is as wide as the normal interval over run means, within a fifth."""
    p, y = beliefs(np.random.default_rng(10), 200, 50)
    score = corp_intervals(p.tolist(), y.tolist(), 0.95, 400, 11)["score"]
    assert score.low is not None
    assert score.high is not None
    by_run, by_sample = ((p - y) ** 2).mean(axis=1), (p - y) ** 2
    half_width = 1.96 * by_run.std() / sqrt(200)
    assert (score.high - score.low) / 2 == pytest.approx(half_width, rel=0.2)
    assert half_width > 2 * 1.96 * by_sample.std() / sqrt(by_sample.size)


def test_one_run_has_no_limits() -> None:
    """The samples of one run cannot tell how much runs differ."""
    for interval in corp_intervals([[0.1, 0.9]], [[0, 1]], 0.95, 10, 1).values():
        assert (interval.low, interval.high) == (None, None)
        assert interval.method == "bootstrap over runs, one run"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: corp([], []), "run 0 has 0 forecasts"),
        (lambda: corp([0.5], [1, 0]), "1 forecasts and 2 outcomes"),
        (lambda: corp([1.5], [1]), "probability must lie between 0 and 1"),
        (lambda: corp([nan], [1]), "finite number"),
        (lambda: corp([0.5], [2]), "yes or no"),
        (lambda: corp_intervals([], [], 0.95, 10, 1), "at least one run"),
        (lambda: corp_intervals([[0.5], []], [[1], []], 0.95, 10, 1), "run 1 has 0 forecasts"),
        (lambda: corp_intervals([[0.5]], [], 0.95, 10, 1), "same length, not 1 and 0"),
        (lambda: corp_intervals([[0.5]], [[1]], 0.0, 10, 1), "level must lie between 0 and 1"),
        (lambda: corp_intervals([[0.5]], [[1]], 0.95, 0, 1), "at least one resample"),
    ],
)
def test_impossible_input_is_named(call: Callable[[], object], sentence: str) -> None:
    """What cannot be computed is refused in a sentence."""
    with pytest.raises(ValueError, match=sentence):
        call()
