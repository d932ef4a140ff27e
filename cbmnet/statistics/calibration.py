"""Whether what is forecast with probability p happens with share p, bin by bin, with run-clustered errors."""

# ruff: noqa: PLC0415 (numpy loads late)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from cbmnet.statistics.arguments import numbers
from cbmnet.statistics.runs import Samples, stack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """The samples with `low` <= p < `high` (the last bin holds its `high` too).

    `n` samples from `runs` runs; `difference` is the mean of y - p, `z` the difference in standard
    errors. Both `standard_error` and `z` are None for a single run, `z` also where the error is 0.
    """

    low: float
    high: float
    mean_p: float
    share_y: float
    n: int
    runs: int
    difference: float
    standard_error: float | None
    z: float | None


def calibration_bins(
    p_by_run: Sequence[Sequence[float]],
    y_by_run: Sequence[Sequence[bool]] | Sequence[Sequence[int]],
    edges: Sequence[float],
) -> list[Bin]:
    """The bins between `edges` that hold samples, in order; `p_by_run[k]`, `y_by_run[k]` are run k's.

    The standard error is clustered by run (Liang and Zeger 1986, with the factor R / (R - 1) for R runs):
    within the bin the residuals y - p - difference are summed over each run, and the sums are squared. It
    needs many runs; ask for at least 50. It is never taken below sqrt(sum p (1 - p)) / n, the error of
    calibrated forecasts of independent samples: samples of one run are worth less, not more, and where
    the rarer outcome is expected in a few runs and met in none, the residuals hardly differ and their
    own error would shrink towards 0.

    Raises ValueError on no runs, an empty run, lengths that differ, p outside [0, 1] or outside the edges,
    y that is not 0 or 1, and edges that do not rise.
    """
    import numpy as np

    samples, bounds = stack(p_by_run, y_by_run), numbers(edges)
    _check_edges(bounds, samples.p)
    # The last bin is closed, so its upper edge belongs to it.
    place = np.minimum(np.searchsorted(bounds, samples.p, side="right") - 1, len(bounds) - 2)
    p, y = samples.p, samples.y
    weights = (np.ones_like(p), y - p, p, y, p * (1.0 - p))
    sums = np.stack([_sums(place, samples, weight, len(bounds) - 1) for weight in weights], axis=1)
    return [
        _bin((float(low), float(high)), in_bin)
        for low, high, in_bin in zip(bounds[:-1], bounds[1:], sums, strict=True)
        if in_bin[0].any()
    ]


def _check_edges(bounds: Floats, p: Floats) -> None:
    if len(bounds) < 2 or not bool((bounds[1:] > bounds[:-1]).all()):
        raise ValueError("the edges must rise, and there must be at least two")
    outside = (p < bounds[0]) | (p > bounds[-1])
    if outside.any():
        raise ValueError(f"the edges {bounds[0]} to {bounds[-1]} leave out the forecast {p[outside][0]}")


def _sums(place: NDArray[np.intp], samples: Samples, weight: Floats, bins: int) -> Floats:
    """Sums of `weight` by bin and run, shape (bins, runs)."""
    import numpy as np

    sums = np.bincount(place * samples.runs + samples.run, weight, bins * samples.runs)
    return sums.astype(np.float64).reshape(bins, samples.runs)


def _bin(bounds: tuple[float, float], sums: Floats) -> Bin:
    """One bin from its sums by run: of samples, y - p, p, y and p (1 - p); shape (5, runs)."""
    n, residual, p, y, variance = (float(total) for total in sums.sum(axis=1))
    runs, difference = int((sums[0] > 0.0).sum()), residual / n
    error = _error(sums[1] - difference * sums[0], runs, variance) / n if runs > 1 else None
    z = difference / error if error else None
    return Bin(*bounds, p / n, y / n, int(n), runs, difference, error, z)


def _error(centred: Floats, runs: int, variance: float) -> float:
    """The standard error of the sum of residuals, from their sums by run, centred."""
    clustered = float(centred @ centred) * runs / (runs - 1)
    return sqrt(max(clustered, variance))
