"""Drives endpoints in virtual time.

The message path uses calls, never a process or a store per message: that is what the speed of a run
depends on. A flight is its own event. No event can be taken out of the heap, so a wake-up that is no longer
wanted stays there and calls nothing when it comes.
"""

import struct
from collections.abc import Callable
from math import inf
from typing import Any

from cbmnet.channels.fan import Fan
from cbmnet.channels.link import Route
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram
from cbmnet.drivers.clock import Call, Clock, withdrawn
from cbmnet.drivers.failures import FailingHost
from cbmnet.drivers.queued import PLAIN_EVENTS, check_event, due_of, variant_name
from cbmnet.errors import LocalProtocolError, SimulationError, described
from cbmnet.protocols.endpoint import Endpoint, Received
from cbmnet.recorder import Recorder
from cbmnet.records import Timer

_Carry = Callable[[Datagram, float], list[Flight]]
_Line = tuple[_Carry, "Host", Callable[[Flight], None]]
"""The way to a peer: what carries a datagram there, the peer's host, what the end of a leg calls."""


class _FanLines(dict[str, _Line]):
    """The lines of a host that has a fan: whoever has no route is looked up each time, and not kept."""

    __slots__ = ("_carry", "_find_host")

    def __init__(self, lines: dict[str, _Line], carry: _Carry, find_host: Callable[[str], "Host"]) -> None:
        super().__init__(lines)
        self._carry, self._find_host = carry, find_host

    def __missing__(self, way: str) -> _Line:
        peer = self._find_host(way)
        return self._carry, peer, peer.end


class Host(FailingHost):
    """One party's endpoint on the network, its routes out and its timers."""

    def __init__(
        self,
        clock: Clock,
        name: str,
        endpoint: Endpoint,
        on_event: Callable[[Any], None],
        recorder: Recorder,
    ) -> None:
        super().__init__(clock, name, endpoint, recorder)
        self._on_event, telling = on_event, self.telling
        self._tells_sending, self._tells_drop = telling.sends or telling.fates, telling.drops
        self._tells_deliver, self._tells_fates = telling.delivers, telling.fates
        self._routes: dict[str, Route] = {}
        self._lines: dict[str, _Line] = {}
        self._wake = Call(withdrawn)
        self._on_wake = self._on_timer
        self._rounds = range(clock.max_steps_at_once + 1)
        self._pumping = False
        self._at, self._now = clock.at, clock.now
        self.end: Callable[[Flight], None] = self.deliver  # what a flight calls at the end of its last leg

    def __str__(self) -> str:
        return f"{self.name} ({variant_name(self.endpoint)})"

    def connect(self, route: Route, peer: "Host") -> None:
        """Sends to the route's target, a peer's name or one of several ways to it, go along this route."""
        self._routes[route.target] = route
        end = peer.pass_on if route.is_stepwise else peer.end
        self._lines[route.target] = (route.carry, peer, end)

    def connect_all(self, fan: Fan, find_host: Callable[[str], "Host"]) -> None:
        """Sends to any party that has no route of its own go along the fan.

        `find_host` gives the host of a name, or raises KeyError. Nothing is kept for a party.
        """
        self._lines = _FanLines(self._lines, fan.carry, find_host)

    def routes(self) -> list[Route]:
        """The routes out, in the order in which they were connected."""
        return list(self._routes.values())

    def command(self, command: Any) -> None:
        """Gives the endpoint an order and sends what comes of it; a party that is down has it later."""
        if self.down and self.is_down_at(self.clock.now):
            self._keep(command)
            return
        if self._pumping:  # what comes of it is drained by the pump that is already running
            self.endpoint.command(command, self._now)
            return
        now = self.clock.now
        try:
            self.endpoint.command(command, now)
        except SimulationError:
            raise
        except LocalProtocolError as error:  # an order that cannot be, its giver's bug
            raise LocalProtocolError(f"{self}: {error}") from error
        except Exception as error:
            raise self._failed(error, now) from error
        self._drain(now)

    def pump(self) -> None:
        """Drains data and events until the endpoint is quiet, then arms its next timer."""
        if not self._pumping and not self.down:
            self._drain(self.clock.now)

    def _drain(self, now: float) -> None:
        self._pumping, self._now = True, now
        endpoint, lines, at = self.endpoint, self._lines, self._at
        outgoing, events = endpoint.outgoing, endpoint.events
        for _ in self._rounds:
            while outgoing:
                datagram = outgoing.popleft()
                try:
                    carry, peer, end = lines[datagram.peer]
                    flights = carry(datagram, now)
                except (SimulationError, KeyError, AttributeError, TypeError, struct.error) as error:
                    raise self._cannot_send(datagram, error) from error
                if self._tells_sending:
                    self.telling.sent(datagram, flights, peer.telling, now)
                for flight in flights:
                    if flight.drop is None:
                        flight.call = end
                        at(flight.at_s, flight)
                    elif self._tells_drop or type(flight.drop) is not str or not flight.drop:
                        peer.telling.lost(flight, now, flight.drop)
            if not events:
                break
            event = events.popleft()
            kind = type(event)
            if kind not in PLAIN_EVENTS and (kind is not Received or type(event.data) is not bytes):
                self._check_event(event, now)
            self._on_event(event)
        else:
            most = self.clock.max_steps_at_once
            raise SimulationError(f"{self}: more than {most} events at {now} s without an end")
        self._pumping = False
        try:
            due = endpoint.next_timer()
            if due != self._due:
                self._arm(due, now)
        except Exception as error:
            raise self._failed(error, now) from error

    def _check_event(self, event: Any, now: float) -> None:
        try:
            check_event(event)
        except TypeError as error:
            raise SimulationError(f"{self}: at {now} s {error}") from None

    def _cannot_send(self, datagram: Any, error: Exception) -> SimulationError:
        if isinstance(error, SimulationError):
            return SimulationError(f"{self}: {error}")
        if type(datagram) is not Datagram:
            return SimulationError(f"{self}: sends {datagram!r} at {self._now} s; a variant sends Datagrams")
        if isinstance(error, struct.error):
            most = "a label has streams, attempts and copies up to 65535, epochs of 32 bits, sequences of 64"
            return SimulationError(f"{self}: sends {datagram.label} at {self._now} s; {most}")
        there = ", ".join(sorted(self._lines)) or "none"
        return SimulationError(f"{self}: no way to {datagram.peer!r}; there are {there}")

    # --- what arrives ---------------------------------------------------------------------------

    def pass_on(self, flight: Flight) -> None:
        """A flight has come to the end of a leg: it goes on, or it has arrived."""
        route: Any = flight.route
        if not route.has_further(flight):
            self.deliver(flight)
            return
        at_s, cause, corrupted = flight.at_s, flight.cause, flight.corrupted
        try:
            flights = route.onward(flight)
        except SimulationError as error:
            raise SimulationError(f"{self}: {error}") from error
        if self._tells_fates:
            self.telling.fates_of(flights, cause, at_s, corrupted=corrupted)
        for onward in flights:
            if onward.drop is None:
                onward.call = self.pass_on
                self._at(onward.at_s, onward)
            elif self._tells_drop or type(onward.drop) is not str or not onward.drop:
                self.telling.lost(onward, at_s, onward.drop)

    def deliver(self, flight: Flight) -> None:
        """Hands bytes to the endpoint now, as they come in from the source of its route."""
        now = flight.at_s
        if flight.astray:
            self._lead_astray(flight, now)
            return
        if self.down and self.is_down_at(now):
            self._meet_nobody(flight, now)
            return
        if self._tells_deliver:
            self.telling.delivered(flight, now)
        try:
            self.endpoint.receive(flight.datagram.data, flight.route.source, now)
        except SimulationError:
            raise
        except Exception as error:
            if type(data := flight.datagram.data) is not bytes:
                said = f"sent {self.name} data of type {type(data).__name__} by {now} s; they are bytes"
                raise SimulationError(f"{flight.route.sender}: {said}") from None
            raise self._failed(error, now) from error
        self._drain(now)

    def _lead_astray(self, flight: Flight, now: float) -> None:
        try:
            other = self._lines[flight.astray][1]
        except KeyError:
            there = ", ".join(sorted(self._lines)) or "none"
            said = f"a datagram for {self.name} goes astray to {flight.astray!r}; there are {there}"
            raise SimulationError(f"{self}: {said}") from None
        twin = flight.redirected()
        if self._tells_drop:
            twin.cause = self.telling.lost(flight, now, f"misrouted to {other.name}")
        if self._tells_fates:
            other.telling.fates_of([flight, twin], twin.cause, now, corrupted=True)
        other.deliver(twin)

    # --- timers ---------------------------------------------------------------------------------

    def _arm(self, due: float | None, now: float) -> None:
        self._due, self._wake.call = due, withdrawn
        if type(due) is not float or not now < due < inf:  # the usual deadline is
            due = due_of(due)
            if due is None:
                return
            due = max(due, now)
        self._wake = wake = Call(self._on_wake)
        self._at(due, wake)

    def _on_timer(self, _: Call) -> None:
        self._due = None
        if self.down:
            return
        now = self.clock.now
        self._recorder.cause = 0
        if self._recorder.is_wanted(Timer):
            self._recorder.cause = self._recorder.tell(Timer, now, self.name)
        try:
            self.endpoint.handle_timer(now)
        except SimulationError:
            raise
        except Exception as error:
            raise self._failed(error, now) from error
        self._drain(now)

    def _failed(self, error: Exception, now: float) -> SimulationError:
        return SimulationError(f"{self}: failed at {now} s: {described(error)}")
