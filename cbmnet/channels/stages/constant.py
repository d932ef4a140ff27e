"""A fixed transit time."""

from dataclasses import dataclass

from cbmnet.channels.delay import Delay, DelayOptions, register_delay
from cbmnet.channels.stage import Flight, LinkContext


@dataclass(frozen=True)
class ConstantConfig(DelayOptions):
    """`delay_s`: the transit time."""

    delay_s: float


@register_delay("constant", ConstantConfig)
class Constant(Delay):
    """Moves every flight on by the same time."""

    uses = ()
    __slots__ = ("_delay_s",)

    def __init__(self, config: ConstantConfig, link: LinkContext) -> None:
        self._delay_s = config.delay_s

    def quantile_s(self, share: float) -> float:
        """Always the delay."""
        return self._delay_s

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds the delay."""
        flight.at_s += self._delay_s
        return None
