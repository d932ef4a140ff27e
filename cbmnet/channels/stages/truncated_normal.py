"""Normal transit time within bounds: a delay is never negative, and may have a ceiling.

Inside the bounds it is the normal distribution given that it falls there (N. L. Johnson, S. Kotz,
N. Balakrishnan, Continuous Univariate Distributions 1, chapter 13), by its inverse:
z = inverse Phi(Phi(a) + u (Phi(b) - Phi(a))) with a, b the bounds in standard deviations from the mean.
"""

from dataclasses import dataclass
from math import inf

from cbmnet.channels.delay import BELOW_ONE, NORMAL, Delay, DelayOptions, phi, register_delay
from cbmnet.channels.stage import LinkContext

_LEAST_MASS = 1e-9  # of the distribution within its bounds; below, inversion has no digits left
_LEAST_SHARE = 1e-300  # keeps the inverse away from 0, where it has no value


@dataclass(frozen=True)
class TruncatedNormalConfig(DelayOptions):
    """`delay_s` and `jitter_s`: mean and standard deviation before the bounds `low_s` and `high_s` cut.

    `clipped` puts what falls outside on the bound itself, as netem does at 0, instead of leaving it out.
    """

    delay_s: float
    jitter_s: float
    low_s: float = 0.0
    high_s: float | None = None
    clipped: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.delay_s < 0.0 or self.jitter_s <= 0.0:
            raise ValueError("delay must be at least 0 and jitter longer than 0")
        if not 0.0 <= self.low_s < self.ceiling_s:
            raise ValueError("low must be at least 0 and below high")
        if not self.clipped and self.mass < _LEAST_MASS:
            raise ValueError(
                "low and high leave next to nothing of the distribution; move delay between them"
            )

    @property
    def ceiling_s(self) -> float:
        """The upper bound, infinite where there is none."""
        return inf if self.high_s is None else self.high_s

    @property
    def mass(self) -> float:
        """The share of the normal distribution within the bounds."""
        low, high = self.bounds()
        return phi(high) - phi(low) if low < 0.0 else phi(-low) - phi(-high)

    def bounds(self) -> tuple[float, float]:
        """The bounds in standard deviations from the mean."""
        return (self.low_s - self.delay_s) / self.jitter_s, (self.ceiling_s - self.delay_s) / self.jitter_s


@register_delay("truncated-normal", TruncatedNormalConfig)
class TruncatedNormal(Delay):
    """The sum of many small delays, cut where no delay can be."""

    __slots__ = ("_config", "_from", "_span", "_upside")

    def __init__(self, config: TruncatedNormalConfig, link: LinkContext) -> None:
        low, _ = config.bounds()
        self._config, self._upside = config, low > 0.0 and not config.clipped
        self._from = 0.0 if config.clipped else phi(-low if self._upside else low)
        self._span = 1.0 if config.clipped else config.mass

    def quantile_s(self, share: float) -> float:
        """By inversion; above the mean through the upper tail, where Phi itself would be rounded to 1."""
        config, part = self._config, share * self._span
        below = self._from - part if self._upside else self._from + part
        normal = NORMAL.inv_cdf(min(max(below, _LEAST_SHARE), BELOW_ONE))
        normal = -normal if self._upside else normal
        return min(max(config.delay_s + config.jitter_s * normal, config.low_s), config.ceiling_s)
