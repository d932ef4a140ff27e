"""Gives a state its partner: conduct toward it, sensing of it, a belief about it, a deliberation.

Every source of events has a stream of its own, named by the pair and its purpose.
"""

from functools import partial
from typing import Any

from cbmnet.simulation import worlds
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.simulation import Simulation
from cbmnet.states.belief import BELIEFS
from cbmnet.states.conduct import IntentSource, ThinnedSource
from cbmnet.states.decision import DECISIONS
from cbmnet.states.deliberation import Deliberation
from cbmnet.states.evidence import ALARM, BULLETIN_OUTCOMES, HOSTILE_MESSAGE, SEVERE_WARNING, Pair
from cbmnet.states.latency import Latency
from cbmnet.states.outlook import Outlook
from cbmnet.states.partner import Partner
from cbmnet.states.state import State
from cbmnet.streams import Streams


def introduce(sim: Simulation, name: str, other: str) -> None:
    """Gives state `name` its partner `other`."""
    config, state, part = sim.config, sim.states[name], sim.config.states[name]
    generator = partial(_generator, sim.streams, f"{name}>{other}")
    intent = IntentSource(
        worlds.true_intent(part, config.states[other]),
        generator("intent"),
        partial(state.intent_changed, other),
    )
    latency = worlds.believed_latency(config, part, other, name)
    round_trip = worlds.two_way(worlds.believed_latency(config, part, name, other), latency)
    outlook = _outlook(sim, name, other, latency)
    state.partners[other] = Partner(
        sim.states[other], intent, outlook, round_trip, generator("answers"), _bulletins(config)
    )
    if state.habits.decides:
        state.partners[other].deliberation = _deliberation(sim, state, outlook)
    _add_sources(sim, state, other, generator)


def _outlook(sim: Simulation, name: str, other: str, latency: Latency) -> Outlook:
    config, part = sim.config, sim.config.states[name]
    believed, delivery = worlds.world(config, part, name), part.believed_delivery
    rule = BELIEFS[part.belief.name].make(part.belief.config, believed, latency, config.crypto.ttl)
    learned = partial(_learned, sim, name, other)
    return Outlook(
        name, other, rule, believed.classes, learned if delivery == "learned" else lambda: delivery,
        sim.recorder, lambda: sim.env.now,
    )  # fmt: skip


def _bulletins(config: RunConfig) -> dict[str, Pair]:
    """What a third party's word weighs: as its monitor is configured."""
    if config.monitor is None:
        return dict(BULLETIN_OUTCOMES)
    confirms = worlds.pair(config.monitor.confirms)
    return {"confirms": confirms, "contradicts": (1.0 - confirms[0], 1.0 - confirms[1])}


def _deliberation(sim: Simulation, state: State, outlook: Outlook) -> Deliberation:
    decision = sim.config.states[state.name].decision
    ask = partial(state.correspondence.ask, outlook.partner)
    return Deliberation(
        sim.env, outlook, state.ladder, DECISIONS[decision.name].make(decision.config), sim.recorder,
        rung=lambda: state.rung, rise=state.rise, ask=ask,
    )  # fmt: skip


def _add_sources(sim: Simulation, state: State, other: str, generator: Any) -> None:
    """The sources of events in which `state` acts toward `other` or senses it."""
    partner, part = state.partners[other], sim.config.states[state.name]
    believed = worlds.world(sim.config, part, state.name)
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
    return sim.dialogues[name].delivery_prob(other, sim.hosts[name].own_time_s)


def _generator(streams: Streams, pair_name: str, purpose: str) -> Any:
    return streams.generator(purpose, pair_name)
