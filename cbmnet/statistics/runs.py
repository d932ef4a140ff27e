"""Forecasts and outcomes of many runs, stacked into flat arrays that remember their run."""

# ruff: noqa: PLC0415 (numpy loads late)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from cbmnet.statistics.arguments import check_same_length, outcomes, probabilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Samples:
    """Forecasts `p` in [0, 1], outcomes `y` (1.0 or 0.0) and the index of the `run`, each of shape (n,)."""

    p: NDArray[np.float64]
    y: NDArray[np.float64]
    run: NDArray[np.intp]
    runs: int


def stack(
    p_by_run: Sequence[Sequence[float]], y_by_run: Sequence[Sequence[bool]] | Sequence[Sequence[int]]
) -> Samples:
    """The samples of all runs. Raises ValueError on no runs, an empty run, or lengths that differ."""
    import numpy as np

    check_same_length(p_by_run, y_by_run)
    if len(p_by_run) == 0:
        raise ValueError("at least one run is needed")
    lengths = [len(p) for p in p_by_run]
    for run, (n, m) in enumerate(zip(lengths, map(len, y_by_run), strict=True)):
        if n == 0 or n != m:
            raise ValueError(f"run {run} has {n} forecasts and {m} outcomes; they must match, and not be 0")
    p = probabilities(list(chain.from_iterable(p_by_run)))
    y = outcomes(list(chain.from_iterable(y_by_run)))
    return Samples(p, y, np.repeat(np.arange(len(lengths)), lengths), len(lengths))
