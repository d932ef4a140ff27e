"""A line that is down at known times: maintenance, a station that closes at night.

No formula: windows of time, once or again in each period. Outages at random times are the stage `up-down`.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from cbmnet.channels.stage import STAGES, Flight, LinkContext


@dataclass(frozen=True)
class ScheduledOutageConfig:
    """`windows_s`: pairs of start and end, in seconds of the run; `every_s`: they come again so often."""

    windows_s: tuple[tuple[float, float], ...]
    every_s: float | None = None

    def __post_init__(self) -> None:
        times_s = [at_s for window in self.windows_s for at_s in window]
        if not times_s or times_s[0] < 0.0 or any(b <= a for a, b in pairwise(times_s)):
            raise ValueError("windows must be pairs of start and end, in order, none touching the next")
        if self.every_s is not None and self.every_s < times_s[-1]:
            raise ValueError("every must be at least the end of the last window")


@STAGES.register("scheduled-outage", ScheduledOutageConfig)
class ScheduledOutage:
    """Drops what finds the line closed; a window holds its start and not its end."""

    instant = memoryless = True
    __slots__ = ("_every_s", "_times_s")

    def __init__(self, config: ScheduledOutageConfig, link: LinkContext) -> None:
        self._times_s = [at_s for window in config.windows_s for at_s in window]
        self._every_s = config.every_s

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Drops a flight that stands within a window."""
        at_s = flight.at_s if self._every_s is None else flight.at_s % self._every_s
        if flight.drop is None and bisect_right(self._times_s, at_s) % 2:
            flight.drop = "scheduled outage"
        return None
