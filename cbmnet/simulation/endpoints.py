"""The endpoints of a run: keys, dialogues over their transports, hosts, and the routes between them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from cbmnet.channels.link import build_route
from cbmnet.drivers.queued import queued
from cbmnet.drivers.simpy_driver import Host
from cbmnet.messages import Sender
from cbmnet.protocols.dialogue import Dialogue, Sent
from cbmnet.protocols.endpoint import VARIANTS, Endpoint, named, way
from cbmnet.protocols.heartbeat import DeliveryEstimate, tolerance_s
from cbmnet.protocols.variants.relay import RelayConfig
from cbmnet.records import Seal
from cbmnet.simulation import worlds
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.family import Chosen
from cbmnet.simulation.keys import REALM, make_signers, make_verifier, trust_store
from cbmnet.simulation.simulation import Simulation
from cbmnet.streams import Streams
from cbmnet.verification.agent import VerificationAgent

_MISS_QUANTILE = 0.99  # a heartbeat is missed once this share of the believed latency has passed


def make_endpoints(sim: Simulation, parties: Sequence[str]) -> None:
    """Every party's endpoint and host, and all routes between them."""
    config = sim.config
    sim.signers, sim.secrets = make_signers(parties, config.crypto.signature, sim.streams)
    for name in parties:
        state = sim.states.get(name)
        on_event = state.correspondence.on_event if state else partial(_tell_sent, sim, name)
        host = sim.hosts[name] = Host(sim.env, name, make_dialogue(sim, name), on_event, sim.recorder)
        if state is not None:
            state.host = host
    connect(config, sim.streams, sim.hosts)


def make_dialogue(sim: Simulation, name: str, epoch: int = 0) -> Dialogue:
    """One party's endpoint, with nothing in its memory; later epochs begin at the present time.

    Who comes back without memory does not know what it had accepted, so it refuses what was issued before.
    """
    config, now = sim.config, own_time_s(sim, name)
    state, part = sim.states.get(name), config.states.get(name)
    naive = part is not None and part.verification == "naive"
    store = trust_store(sim.signers)
    verifier = make_verifier(name, store, sim.secrets, naive=naive, ttl_s=config.crypto.ttl)
    if epoch and verifier.guard is not None:
        verifier.guard.floor_ms = round(now * 1000.0)
    agent = sim.agents[name] = VerificationAgent(verifier)
    transport = make_transport(config.protocol, name, list(sim.signers))
    dialogue = sim.dialogues[name] = Dialogue(
        Sender(name, [sim.signers[name]], REALM, epoch), agent.judge,
        queued(transport, name, config.study.max_steps_at_once),
        {other: _estimate(sim, other, name) for other in sim.signers if other != name},
        worlds.heartbeat(config.heartbeat), ttl_s=config.crypto.ttl,
        desk=state.desk_judges if state else _open_desk, since_s=now,
    )  # fmt: skip
    return dialogue


def own_time_s(sim: Simulation, name: str) -> float:
    """What a party's clock shows."""
    host = sim.hosts.get(name)
    return sim.env.now if host is None else host.own_time_s


def renew(sim: Simulation, name: str) -> Dialogue:
    """The endpoint of a party that lost its memory: a later epoch, open questions forgotten."""
    state, before = sim.states.get(name), sim.dialogues[name]
    if state is not None:
        state.correspondence.forget()
    sim.retired.append((before, sim.agents[name]))
    return make_dialogue(sim, name, before.epoch + 1)


def make_transport(protocol: Chosen, name: str, parties: Sequence[str]) -> Endpoint:
    """One party's transport; the relay of the others serves them all."""
    config: Any = protocol.config
    if isinstance(config, RelayConfig) and config.via == name:
        config = replace(config, serves=tuple(other for other in parties if other != name))
    made: Endpoint = VARIANTS[protocol.name].make(config)
    return named(made, name)


def connect(config: RunConfig, streams: Streams, hosts: Mapping[str, Host]) -> None:
    """All routes between all hosts, as the config says them."""
    for name, other in [(a, b) for a in hosts for b in hosts if a != b]:
        channel = worlds.channel_of(config, name, other)
        stages = worlds.hops(channel)
        for number in range(channel.routes):
            route = build_route(way(name, number), way(other, number), stages, streams)
            hosts[name].connect(route, hosts[other])


def _estimate(sim: Simulation, source: str, target: str) -> DeliveryEstimate | None:
    """What the target will believe of delivery from the source, if heartbeats teach it."""
    beat, part = worlds.heartbeat(sim.config.heartbeat), sim.config.states.get(target)
    if beat.period_s is None or part is None:
        return None
    quantile_s = worlds.believed_latency(sim.config, part, source, target).quantile(_MISS_QUANTILE)
    # Without the tolerance every heartbeat of a clock that is good enough to verify could be late.
    wait_s = quantile_s + tolerance_s(beat.period_s)
    return DeliveryEstimate(beat.period_s, wait_s, beat.half_life_s, own_time_s(sim, target))


def _open_desk(peer: str, label: Any) -> None:
    return None


def _tell_sent(sim: Simulation, name: str, event: Any) -> None:
    """What a party that is no state says of its endpoint: the messages it sealed."""
    if type(event) is Sent:
        message = event.message
        told = name, event.peer, message.kind, event.id.hex(), event.purpose, message.sequence
        sim.recorder.tell(Seal, sim.env.now, *told)
