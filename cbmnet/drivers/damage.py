"""Puts a schedule of faults into a network of hosts: on its routes, and on its clock."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from cbmnet.channels.faults import Crash, Fault, Faults, NodeFault, Pause, by_link
from cbmnet.drivers.clock import Call, Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.protocols.endpoint import Endpoint

Renewals = Mapping[str, Callable[[], Endpoint]]
"""How to make each party's endpoint anew, for crashes that lose its state."""


def plan_faults(faults: Sequence[Fault], clock: Clock, hosts: Mapping[str, Host], renewals: Renewals) -> None:
    """Faults of datagrams stand behind the last hop of their route, those of parties come at their time.

    A party without a renewal keeps its state whatever the fault says.
    """
    damage = by_link(faults)
    for host in hosts.values():
        for route in host.routes():
            if found := damage.get(f"{route.source}>{route.target}"):
                route.after.append(Faults(found))
    for fault in faults:
        if isinstance(fault, NodeFault):
            fail = partial(_fail, hosts[fault.at.node], renewals.get(fault.at.node))
            schedule(clock, fault.at.time_s, fault, fail)


def _fail(host: Host, renewal: Callable[[], Endpoint] | None, call: Call) -> None:
    fault: NodeFault = call.value
    if isinstance(fault, Crash):
        host.crash(fault.for_s, renewal if fault.loses_state else None)
    elif isinstance(fault, Pause):
        host.pause(fault.for_s)
    else:
        host.set_clock(fault.offset_s, fault.drift)
