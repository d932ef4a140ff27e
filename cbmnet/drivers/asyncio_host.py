"""What every asyncio driver does: pumps one endpoint in real time. A pump without policy.

The loop's clock is monotonic; the caller says what time it is at the opening (`time.time()` in a real node),
and the endpoint sees that time going on. Each way to a peer may have a `Route`: then its stages, faults
included, do to real datagrams what they do to simulated ones. Flights that are due at one time land in the
order in which they were sent, which the loop's own timers do not promise.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from typing import Any

from cbmnet.channels.link import Route
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram
from cbmnet.drivers import MAX_STEPS_AT_ONCE
from cbmnet.drivers.queued import check_event, due_of
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import Endpoint

Address = tuple[str, int]
AFTER_FAILURE_S = 1.0
"""An endpoint whose timer failed is woken again, but not at once: what fails again must not fill the loop."""


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
        self._under_way: list[tuple[float, int, Route, Flight]] = []
        self._landing: asyncio.TimerHandle | None = None
        self._flights = 0
        self._closed = self._pumping = False
        self._loop = asyncio.get_running_loop()
        self._epoch_s = now_s - self._loop.time()

    @property
    def now(self) -> float:
        """Unix time in seconds, never going backwards."""
        return self._loop.time() + self._epoch_s

    def command(self, command: Any) -> None:
        """Gives the endpoint an order and sends what comes of it. LocalProtocolError once it is closed."""
        if self._closed:
            raise LocalProtocolError("this host is closed")
        self.endpoint.command(command, self.now)
        self.pump()

    def take(self, data: bytes, peer: str) -> None:
        """Gives the endpoint bytes that came from a peer."""
        if not self._closed:
            self.endpoint.receive(data, peer, self.now)
            self.pump()

    def close(self) -> None:
        """Stops the timer, and gives up what a route still holds; `aclose` waits until all is gone."""
        self._closed = True
        for handle in (self._timer, self._landing):
            if handle is not None:
                handle.cancel()
        self._under_way.clear()

    @abstractmethod
    async def aclose(self) -> None:
        """Closes, and waits until sockets and connections are gone."""

    @abstractmethod
    def ways(self) -> Iterable[str]:
        """The ways to peers that have an address."""

    @abstractmethod
    def transmit(self, way: str, data: bytes) -> None:
        """Sends bytes to a peer by one way; they may be lost."""

    def pump(self) -> None:
        """Drains data, then events, until the endpoint is quiet; then arms its next timer.

        SimulationError for a datagram to somebody who has no address. What an event's hearer orders is
        drained here too, not within his call.
        """
        if self._pumping or self._closed:
            return
        self._pumping = True
        try:
            self._drain()
        finally:
            self._pumping = False
            if not self._closed:
                self._arm()

    def _drain(self) -> None:
        busy, events = True, 0
        failed: SimulationError | None = None
        while busy:
            busy, events = False, events + 1
            if events > MAX_STEPS_AT_ONCE:
                kind = type(self.endpoint).__name__
                raise SimulationError(f"{kind}: more than {MAX_STEPS_AT_ONCE} events on end")
            now = self.now
            for datagram in self.endpoint.datagrams_to_send():
                try:
                    self._send(datagram, now)
                except SimulationError as error:  # the others are sent all the same
                    failed = failed or error
            if (event := self.endpoint.next_event()) is not None:
                try:
                    check_event(event)
                except TypeError as error:
                    raise SimulationError(f"{type(self.endpoint).__name__}: {error}") from None
                self._on_event(event)
                busy = not self._closed
        if failed is not None:
            raise failed

    def _send(self, datagram: Datagram, now: float) -> None:
        way = datagram.peer
        self._check_way(way)
        route = self._routes.get(way)
        if route is None:
            self.transmit(way, datagram.data)
            return
        for flight in route.carry(datagram, now):
            self._fly(route, flight)

    def _check_way(self, way: str) -> None:
        if way not in self.ways():
            there = ", ".join(sorted(self.ways())) or "none"
            raise SimulationError(f"no way to {way!r}; there are {there}")

    def _fly(self, route: Route, flight: Flight) -> None:
        if flight.drop is not None:
            return
        self._flights += 1
        heappush(self._under_way, (flight.at_s, self._flights, route, flight))
        self._await_landing()

    def _await_landing(self) -> None:
        if self._landing is not None:
            self._landing.cancel()
        self._landing = None
        if self._under_way and not self._closed:
            due = self._under_way[0][0]
            self._landing = self._loop.call_at(due - self._epoch_s, self._land, due)

    def _land(self, due: float) -> None:
        now = max(due, self.now)
        try:
            while self._under_way and self._under_way[0][0] <= now:
                _, _, route, flight = heappop(self._under_way)
                if not route.has_further(flight):
                    way = flight.astray or flight.datagram.peer
                    self._check_way(way)
                    self.transmit(way, flight.datagram.data)
                    continue
                for onward in route.onward(flight):
                    self._fly(route, onward)
        finally:  # what fails holds up nothing else
            self._await_landing()

    def _arm(self, after_s: float = 0.0) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        try:
            due = due_of(self.endpoint.next_timer())
        except ValueError as error:
            raise SimulationError(f"{type(self.endpoint).__name__}: {error}") from None
        if due is not None:
            at_s = max(due - self._epoch_s, self._loop.time() + after_s) if after_s else due - self._epoch_s
            self._timer = self._loop.call_at(at_s, self._wake, due)

    def _wake(self, due: float) -> None:
        try:
            # The loop may wake a clock tick early; without the max it would spin on that rounding.
            self.endpoint.handle_timer(max(due, self.now))
        except BaseException:
            if not self._closed:
                self._arm(AFTER_FAILURE_S)
            raise
        self.pump()
