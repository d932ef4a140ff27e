"""From config to what each observer believes of a partner, and to how the channel is made."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cbmnet.channels.link import Route, StageSpec, build_route
from cbmnet.channels.netem import parse_netem
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.channels.stages.gamma import GammaConfig
from cbmnet.channels.stages.lognormal import LognormalConfig
from cbmnet.channels.stages.pareto import ParetoConfig
from cbmnet.datagram import Datagram, Label
from cbmnet.errors import SimulationError
from cbmnet.measures import ActivityClass
from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.protocols.heartbeat import HeartbeatConfig
from cbmnet.simulation.config import (
    ActivityPart,
    ChannelPart,
    DialoguePart,
    HeartbeatPart,
    HopPart,
    ProbPair,
    RateSum,
    RunConfig,
    StatePart,
)  # fmt: skip
from cbmnet.states.conduct import IntentConfig
from cbmnet.states.evidence import ALARM, HOSTILE_MESSAGE, RUNG_RISE, SEVERE_WARNING, Answers, Pair, World
from cbmnet.states.latency import Latency
from cbmnet.streams import Streams

TABLE_SIZE = 4096
_DELAYS: dict[str, Any] = {
    "constant": lambda c: ConstantConfig(c.delay),
    "exponential": lambda c: ExponentialConfig(c.delay),
    "gamma": lambda c: GammaConfig(c.delay),
    "lognormal": lambda c: LognormalConfig(c.delay, c.sigma),
    "pareto": lambda c: ParetoConfig(c.delay),
}
_QUEUES = ("queue", "rate")  # only what is not lost waits, and it travels after that
_AFTER_DELAY = ("reordering",)  # takes a delay back, so the delay must stand before it


def hop_stages(hop: HopPart) -> list[StageSpec]:
    """The stages of one hop, in order: further stages, loss, queues, transit time, reordering.

    Or further stages, and then what the words of netem say.
    """
    further: list[StageSpec] = [(stage.name, stage.config) for stage in hop.stages]
    if hop.netem is not None:
        return [*further, *parse_netem(hop.netem)]
    loss = [("bernoulli", BernoulliConfig(hop.loss))] if hop.loss > 0.0 else []
    delay = (hop.distribution, _DELAYS[hop.distribution](hop))
    queues = [spec for spec in further if spec[0] in _QUEUES]
    last = [spec for spec in further if spec[0] in _AFTER_DELAY]
    first = [spec for spec in further if spec[0] not in (*_QUEUES, *_AFTER_DELAY)]
    return [*first, *loss, *queues, delay, *last]


def hops(channel: ChannelPart) -> list[list[StageSpec]]:
    """All hops of a route, each as it is said or all alike; each draws apart."""
    return [hop_stages(hop) for hop in channel.hop or (channel,) * channel.hops]


@lru_cache(maxsize=256)
def configured_latency(channel: ChannelPart, protocol: Any) -> Latency:
    """F as the configured link and protocol make it: the first arrival of each of 4,096 probes.

    The probes run through the real stages with draws of their own, so the table is the same in every
    replication. F is the latency of what arrives, so loss must not shorten it: what a probe would have
    taken is read with its losses undone. Each probe finds queues empty and the outages of another day.
    A protocol that repeats itself arrives with its first attempt
    that was not lost; where all were, one attempt is taken as good as another.
    """
    route = build_route("probe", "target", hops(channel), Streams(0, 0))
    variant: Any = VARIANTS[protocol.name].make(protocol.config)
    offsets_s = variant.attempt_offsets_s() if hasattr(variant, "attempt_offsets_s") else (0.0,)
    try:
        return Latency(_first_arrival_s(route, offsets_s, number) for number in range(1, TABLE_SIZE + 1))
    except SimulationError as error:
        # The link that is tried is none of the study's.
        said = str(error).replace("link probe>target/", "the channel, tried with a datagram of its own: hop ")
        raise SimulationError(f"{protocol.name}: {said}") from error


def _first_arrival_s(route: Route, offsets_s: Sequence[float], number: int) -> float:
    tell_stages(route, "begin_anew")
    attempts = [
        Datagram(b"\0", "target", *Label("probe", 0, 0, number, attempt))
        for attempt in range(1, len(offsets_s) + 1)
    ]
    arrivals_s = [
        offset_s + _transit_s(route, attempt)
        for offset_s, attempt in zip(offsets_s, attempts, strict=True)
        if len(offsets_s) == 1 or _arrives(route, attempt, offset_s)
    ]
    if arrivals_s:
        return min(arrivals_s)
    chosen = number % len(offsets_s)
    return offsets_s[chosen] + _transit_s(route, attempts[chosen])


def _transit_s(route: Route, probe: Datagram) -> float:
    tell_stages(route, "forget")
    return route.transit_s(probe)


def _arrives(route: Route, probe: Datagram, at_s: float) -> bool:
    tell_stages(route, "forget")
    return any(flight.drop is None for flight in route.fates(probe, at_s))


def tell_stages(route: Route, what: str) -> None:
    """Calls a method of every stage that has it: `forget` or `begin_anew`."""
    for link in route.links:
        for stage in link.stages:
            getattr(stage, what, _nothing)()


def _nothing() -> None:
    return None


@lru_cache(maxsize=64)
def named_latency(stage: str, config: Any) -> Latency:
    """F as a delay stage of the given name would make it."""
    route = build_route("probe", "named", [[(stage, config)]], Streams(0, 0))
    probes = (Datagram(b"\0", "named", *Label("probe", 0, 0, n)) for n in range(TABLE_SIZE))
    return Latency(_transit_s(route, probe) for probe in probes)


def channel_of(config: RunConfig, source: str, target: str) -> Any:
    """The channel part in force from one party to another."""
    return config.channels.get(f"{source}>{target}", config.channel)


def believed_latency(config: RunConfig, part: StatePart, source: str, target: str) -> Latency:
    """F as the target believes it: a named distribution, or what link and protocol are configured to do."""
    if part.believed_latency == "configured":
        return configured_latency(channel_of(config, source, target), config.protocol)
    return named_latency(part.believed_latency.name, part.believed_latency.config)


@lru_cache(maxsize=256)
def two_way(there: Latency, back: Latency) -> Latency:
    """There and back, kept because every state of a study asks for the same."""
    return there.there_and_back(back)


def pair(part: ProbPair) -> Pair:
    """A probability pair as a tuple by intent."""
    return part.benign, part.attack


def _rates(part: RateSum) -> Pair:
    return part.base, part.base + part.attack_adds


def activity_class(name: str, part: ActivityPart) -> ActivityClass:
    """An activity class as the model uses it."""
    return ActivityClass(
        name, part.rate, part.rho, part.seen, part.notifiable, pair(part.notice), pair(part.contradiction),
        part.lead, part.deadline, part.rung,
    )  # fmt: skip


def answers(part: DialoguePart) -> Answers:
    """How partners answer queries."""
    return Answers(pair(part.answer), pair(part.benign_answer))


def heartbeat(part: HeartbeatPart) -> HeartbeatConfig:
    """The line test."""
    period_s = None if part.period == "off" else part.period
    return HeartbeatConfig(period_s, part.reaches, part.half_life)


def world(config: RunConfig, observer: StatePart, name: str) -> World:
    """What the observer of this name believes of any partner."""
    signals = config.signals
    return World(
        onset_per_s=observer.prior / observer.memory,
        end_per_s=(1.0 - observer.prior) / observer.memory,
        classes={name: activity_class(name, part) for name, part in sorted(config.activities.items())},
        signals={
            ALARM: _rates(signals.alarm),
            SEVERE_WARNING: _rates(signals.severe_warning),
            HOSTILE_MESSAGE: _rates(signals.hostile_message),
            RUNG_RISE: _rates(signals.rung_rise),
        },
        answers=answers(config.dialogue),
        word_s=_word_s(config, name),
    )


def _word_s(config: RunConfig, name: str) -> float:
    """How long after an activity a third party's word of it may still come."""
    if config.monitor is None:
        return 0.0
    line = configured_latency(channel_of(config, "monitor", name), config.protocol)
    return config.monitor.delay + line.quantile(1.0) + 1.0


def true_intent(actor: StatePart, observer: StatePart) -> IntentConfig:
    """The true course of intent of `actor` toward `observer`."""
    if actor.type == "seeker":
        return IntentConfig()
    if actor.type == "matched":
        onset, end = observer.prior / observer.memory, (1.0 - observer.prior) / observer.memory
        return IntentConfig(onset, end, attack_prob=0.0, start_prob=observer.prior)
    intent = actor.intent
    return IntentConfig(intent.onset, intent.end, intent.attack, intent.starts)
