"""Gamma transit time: the sum of `shape` exponential steps where shape is whole (Erlang)."""

from dataclasses import dataclass

from cbmnet.channels.delay import Delay, DelayOptions, register_delay
from cbmnet.channels.gamma_quantile import LARGEST_SHAPE, SMALLEST_SHAPE, gamma_quantile
from cbmnet.channels.stage import LinkContext


@dataclass(frozen=True)
class GammaConfig(DelayOptions):
    """`delay_s`: the mean transit time; `shape`: squared mean over variance."""

    delay_s: float
    shape: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.delay_s < 0.0:
            raise ValueError("delay must be at least 0")
        if not SMALLEST_SHAPE <= self.shape <= LARGEST_SHAPE:
            raise ValueError(f"shape must be from {SMALLEST_SHAPE:g} to {LARGEST_SHAPE:g}")


@register_delay("gamma", GammaConfig)
class Gamma(Delay):
    """Several clerks one after the other; the relative spread is one over the root of the shape."""

    __slots__ = ("_scale_s", "_shape")

    def __init__(self, config: GammaConfig, link: LinkContext) -> None:
        self._scale_s, self._shape = config.delay_s / config.shape, config.shape

    def quantile_s(self, share: float) -> float:
        """The scale times the quantile of the standard gamma distribution."""
        return self._scale_s * gamma_quantile(self._shape, share)
