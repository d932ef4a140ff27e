"""Puts the faults and the adversary of a config into a run."""

from functools import partial
from itertools import count

from cbmnet.channels.adversary import Adversary
from cbmnet.channels.faults import Crash, Faults, NodeFault, Pause, by_link
from cbmnet.drivers.clock import Call, schedule
from cbmnet.protocols.endpoint import party_of
from cbmnet.simulation.endpoints import renew
from cbmnet.simulation.simulation import Simulation
from cbmnet.simulation.tampering import Tampering

FIRST_NUMBER = 1 << 20  # of what an adversary makes: above any number that the script of a config gives


def intervene(sim: Simulation) -> None:
    """Faults stand behind the last hop of their route, the adversary behind them."""
    faults = [part.fault() for part in sim.config.faults]
    damage = by_link(faults)
    parties = sorted(sim.hosts)
    rules = [part.rule(parties) for part in sim.config.adversary]
    numbers = count(FIRST_NUMBER)
    for host in sim.hosts.values():
        for route in host.routes():
            source, target = party_of(route.source), party_of(route.target)
            if found := damage.get(f"{route.source}>{route.target}"):
                route.after.append(Faults(found))
            draws = sim.streams.link(f"adversary/{route.source}>{route.target}")
            arts = Tampering(sim.signers, sim.streams, source)
            adversary = Adversary(rules, f"{source}>{target}", draws, arts, partial(next, numbers))
            if adversary.sees:
                route.after.append(adversary)
    for fault in faults:
        if isinstance(fault, NodeFault):
            schedule(sim.env, fault.at.time_s, fault, partial(_fail, sim))


def _fail(sim: Simulation, call: Call) -> None:
    fault: NodeFault = call.value
    name, host = fault.at.node, sim.hosts[fault.at.node]
    if isinstance(fault, Crash):
        host.crash(fault.for_s, partial(renew, sim, name) if fault.loses_state else None)
    elif isinstance(fault, Pause):
        host.pause(fault.for_s)
    else:
        host.set_clock(fault.offset_s, fault.drift)
