"""A world in which beliefs are calibrated by construction, and one in which they are not."""

import numpy as np
from numpy.typing import NDArray

ON, OFF, PRIOR, HIT, FALSE_ALARM = 0.005, 1 / 14, 0.05, 0.5, 0.1


def beliefs(
    generator: np.random.Generator, runs: int, days: int, believed_hit: float = HIT, on: float = ON
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Forecasts and truth, each of shape (runs, days), of an exact filter on a hidden two-state chain.

    The intent turns on at rate `on` and off at 1/14 a day, so a run's samples are alike; each day shows a
    signal with probability .5 or .1. The filter is exact when `believed_hit` is .5.
    """
    intent, p = generator.random(runs) < PRIOR, np.full(runs, PRIOR)
    forecasts, truth = [], []
    for _ in range(days):
        draw = generator.random((2, runs))
        intent = np.where(intent, draw[0] >= OFF, draw[0] < on)
        p = p * (1 - OFF) + (1 - p) * on
        seen = draw[1] < np.where(intent, HIT, FALSE_ALARM)
        if_on, if_off = (np.where(seen, rate, 1 - rate) for rate in (believed_hit, FALSE_ALARM))
        p = p * if_on / (p * if_on + (1 - p) * if_off)
        forecasts.append(p)
        truth.append(intent.astype(np.int64))
    return np.array(forecasts).T, np.array(truth).T
