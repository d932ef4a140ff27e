"""What every delay stage has in common: one uniform, turned into a time by the inverse distribution function.

By inversion a longer mean delays the same flight longer, so runs of different delays share their random
numbers. Two options make a delay depend on the flights before:

- `correlation` rho ties each delay to the one before by a Gaussian copula: z' = rho z + sqrt(1 - rho^2) e,
  the delay is the quantile of Phi(z'). The distribution of one delay stays exactly what it was, and rho is
  the lag-1 correlation of z. (netem mixes uniforms linearly instead, which narrows its distribution.)
- `keep_order` lets no flight arrive before a flight that entered the stage earlier.

A stage without either is the plain one, made by its own class: it pays nothing for the options.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, inf, sqrt
from statistics import NormalDist
from typing import Any, ClassVar, TypeVar

from cbmnet.channels.stage import STAGES, WORD_DELAY, Flight, LinkContext, Stage
from cbmnet.streams import unit

NORMAL = NormalDist()
# Keeps a uniform away from 0, where an inverse has no value; half a step would round the last one to 1.
QUARTER_STEP = 2.0**-55
BELOW_ONE = 1.0 - 2.0**-53


@dataclass(frozen=True, kw_only=True)
class DelayOptions:
    """`correlation` of each delay with the one before; `keep_order`: no flight overtakes another."""

    correlation: float = 0.0
    keep_order: bool = False

    def __post_init__(self) -> None:
        if not -1.0 < self.correlation < 1.0:
            raise ValueError("correlation must be above -1 and below 1")


class Delay(ABC):
    """A stage that adds to each flight's time the quantile of its uniform."""

    uses: ClassVar[tuple[slice, ...]] = (WORD_DELAY,)
    memoryless = True
    __slots__ = ()

    @abstractmethod
    def quantile_s(self, share: float) -> float:
        """The delay that this share of flights does not exceed; `share` is in [0, 1)."""

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds a drawn delay."""
        flight.at_s += self.quantile_s(unit(flight.words[WORD_DELAY]))
        return None


class DependentDelay:
    """A delay stage with `correlation` or `keep_order`; starts in its stationary state."""

    uses = (WORD_DELAY,)
    ordered = True
    __slots__ = ("_delay", "_innovation", "_keeps_order", "_last_normal", "_latest_s", "_rho")

    def __init__(self, delay: Delay, options: DelayOptions) -> None:
        self._delay, self._keeps_order = delay, options.keep_order
        self._rho = options.correlation
        self._innovation = sqrt(1.0 - self._rho**2)
        self.forget()

    def forget(self) -> None:
        """Nothing has passed yet."""
        self._last_normal: float | None = None
        self._latest_s = -inf

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds a drawn delay; a lost flight moves the chain on too, but holds nobody back."""
        share = unit(flight.words[WORD_DELAY])
        at_s = flight.at_s + self._delay.quantile_s(self._correlated(share) if self._rho else share)
        if self._keeps_order:
            at_s = max(at_s, self._latest_s)
            if flight.drop is None:
                self._latest_s = at_s
        flight.at_s = at_s
        return None

    def _correlated(self, share: float) -> float:
        normal = NORMAL.inv_cdf(share + QUARTER_STEP)
        if self._last_normal is not None:
            normal = self._rho * self._last_normal + self._innovation * normal
        self._last_normal = normal
        return min(phi(normal), BELOW_ONE)


def phi(normal: float) -> float:
    """The standard normal distribution function, exact in its lower tail too."""
    return 0.5 * erfc(-normal / sqrt(2.0))


D = TypeVar("D", bound=type[Delay])


def register_delay(name: str, config: type[DelayOptions]) -> Callable[[D], D]:
    """Registers a delay stage under `name`: the class itself, or wrapped where options are on."""

    def add(plain: D) -> D:
        def make(config: Any, link: LinkContext) -> Stage:
            stage = plain(config, link)  # type: ignore[call-arg]
            return DependentDelay(stage, config) if config.correlation or config.keep_order else stage

        make.__doc__ = plain.__doc__
        STAGES.register(name, config)(make)
        return plain

    return add
