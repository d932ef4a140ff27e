"""Exponential transit time."""

from dataclasses import dataclass
from math import log1p

from cbmnet.channels.delay import Delay, DelayOptions, register_delay
from cbmnet.channels.stage import WORD_DELAY, Flight, LinkContext
from cbmnet.streams import unit


@dataclass(frozen=True)
class ExponentialConfig(DelayOptions):
    """`delay_s`: the mean transit time."""

    delay_s: float


@register_delay("exponential", ExponentialConfig)
class Exponential(Delay):
    """Inverts the distribution function, so a higher mean delays the same flight longer."""

    __slots__ = ("_mean_s",)

    def __init__(self, config: ExponentialConfig, link: LinkContext) -> None:
        self._mean_s = config.delay_s

    def quantile_s(self, share: float) -> float:
        """-mean ln(1 - share)."""
        return -self._mean_s * log1p(-share)

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds a drawn delay."""
        flight.at_s -= self._mean_s * log1p(-unit(flight.words[WORD_DELAY]))
        return None
