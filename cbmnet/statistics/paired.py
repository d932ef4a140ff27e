"""Two arms under common random numbers: replication k of one is compared with replication k of the other."""

# ruff: noqa: PLC0415 (scipy loads late)

from collections.abc import Sequence
from math import sqrt

from cbmnet.statistics.arguments import check_level, check_same_length, numbers, outcomes, probabilities
from cbmnet.statistics.interval import Interval
from cbmnet.statistics.intervals import t_interval, wilson_limits


def paired_difference(a: Sequence[float], b: Sequence[float], level: float = 0.95) -> Interval:
    """The paired t interval for the mean of b - a; `n` counts pairs.

    One pair, and differences that are all equal, are treated as in `mean_interval`. Raises ValueError on
    no pairs, on lengths that differ, on a value that is not finite, and on a level outside (0, 1).
    """
    check_same_length(a, b)
    return t_interval((numbers(b) - numbers(a)).tolist(), level, "paired t")


def paired_proportion_difference(a: Sequence[bool], b: Sequence[bool], level: float = 0.95) -> Interval:
    """Newcombe's interval for share(b) - share(a) of paired yes or no outcomes; `n` counts pairs.

    Source: Newcombe 1998, Statistics in Medicine 17, 2635-2650, method 10: Wilson's limits of both
    shares, joined by squares and a correlation that is corrected for continuity. It has a width even
    when no pair differs. Raises ValueError on no pairs, on lengths that differ, on an outcome that is
    not yes or no, and on a level outside (0, 1).
    """
    check_level(level)
    both, only_b, only_a, neither = _cells(a, b)
    n = both + only_b + only_a + neither
    share_b, share_a = (both + only_b) / n, (both + only_a) / n
    low_b, high_b = wilson_limits(both + only_b, n, level)
    low_a, high_a = wilson_limits(both + only_a, n, level)
    phi = _corrected_phi(both, only_b, only_a, neither)
    difference = share_b - share_a
    low = difference - _joined(share_b - low_b, high_a - share_a, phi)
    high = difference + _joined(high_b - share_b, share_a - low_a, phi)
    return Interval(difference, max(low, -1.0), min(high, 1.0), n, level, "Newcombe paired")


def _joined(one: float, other: float, phi: float) -> float:
    """The length of the difference of two vectors of these lengths whose cosine is `phi`."""
    return sqrt(max(one * one - 2.0 * phi * one * other + other * other, 0.0))


def _corrected_phi(both: int, only_b: int, only_a: int, neither: int) -> float:
    """The correlation of method 10: n/2 is taken off a positive cross product, down to 0."""
    n = both + only_b + only_a + neither
    margins = (both + only_b) * (only_a + neither) * (both + only_a) * (only_b + neither)
    if margins == 0:
        return 0.0
    product = both * neither - only_b * only_a
    return (max(product - n / 2.0, 0.0) if product > 0 else product) / sqrt(margins)


def _cells(a: Sequence[bool], b: Sequence[bool]) -> tuple[int, int, int, int]:
    """Pairs with both yes, only b, only a, neither."""
    check_same_length(a, b)
    first, second = outcomes(a), outcomes(b)
    both = int((first * second).sum())
    only_b, only_a = int(second.sum()) - both, int(first.sum()) - both
    return both, only_b, only_a, len(a) - both - only_b - only_a


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> float:
    """The two-sided p value of McNemar's exact test that yes is as likely in `a` as in `b`.

    The pairs that differ are a fair coin under that hypothesis (McNemar 1947); with no such pair the
    value is 1. Raises ValueError on no pairs, on lengths that differ, and on an outcome that is not yes
    or no.
    """
    from scipy.stats import binomtest

    _, only_b, only_a, _ = _cells(a, b)
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_b, only_a + only_b, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the order given; reject where one is at or below the level.

    Keeps the chance of any false rejection below the level whatever the dependence (Holm 1979). Raises
    ValueError on no values, and on a value outside [0, 1].
    """
    values = probabilities(p_values).tolist()
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min((len(values) - rank) * values[index], 1.0))
        adjusted[index] = largest
    return adjusted
