"""Puts the faults and the adversary of a config into a run."""

from collections.abc import Mapping
from functools import partial
from itertools import count

from cbmnet.channels.adversary import Adversary
from cbmnet.drivers.clock import Clock, schedule
from cbmnet.drivers.damage import plan_faults
from cbmnet.drivers.simpy_driver import Host
from cbmnet.messages import Signer
from cbmnet.protocols.endpoint import party_of
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.endpoints import renew
from cbmnet.simulation.keys import make_signers
from cbmnet.simulation.line_events import LineEvent, befall
from cbmnet.simulation.simulation import Simulation
from cbmnet.simulation.tampering import Tampering
from cbmnet.streams import Streams

FIRST_NUMBER = 1 << 20  # of what an adversary makes: above any number that the script of a config gives


def intervene(sim: Simulation) -> None:
    """Faults stand behind the last hop of their route, the adversary behind them."""
    faults = [part.fault() for part in sim.config.faults]
    plan_faults(faults, sim.env, sim.hosts, {name: partial(renew, sim, name) for name in sim.hosts})
    _place_adversary(sim.config, sim.hosts, sim.streams, sim.signers)


def intervene_alone(config: RunConfig, clock: Clock, hosts: Mapping[str, Host], streams: Streams) -> None:
    """The same where there are endpoints and no states, with what the script does to lines and parties.

    Nobody loses its memory.
    """
    for event in config.at:
        if isinstance(event, LineEvent):
            schedule(clock, event.time, event, lambda call: befall(call.value, clock, hosts, {}))
    plan_faults([part.fault() for part in config.faults], clock, hosts, {})
    _place_adversary(config, hosts, streams, make_signers(sorted(hosts), "mac", streams)[0])


def _place_adversary(
    config: RunConfig, hosts: Mapping[str, Host], streams: Streams, signers: Mapping[str, Signer]
) -> None:
    rules = [part.rule(sorted(hosts)) for part in config.adversary]
    numbers = count(FIRST_NUMBER)
    for route in [route for host in hosts.values() for route in host.routes()]:
        source, target = party_of(route.source), party_of(route.target)
        draws = streams.link(f"adversary/{route.source}>{route.target}")
        arts = Tampering(signers, streams, source)
        adversary = Adversary(rules, f"{source}>{target}", draws, arts, partial(next, numbers))
        if adversary.sees:
            route.after.append(adversary)
