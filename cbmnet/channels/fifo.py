"""One server and its queue: first come, first served."""

from collections import deque
from math import inf


class Fifo:
    """Serves one at a time in the order of asking; `limit` is how many it holds, the one served included.

    What is refused for want of room takes no time of the server. An idle server begins at once.
    """

    __slots__ = ("_departures_s", "_free_s", "_limit")

    def __init__(self, limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise ValueError("limit must be at least 1: the message in service counts too")
        self._limit = limit
        self.forget()

    def forget(self) -> None:
        """Nobody is here."""
        self._free_s = -inf
        self._departures_s: deque[float] = deque()

    def serve(self, asks_s: float, service_s: float) -> float | None:
        """When the service that is asked for ends, or None where there is no room."""
        if self._limit is not None and self._is_full(asks_s, self._limit):
            return None
        self._free_s = max(self._free_s, asks_s) + service_s
        if self._limit is not None:
            self._departures_s.append(self._free_s)
        return self._free_s

    def _is_full(self, asks_s: float, limit: int) -> bool:
        departures_s = self._departures_s
        while departures_s and departures_s[0] <= asks_s:
            departures_s.popleft()
        return len(departures_s) >= limit
