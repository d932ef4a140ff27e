"""Paired comparisons: published tables, an independent derivation, identities, coverage."""

from collections.abc import Callable
from itertools import permutations
from math import comb, nan, sqrt
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.statistics import (
    holm,
    mcnemar,
    mean_interval,
    paired_difference,
    paired_proportion_difference,
)

Z = 1.959963984540054
PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def table(both: int, only_b: int, only_a: int, neither: int) -> tuple[list[bool], list[bool]]:
    """The two samples of a paired fourfold table."""
    a = [True] * both + [False] * only_b + [True] * only_a + [False] * neither
    b = [True] * both + [True] * only_b + [False] * only_a + [False] * neither
    return a, b


def method_10(a: list[bool], b: list[bool]) -> tuple[float, float]:
    """Newcombe's limits another way: Wilson's limits as roots of a quadratic, phi from the correlation."""
    n, shares = len(a), (fmean(a), fmean(b))
    wilson = [[1 + Z * Z / n, -2 * share - Z * Z / n, share * share] for share in shares]
    roots = [np.sort(np.roots(quadratic).real) for quadratic in wilson]
    spread = n * n * sqrt(shares[0] * (1 - shares[0]) * shares[1] * (1 - shares[1]))
    phi = float(np.corrcoef(a, b)[0, 1]) if spread else 0.0
    if phi > 0:
        phi = max(0.0, phi - n / 2 / spread)
    down = np.array([shares[1] - roots[1][0], roots[0][1] - shares[0]])
    up = np.array([roots[1][1] - shares[1], shares[0] - roots[0][0]])
    metric, middle = np.array([[1.0, -phi], [-phi, 1.0]]), shares[1] - shares[0]
    return middle - sqrt(max(down @ metric @ down, 0)), middle + sqrt(max(up @ metric @ up, 0))


def test_paired_t_agrees_with_student() -> None:
    """Student's sleep data (1908): mean extra sleep 1.58 h, 95 % limits .7001 and 2.4599."""
    first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    interval = paired_difference(first, second)
    assert (interval.n, interval.method) == (10, "paired t")
    assert interval.mean == pytest.approx(1.58)
    assert (interval.low, interval.high) == (pytest.approx(0.7001142), pytest.approx(2.4598858))


def test_paired_t_gains_from_common_random_numbers() -> None:
    """A shared component leaves the paired interval as narrow as what is not shared."""
    generator = np.random.default_rng(4)
    shared = generator.normal(0.0, 100.0, 50)
    a, b = shared + generator.normal(0.0, 1.0, 50), shared + generator.normal(3.0, 1.0, 50)
    paired, alone = paired_difference(a.tolist(), b.tolist()), mean_interval(b.tolist())
    assert paired.high is not None
    assert alone.high is not None
    assert paired.high - paired.mean < 0.02 * (alone.high - alone.mean)


def test_paired_t_of_equal_differences_says_so() -> None:
    """Arms that differ by the same in every pair give no width and say so; one pair has no limits."""
    assert paired_difference([1.0, 2.0], [2.0, 3.0]).method == "paired t, all values equal"
    one = paired_difference([1.0], [4.0])
    assert (one.mean, one.low, one.high, one.method) == (3.0, None, None, "paired t, one value")


@pytest.mark.parametrize(
    ("cells", "difference", "low", "high"),
    [
        # Cavo et al. 2012, in Fagerland, Lydersen and Laake 2017, Statistical Analysis of Contingency Tables.
        ((59, 6, 16, 80), -0.0621, -0.1186, -0.0046),
        # Bentur et al. 2009, in Fagerland, Lydersen and Laake 2014, Statistics in Medicine 33, 2850-2875.
        ((1, 1, 7, 12), -0.2857, -0.5069, -0.0256),
    ],
)
def test_newcombe_agrees_with_print(
    cells: tuple[int, int, int, int], difference: float, low: float, high: float
) -> None:
    """Newcombe's square-and-add limits of two clinical tables, to the four digits given for them."""
    interval = paired_proportion_difference(*table(*cells))
    assert (interval.n, interval.method) == (sum(cells), "Newcombe paired")
    assert interval.mean == pytest.approx(difference, abs=5e-5)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    "cells", [(20, 12, 2, 16), (36, 12, 2, 0), (53, 0, 1, 0), (14, 5, 0, 22), (2, 30, 1, 3), (40, 0, 0, 60)]
)
def test_newcombe_agrees_with_its_geometry(cells: tuple[int, int, int, int]) -> None:
    """Positive, zero and negative correlation, empty cells and empty margins, derived independently."""
    a, b = table(*cells)
    interval = paired_proportion_difference(a, b)
    assert (interval.low, interval.high) == pytest.approx(method_10(a, b), abs=1e-9)


@given(PAIRS, st.floats(0.5, 0.99))
def test_newcombe_is_antisymmetric(pairs: list[tuple[bool, bool]], level: float) -> None:
    """Swapping the arms, or yes and no, turns the interval over; it holds the difference, within [-1, 1]."""
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    one, other = paired_proportion_difference(a, b, level), paired_proportion_difference(b, a, level)
    turned = paired_proportion_difference([not x for x in a], [not y for y in b], level)
    assert one.low is not None
    assert one.high is not None
    for swapped in (other, turned):
        assert (swapped.low, swapped.high) == pytest.approx((-one.high, -one.low), abs=1e-9)
    assert -1.0 <= one.low <= one.mean <= one.high <= 1.0


def test_newcombe_has_width_when_no_pair_differs() -> None:
    """Ten pairs that are all yes: about 0, from -.2775 to .2775, where Wald's interval has no width."""
    interval = paired_proportion_difference([True] * 10, [True] * 10)
    bound = Z * Z / (10 + Z * Z)
    assert (interval.low, interval.high) == (pytest.approx(-bound), pytest.approx(bound))


@pytest.mark.parametrize("shares", [(0.3, 0.2, 0.1, 0.4), (0.1, 0.15, 0.15, 0.6), (0.1, 0.4, 0.3, 0.2)])
def test_newcombe_covers_in_95_percent_of_studies(shares: tuple[float, float, float, float]) -> None:
    """1,000 studies of 100 pairs: the 95 % interval covers in 93 to 97 %."""
    generator, hits = np.random.default_rng(5), 0
    for cells in generator.multinomial(100, shares, 1000).tolist():
        interval = paired_proportion_difference(*table(*cells))
        assert interval.low is not None
        assert interval.high is not None
        hits += interval.low <= shares[1] - shares[2] <= interval.high
    assert 930 <= hits <= 970


def test_mcnemar_agrees_with_print() -> None:
    """12 pairs against 2 (Armitage and Berry 1994, p. 127): exact two-sided p .0129."""
    assert mcnemar(*table(20, 12, 2, 16)) == pytest.approx(0.0129, abs=5e-5)


@given(PAIRS)
def test_mcnemar_is_the_sign_test_of_the_pairs_that_differ(pairs: list[tuple[bool, bool]]) -> None:
    """Twice the smaller binomial tail at one half, at most 1, and 1 when no pair differs."""
    up, down = pairs.count((False, True)), pairs.count((True, False))
    tail = sum(comb(up + down, k) for k in range(min(up, down) + 1)) / 2 ** (up + down)
    assert mcnemar([a for a, _ in pairs], [b for _, b in pairs]) == pytest.approx(min(1.0, 2 * tail))


def test_holm_agrees_with_hand() -> None:
    """.01, .04, .03, .005 become .03, .06, .06, .02: times 4, 3, 2, 1 in order, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5), st.floats(0.001, 0.5))
def test_holm_is_the_closed_bonferroni_test(p_values: list[float], level: float) -> None:
    """Holm rejects what stays rejected by Bonferroni in every set of hypotheses that contains it."""
    m = len(p_values)
    sets = [{k for k in range(m) if mask >> k & 1} for mask in range(1, 2**m)]
    kept = {k for s in sets if len(s) * min(p_values[i] for i in s) > level for k in s}
    assert [p > level for p in holm(p_values)] == [k in kept for k in range(m)]


def test_holm_does_not_depend_on_order() -> None:
    """Each hypothesis keeps its adjusted value wherever it stands."""
    p_values = [0.2, 0.001, 0.04, 0.04]
    adjusted = dict(zip(p_values, holm(p_values), strict=True))
    for order in permutations(p_values):
        assert holm(order) == [adjusted[p] for p in order]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: paired_difference([1.0], [1.0, 2.0]), "same length, not 1 and 2"),
        (lambda: paired_difference([], []), "at least one value"),
        (lambda: paired_difference([1.0, nan], [1.0, 2.0]), "finite number"),
        (lambda: paired_difference([1.0, 2.0], [1.0, 3.0], 1.5), "level must lie between 0 and 1"),
        (lambda: paired_proportion_difference([True], []), "same length, not 1 and 0"),
        (lambda: paired_proportion_difference([], []), "at least one value"),
        (lambda: paired_proportion_difference([True], [2]), "yes or no"),
        (lambda: paired_proportion_difference([True], [True], 0.0), "level must lie between 0 and 1"),
        (lambda: mcnemar([True], [True, False]), "same length, not 1 and 2"),
        (lambda: mcnemar([], []), "at least one value"),
        (lambda: holm([]), "at least one value"),
        (lambda: holm([0.1, 1.1]), "between 0 and 1"),
        (lambda: holm([nan]), "finite number"),
    ],
)
def test_impossible_input_is_named(call: Callable[[], object], sentence: str) -> None:
    """What cannot be computed is refused in a sentence, never returned as nan."""
    with pytest.raises(ValueError, match=sentence):
        call()
