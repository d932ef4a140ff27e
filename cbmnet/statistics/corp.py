"""The CORP decomposition of the Brier score, with intervals by bootstrap over whole runs.

Source: Dimitriadis, Gneiting and Jordan 2021, PNAS 118 (8), e2016191118. The forecasts are recalibrated
by isotonic regression, so that no choice of bins enters.
"""

# ruff: noqa: PLC0415 (numpy and scipy load late)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from cbmnet.statistics.arguments import check_level
from cbmnet.statistics.interval import Interval
from cbmnet.statistics.runs import Samples, stack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Corp:
    """The mean Brier score and its parts: score = miscalibration - discrimination + uncertainty.

    `miscalibration` is what recalibration would gain (0 or more), `discrimination` what the recalibrated
    forecast gains over always forecasting the mean outcome (0 or more), `uncertainty` the variance of
    the outcome.
    """

    miscalibration: float
    discrimination: float
    uncertainty: float
    score: float


def corp(p: Sequence[float], y: Sequence[bool] | Sequence[int]) -> Corp:
    """The decomposition for forecast probabilities `p` and outcomes `y` (1 or 0), both of shape (n,).

    Forecasts that are equal are pooled first, so the order of the data does not matter. Raises ValueError
    on no data, on lengths that differ, on `p` outside [0, 1] and on `y` that is not 0 or 1.
    """
    import numpy as np

    return _Pool(stack([p], [y])).decompose(np.ones(1, dtype=np.int64))


def corp_intervals(
    p_by_run: Sequence[Sequence[float]],
    y_by_run: Sequence[Sequence[bool]] | Sequence[Sequence[int]],
    level: float,
    resamples: int,
    seed: int | np.random.Generator,
) -> dict[str, Interval]:
    """The parts of the decomposition over the samples of all runs, by name, with percentile intervals.

    `p_by_run[k]` and `y_by_run[k]` are the samples of run k. Each of the `resamples` draws as many whole
    runs as there are, with replacement, since the samples of one run share their fate; `n` counts runs.
    One run has no limits. The same seed gives the same result.

    Miscalibration is biased upwards, in resamples more than in the data, so that its percentile interval
    can lie above the estimate; it is then widened down to it, and the method says so. It all but never
    reaches 0: whether forecasts are calibrated is for `calibration_bins` to say.

    Raises ValueError as `corp` does, on a run without samples, on a level outside (0, 1), and on less
    than 1 resample.
    """
    import numpy as np

    check_level(level)
    if resamples < 1:
        raise ValueError(f"the bootstrap needs at least one resample, not {resamples}")
    samples = stack(p_by_run, y_by_run)
    pool = _Pool(samples)
    estimate = pool.decompose(np.ones(samples.runs, dtype=np.int64))
    draws = _draws(pool, samples.runs, resamples, seed) if samples.runs > 1 else []
    return {part.name: _interval(part.name, estimate, draws, samples.runs, level) for part in fields(Corp)}


def _draws(pool: _Pool, runs: int, resamples: int, seed: int | np.random.Generator) -> list[Corp]:
    """The decomposition of each resample."""
    import numpy as np

    generator, even = np.random.default_rng(seed), np.full(runs, 1.0 / runs)
    return [pool.decompose(copies) for copies in generator.multinomial(runs, even, size=resamples)]


def _interval(name: str, estimate: Corp, draws: list[Corp], runs: int, level: float) -> Interval:
    """The percentile interval of one part; no draws, no limits."""
    from numpy import quantile

    value = getattr(estimate, name)
    if not draws:
        return Interval(value, None, None, runs, level, "bootstrap over runs, one run")
    method = f"bootstrap over runs, {len(draws)} resamples"
    tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
    low, high = (float(limit) for limit in quantile([getattr(draw, name) for draw in draws], tails))
    if not low <= value <= high:
        low, high, method = min(low, value), max(high, value), f"{method}, widened to the estimate"
    return Interval(value, low, high, runs, level, method)


class _Pool:
    """Samples sorted by forecast once, and summed by run once, so that a resample costs little."""

    def __init__(self, samples: Samples) -> None:
        import numpy as np

        order = np.argsort(samples.p, kind="stable")
        self._y, self._run = samples.y[order], samples.run[order]
        # Forecasts that are equal are one group: the isotonic fit may not tell them apart.
        self._starts = np.unique(samples.p[order], return_index=True)[1]
        self._n_by_run = np.bincount(samples.run, minlength=samples.runs).astype(np.float64)
        self._events_by_run = np.bincount(samples.run, samples.y, samples.runs)
        self._squares_by_run = np.bincount(samples.run, (samples.p - samples.y) ** 2, samples.runs)

    def decompose(self, copies_by_run: NDArray[np.int64]) -> Corp:
        """The parts with each run taken as often as `copies_by_run` says, shape (runs,)."""
        weight_by_run = copies_by_run / (copies_by_run @ self._n_by_run)
        score = float(weight_by_run @ self._squares_by_run)
        share = float(weight_by_run @ self._events_by_run)
        uncertainty = share * (1.0 - share)
        # The mean of (x - y)^2, where x is the mean of y in each block of the isotonic fit.
        recalibrated = share - self._mean_square_of_fit(weight_by_run)
        # Neither part is negative but by rounding.
        return Corp(max(score - recalibrated, 0.0), max(uncertainty - recalibrated, 0.0), uncertainty, score)

    def _mean_square_of_fit(self, weight_by_run: Floats) -> float:
        import numpy as np
        from scipy.optimize import isotonic_regression

        copies = weight_by_run[self._run]
        weight = np.add.reduceat(copies, self._starts)
        kept = weight > 0.0  # isotonic regression takes no empty group
        events = np.add.reduceat(copies * self._y, self._starts)[kept]
        fit = isotonic_regression(events / weight[kept], weights=weight[kept])
        return float(fit.weights @ fit.x[fit.blocks[:-1]] ** 2)
