"""From config to what each observer believes of a partner, and to how the channel is made."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cbmnet.channels.link import Route, StageSpec, build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.channels.stages.lognormal import LognormalConfig
from cbmnet.datagram import Datagram, Label
from cbmnet.measures import ActivityClass
from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.protocols.heartbeat import HeartbeatConfig
from cbmnet.simulation.config import (
    ActivityPart,
    ChannelPart,
    DialoguePart,
    HeartbeatPart,
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
    "lognormal": lambda c: LognormalConfig(c.delay, c.sigma),
}


def hop_stages(channel: ChannelPart) -> list[StageSpec]:
    """The stages of one hop, in order: further stages, then loss, then transit time."""
    specs: list[StageSpec] = [(stage.name, stage.config) for stage in channel.stages]
    if channel.loss > 0.0:
        specs.append(("bernoulli", BernoulliConfig(channel.loss)))
    specs.append((channel.distribution, _DELAYS[channel.distribution](channel)))
    return specs


def hops(channel: ChannelPart) -> list[list[StageSpec]]:
    """All hops of a route; each is made alike and draws apart."""
    return [hop_stages(channel) for _ in range(channel.hops)]


@lru_cache(maxsize=256)
def configured_latency(channel: ChannelPart, protocol: Any) -> Latency:
    """F as the configured link and protocol make it: the first arrival of each of 4,096 probes.

    The probes run through the real stages with draws of their own, so the table is the same in every
    replication. F is the latency of what arrives, so loss must not shorten it: what a probe would have
    taken is read with its losses undone. A protocol that repeats itself arrives with its first attempt
    that was not lost; where all were, one attempt is taken as good as another.
    """
    route = build_route("probe", "target", hops(channel), Streams(0, 0))
    variant: Any = VARIANTS[protocol.name].make(protocol.config)
    offsets_s = variant.attempt_offsets_s() if hasattr(variant, "attempt_offsets_s") else (0.0,)
    return Latency(_first_arrival_s(route, offsets_s, number) for number in range(1, TABLE_SIZE + 1))


def _first_arrival_s(route: Route, offsets_s: Sequence[float], number: int) -> float:
    attempts = [
        Datagram(b"\0", "target", *Label("probe", 0, 0, number, attempt))
        for attempt in range(1, len(offsets_s) + 1)
    ]
    arrivals_s = [
        offset_s + route.transit_s(attempt)
        for offset_s, attempt in zip(offsets_s, attempts, strict=True)
        if len(offsets_s) == 1 or any(f.drop is None for f in route.carry(attempt, offset_s))
    ]
    if arrivals_s:
        return min(arrivals_s)
    chosen = number % len(offsets_s)
    return offsets_s[chosen] + route.transit_s(attempts[chosen])


@lru_cache(maxsize=64)
def named_latency(stage: str, config: Any) -> Latency:
    """F as a delay stage of the given name would make it."""
    route = build_route("probe", "named", [[(stage, config)]], Streams(0, 0))
    probes = (Datagram(b"\0", "named", *Label("probe", 0, 0, n)) for n in range(TABLE_SIZE))
    return Latency(route.transit_s(probe) for probe in probes)


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
