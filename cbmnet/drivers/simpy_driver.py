"""Drives endpoints in virtual time.

The message path uses callbacks, never a process or a store per message: that is what the speed of a run
depends on. A flight is its own event. SimPy cannot withdraw an event, so a wake-up that is no longer wanted
stays in the queue and calls nothing when it comes.
"""

from collections.abc import Callable
from typing import Any

from cbmnet.channels.link import Route
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram
from cbmnet.drivers.clock import Call, Clock, schedule
from cbmnet.errors import SimulationError
from cbmnet.protocols.endpoint import Endpoint
from cbmnet.recorder import Recorder
from cbmnet.records import Crash, Deliver, Drop, Send

MAX_STEPS_AT_ONCE = 1_000_000


_Carry = Callable[[Datagram, float], list[Flight]]
_Line = tuple[_Carry, "Host", tuple[Callable[[Flight], None]]]
"""The way to a peer: what carries a datagram there, the peer's host, what an arrival calls."""


class Host:
    """One party's endpoint on the network, its routes out and its clock."""

    def __init__(
        self,
        clock: Clock,
        name: str,
        endpoint: Endpoint,
        on_event: Callable[[Any], None],
        recorder: Recorder,
    ) -> None:
        self.clock, self.name, self.endpoint = clock, name, endpoint
        self.down = False
        self._down_until_s = 0.0
        self._on_event, self._recorder = on_event, recorder
        # Records that nobody wants are not even told on the message path.
        self._tells_send, self._tells_drop = recorder.is_wanted(Send), recorder.is_wanted(Drop)
        self._tells_deliver = recorder.is_wanted(Deliver)
        self._routes: dict[str, Route] = {}
        self._lines: dict[str, _Line] = {}
        self._due: float | None = None
        self._on_wake = (self._on_timer,)
        self._wake = Call(self._on_wake)
        self._pumping = False
        self._at, self._now = clock.at, clock.now
        self._steps = 0
        self._step_at_s = -1.0

    def connect(self, route: Route, peer: "Host") -> None:
        """Sends to this peer go along this route."""
        self._routes[peer.name] = route
        self._lines[peer.name] = (route.carry, peer, (peer.deliver,))

    def route_to(self, peer: str) -> Route:
        """The route to a connected peer."""
        return self._routes[peer]

    def command(self, command: Any) -> None:
        """Gives the endpoint an order and sends what comes of it."""
        if self._pumping:  # what comes of it is drained by the pump that is already running
            self.endpoint.command(command, self._now)
            return
        now = self.clock.now
        self.endpoint.command(command, now)
        if not self.down:
            self._drain(now)

    def pump(self) -> None:
        """Drains data and events until the endpoint is quiet, then arms its next timer."""
        if not self._pumping and not self.down:
            self._drain(self.clock.now)

    def _drain(self, now: float) -> None:
        self._pumping, self._now = True, now
        endpoint, at = self.endpoint, self._at
        outgoing, events = endpoint.outgoing, endpoint.events
        while True:
            while outgoing:
                datagram = outgoing.popleft()
                carry, peer, on_arrival = self._lines[datagram.peer]
                cause = self._tell_send(datagram, peer) if self._tells_send else 0
                for flight in carry(datagram, now):
                    if cause:
                        flight.cause = cause
                    if flight.drop is None:
                        flight.callbacks = on_arrival
                        at(flight.at_s, flight)
                    elif self._tells_drop:
                        peer._drop(flight, now, flight.drop)
            if not events:
                break
            self._on_event(events.popleft())
        self._pumping = False
        due = endpoint.next_timer()
        if due != self._due:
            self._arm(due, now)

    def deliver(self, flight: Flight, *, forged: bool = False) -> None:
        """Hands bytes to the endpoint now, as they come in from the source of its route."""
        now = flight.at_s
        if self.down:
            self._drop(flight, now, "receiver down")
            return
        if self._tells_deliver:
            self._tell_delivery(flight, now, forged)
        self.endpoint.receive(flight.datagram.data, flight.route.source, now)
        self._drain(now)

    def _tell_delivery(self, flight: Flight, now: float, forged: bool) -> None:
        recorder, label = self._recorder, flight.label
        recorder.cause = recorder.tell(
            Deliver, now, flight.route.source, self.name, label.kind, label, flight.corrupted, forged,
            cause=flight.cause,
        )  # fmt: skip

    def _tell_send(self, datagram: Datagram, peer: "Host") -> int:
        label = datagram.label
        return self._recorder.tell(Send, self._now, self.name, peer.name, label.kind, label)

    def _drop(self, flight: Flight, now: float, reason: str) -> None:
        label = flight.label
        self._recorder.tell(
            Drop,
            now,
            flight.route.source,
            self.name,
            label.kind,
            label,
            flight.hop,
            reason,
            cause=flight.cause,
        )

    def crash(self, duration_s: float) -> None:
        """Goes down: what arrives is lost and timers wait; comes back with its stored state."""
        if not self.down:
            self._recorder.tell(Crash, self.clock.now, self.name, True)
        self.down = True
        self._down_until_s = max(self._down_until_s, self.clock.now + duration_s)
        schedule(self.clock, duration_s, None, self._restart)

    def _restart(self, _: Call) -> None:
        if not self.down or self.clock.now < self._down_until_s:
            return  # another crash lasts longer
        self.down = False
        self._recorder.tell(Crash, self.clock.now, self.name, False)
        self._due = None
        self.pump()

    def _arm(self, due: float | None, now: float) -> None:
        self._due, self._wake.callbacks = due, ()
        if due is not None:
            self._wake = wake = Call(self._on_wake)
            self._at(due if due > now else now, wake)

    def _on_timer(self, _: Call) -> None:
        self._due = None
        if self.down:
            return
        now = self.clock.now
        self._guard_against_spinning(now)
        self._recorder.cause = 0
        self.endpoint.handle_timer(now)
        self._drain(now)

    def _guard_against_spinning(self, now: float) -> None:
        self._steps = self._steps + 1 if now == self._step_at_s else 0
        self._step_at_s = now
        if self._steps > MAX_STEPS_AT_ONCE:
            kind = type(self.endpoint).__name__
            raise SimulationError(
                f"{self.name}: {kind} set {self._steps} timers at {now} s without advancing"
            )
