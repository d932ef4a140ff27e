"""Calibration bins: a worked case, the error by run, and what calibrated and miscalibrated worlds give."""

from collections.abc import Callable
from math import sqrt
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.statistics import Bin, calibration_bins

from .beliefs import beliefs

EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)


def test_worked_case() -> None:
    """Three runs of two samples: residual sums -1, 1, 0 give an error of sqrt(3/2 (1 + 1)) / 6 = .2887."""
    p, y = [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], [[0, 0], [1, 1], [1, 0]]
    (only,) = calibration_bins(p, y, [0.0, 1.0])
    assert only == Bin(0.0, 1.0, 0.5, 0.5, 6, 3, 0.0, pytest.approx(sqrt(3) / 6), 0.0)


def test_bins_hold_their_lower_edge_and_the_last_both() -> None:
    """0, .25, .5 and 1 fall into [0, .25), [.25, .5) and [.5, 1]; empty bins are left out."""
    bins = calibration_bins([[0.0, 0.25], [0.5, 1.0]], [[0, 0], [1, 1]], [0.0, 0.25, 0.5, 1.0])
    assert [(b.low, b.high, b.n, b.runs) for b in bins] == [
        (0.0, 0.25, 1, 1),
        (0.25, 0.5, 1, 1),
        (0.5, 1.0, 2, 1),
    ]
    assert [b.low for b in calibration_bins([[0.0, 1.0]], [[0, 1]], [0.0, 0.25, 0.5, 1.0])] == [0.0, 0.5]


def test_one_run_has_no_error() -> None:
    """The samples of a single run say nothing about how much runs differ."""
    (only,) = calibration_bins([[0.2, 0.4]], [[0, 1]], [0.0, 1.0])
    assert (only.runs, only.standard_error, only.z) == (1, None, None)
    assert only.difference == pytest.approx(0.2)


@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=6),
        min_size=2,
        max_size=9,
    )
)
def test_bins_agree_with_the_definition(runs: list[list[tuple[float, int]]]) -> None:
    """Counts, means and the clustered error of every bin, run by run in plain Python."""
    bins = calibration_bins(
        [[p for p, _ in r] for r in runs], [[y for _, y in r] for r in runs], [0, 0.3, 0.7, 1]
    )
    assert sum(b.n for b in bins) == sum(map(len, runs))
    for b in bins:
        inside = [[(p, y) for p, y in r if b.low <= p < b.high or p == b.high == 1.0] for r in runs]
        flat, met = [pair for r in inside for pair in r], sum(map(bool, inside))
        difference = sum(y - p for p, y in flat) / len(flat)
        assert (b.n, b.runs) == (len(flat), met)
        assert b.difference == pytest.approx(difference, abs=1e-12)
        assert b.share_y - b.mean_p == pytest.approx(difference, abs=1e-12)
        if met > 1:
            squares = sum(sum(y - p - difference for p, y in r) ** 2 for r in inside) * met / (met - 1)
            least = sum(p * (1 - p) for p, _ in flat)
            assert b.standard_error == pytest.approx(sqrt(max(squares, least)) / b.n, abs=1e-9)


def test_copies_of_a_sample_add_no_evidence() -> None:
    """Each sample written ten times: z keeps sd 1 by run, and has sqrt(10) if each copy is called a run."""
    generator, by_run, by_sample = np.random.default_rng(12), [], []
    for _ in range(60):
        p = generator.random((1000, 1)).repeat(10, axis=1)
        y = (generator.random((1000, 1)) < p).astype(int)
        by_run += [b.z for b in calibration_bins(p, y, [0.0, 0.3, 0.7, 1.0])]
        flat = p.reshape(-1, 1), y.reshape(-1, 1)
        by_sample += [b.z for b in calibration_bins(*flat, [0.0, 0.3, 0.7, 1.0])]
    assert 0.85 < np.std(by_run) < 1.15
    assert 2.7 < np.std(by_sample) < 3.6


def zs(seed: int, studies: int, believed_hit: float = 0.5, on: float = 0.005, runs: int = 300) -> list[float]:
    """The z of every bin met by at least 50 runs, over many studies."""
    generator, found = np.random.default_rng(seed), []
    for _ in range(studies):
        p, y = beliefs(generator, runs, 60, believed_hit, on)
        found += [b.z for b in calibration_bins(p, y, EDGES) if b.runs >= 50]
    return found


def test_z_is_standard_when_calibrated() -> None:
    """An exact filter, samples alike within a run: z has mean 0 and sd 1 and stays within 4."""
    found = zs(13, 40)
    assert len(found) > 250
    assert abs(np.mean(found)) < 0.2
    assert 0.85 < np.std(found) < 1.15
    assert max(map(abs, found)) < 4.0


def test_rare_outcomes_do_not_shrink_the_error() -> None:
    """Few runs ever show the outcome: z still stays within 4, though some bins meet none of it."""
    found = zs(15, 40, on=0.0005, runs=80)
    assert len(found) > 60
    assert max(map(abs, found)) < 4.0


def test_planted_miscalibration_is_found() -> None:
    """A filter that believes signals shown at .3 where they are shown at .5 leaves the diagonal by far."""
    p, y = beliefs(np.random.default_rng(16), 600, 60, believed_hit=0.3)
    worst = max((b for b in calibration_bins(p, y, EDGES) if b.runs >= 50), key=lambda b: abs(b.z))
    assert abs(worst.z) > 6.0


def test_outcomes_that_never_come_are_found() -> None:
    """.5 forecast for ever and nothing ever seen: residuals do not differ, and the bin is still condemned."""
    (only,) = calibration_bins([[0.5]] * 100, [[0]] * 100, [0.0, 1.0])
    assert only.z == pytest.approx(-10.0)


def test_many_samples_are_fast() -> None:
    """300,000 samples of 1,500 runs are binned in under a second."""
    p, y = beliefs(np.random.default_rng(17), 1500, 200)
    before = perf_counter()
    calibration_bins(p.tolist(), y.tolist(), EDGES)
    assert perf_counter() - before < 1.0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: calibration_bins([], [], EDGES), "at least one run"),
        (lambda: calibration_bins([[]], [[]], EDGES), "run 0 has 0 forecasts"),
        (lambda: calibration_bins([[0.5]], [[1], [0]], EDGES), "same length, not 1 and 2"),
        (lambda: calibration_bins([[0.5]], [[1, 0]], EDGES), "1 forecasts and 2 outcomes"),
        (lambda: calibration_bins([[-0.1]], [[1]], EDGES), "probability must lie between 0 and 1"),
        (lambda: calibration_bins([[0.5]], [[0.5]], EDGES), "yes or no"),
        (lambda: calibration_bins([[0.5]], [[1]], [0.0]), "edges must rise"),
        (lambda: calibration_bins([[0.5]], [[1]], [0.0, 0.6, 0.6, 1.0]), "edges must rise"),
        (lambda: calibration_bins([[0.5]], [[1]], [0.0, 0.4]), "leave out the forecast 0.5"),
    ],
)
def test_impossible_input_is_named(call: Callable[[], object], sentence: str) -> None:
    """What cannot be computed is refused in a sentence."""
    with pytest.raises(ValueError, match=sentence):
        call()
