"""Store and forward over a line that goes down and comes back: what is through before a deadline.

Up and down times are exponential. The line is up for the share A = up/(up + down) of the time, and what is
left of a repair is as long as a whole one, so a message is through within t with A + (1 - A)(1 -
e^(-t/down)) (R. E. Barlow, F. Proschan, Mathematical Theory of Reliability, 1965).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any

from cbmnet.channels.stages.up_down import UpDownConfig
from cbmnet.protocols.events import Received
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.line import Pair, number_of
from cbmnet.validation.trials import Row, Trials, ratio, rows_of

_LONGEST_S = 1e9


@dataclass(frozen=True)
class OutageCase(Trials):
    """Mean times up and down, and the deadline, in seconds; a trial is a message."""

    trials: int = 200_000
    up_s: float = 600.0
    down_s: float = 300.0
    deadline_s: float = 150.0

    def __post_init__(self) -> None:
        for name in ("up_s", "down_s"):
            if not 0.0 < getattr(self, name) <= _LONGEST_S:
                raise ValueError(f"{name} must be above 0 and at most {_LONGEST_S:g}")
        if not 0.0 <= self.deadline_s <= _LONGEST_S:
            raise ValueError(f"deadline_s must be from 0 to {_LONGEST_S:g}")
        self.check_trials()

    @property
    def spacing_s(self) -> float:
        """Three times that in which the line forgets its state; neighbours then correlate by e^-3."""
        return 3.0 / (1.0 / self.up_s + 1.0 / self.down_s)

    def exact(self) -> float:
        """Up at once, or up in time."""
        up = self.up_s / (self.up_s + self.down_s)
        return up + (1.0 - up) * (1.0 - exp(-self.deadline_s / self.down_s))


@CASES.register("outage", OutageCase)
def outage(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Outages that hold what finds the line down: what is through before a deadline."""
    chosen = OutageCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    return {"delivered_in_time": ratio(chosen, chosen.exact(), rows, 1)}


def _run(chosen: OutageCase, size: int, streams: Streams) -> list[Row]:
    sent_s, in_time = list[float](), bytearray(size)
    deadline_s, spacing_s = chosen.deadline_s, chosen.spacing_s

    def gap_s() -> float:
        sent_s.append((sent_s[-1] if sent_s else 0.0) + spacing_s)
        return spacing_s

    def arrive(event: Received) -> None:
        number = number_of(event.data)
        in_time[number] = clock.now - sent_s[number] <= deadline_s

    pair = Pair("fire-and-forget", {}, on_b=arrive)
    clock = pair.clock
    pair.join(streams, [("up-down", UpDownConfig(chosen.up_s, chosen.down_s, hold=True))])
    pair.send_every(size, gap_s)
    return [(stop - start, in_time.count(1, start, stop)) for start, stop in chosen.batches(size)]
