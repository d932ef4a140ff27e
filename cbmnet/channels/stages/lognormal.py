"""Lognormal transit time, given by its median and the sigma of its logarithm."""

from dataclasses import dataclass
from math import exp

from cbmnet.channels.delay import NORMAL, QUARTER_STEP, Delay, DelayOptions, register_delay
from cbmnet.channels.stage import WORD_DELAY, Flight, LinkContext
from cbmnet.streams import unit


@dataclass(frozen=True)
class LognormalConfig(DelayOptions):
    """`delay_s`: the median transit time; `sigma`: standard deviation of the logarithm."""

    delay_s: float
    sigma: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.sigma <= 10.0:
            raise ValueError("sigma must be from 0 to 10")


@register_delay("lognormal", LognormalConfig)
class Lognormal(Delay):
    """Human and diplomatic delays: never negative, with a long tail."""

    __slots__ = ("_median_s", "_sigma")

    def __init__(self, config: LognormalConfig, link: LinkContext) -> None:
        self._median_s, self._sigma = config.delay_s, config.sigma

    def quantile_s(self, share: float) -> float:
        """Median times exp(sigma z)."""
        return self._median_s * exp(self._sigma * NORMAL.inv_cdf(share + QUARTER_STEP))

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds a drawn delay."""
        normal = NORMAL.inv_cdf(unit(flight.words[WORD_DELAY]) + QUARTER_STEP)
        flight.at_s += self._median_s * exp(self._sigma * normal)
        return None
