"""Intervals for one sample: worked values, identities, and how often they cover the truth."""

import json
import subprocess
import sys
from collections.abc import Callable
from math import comb, inf, nan, sqrt
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.statistics import Interval, mean_interval, proportion_interval, quantile_interval

Z = 1.959963984540054
NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


def covers(interval: Interval, truth: float) -> bool:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low <= truth <= interval.high


def test_import_loads_no_numpy() -> None:
    """Importing the package brings in neither NumPy nor SciPy."""
    code = "import sys, cbmnet.statistics; print({'numpy', 'scipy'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_interval_is_never_nan_or_infinite(bad: float) -> None:
    """No estimate or limit can be a number that JSON does not know."""
    for fields in ((bad, 0.0, 1.0), (0.5, bad, 1.0), (0.5, 0.0, bad)):
        with pytest.raises(ValueError, match="must be a finite number"):
            Interval(*fields, n=2, level=0.95, method="t")


def test_interval_goes_through_json() -> None:
    """The dictionary holds every field by name, with null for a limit that does not exist."""
    said = json.loads(json.dumps(mean_interval([3.0]).as_dict()))
    assert said == {"mean": 3.0, "low": None, "high": None, "n": 1, "level": 0.95, "method": "t, one value"}


def test_mean_agrees_with_the_table_of_t() -> None:
    """1, 2, 3, 4, 5: mean 3, half-width t(.975, 4) sqrt(2.5/5) with t = 2.776 in every printed table."""
    interval = mean_interval([1, 2, 3, 4, 5])
    assert (interval.mean, interval.n, interval.level, interval.method) == (3.0, 5, 0.95, "t")
    assert interval.high == pytest.approx(3.0 + 2.776445 * sqrt(0.5), abs=1e-6)
    assert interval.low == pytest.approx(3.0 - 2.776445 * sqrt(0.5), abs=1e-6)


def test_mean_of_equal_values_has_no_width_and_says_so() -> None:
    """Three times .1, whose computed variance is not 0, gives .1, .1, .1 and a method that warns."""
    interval = mean_interval([0.1, 0.1, 0.1])
    assert (interval.mean, interval.low, interval.high) == (0.1, 0.1, 0.1)
    assert interval.method == "t, all values equal"


@given(st.lists(NUMBERS, min_size=2, max_size=30), st.floats(0.5, 0.99))
def test_mean_interval_is_symmetric_and_moves_with_the_data(values: list[float], level: float) -> None:
    """The mean is the middle of the interval, and adding a constant to all values moves all three."""
    interval, moved = mean_interval(values, level), mean_interval([v + 64.0 for v in values], level)
    assert interval.low is not None
    assert interval.high is not None
    assert interval.mean == pytest.approx(fmean(values), abs=1e-6)
    assert (interval.low + interval.high) / 2 == pytest.approx(interval.mean, abs=1e-6)
    for one, other in ((interval.mean, moved.mean), (interval.low, moved.low), (interval.high, moved.high)):
        assert other == pytest.approx(one + 64.0, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_proportion_agrees_with_newcombe(successes: int, n: int, low: float, high: float) -> None:
    """Wilson's limits as printed in Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3."""
    interval = proportion_interval(successes, n)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert interval.method == "Wilson"


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_limits_solve_their_equation(case: tuple[int, int]) -> None:
    """Each limit L satisfies (p - L)^2 = z^2 L (1 - L) / n, and no limit leaves [0, 1] or excludes p."""
    successes, n = case
    interval = proportion_interval(successes, n)
    share = successes / n
    for limit in (interval.low, interval.high):
        assert limit is not None
        assert (share - limit) ** 2 == pytest.approx(Z * Z * limit * (1 - limit) / n, abs=1e-12)
        assert 0.0 <= limit <= 1.0
    assert covers(interval, share)


def test_nothing_seen_still_has_an_upper_bound() -> None:
    """0 of n: from 0 to z^2 / (n + z^2)."""
    interval = proportion_interval(0, 100)
    assert (interval.mean, interval.low) == (0.0, 0.0)
    assert interval.high == pytest.approx(Z * Z / (100 + Z * Z))


def test_median_takes_the_order_statistics_of_the_binomial_table() -> None:
    """Median of 1 to 20: the 6th and the 15th value, which enclose it with probability .9586."""
    interval = quantile_interval([float(k) for k in range(20, 0, -1)], 0.5)
    assert (interval.mean, interval.low, interval.high) == (10.0, 6.0, 15.0)
    assert sum(comb(20, k) for k in range(6, 15)) / 2**20 == pytest.approx(0.9586, abs=5e-5)


def test_quantile_without_enough_values_has_no_limit() -> None:
    """The .99 quantile of 20 values has no upper limit, that of 3 values no limit with both tails."""
    assert quantile_interval([float(k) for k in range(20)], 0.99).high is None
    assert quantile_interval([float(k) for k in range(20)], 0.99).low is not None
    few = quantile_interval([1.0, 2.0, 3.0], 0.5)
    assert (few.mean, few.low, few.high) == (2.0, None, None)


@given(st.lists(NUMBERS, min_size=1, max_size=60), st.floats(0.01, 0.99), st.floats(0.05, 0.99))
def test_quantile_lies_inside_its_limits(values: list[float], q: float, level: float) -> None:
    """Estimate and limits are observed values, in order."""
    interval = quantile_interval(values, q, level)
    assert interval.mean in values
    assert interval.low is None or (interval.low in values and interval.low <= interval.mean)
    assert interval.high is None or (interval.high in values and interval.high >= interval.mean)


def test_t_covers_in_95_percent_of_studies() -> None:
    """1,000 studies of 12 normal replications: the 95 % t interval covers in 93 to 97 %."""
    generator = np.random.default_rng(1)
    hits = [covers(mean_interval(x), 5.0) for x in generator.normal(5.0, 2.0, (1000, 12)).tolist()]
    assert 0.93 <= fmean(hits) <= 0.97


@pytest.mark.parametrize(("n", "p"), [(100, 0.2), (200, 0.1), (60, 0.9), (200, 0.5)])
def test_wilson_covers_in_95_percent_of_studies(n: int, p: float) -> None:
    """n p and n (1 - p) above 5: the 95 % interval covers in 93 to 97 %, in 1,000 studies and exactly."""
    inside = [covers(proportion_interval(k, n), p) for k in range(n + 1)]
    assert 0.93 <= fmean(inside[k] for k in np.random.default_rng(2).binomial(n, p, 1000)) <= 0.97
    exact = sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if inside[k])
    assert 0.93 <= exact <= 0.97


def test_order_statistics_cover_in_at_least_95_percent_of_studies() -> None:
    """400 studies of 60 skewed replications: the interval of the .8 quantile covers in 93 % or more."""
    generator = np.random.default_rng(3)
    truth = -np.log(0.2)
    samples = generator.exponential(1.0, (400, 60)).tolist()
    assert fmean(covers(quantile_interval(x, 0.8), truth) for x in samples) >= 0.93


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: mean_interval([]), "at least one value"),
        (lambda: mean_interval([1.0, nan]), "finite number"),
        (lambda: mean_interval([1.0, 1e200]), "finite number"),
        (lambda: mean_interval([1.0, 2.0], 1.0), "level must lie between 0 and 1"),
        (lambda: mean_interval([1.0, 2.0], 95), "level must lie between 0 and 1"),
        (lambda: proportion_interval(0, 0), "at least one replication"),
        (lambda: proportion_interval(3, 2), "between 0 and 2"),
        (lambda: proportion_interval(-1, 2), "between 0 and 2"),
        (lambda: proportion_interval(1, 2, 0.0), "level must lie between 0 and 1"),
        (lambda: quantile_interval([], 0.5), "at least one value"),
        (lambda: quantile_interval([1.0], 1.0), "quantile must lie between 0 and 1"),
        (lambda: quantile_interval([1.0], 0.5, -0.1), "level must lie between 0 and 1"),
    ],
)
def test_impossible_input_is_named(call: Callable[[], Interval], sentence: str) -> None:
    """What cannot be computed is refused in a sentence, never returned as nan."""
    with pytest.raises(ValueError, match=sentence):
        call()
