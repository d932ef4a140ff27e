"""The believed latency F: how long an arriving message takes, as a sorted table of samples."""

from bisect import bisect_right
from collections.abc import Iterable


class Latency:
    """An empirical distribution of transit times, in seconds; F(t) is exact to one over the table size."""

    __slots__ = ("_count", "_sorted_s")

    def __init__(self, samples_s: Iterable[float]) -> None:
        self._sorted_s = sorted(samples_s)
        self._count = len(self._sorted_s)
        if not self._count:
            raise ValueError("a latency table needs at least one sample")

    def arrived_by(self, elapsed_s: float) -> float:
        """F(elapsed): the share of arriving messages that have arrived by then."""
        return bisect_right(self._sorted_s, elapsed_s) / self._count

    def quantile(self, share: float) -> float:
        """The time by which this share has arrived."""
        return self._sorted_s[min(self._count - 1, int(share * self._count))]

    def there_and_back(self, back: "Latency") -> "Latency":
        """The distribution of this way and then the other: sums of one table and a reordering of the other.

        The reordering steps through the table by a number prime to its size, so low, middle and high
        values meet each other evenly and no random draw is needed.
        """
        count, other = self._count, back._sorted_s
        step = next(s for s in range(int(count * 0.618) | 1, 2 * count + 3) if _coprime(s, count))
        shuffled = ((i * step) % count * len(other) // count for i in range(count))
        return Latency(self._sorted_s[i] + other[k] for i, k in enumerate(shuffled))


def _coprime(a: int, b: int) -> bool:
    while b:
        a, b = b, a % b
    return a == 1
