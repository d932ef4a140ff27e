"""A single server with Poisson arrivals: the mean wait before service, in units of the mean service.

rho/(1 - rho) for exponential service, half of it for constant service (Pollaczek 1930, Khinchin 1932).

A wait is taken from what is seen: service of a message begins when it is sent or when the one before it
arrives, whichever is later. Each chunk starts with an empty queue and drops the arrivals of the first 20
relaxation times, 1/(1 - sqrt(rho))^2 services each (P. M. Morse, Stochastic Properties of Waiting Lines,
Operations Research 3, 1955), so that what is left of the start is in the order of e^-20; batches are at
least as long.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil, sqrt
from typing import Any, cast

from cbmnet.channels.stages.queue import QueueConfig
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.line import Pair
from cbmnet.validation.trials import Row, Trials, ratio, rows_of

_LEAST_RHO = 1e-6
SERVICES = ("exponential", "constant")


@dataclass(frozen=True)
class QueueCase(Trials):
    """`rho`: arrivals a service; `service`: exponential or constant, of mean 1; a trial is a message."""

    trials: int = 3_200_000
    rho: float = 0.5
    service: str = "exponential"

    def __post_init__(self) -> None:
        if not _LEAST_RHO <= self.rho < 1.0:
            raise ValueError(
                f"rho must be from {_LEAST_RHO:g} to below 1, not {self.rho:g}: "
                "the queue would never settle, or never be met"
            )
        if self.service not in SERVICES:
            raise ValueError(f'service must be exponential or constant, not "{self.service}"')
        self.check_trials()

    @property
    def span(self) -> int:
        """Arrivals in 20 relaxation times."""
        return ceil(20.0 * self.rho / (1.0 - sqrt(self.rho)) ** 2)

    def exact(self) -> float:
        """The mean wait."""
        wait = self.rho / (1.0 - self.rho)
        return wait if self.service == "exponential" else wait / 2.0


@CASES.register("queue", QueueCase)
def queue(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """A server with Poisson arrivals: the mean wait, in mean services."""
    chosen = QueueCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    return {"mean_wait": ratio(chosen, chosen.exact(), rows, 1, note="in mean services")}


def _run(chosen: QueueCase, size: int, streams: Streams) -> list[Row]:
    sent_s, waits_s = deque[float](), list[float]()
    free_s = at_s = 0.0
    draw = partial(streams.generator("arrivals", "a").expovariate, chosen.rho)

    def gap_s() -> float:
        nonlocal at_s
        gap = draw()
        at_s += gap
        sent_s.append(at_s)
        return gap

    def arrive(event: Any) -> None:
        nonlocal free_s
        asked_s = sent_s.popleft()
        waits_s.append(free_s - asked_s if free_s > asked_s else 0.0)
        free_s = clock.now

    pair = Pair("fire-and-forget", {}, on_b=arrive)
    clock = pair.clock
    distribution = cast(Any, chosen.service)
    pair.join(streams, [("queue", QueueConfig(1.0, distribution))])
    pair.send_every(chosen.span + size, gap_s)
    settled = waits_s[chosen.span :]
    return [(stop - start, sum(settled[start:stop])) for start, stop in chosen.batches(size)]
