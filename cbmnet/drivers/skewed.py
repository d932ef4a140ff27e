"""A party whose clock is wrong: its endpoint sees a time of its own, everyone else the true one."""

from math import inf
from typing import Any

from cbmnet.errors import LocalProtocolError
from cbmnet.protocols.endpoint import EndpointBase, QueuedEndpoint


class Skewed(EndpointBase):
    """An endpoint behind a clock that jumped by an offset and gains `drift` seconds a second.

    Both may be negative; `drift` is above -1, or time would stand still. The deadline that the endpoint
    names is one of its own clock, so it is kept with its true time: computed back and forth it could lie a
    rounding ahead for ever.
    """

    def __init__(self, endpoint: QueuedEndpoint) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.outgoing, self.events = endpoint.outgoing, endpoint.events
        self._true_s = self._own_s = 0.0
        self._pace = 1.0
        self._due_true_s, self._due_own_s = inf, inf

    def set(self, offset_s: float, drift: float, now: float) -> None:
        """Jumps by the offset now, and gains `drift` from now on. LocalProtocolError for drift <= -1."""
        if not drift > -1.0:
            raise LocalProtocolError(f"drift {drift}: must be above -1, or the clock would stand still")
        self._own_s, self._true_s = self.own_time_s(now) + offset_s, now
        self._pace = 1.0 + drift

    def renew(self, endpoint: QueuedEndpoint) -> None:
        """The party came back with another endpoint; its clock goes on."""
        self.endpoint, self.outgoing, self.events = endpoint, endpoint.outgoing, endpoint.events

    def own_time_s(self, now: float) -> float:
        """What the party's clock shows at this true time."""
        return self._own_s + (now - self._true_s) * self._pace

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Bytes at the party's own time."""
        self.endpoint.receive(data, peer, self.own_time_s(now))

    def command(self, command: Any, now: float) -> None:
        """A command at the party's own time."""
        self.endpoint.command(command, self.own_time_s(now))

    def handle_timer(self, now: float) -> None:
        """What is due by the party's own clock."""
        own_s = self.own_time_s(now)
        self.endpoint.handle_timer(max(own_s, self._due_own_s) if now >= self._due_true_s else own_s)

    def next_timer(self) -> float | None:
        """When, in true time, the party's clock will show its next deadline."""
        due = self.endpoint.next_timer()
        if due is None:
            self._due_true_s = self._due_own_s = inf
            return None
        self._due_own_s, self._due_true_s = due, self._true_s + (due - self._own_s) / self._pace
        return self._due_true_s
