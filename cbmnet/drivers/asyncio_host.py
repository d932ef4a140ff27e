"""What every asyncio driver does: pumps one endpoint in real time. A pump without policy.

The loop's clock is monotonic; the caller says what time it is at the opening (`time.time()` in a real node),
and the endpoint sees that time going on. Each way to a peer may have a `Route`: then its stages, faults
included, do to real datagrams what they do to simulated ones.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from cbmnet.channels.link import Route
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram
from cbmnet.protocols.endpoint import Endpoint

Address = tuple[str, int]


class AsyncioHost(ABC):
    """One party's endpoint; a driver says how bytes leave, and calls `take` when some come in."""

    def __init__(
        self,
        endpoint: Endpoint,
        on_event: Callable[[Any], None],
        now_s: float,
        routes: Mapping[str, Route] | None = None,
    ) -> None:
        self.endpoint, self._on_event = endpoint, on_event
        self._routes = dict(routes or {})
        self._timer: asyncio.TimerHandle | None = None
        self._under_way: set[asyncio.TimerHandle] = set()
        self._loop = asyncio.get_running_loop()
        self._epoch_s = now_s - self._loop.time()

    @property
    def now(self) -> float:
        """Unix time in seconds, never going backwards."""
        return self._loop.time() + self._epoch_s

    def command(self, command: Any) -> None:
        """Gives the endpoint an order and sends what comes of it."""
        self.endpoint.command(command, self.now)
        self.pump()

    def take(self, data: bytes, peer: str) -> None:
        """Gives the endpoint bytes that came from a peer."""
        self.endpoint.receive(data, peer, self.now)
        self.pump()

    def close(self) -> None:
        """Stops the timer, and gives up what a route still holds."""
        for handle in (self._timer, *self._under_way):
            if handle is not None:
                handle.cancel()
        self._under_way.clear()

    @abstractmethod
    def transmit(self, way: str, data: bytes) -> None:
        """Sends bytes to a peer by one way; they may be lost."""

    def pump(self) -> None:
        """Drains data, then events, until the endpoint is quiet; then arms its next timer."""
        busy = True
        while busy:
            busy = False
            for datagram in self.endpoint.datagrams_to_send():
                self._send(datagram)
            while (event := self.endpoint.next_event()) is not None:
                self._on_event(event)
                busy = True
        self._arm()

    def _send(self, datagram: Datagram) -> None:
        route = self._routes.get(datagram.peer)
        if route is None:
            self.transmit(datagram.peer, datagram.data)
            return
        for flight in route.carry(datagram, self.now):
            self._fly(route, flight)

    def _fly(self, route: Route, flight: Flight) -> None:
        if flight.drop is not None:
            return
        handles: list[asyncio.TimerHandle] = []

        def land() -> None:
            self._under_way.discard(handles[0])
            if route.has_further(flight):
                for onward in route.onward(flight):
                    self._fly(route, onward)
            else:
                self.transmit(flight.datagram.peer, flight.datagram.data)

        handles.append(self._loop.call_at(flight.at_s - self._epoch_s, land))
        self._under_way.add(handles[0])

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.endpoint.next_timer()
        self._timer = None if due is None else self._loop.call_at(due - self._epoch_s, self._wake, due)

    def _wake(self, due: float) -> None:
        # The loop may wake a clock tick early; without the max it would spin on that rounding.
        self.endpoint.handle_timer(max(due, self.now))
        self.pump()
