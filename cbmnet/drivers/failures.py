"""What befalls a party in virtual time: it crashes, forgetting or not, stands still, or has a wrong clock."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from cbmnet.channels.stage import Flight
from cbmnet.drivers.clock import Call, Clock, schedule
from cbmnet.drivers.queued import queued
from cbmnet.drivers.skewed import Skewed
from cbmnet.drivers.telling import Telling
from cbmnet.protocols.endpoint import Endpoint, QueuedEndpoint
from cbmnet.recorder import Recorder
from cbmnet.records import ClockSet, Crash, Pause


class FailingHost(ABC):
    """A party's endpoint with its clock, and what waits for it while it is down: flights and orders."""

    def __init__(self, clock: Clock, name: str, endpoint: Endpoint, recorder: Recorder) -> None:
        self.clock, self.name, self._recorder = clock, name, recorder
        self.endpoint: QueuedEndpoint = queued(endpoint, name, clock.max_steps_at_once)
        self.telling = Telling(name, recorder)
        self.down = False  # crashed or paused: nothing goes in or out
        self._crashed = self._paused = False
        self._crashed_until_s = self._paused_until_s = 0.0
        # In the order of their coming: what arrives at a party that stands still, orders to one that is down.
        self._held: list[tuple[Flight | None, Any]] = []
        self._renew: Callable[[], Endpoint] | None = None
        self._due: float | None = None  # the timer that is armed

    @abstractmethod
    def command(self, command: Any) -> None:
        """Gives the endpoint an order, or keeps it while the party is down."""

    @abstractmethod
    def deliver(self, flight: Flight) -> None:
        """Gives the endpoint what has arrived."""

    @abstractmethod
    def pump(self) -> None:
        """Sends what is to be sent, and arms the next timer."""

    @property
    def own_time_s(self) -> float:
        """What the party's clock shows."""
        endpoint, now = self.endpoint, self.clock.now
        return endpoint.own_time_s(now) if isinstance(endpoint, Skewed) else now

    @property
    def waiting(self) -> tuple[Flight, ...]:
        """What has arrived and waits while the party stands still."""
        return tuple(flight for flight, _ in self._held if flight is not None)

    def crash(self, duration_s: float, renew: Callable[[], Endpoint] | None = None) -> None:
        """Goes down: what arrives is lost, orders and timers wait; comes back with its stored state.

        With `renew` the state is lost, orders too: the endpoint that it makes is the one that comes back.
        """
        now = self.clock.now
        self._end_what_is_over(now)
        if not self._crashed:
            self._recorder.tell(Crash, now, self.name, True, renew is not None)
        for flight in self.waiting:
            self.telling.lost(flight, now, "receiver down")
        self._held = [(flight, order) for flight, order in self._held if flight is None]
        self._renew = renew or self._renew
        self._crashed_until_s = max(self._crashed_until_s, now + duration_s)
        self._crashed = self.down = True
        schedule(self.clock, duration_s, None, self._come_back)

    def pause(self, duration_s: float) -> None:
        """Stands still, as a stopped process does: what arrives waits, and timers come late."""
        now = self.clock.now
        self._end_what_is_over(now)
        if not self._paused:
            self._recorder.tell(Pause, now, self.name, True)
        self._paused_until_s = max(self._paused_until_s, now + duration_s)
        self._paused = self.down = True
        schedule(self.clock, duration_s, None, self._come_back)

    def set_clock(self, offset_s: float, drift: float = 0.0) -> None:
        """The party's clock jumps by the offset and gains `drift` seconds a second from now on."""
        endpoint, now = self.endpoint, self.clock.now
        if not isinstance(endpoint, Skewed):
            endpoint = self.endpoint = Skewed(endpoint)
        endpoint.set(offset_s, drift, now)
        self._recorder.tell(ClockSet, now, self.name, offset_s, drift)
        self.pump()

    def _come_back(self, _: Call) -> None:
        self._end_what_is_over(self.clock.now)

    def is_down_at(self, now: float) -> bool:
        """Whether one that was down still is: what is over ends, whatever else comes first then."""
        self._end_what_is_over(now)
        return self.down

    def _end_what_is_over(self, now: float) -> None:
        """Ends a crash and a pause, each at its own time; what was held is taken when both are over."""
        if self._crashed and now >= self._crashed_until_s:
            self._crashed = False
            self._recorder.tell(Crash, now, self.name, False, self._renew is not None)
            if self._renew is not None:
                self._replace(self._renew())
                self._held.clear()
        if self._paused and now >= self._paused_until_s:
            self._paused = False
            self._recorder.tell(Pause, now, self.name, False)
        if self.down and not (self._crashed or self._paused):
            self.down = False
            self._take_what_was_held(now)

    def _take_what_was_held(self, now: float) -> None:
        held, self._held = self._held, []
        for flight, order in held:
            if flight is not None:
                flight.at_s = now
                self.deliver(flight)
            else:
                self.command(order)
        self._due = None
        self.pump()

    def _replace(self, endpoint: Endpoint) -> None:
        self._renew = None
        fresh = queued(endpoint, self.name, self.clock.max_steps_at_once)
        if isinstance(self.endpoint, Skewed):
            self.endpoint.renew(fresh)
        else:
            self.endpoint = fresh

    def _meet_nobody(self, flight: Flight, now: float) -> None:
        if self._crashed:
            self.telling.lost(flight, now, "receiver down")
        else:
            self._held.append((flight, None))

    def _keep(self, order: Any) -> None:
        self._held.append((None, order))
