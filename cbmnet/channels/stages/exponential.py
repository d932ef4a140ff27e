"""Exponential transit time."""

from dataclasses import dataclass
from math import log1p

from cbmnet.channels.stage import STAGES, WORD_DELAY, Flight, LinkContext
from cbmnet.streams import unit


@dataclass(frozen=True)
class ExponentialConfig:
    """`delay_s`: the mean transit time."""

    delay_s: float


@STAGES.register("exponential", ExponentialConfig)
class Exponential:
    """Inverts the distribution function, so a higher mean delays the same flight longer."""

    uses = (WORD_DELAY,)
    __slots__ = ("_mean_s",)

    def __init__(self, config: ExponentialConfig, link: LinkContext) -> None:
        self._mean_s = config.delay_s

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds a drawn delay."""
        flight.at_s -= self._mean_s * log1p(-unit(flight.words[WORD_DELAY]))
        return None
