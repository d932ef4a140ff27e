"""Puts the faults and the adversary of a config into a run."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import count

from cbmnet.channels.adversary import Adversary
from cbmnet.channels.faults import Crash, Faults, NodeFault, Pause, by_link
from cbmnet.drivers.clock import Call, Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.messages import Signer
from cbmnet.protocols.endpoint import Endpoint, party_of
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.endpoints import renew
from cbmnet.simulation.keys import make_signers
from cbmnet.simulation.simulation import Simulation
from cbmnet.simulation.tampering import Tampering
from cbmnet.streams import Streams

Renewals = Mapping[str, Callable[[], Endpoint]]

FIRST_NUMBER = 1 << 20  # of what an adversary makes: above any number that the script of a config gives


def intervene(sim: Simulation) -> None:
    """Faults stand behind the last hop of their route, the adversary behind them."""
    renewals = {name: partial(renew, sim, name) for name in sim.hosts}
    _place(sim.config, sim.hosts, sim.streams, sim.signers)
    _plan(sim.config, sim.env, sim.hosts, renewals)


def intervene_alone(config: RunConfig, clock: Clock, hosts: Mapping[str, Host], streams: Streams) -> None:
    """The same where there are endpoints and no states: nobody's memory is lost, nobody's key is known."""
    _place(config, hosts, streams, make_signers(sorted(hosts), "mac", streams)[0])
    _plan(config, clock, hosts, {})


def _place(
    config: RunConfig, hosts: Mapping[str, Host], streams: Streams, signers: Mapping[str, Signer]
) -> None:
    damage = by_link(part.fault() for part in config.faults)
    rules = [part.rule(sorted(hosts)) for part in config.adversary]
    numbers = count(FIRST_NUMBER)
    for route in [route for host in hosts.values() for route in host.routes()]:
        source, target = party_of(route.source), party_of(route.target)
        if found := damage.get(f"{route.source}>{route.target}"):
            route.after.append(Faults(found))
        draws = streams.link(f"adversary/{route.source}>{route.target}")
        arts = Tampering(signers, streams, source)
        adversary = Adversary(rules, f"{source}>{target}", draws, arts, partial(next, numbers))
        if adversary.sees:
            route.after.append(adversary)


def _plan(config: RunConfig, clock: Clock, hosts: Mapping[str, Host], renewals: Renewals) -> None:
    for part in config.faults:
        fault = part.fault()
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
