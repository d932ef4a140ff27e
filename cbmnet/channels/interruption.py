"""A line that carries nothing for a while, because somebody says so: a scripted outage of a whole route."""

from cbmnet.channels.stage import Flight


class Interruption:
    """Drops what is sent from `start_s` until before `end_s`; stands ahead of a route's first hop."""

    __slots__ = ("_end_s", "_reason", "_start_s")

    def __init__(self, start_s: float, end_s: float, reason: str = "outage") -> None:
        self._start_s, self._end_s, self._reason = start_s, end_s, reason

    def apply(self, flight: Flight, now_s: float) -> None:
        """Drops a flight that sets out within the time."""
        if self._start_s <= now_s < self._end_s:
            flight.drop = self._reason
