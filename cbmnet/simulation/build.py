"""Builds one run: parties, keys, routes, beliefs, decisions and the timeline, from config and seed.

Everything random is named by what it decides, so the order of building, and who else is there, moves
nothing. States are built and connected in sorted order of their names.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from simpy import Environment, Event

from cbmnet.channels.desk import Desk, DeskConfig
from cbmnet.channels.link import build_route
from cbmnet.drivers.simpy_driver import Host, schedule
from cbmnet.messages import Sender
from cbmnet.protocols.dialogue import Dialogue
from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.protocols.heartbeat import DeliveryEstimate
from cbmnet.records import Recorder
from cbmnet.simulation import worlds
from cbmnet.simulation.config import RunConfig, StatePart
from cbmnet.simulation.keys import REALM, make_signers, make_verifier, trust_store
from cbmnet.states.belief import BELIEFS
from cbmnet.states.conduct import IntentSource, ThinnedSource
from cbmnet.states.decision import DECISIONS
from cbmnet.states.deliberation import Deliberation
from cbmnet.states.evidence import ALARM, BULLETIN_OUTCOMES, HOSTILE_MESSAGE, SEVERE_WARNING, Pair
from cbmnet.states.ladder import Ladder
from cbmnet.states.latency import Latency
from cbmnet.states.outlook import Outlook
from cbmnet.states.state import Habits, Partner, State
from cbmnet.streams import Streams
from cbmnet.verification.agent import VerificationAgent
from cbmnet.verification.monitor import Monitor

MONITOR = "monitor"
_MISS_QUANTILE = 0.99  # a heartbeat is missed once this share of the believed latency has passed


@dataclass(slots=True)
class Simulation:
    """A run that is ready to go: the environment, its states, agents and hosts, and when it is over."""

    config: RunConfig
    env: Environment
    recorder: Recorder
    streams: Streams
    over: Event
    states: dict[str, State] = field(default_factory=dict)
    agents: dict[str, VerificationAgent] = field(default_factory=dict)
    dialogues: dict[str, Dialogue] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    kids: dict[str, bytes] = field(default_factory=dict)
    monitor: Monitor | None = None

    def end(self) -> None:
        """Ends the run at the present time."""
        if not self.over.triggered:
            self.over.succeed()


def build(config: RunConfig, seed: int, replication: int, recorder: Recorder) -> Simulation:
    """One run, built and connected, with nothing yet happened."""
    env = Environment()
    sim = Simulation(config, env, recorder, Streams(seed, replication), env.event())
    parties = sorted(config.states)
    for name in parties:
        sim.states[name] = _make_state(sim, name)
    _make_endpoints(sim, [*parties, MONITOR] if config.monitor else parties)
    for name in parties:
        for other in parties:
            if other != name:
                _introduce(sim, name, other)
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
    desk = DeskConfig(part.desk.forwards, part.desk.refusal, part.desk.refusal_per_rung)
    return State(
        sim.env, name, habits, Ladder(ladder.query, ladder.rise, ladder.deadline, ladder.cool),
        Desk(desk, sim.streams.link(f"desk/{name}")), sim.recorder, start_rung=part.start_rung, attack=sim.end,
    )  # fmt: skip


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
        host = Host(sim.env, name, dialogue, state.on_event if state else _ignore, sim.recorder)
        sim.agents[name], sim.dialogues[name], sim.hosts[name] = agent, dialogue, host
        if state is not None:
            state.host = host
    for name in parties:
        for other in parties:
            if other != name:
                stages = worlds.hops(channel_of(config, name, other))
                sim.hosts[name].connect(build_route(name, other, stages, sim.streams), sim.hosts[other])


def channel_of(config: RunConfig, source: str, target: str) -> Any:
    """The channel part in force from one party to another."""
    return config.channels.get(f"{source}>{target}", config.channel)


def _estimate(sim: Simulation, source: str, target: str) -> DeliveryEstimate | None:
    """What the target will believe of delivery from the source, if heartbeats teach it."""
    beat, part = worlds.heartbeat(sim.config.heartbeat), sim.config.states.get(target)
    if beat.period_s is None or part is None:
        return None
    wait_s = believed_latency(sim.config, part, source, target).quantile(_MISS_QUANTILE)
    return DeliveryEstimate(beat.period_s, wait_s, beat.half_life_s)


def believed_latency(config: RunConfig, part: StatePart, source: str, target: str) -> Latency:
    """F as the target believes it: a named distribution, or what link and protocol are configured to do."""
    if part.believed_latency == "configured":
        return worlds.configured_latency(channel_of(config, source, target), config.protocol)
    return worlds.named_latency(part.believed_latency.name, part.believed_latency.config)


def _introduce(sim: Simulation, name: str, other: str) -> None:
    """Gives state `name` its partner `other`: conduct toward it, sensing of it, a belief about it."""
    config, state, part = sim.config, sim.states[name], sim.config.states[name]
    pair_name = f"{name}>{other}"
    generator = partial(_generator, sim.streams, pair_name)
    intent = IntentSource(
        worlds.true_intent(part, config.states[other]),
        generator("intent"),
        partial(state.intent_changed, other),
    )
    latency = believed_latency(config, part, other, name)
    believed = worlds.world(config, part)
    rule = BELIEFS[part.belief.name].make(part.belief.config, believed, latency, config.crypto.ttl)
    delivery = part.believed_delivery
    learned = partial(_learned, sim, name, other)
    outlook = Outlook(
        name, other, rule, believed.classes, learned if delivery == "learned" else lambda: delivery,
        sim.recorder, lambda: sim.env.now,
    )  # fmt: skip
    bulletins: dict[str, Pair] = dict(BULLETIN_OUTCOMES)
    if config.monitor:
        confirms = worlds.pair(config.monitor.confirms)
        bulletins = {"confirms": confirms, "contradicts": (1.0 - confirms[0], 1.0 - confirms[1])}
    partner = Partner(
        sim.states[other], intent, outlook, worlds.two_way(latency), generator("answers"), bulletins
    )
    state.partners[other] = partner
    if state.habits.decides:
        partner.deliberation = Deliberation(
            sim.env, outlook, state.ladder, DECISIONS[part.decision.name].make(part.decision.config),
            sim.recorder, rung=lambda: state.rung, rise=state.rise, ask=partial(state.ask, other),
        )  # fmt: skip
    _add_sources(sim, state, other, generator)


def _add_sources(sim: Simulation, state: State, other: str, generator: Any) -> None:
    """The sources of events in which `state` acts toward `other` or senses it."""
    partner, believed = state.partners[other], worlds.world(sim.config, sim.config.states[state.name])
    state.sources.append(partner.intent)
    own = partial(getattr, partner.intent, "intent")
    for name, kind in believed.classes.items():
        rates = (kind.actual_rate_per_s(0), kind.actual_rate_per_s(1))
        act = partial(_act, state, other, kind, partner.intent)
        state.sources.append(ThinnedSource(rates, generator(f"activity/{name}"), own, act))
    hostile = believed.signals[HOSTILE_MESSAGE]
    say = partial(_say_hostile, state, other)
    state.sources.append(ThinnedSource(hostile, generator("hostile"), own, say))
    for name in (ALARM, SEVERE_WARNING):
        theirs = partial(_intent_toward, sim, other, state.name)
        sense = partial(_sense, partner.outlook, name)
        state.sources.append(ThinnedSource(believed.signals[name], generator(name), theirs, sense))


def _act(state: State, other: str, kind: Any, intent: IntentSource, details: tuple[float, ...]) -> None:
    now = intent.intent
    state.perform(
        other, kind, int(10000 + 30000 * details[3]), noticed=details[0] < kind.notice_prob[now],
        seen=details[1] < kind.seen_prob, contradicted=details[2] < kind.contradiction_prob[now],
    )  # fmt: skip


def _say_hostile(state: State, other: str, details: tuple[float, ...]) -> None:
    state.say_hostile(other)


def _sense(outlook: Outlook, name: str, details: tuple[float, ...]) -> None:
    outlook.signal(name)


def _intent_toward(sim: Simulation, actor: str, target: str) -> int:
    return sim.states[actor].partners[target].intent.intent


def _learned(sim: Simulation, name: str, other: str) -> float:
    return sim.dialogues[name].delivery_prob(other, sim.env.now)


def _generator(streams: Streams, pair_name: str, purpose: str) -> Any:
    return streams.generator(purpose, pair_name)


def _open_desk(peer: str, label: Any) -> None:
    return None


def _ignore(event: Any) -> None:
    return None


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
