"""Drives endpoints in virtual time.

The message path uses SimPy callbacks, never a process or a store per message: that is what the speed of
a run depends on. Each call is an event of our own, the least that SimPy's loop asks of one; it costs a
third of a Timeout. SimPy cannot withdraw an event, so a wake-up that is no longer the armed one is
ignored when it comes.
"""

from collections.abc import Callable
from typing import Any

from simpy import Environment
from simpy.events import NORMAL, EventPriority

from cbmnet.channels.link import Route
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram
from cbmnet.errors import SimulationError
from cbmnet.protocols.endpoint import Endpoint
from cbmnet.recorder import Recorder
from cbmnet.records import Crash, Deliver, Drop, Send

MAX_STEPS_AT_ONCE = 1_000_000


class Call:
    """An event that calls one function, with itself as the argument, when its time comes."""

    __slots__ = ("_ok", "callbacks", "value")

    def __init__(self, function: Callable[["Call"], None], value: Any) -> None:
        self.callbacks: Any = (function,)  # the loop takes it away when it processes the event
        self._ok = True  # what the loop asks of an event that did not fail
        self.value = value


LAST = 2  # after everything else of the same time: SimPy's own priorities are 0 and 1


def schedule(
    env: Environment, delay_s: float, value: Any, function: Callable[[Any], None], priority: int = NORMAL
) -> None:
    """Calls `function` with an event of this value after the delay."""
    env.schedule(Call(function, value), priority, delay_s)  # type: ignore[arg-type]


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
        self._down_until_s = 0.0
        self._on_event, self._recorder = on_event, recorder
        # Records that nobody wants are not even told on the message path.
        self._tells_send, self._tells_drop = recorder.is_wanted(Send), recorder.is_wanted(Drop)
        self._tells_deliver = recorder.is_wanted(Deliver)
        self._lines: dict[str, tuple[Route, Host]] = {}
        self._armed: float | None = None
        self._pumping = False
        self._schedule: Callable[[Any, EventPriority, float], None] = env.schedule
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
        now, endpoint, on_event = self.env.now, self.endpoint, self._on_event
        while True:
            for datagram in endpoint.datagrams_to_send():
                self._transmit(datagram, now)
            event = endpoint.next_event()
            if event is None:
                break
            while event is not None:
                on_event(event)
                event = endpoint.next_event()
        self._pumping = False
        self._arm(now)

    def deliver(self, flight: Flight, *, forged: bool = False) -> None:
        """Hands bytes to the endpoint now, as if they had just come in from `flight.sender`."""
        now = self.env.now
        if self.down:
            self._drop(flight, now, "receiver down")
            return
        if self._tells_deliver:
            self._tell_delivery(flight, now, forged)
        self.endpoint.receive(flight.data, flight.sender, now)
        self.pump()

    def _tell_delivery(self, flight: Flight, now: float, forged: bool) -> None:
        recorder, label = self._recorder, flight.label
        recorder.cause = recorder.tell(
            Deliver, now, flight.sender, self.name, label.kind, label, flight.corrupted, forged,
            cause=flight.cause,
        )  # fmt: skip

    def _on_arrival(self, event: Call) -> None:
        self.deliver(event.value)

    def _transmit(self, datagram: Datagram, now: float) -> None:
        route, peer = self._lines[datagram.peer]
        sent = 0
        if self._tells_send:
            label = datagram.label
            sent = self._recorder.tell(Send, now, self.name, peer.name, label.kind, label)
        for flight in route.carry(datagram, now):
            flight.cause = sent
            if flight.drop is None:
                self._schedule(Call(peer._on_arrival, flight), NORMAL, flight.at_s - now)
            elif self._tells_drop:
                peer._drop(flight, now, flight.drop)

    def _drop(self, flight: Flight, now: float, reason: str) -> None:
        label = flight.label
        self._recorder.tell(
            Drop, now, flight.sender, self.name, label.kind, label, flight.hop, reason, cause=flight.cause
        )

    def crash(self, duration_s: float) -> None:
        """Goes down: what arrives is lost and timers wait; comes back with its stored state."""
        if not self.down:
            self._recorder.tell(Crash, self.env.now, self.name, True)
        self.down = True
        self._down_until_s = max(self._down_until_s, self.env.now + duration_s)
        schedule(self.env, duration_s, None, self._restart)

    def _restart(self, _: Call) -> None:
        if not self.down or self.env.now < self._down_until_s:
            return  # another crash lasts longer
        self.down = False
        self._recorder.tell(Crash, self.env.now, self.name, False)
        self._armed = None
        self.pump()

    def _arm(self, now: float) -> None:
        due = self.endpoint.next_timer()
        if due is not None and (self._armed is None or due < self._armed):
            self._armed = due
            self._schedule(Call(self._on_timer, due), NORMAL, due - now if due > now else 0.0)

    def _on_timer(self, event: Call) -> None:
        if event.value != self._armed or self.down:
            return
        self._armed = None
        due = self.endpoint.next_timer()
        if due is None or due > event.value:  # what was armed for has been settled since
            self._arm(self.env.now)
            return
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
            raise SimulationError(
                f"{self.name}: {kind} set {self._steps} timers at {now} s without advancing"
            )
