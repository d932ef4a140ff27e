"""Lognormal transit time, given by its median and the sigma of its logarithm."""

from dataclasses import dataclass
from math import exp
from statistics import NormalDist

from cbmnet.channels.stage import STAGES, WORD_DELAY, Flight, LinkContext
from cbmnet.streams import unit

_NORMAL = NormalDist()
_HALF_STEP = 2.0**-54  # keeps the uniform away from 0, where the inverse has no value


@dataclass(frozen=True)
class LognormalConfig:
    """`delay_s`: the median transit time; `sigma`: standard deviation of the logarithm."""

    delay_s: float
    sigma: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.sigma <= 10.0:
            raise ValueError("sigma must be from 0 to 10")


@STAGES.register("lognormal", LognormalConfig)
class Lognormal:
    """Human and diplomatic delays: never negative, with a long tail."""

    uses = (WORD_DELAY,)
    __slots__ = ("_median_s", "_sigma")

    def __init__(self, config: LognormalConfig, link: LinkContext) -> None:
        self._median_s, self._sigma = config.delay_s, config.sigma

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds a drawn delay."""
        normal = _NORMAL.inv_cdf(unit(flight.words[WORD_DELAY]) + _HALF_STEP)
        flight.at_s += self._median_s * exp(self._sigma * normal)
        return None
