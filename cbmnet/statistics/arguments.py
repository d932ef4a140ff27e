"""What the functions of this package accept: each check turns data into an array or says what is wrong."""

# ruff: noqa: PLC0415 (numpy loads late)

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Squares and sums of squares of such numbers stay below the largest double.
_LARGEST = 1e150


def check_level(level: float) -> None:
    """Raises ValueError unless `level`, a confidence level, lies strictly between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"the level must lie between 0 and 1, for example 0.95, not {level}")


def check_same_length(a: Sequence[object], b: Sequence[object]) -> None:
    """Raises ValueError unless `a` and `b` have the same length."""
    if len(a) != len(b):
        raise ValueError(f"the two samples must have the same length, not {len(a)} and {len(b)}")


def numbers(values: Sequence[float]) -> NDArray[np.float64]:
    """`values` as floats, shape (n,). Raises ValueError if there are none, or one is not a usable number."""
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError("at least one value is needed, in a flat sequence")
    bad = ~(np.abs(array) < _LARGEST)
    if bad.any():
        raise ValueError(f"every value must be a finite number below 1e150 in size, not {array[bad][0]}")
    return array


def probabilities(values: Sequence[float]) -> NDArray[np.float64]:
    """`values` as floats, shape (n,). Raises ValueError if there are none, or one lies outside [0, 1]."""
    array = numbers(values)
    bad = (array < 0.0) | (array > 1.0)
    if bad.any():
        raise ValueError(f"every probability must lie between 0 and 1, not {array[bad][0]}")
    return array


def outcomes(values: Sequence[bool] | Sequence[int]) -> NDArray[np.float64]:
    """`values`, each yes or no, as 1.0 and 0.0, shape (n,). Raises ValueError on none, or on another."""
    array = numbers(values)
    bad = (array != 0.0) & (array != 1.0)
    if bad.any():
        raise ValueError(f"every outcome must be yes or no, 1 or 0, not {array[bad][0]}")
    return array
