"""A fixed transit time."""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, Flight, LinkContext


@dataclass(frozen=True)
class ConstantConfig:
    """`delay_s`: the transit time."""

    delay_s: float


@STAGES.register("constant", ConstantConfig)
class Constant:
    """Moves every flight on by the same time."""

    __slots__ = ("_delay_s",)

    def __init__(self, config: ConstantConfig, link: LinkContext) -> None:
        self._delay_s = config.delay_s

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds the delay."""
        flight.at_s += self._delay_s
        return None
