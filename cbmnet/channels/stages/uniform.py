"""Uniform transit time: netem's jitter when no distribution is named (sch_netem.c, tabledist)."""

from dataclasses import dataclass

from cbmnet.channels.delay import Delay, DelayOptions, register_delay
from cbmnet.channels.stage import LinkContext


@dataclass(frozen=True)
class UniformConfig(DelayOptions):
    """From `delay_s - jitter_s` to `delay_s + jitter_s`; what would be below 0 is 0, as in netem."""

    delay_s: float
    jitter_s: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.delay_s < 0.0 or self.jitter_s < 0.0:
            raise ValueError("delay and jitter must be at least 0")


@register_delay("uniform", UniformConfig)
class Uniform(Delay):
    """Every time within the jitter is as likely as another; the mean is the delay, unless 0 cuts it."""

    __slots__ = ("_low_s", "_width_s")

    def __init__(self, config: UniformConfig, link: LinkContext) -> None:
        self._low_s, self._width_s = config.delay_s - config.jitter_s, 2.0 * config.jitter_s

    def quantile_s(self, share: float) -> float:
        """Low + share of the width."""
        return max(0.0, self._low_s + self._width_s * share)
