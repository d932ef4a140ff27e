"""One server with a queue before it, such as a clerk who deciphers: service times are drawn or constant.

With Poisson arrivals and rho the share of time it is busy, the mean wait in units of the mean service is
rho/(1 - rho) for exponential service and half of it for constant service (Pollaczek 1930, Khinchin 1932).
"""

from dataclasses import dataclass
from math import log1p
from typing import Literal

from cbmnet.channels.fifo import Fifo
from cbmnet.channels.stage import STAGES, WORD_SERVICE, Flight, LinkContext
from cbmnet.streams import unit


@dataclass(frozen=True)
class QueueConfig:
    """`service_s`: the mean service time; `limit`: messages held, the one in service among them."""

    service_s: float
    distribution: Literal["exponential", "constant"] = "exponential"
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.service_s < 0.0:
            raise ValueError("service must be at least 0")
        if self.distribution not in ("exponential", "constant"):
            raise ValueError("distribution must be exponential or constant")
        Fifo(self.limit)


@STAGES.register("queue", QueueConfig)
class Queue:
    """Messages wait for each other; a full queue refuses what comes last."""

    uses = (WORD_SERVICE,)
    ordered = True
    __slots__ = ("_draws", "_mean_s", "_server")

    def __init__(self, config: QueueConfig, link: LinkContext) -> None:
        self._mean_s, self._draws = config.service_s, config.distribution == "exponential"
        self._server = Fifo(config.limit)

    def forget(self) -> None:
        """Empties the queue."""
        self._server.forget()

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds waiting and service; what is lost already is not served."""
        if flight.drop is None:
            share = unit(flight.words[WORD_SERVICE]) if self._draws else 0.0
            service_s = -self._mean_s * log1p(-share) if self._draws else self._mean_s
            ends_s = self._server.serve(flight.at_s, service_s)
            if ends_s is None:
                flight.drop = "queue full"
            else:
                flight.at_s = ends_s
        return None
