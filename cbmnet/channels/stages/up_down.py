"""A line that goes down and comes back: alternating exponential up and down times."""

from bisect import bisect_right
from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, Flight, LinkContext


@dataclass(frozen=True)
class UpDownConfig:
    """`mtbf_s`: mean time up between failures; `mttr_s`: mean time to repair."""

    mtbf_s: float
    mttr_s: float

    def __post_init__(self) -> None:
        if self.mtbf_s <= 0.0 or self.mttr_s <= 0.0:
            raise ValueError("mtbf and mttr must be longer than 0")


@STAGES.register("up-down", UpDownConfig)
class UpDown:
    """Drops what enters while the line is down; starts in its stationary state.

    The switching times come from one stream of the link and are kept, so a flight may ask about any
    time, and what other flights asked before changes nothing.
    """

    __slots__ = ("_config", "_random", "_starts_up", "_switches_s")

    def __init__(self, config: UpDownConfig, link: LinkContext) -> None:
        self._config = config
        self._random = link.generator("up-down")
        self._starts_up = self._random.random() < config.mtbf_s / (config.mtbf_s + config.mttr_s)
        self._switches_s: list[float] = []

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Drops a flight that finds the line down where it stands in time."""
        if flight.drop is None and not self.is_up(flight.at_s):
            flight.drop = "outage"
        return None

    def is_up(self, at_s: float) -> bool:
        """Whether the line is up then."""
        while not self._switches_s or self._switches_s[-1] <= at_s:
            self._extend()
        passed = bisect_right(self._switches_s, at_s)
        return self._starts_up == (passed % 2 == 0)

    def _extend(self) -> None:
        up = self._starts_up == (len(self._switches_s) % 2 == 0)
        mean_s = self._config.mtbf_s if up else self._config.mttr_s
        last_s = self._switches_s[-1] if self._switches_s else 0.0
        self._switches_s.append(last_s + self._random.expovariate(1.0 / mean_s))
