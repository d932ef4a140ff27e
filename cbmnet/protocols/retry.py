"""How often and when a message is sent again: the timeouts that several variants share."""

from dataclasses import dataclass
from itertools import accumulate

MAX_SENDS = 64


@dataclass(frozen=True)
class RetryConfig:
    """`rto_s`: first retransmission timeout; it should exceed the round trip."""

    rto_s: float
    backoff: float = 2.0  # RFC 6298 section 5.5: back off the timer by doubling it
    max_sends: int = 5

    def __post_init__(self) -> None:
        if not (self.rto_s > 0.0 and self.backoff >= 1.0 and 1 <= self.max_sends <= MAX_SENDS):
            raise ValueError("needs rto longer than 0, backoff of at least 1 and 1 to 64 max_sends")

    @property
    def rtos_s(self) -> list[float]:
        """How long each attempt waits for its answer, in seconds."""
        return [self.rto_s * self.backoff**k for k in range(self.max_sends)]


def offsets_of(rtos_s: list[float]) -> tuple[float, ...]:
    """When each attempt leaves, counted from the first, if no acknowledgement comes."""
    return tuple(accumulate(rtos_s[:-1], initial=0.0))
