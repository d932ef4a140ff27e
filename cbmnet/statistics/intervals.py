"""Intervals for one sample of replications: means, proportions, quantiles."""

# ruff: noqa: PLC0415 (numpy and scipy load late: scipy.stats alone takes more than a second)

from collections.abc import Sequence
from math import isnan, sqrt
from typing import Any

from cbmnet.statistics.arguments import check_level, numbers
from cbmnet.statistics.interval import Interval


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t interval for the mean of `values`, one value a replication.

    One value has no limits. Values that are all equal give a zero-width interval, which says nothing
    about how far the mean may be off, and the method says so. Raises ValueError on no values, on a value
    that is not finite, and on a level outside (0, 1).
    """
    return t_interval(values, level, "t")


def t_interval(values: Sequence[float], level: float, method: str) -> Interval:
    """The t interval under the name `method`, to which the degenerate cases add their own words."""
    from scipy.stats import t

    check_level(level)
    array = numbers(values)
    n, first = array.size, float(array[0])
    if n == 1:
        return Interval(first, None, None, n, level, f"{method}, one value")
    # Compared, not computed: the mean and the variance of equal numbers are off by rounding.
    if bool((array == first).all()):
        return Interval(first, first, first, n, level, f"{method}, all values equal")
    mean = float(array.mean())
    half_width = float(t.ppf((1.0 + level) / 2.0, n - 1)) * float(array.std(ddof=1)) / sqrt(n)
    return Interval(mean, mean - half_width, mean + half_width, n, level, method)


def proportion_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval for `successes` of `n` replications; 0 of n still has an upper limit.

    Source: Wilson 1927. Raises ValueError on n below 1, on successes outside 0 to n, and on a level
    outside (0, 1).
    """
    check_level(level)
    if n < 1:
        raise ValueError(f"a proportion needs at least one replication, not {n}")
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and {n}, not {successes}")
    low, high = wilson_limits(successes, n, level)
    return Interval(successes / n, low, high, n, level, "Wilson")


def wilson_limits(successes: int, n: int, level: float) -> tuple[float, float]:
    """The two limits of Wilson's interval, low first."""
    from scipy.stats import binomtest

    limits = binomtest(int(successes), int(n)).proportion_ci(level, method="wilson")
    # Rounding puts a limit of 0 of n (or n of n) a last digit beside the proportion itself.
    return min(float(limits.low), successes / n), max(float(limits.high), successes / n)


def quantile_interval(values: Sequence[float], q: float, level: float = 0.95) -> Interval:
    """The `q` quantile of `values` and the order statistics that enclose it with at least `level`.

    No shape of distribution is assumed (Conover 1999, section 3.2). The estimate is an observed value,
    the smallest with at least a share `q` at or below it. A limit is None where the sample is too small
    to have one. Raises ValueError on no values, on a value that is not finite, and on `q` or a level
    outside (0, 1).
    """
    from numpy import quantile
    from scipy.stats import quantile_test

    check_level(level)
    if not 0.0 < q < 1.0:
        raise ValueError(f"the quantile must lie between 0 and 1, for example 0.5, not {q}")
    array = numbers(values)
    limits: Any = quantile_test(array, p=q).confidence_interval(level)
    low, high = (_or_none(float(limit)) for limit in (limits.low, limits.high))
    estimate = float(quantile(array, q, method="inverted_cdf"))
    return Interval(estimate, low, high, array.size, level, "order statistics")


def _or_none(limit: float) -> float | None:
    """SciPy says nan where the sample has no such order statistic."""
    return None if isnan(limit) else limit
