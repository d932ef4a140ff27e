"""Pareto transit time: a power tail, as in long waits that grow longer.

The share later than x is (m/x)^shape from the smallest value m on, and the mean is m shape/(shape - 1)
(V. Pareto 1896; N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions 1, chapter 20).
"""

from dataclasses import dataclass
from math import exp, inf, log1p

from cbmnet.channels.delay import Delay, DelayOptions, register_delay
from cbmnet.channels.stage import LinkContext


@dataclass(frozen=True)
class ParetoConfig(DelayOptions):
    """`delay_s`: the mean; `shape`: the power of the tail; `offset_s` is added to each, `high_s` cuts.

    With an offset the mean is still `delay_s`, before a delay below 0 becomes 0 and one above `high_s`
    becomes `high_s`.
    """

    delay_s: float
    shape: float = 3.0
    offset_s: float = 0.0
    high_s: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1.0 < self.shape <= 1000.0:
            raise ValueError("shape must be above 1, where there is a mean, and at most 1000")
        if self.delay_s < max(0.0, self.offset_s):
            raise ValueError("delay must be at least 0 and at least offset")
        if self.high_s is not None and self.high_s <= max(0.0, self.least_s):
            raise ValueError(f"high must be longer than the least delay, {max(0.0, self.least_s):g} s")

    @property
    def least_s(self) -> float:
        """The shortest delay, before one below 0 becomes 0."""
        return self.offset_s + self.scale_s

    @property
    def scale_s(self) -> float:
        """The scale of the power law."""
        return (self.delay_s - self.offset_s) * (self.shape - 1.0) / self.shape


@register_delay("pareto", ParetoConfig)
class Pareto(Delay):
    """Most arrive soon, a few take very long."""

    __slots__ = ("_high_s", "_offset_s", "_power", "_scale_s")

    def __init__(self, config: ParetoConfig, link: LinkContext) -> None:
        self._power, self._offset_s = -1.0 / config.shape, config.offset_s
        self._scale_s = config.scale_s
        self._high_s = inf if config.high_s is None else config.high_s

    def quantile_s(self, share: float) -> float:
        """Offset + m (1 - share)^(-1/shape), within 0 and the ceiling."""
        delay_s = self._offset_s + self._scale_s * exp(self._power * log1p(-share))
        return min(max(delay_s, 0.0), self._high_s)
