"""Scripted events that need no states: a link that is cut, a party that fails or whose clock is wrong."""

from collections.abc import Mapping

from cbmnet.channels.interruption import Interruption
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.damage import Renewals
from cbmnet.drivers.simpy_driver import Host
from cbmnet.protocols.endpoint import party_of
from cbmnet.simulation.script import ClockAt, CrashAt, OutageAt, PauseAt

LineEvent = OutageAt | CrashAt | PauseAt | ClockAt


def befall(event: LineEvent, clock: Clock, hosts: Mapping[str, Host], renewals: Renewals) -> None:
    """Does it now. A party without a renewal keeps its state whatever the event says."""
    now_s = clock.now
    match event:
        case OutageAt():
            for route in hosts[event.from_].routes():
                if party_of(route.target) == event.to:
                    route.before.append(Interruption(now_s, now_s + event.for_))
        case CrashAt():
            renewal = renewals.get(event.party) if event.loses_state else None
            hosts[event.party].crash(event.for_, renewal)
        case PauseAt():
            hosts[event.party].pause(event.for_)
        case ClockAt():
            hosts[event.party].set_clock(event.ahead - event.behind, event.gains)
