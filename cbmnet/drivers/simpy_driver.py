"""Drives endpoints in virtual time.

The message path uses SimPy callbacks, never a process or a store per message: that is what the speed of
a run depends on. SimPy cannot withdraw a timeout, so a wake-up that is no longer the armed one is
ignored when it comes.
"""

from collections.abc import Callable
from typing import Any

from simpy import Environment, Event
from simpy.events import Timeout

from cbmnet.channels.link import Route
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram
from cbmnet.errors import SimulationError
from cbmnet.protocols.endpoint import Endpoint
from cbmnet.records import Crash, Deliver, Drop, Recorder, Send

MAX_STEPS_AT_ONCE = 1_000_000


def schedule(env: Environment, delay_s: float, value: Any, function: Callable[[Event], None]) -> None:
    """Calls `function` with an event of this value after the delay."""
    callbacks = Timeout(env, delay_s, value).callbacks
    assert callbacks is not None  # only an event that was processed has none
    callbacks.append(function)


class Host:
    """One party's endpoint on the network, its routes out and its clock."""

    def __init__(
        self,
        env: Environment,
        name: str,
        endpoint: Endpoint,
        on_event: Callable[[Any], None],
        recorder: Recorder,
    ) -> None:
        self.env, self.name, self.endpoint = env, name, endpoint
        self.down = False
        self._on_event, self._recorder = on_event, recorder
        self._lines: dict[str, tuple[Route, Host]] = {}
        self._armed: float | None = None
        self._pumping = False
        self._steps = 0
        self._step_at_s = -1.0

    def connect(self, route: Route, peer: "Host") -> None:
        """Sends to this peer go along this route."""
        self._lines[peer.name] = (route, peer)

    def route_to(self, peer: str) -> Route:
        """The route to a connected peer."""
        return self._lines[peer][0]

    def command(self, command: Any) -> None:
        """Gives the endpoint an order and sends what comes of it."""
        self.endpoint.command(command, self.env.now)
        self.pump()

    def pump(self) -> None:
        """Drains data, then events, until the endpoint is quiet; then arms its next timer."""
        if self._pumping or self.down:
            return  # a command given while events are handled is drained by the pump already running
        self._pumping = True
        endpoint, on_event = self.endpoint, self._on_event
        busy = True
        while busy:
            busy = False
            for datagram in endpoint.datagrams_to_send():
                self._transmit(datagram)
            while (event := endpoint.next_event()) is not None:
                on_event(event)
                busy = True
        self._pumping = False
        self._arm()

    def deliver(self, flight: Flight, *, forged: bool = False) -> None:
        """Hands bytes to the endpoint now, as if they had just come in from `flight.sender`."""
        recorder, now, label = self._recorder, self.env.now, flight.label
        if self.down:
            recorder.tell(
                Drop, now, flight.sender, self.name, label.kind, label, flight.hop, "receiver down",
                cause=flight.cause,
            )  # fmt: skip
            return
        recorder.cause = recorder.tell(
            Deliver, now, flight.sender, self.name, label.kind, label, flight.corrupted, forged,
            cause=flight.cause,
        )  # fmt: skip
        self.endpoint.receive(flight.data, flight.sender, now)
        self.pump()

    def crash(self, duration_s: float) -> None:
        """Goes down: what arrives is lost and timers wait; comes back with its stored state."""
        self.down = True
        self._recorder.tell(Crash, self.env.now, self.name, True)
        schedule(self.env, duration_s, None, self._restart)

    def _restart(self, _: Event) -> None:
        self.down = False
        self._recorder.tell(Crash, self.env.now, self.name, False)
        self._armed = None
        self.pump()

    def _transmit(self, datagram: Datagram) -> None:
        route, peer = self._lines[datagram.peer]
        env, recorder = self.env, self._recorder
        now, label = env.now, datagram.label
        sent = recorder.tell(Send, now, self.name, peer.name, label.kind, label)
        for flight in route.carry(datagram, now):
            if flight.drop is None:
                flight.cause = sent
                schedule(env, flight.at_s - now, flight, peer._on_arrival)
            else:
                recorder.tell(
                    Drop, now, self.name, peer.name, label.kind, label, flight.hop, flight.drop, cause=sent
                )

    def _on_arrival(self, event: Event) -> None:
        self.deliver(event.value)

    def _arm(self) -> None:
        due = self.endpoint.next_timer()
        if due is not None and (self._armed is None or due < self._armed):
            self._armed = due
            schedule(self.env, max(0.0, due - self.env.now), due, self._on_timer)

    def _on_timer(self, event: Event) -> None:
        if event.value != self._armed or self.down:
            return
        self._armed = None
        self._guard_against_spinning()
        self._recorder.cause = 0
        # The sum now + (due - now) may fall a rounding short of due; the timer is due all the same.
        self.endpoint.handle_timer(max(self.env.now, event.value))
        self.pump()

    def _guard_against_spinning(self) -> None:
        now = self.env.now
        self._steps = self._steps + 1 if now == self._step_at_s else 0
        self._step_at_s = now
        if self._steps > MAX_STEPS_AT_ONCE:
            kind = type(self.endpoint).__name__
            raise SimulationError(f"{self.name}: {kind} set {self._steps} timers at {now} s without advancing")
