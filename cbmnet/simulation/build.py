"""Builds one run: parties, keys, endpoints and routes, from config and seed.

Everything random is named by what it decides, so the order of building, and who else is there, moves
nothing. States are built and connected in sorted order of their names.
"""

from functools import partial
from typing import Any

from cbmnet.channels.desk import Desk, DeskConfig
from cbmnet.channels.link import build_route
from cbmnet.drivers.clock import Clock, schedule
from cbmnet.drivers.simpy_driver import Host
from cbmnet.messages import Sender
from cbmnet.protocols.dialogue import Dialogue, Sent
from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.protocols.heartbeat import DeliveryEstimate
from cbmnet.recorder import Recorder
from cbmnet.records import Seal
from cbmnet.simulation import worlds
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.introduce import introduce
from cbmnet.simulation.keys import REALM, make_signers, make_verifier, trust_store
from cbmnet.simulation.simulation import Simulation
from cbmnet.states.ladder import Ladder
from cbmnet.states.partner import Habits
from cbmnet.states.state import State
from cbmnet.streams import Streams
from cbmnet.verification.agent import VerificationAgent
from cbmnet.verification.monitor import Monitor

MONITOR = "monitor"
_MISS_QUANTILE = 0.99  # a heartbeat is missed once this share of the believed latency has passed


def build(config: RunConfig, seed: int, replication: int, recorder: Recorder) -> Simulation:
    """One run, built and connected, with nothing yet happened."""
    env = Clock(config.study.max_steps_at_once)
    sim = Simulation(config, env, recorder, Streams(seed, replication), env.event())
    parties = sorted(config.states)
    for name in parties:
        sim.states[name] = _make_state(sim, name)
    _make_endpoints(sim, [*parties, MONITOR] if config.monitor else parties)
    for name in parties:
        for other in parties:
            if other != name:
                introduce(sim, name, other)
    if config.monitor:
        _watch(sim)
    return sim


def _make_state(sim: Simulation, name: str) -> State:
    config, part = sim.config, sim.config.states[name]
    dialogue, ladder = config.dialogue, config.ladder
    habits = Habits(
        worlds.answers(dialogue), dialogue.queries, part.decides, dialogue.answer_deadline, part.memory,
        part.empathy, part.empathy_window,
    )  # fmt: skip
    clerk = DeskConfig(part.desk.forwards, part.desk.refusal, part.desk.refusal_per_rung)
    desk = Desk(clerk, lambda sender: sim.streams.link(f"desk/{name}<{sender}"))
    rungs = Ladder(ladder.query, ladder.rise, ladder.deadline, ladder.cool)
    return State(sim.env, name, habits, rungs, desk, sim.recorder, start_rung=part.start_rung, attack=sim.end)


def _make_endpoints(sim: Simulation, parties: list[str]) -> None:
    config = sim.config
    signers, secrets = make_signers(parties, config.crypto.signature, sim.streams)
    store = trust_store(signers)
    sim.kids = {name: signer.kid for name, signer in signers.items()}
    for name in parties:
        part = config.states.get(name)
        naive = part is not None and part.verification == "naive"
        agent = VerificationAgent(make_verifier(name, store, secrets, naive=naive, ttl_s=config.crypto.ttl))
        state = sim.states.get(name)
        dialogue = Dialogue(
            Sender(name, [signers[name]], REALM), agent.judge,
            VARIANTS[config.protocol.name].make(config.protocol.config),
            {other: _estimate(sim, other, name) for other in parties if other != name},
            worlds.heartbeat(config.heartbeat), ttl_s=config.crypto.ttl,
            desk=state.desk_judges if state else _open_desk,
        )  # fmt: skip
        on_event = state.correspondence.on_event if state else partial(_tell_sent, sim, name)
        host = Host(sim.env, name, dialogue, on_event, sim.recorder)
        sim.agents[name], sim.dialogues[name], sim.hosts[name] = agent, dialogue, host
        if state is not None:
            state.host = host
    for name in parties:
        for other in parties:
            if other != name:
                stages = worlds.hops(worlds.channel_of(config, name, other))
                sim.hosts[name].connect(build_route(name, other, stages, sim.streams), sim.hosts[other])


def _estimate(sim: Simulation, source: str, target: str) -> DeliveryEstimate | None:
    """What the target will believe of delivery from the source, if heartbeats teach it."""
    beat, part = worlds.heartbeat(sim.config.heartbeat), sim.config.states.get(target)
    if beat.period_s is None or part is None:
        return None
    wait_s = worlds.believed_latency(sim.config, part, source, target).quantile(_MISS_QUANTILE)
    return DeliveryEstimate(beat.period_s, wait_s, beat.half_life_s)


def _open_desk(peer: str, label: Any) -> None:
    return None


def _tell_sent(sim: Simulation, name: str, event: Any) -> None:
    """What a party that is no state says of its endpoint: the messages it sealed."""
    if type(event) is Sent:
        message = event.message
        told = name, event.peer, message.kind, event.id.hex(), event.purpose, message.sequence
        sim.recorder.tell(Seal, sim.env.now, *told)


def _watch(sim: Simulation) -> None:
    part = sim.config.monitor
    assert part is not None
    monitor = sim.monitor = Monitor(
        sim.env, sim.hosts[MONITOR], partial(sim.streams.generator, "bulletins"), part.coverage, part.delay,
        worlds.pair(part.confirms),
    )  # fmt: skip
    for state in sim.states.values():
        state.watchers.append(monitor.saw)


def start(sim: Simulation) -> None:
    """Starts states and hosts, and plans the end of the run."""
    for host in sim.hosts.values():
        host.pump()
    for state in sim.states.values():
        state.start()
    schedule(sim.env, sim.config.study.horizon, None, lambda _: sim.end())
