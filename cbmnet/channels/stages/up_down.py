"""A line that goes down and comes back: alternating exponential up and down times.

It is up for the share A = mtbf / (mtbf + mttr) of the time. Where it holds what finds it down, a message is
through within a time t with probability A + (1 - A)(1 - exp(-t / mttr)), since what is left of a repair is as
long as a whole one (R. E. Barlow, F. Proschan, Mathematical Theory of Reliability, 1965).
"""

from bisect import bisect_right
from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, Flight, LinkContext


@dataclass(frozen=True)
class UpDownConfig:
    """`mtbf_s`: mean time up between failures; `mttr_s`: mean time to repair.

    Links that name the same `shared` outage, with the same times, go down together. `hold`: a message that
    finds the line down waits until it is up, instead of being dropped.
    """

    mtbf_s: float
    mttr_s: float
    shared: str = ""
    hold: bool = False

    def __post_init__(self) -> None:
        if self.mtbf_s <= 0.0 or self.mttr_s <= 0.0:
            raise ValueError("mtbf and mttr must be longer than 0")


@STAGES.register("up-down", UpDownConfig)
class UpDown:
    """Drops, or holds, what enters while the line is down; starts in its stationary state.

    The switching times come from one stream of the link, or of all who share it, and are kept, so a
    flight may ask about any time, and what other flights asked before changes nothing.
    """

    __slots__ = ("_config", "_random", "_starts_up", "_switches_s")

    def __init__(self, config: UpDownConfig, link: LinkContext) -> None:
        self._config = config
        purpose = f"up-down/{config.shared}" if config.shared else "up-down"
        self._random = (link.shared if config.shared else link.generator)(purpose)
        self.begin_anew()

    @property
    def instant(self) -> bool:
        """Whether it never moves a flight on in time."""
        return not self._config.hold

    def begin_anew(self) -> None:
        """A further history of the line, drawn apart from the one before and as stationary."""
        config = self._config
        self._starts_up = self._random.random() < config.mtbf_s / (config.mtbf_s + config.mttr_s)
        self._switches_s: list[float] = []

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Drops a flight that finds the line down where it stands in time, or lets it wait."""
        if self._config.hold:
            flight.at_s = self.next_up_s(flight.at_s)
        elif flight.drop is None and not self.is_up(flight.at_s):
            flight.drop = "outage"
        return None

    def is_up(self, at_s: float) -> bool:
        """Whether the line is up then."""
        return self._starts_up == (self._passed(at_s) % 2 == 0)

    def next_up_s(self, at_s: float) -> float:
        """The first time from then on at which the line is up."""
        return at_s if self.is_up(at_s) else self._switches_s[self._passed(at_s)]

    def _passed(self, at_s: float) -> int:
        """How many switches there were up to that time; one more is known."""
        while not self._switches_s or self._switches_s[-1] <= at_s:
            self._extend()
        return bisect_right(self._switches_s, at_s)

    def _extend(self) -> None:
        up = self._starts_up == (len(self._switches_s) % 2 == 0)
        mean_s = self._config.mtbf_s if up else self._config.mttr_s
        last_s = self._switches_s[-1] if self._switches_s else 0.0
        self._switches_s.append(last_s + self._random.expovariate(1.0 / mean_s))
