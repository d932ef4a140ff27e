"""The line test, and the delivery rate that its silence teaches.

Heartbeats are due at fixed times. One that arrived in time counts as a success; one that has not arrived
once the .99 quantile of the believed latency has passed counts as a loss. The estimate is the mean of a
Beta(1, 1) prior with those counts, which fade with a half-life. Only due heartbeats move it: junk,
forgeries and replays cannot, or an attacker could hide silence behind noise. One may come
early by as much as two clocks may differ.
"""

from dataclasses import dataclass
from typing import Literal

from cbmnet.messages.verifier import SKEW_MS
from cbmnet.units import DAY_S


def tolerance_s(period_s: float) -> float:
    """How far the clocks of two ends may differ: what the verifier allows, and at most half a period."""
    return min(SKEW_MS / 1000.0, period_s / 2.0)


@dataclass(frozen=True, slots=True)
class HeartbeatConfig:
    """`period_s` between tests, or None for no tests; `reaches` says which failures a test can see.

    A test that reaches the "wire" is answered by the machine; one that reaches the "desk" has to be
    passed on by the people who would pass on a notice. `half_life_s` is a choice without an anchor.
    """

    period_s: float | None = None
    reaches: Literal["wire", "desk"] = "wire"
    half_life_s: float = 7 * DAY_S


class DeliveryEstimate:
    """What one party believes of the delivery from one partner, from its heartbeats due after `since_s`."""

    __slots__ = (
        "_arrived",
        "_done",
        "_half_life_s",
        "_hits",
        "_misses",
        "_period_s",
        "_settled_s",
        "_wait_s",
    )

    def __init__(self, period_s: float, wait_s: float, half_life_s: float, since_s: float = 0.0) -> None:
        self._period_s, self._wait_s, self._half_life_s = period_s, wait_s, half_life_s
        self._hits = self._misses = 0.0
        self._done = int(since_s // period_s)
        self._settled_s = since_s
        self._arrived: set[int] = set()

    def arrived(self, count: int, now_s: float) -> None:
        """Heartbeat `count` (from 1) arrived; one that is late or not due yet moves nothing."""
        self._settle(now_s)
        if count > self._done and count * self._period_s <= now_s + tolerance_s(self._period_s):
            self._arrived.add(count)

    def delivery_prob(self, now_s: float) -> float:
        """The estimate from all heartbeats whose waiting time is over."""
        self._settle(now_s)
        fade = self._fade(now_s - self._settled_s)
        return (1.0 + self._hits * fade) / (2.0 + (self._hits + self._misses) * fade)

    def _settle(self, now_s: float) -> None:
        while (self._done + 1) * self._period_s + self._wait_s < now_s:
            self._done += 1
            at_s = self._done * self._period_s + self._wait_s
            fade = self._fade(at_s - self._settled_s)
            hit = self._done in self._arrived
            self._hits = self._hits * fade + hit
            self._misses = self._misses * fade + (not hit)
            self._arrived.discard(self._done)
            self._settled_s = at_s

    def _fade(self, elapsed_s: float) -> float:
        # Over a clock that was set back nothing fades.
        return float(2.0 ** (-max(elapsed_s, 0.0) / self._half_life_s))
