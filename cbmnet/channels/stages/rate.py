"""A line of limited rate that really queues: each message is sent in its bytes over the rate, one at a time.

As netem's `rate` (netem(8)): the time of sending is (bytes + overhead) / rate, and it begins when the line
is free. A queue before the line has a length, or none is lost there.
"""

from dataclasses import dataclass

from cbmnet.channels.fifo import Fifo
from cbmnet.channels.stage import STAGES, Flight, LinkContext


@dataclass(frozen=True)
class RateConfig:
    """`bytes_per_s` of the line, `overhead_bytes` added to each message, `limit` messages held or no limit.

    The message being sent counts among those held, as in netem.
    """

    bytes_per_s: float
    overhead_bytes: int = 0
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.bytes_per_s <= 0.0:
            raise ValueError("bytes must be more than 0 a second")
        if self.overhead_bytes < 0:
            raise ValueError("overhead_bytes must be at least 0")
        Fifo(self.limit)


@STAGES.register("rate", RateConfig)
class Rate:
    """Long messages take long, and hold up those behind them; a full queue refuses what comes last."""

    ordered = True
    __slots__ = ("_config", "_line")

    def __init__(self, config: RateConfig, link: LinkContext) -> None:
        self._config, self._line = config, Fifo(config.limit)

    def forget(self) -> None:
        """Empties the queue."""
        self._line.forget()

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Adds waiting and sending; what is lost already is not sent."""
        if flight.drop is None:
            config, size = self._config, len(flight.datagram.data)
            ends_s = self._line.serve(flight.at_s, (size + config.overhead_bytes) / config.bytes_per_s)
            if ends_s is None:
                flight.drop = "queue full"
            else:
                flight.at_s = ends_s
        return None
