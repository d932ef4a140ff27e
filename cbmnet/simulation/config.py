"""One run as frozen data: what a TOML file may say, with every default and range.

Durations and rates are text with their unit in the file and seconds here. `[state]` and `[channel]` hold
for every state and every link; `[states.NAME]` and `[channels."a>b"]` override them key by key. Defaults
whose source is "choice" have no anchor in a source: report sensitivity, read directions, not levels.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cbmnet.channels.stage import STAGES
from cbmnet.drivers import MAX_STEPS_AT_ONCE
from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.simulation.cross import cross_faults
from cbmnet.simulation.fields import (
    Chosen,
    Count,
    Duration,
    FamilyNode,
    FileName,
    FiniteFloat,
    Flag,
    Lifetime,
    Memory,
    PositiveDuration,
    Probability,
    Rate,
    WholeNumber,
)
from cbmnet.simulation.interventions import AdversaryPart, FaultPart
from cbmnet.simulation.invariant import INVARIANTS
from cbmnet.simulation.line_words import NetemWords, said_twice
from cbmnet.simulation.part import Part
from cbmnet.simulation.script import Timeline
from cbmnet.simulation.words import Problem, errors_at
from cbmnet.states.belief import BELIEFS
from cbmnet.states.decision import DECISIONS
from cbmnet.states.ladder import TOP_RUNG, Ladder
from cbmnet.units import DAY_S, HOUR_S, MINUTE_S

Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9-]{0,31}$",
        description="small letters, digits and -, a letter first, at most 32",
    ),
]


def _by_name(node: object) -> object:
    """An invariant with nothing to configure may be named alone."""
    return {"invariant": node} if isinstance(node, str) else node


Stage = Annotated[Chosen, FamilyNode(STAGES, "stage")]
Variant = Annotated[Chosen, FamilyNode(VARIANTS, "variant")]
Invariant = Annotated[Chosen, FamilyNode(INVARIANTS, "invariant"), BeforeValidator(_by_name)]
Belief = Annotated[Chosen, FamilyNode(BELIEFS, "rule")]
DecisionNode = Annotated[Chosen, FamilyNode(DECISIONS, "rule")]


class StudyPart(Part):
    """`[study]`: how long a run is, how many there are, from which seed, how results are stated.

    A run in which one of the `invariants` is violated fails, and so does one with more than
    `max_steps_at_once` events at one instant. `load` names Python files beside this one, which register
    members of their own: variants, stages, rules, metrics.
    """

    horizon: PositiveDuration
    replications: Count = 200
    seed: WholeNumber = 1
    level: Annotated[FiniteFloat, Field(gt=0.0, lt=1.0)] = 0.95
    sample_every: PositiveDuration = 6 * HOUR_S
    metrics: tuple[str, ...] | None = None
    invariants: tuple[Invariant, ...] = ()
    max_steps_at_once: Count = MAX_STEPS_AT_ONCE
    load: tuple[FileName, ...] = ()


class CryptoPart(Part):
    """`[crypto]`: the simulation MAC is fast; Ed25519 is what a real node signs with."""

    signature: Literal["mac", "ed25519"] = "mac"
    ttl: Lifetime = 30 * DAY_S


class HopPart(Part):
    """`[[channel.hop]]`: one link of a route, with its own stages, loss and transit time.

    `delay` is the median of a lognormal (log standard deviation `sigma`), the mean of an exponential, gamma
    (shape 2) or Pareto (shape 3), or the constant; other delays are stages. `netem` says loss and delay
    in the words of netem(8) instead. Defaults: loss .02 from the study range, 20 minutes for a hotline
    (choices).
    """

    loss: Probability = 0.02
    delay: Duration = 20 * MINUTE_S
    distribution: Literal["lognormal", "exponential", "constant", "gamma", "pareto"] = "lognormal"
    sigma: Annotated[FiniteFloat, Field(ge=0.0, le=10.0)] = 0.5
    stages: tuple[Stage, ...] = ()
    netem: NetemWords | None = None

    @model_validator(mode="after")
    def _says_it_once(self) -> Self:
        problems = said_twice(self)
        if problems:
            raise errors_at("channel", problems)
        return self


class ChannelPart(HopPart):
    """`[channel]`: `hops` links in a row, each as the table says, or each `[[channel.hop]]` as it says.

    `routes` is how many such ways lead side by side from one party to another. 2 hops are a choice.
    """

    hops: Annotated[WholeNumber, Field(ge=1, le=8)] = 2
    hop: Annotated[tuple[HopPart, ...], Field(max_length=8)] = ()
    routes: Annotated[WholeNumber, Field(ge=1, le=8)] = 1


class ProbPair(Part):
    """A probability under each intent of the partner."""

    benign: Probability
    attack: Probability


class RateSum(Part):
    """A rate that holds always, and what an attack in preparation adds."""

    base: Rate
    attack_adds: Rate = 0.0


class ActivityPart(Part):
    """`[activities.NAME]`: a class of activity. Rates of a calm pair, rho, seen and notices: choices."""

    rate: Rate = 0.2 / DAY_S
    rho: Annotated[FiniteFloat, Field(ge=0.0)] = 3.0
    seen: Probability = 0.9
    notifiable: Flag = True
    notice: ProbPair = ProbPair(benign=0.98, attack=0.2)
    contradiction: ProbPair = ProbPair(benign=0.02, attack=0.5)
    lead: Duration = 0.0
    deadline: PositiveDuration | None = None
    rung: Annotated[WholeNumber, Field(le=TOP_RUNG)] | None = None


class SignalsPart(Part):
    """`[signals]`: marks that are no activity.

    Alarms 144 a year evaluated and 2 a year severe are NORAD's 1977-84 and 1978-80; the rest are choices.
    A partner's rise is no evidence unless a study makes it so.
    """

    alarm: RateSum = RateSum(base="144/y", attack_adds="1/d")
    severe_warning: RateSum = RateSum(base="2/y", attack_adds="0.1/d")
    hostile_message: RateSum = RateSum(base="1/y", attack_adds="0.09/d")
    rung_rise: RateSum = RateSum(base="2/y")


class DialoguePart(Part):
    """`[dialogue]`: queries and how partners answer them (choices; a benign answer is nearly worthless)."""

    queries: Flag = True
    answer_deadline: PositiveDuration = 1 * HOUR_S
    answer: ProbPair = ProbPair(benign=0.95, attack=0.95)
    benign_answer: ProbPair = ProbPair(benign=0.98, attack=0.9)


class HeartbeatPart(Part):
    """`[heartbeat]`: the line test; "off", or a period (1 h on the 1963 line), and what it reaches."""

    period: PositiveDuration | Literal["off"] = "off"
    reaches: Literal["wire", "desk"] = "wire"
    half_life: PositiveDuration = 7 * DAY_S


class LadderPart(Part):
    """`[ladder]`: thresholds and deadlines by rung (choices)."""

    query: Probability = 0.1
    rise: Annotated[tuple[Probability, ...], Field(min_length=TOP_RUNG, max_length=TOP_RUNG)] = (
        Ladder().rise_prob
    )
    deadline: Annotated[tuple[PositiveDuration, ...], Field(min_length=TOP_RUNG, max_length=TOP_RUNG)] = (
        Ladder().deadline_s
    )
    cool: PositiveDuration = 7 * DAY_S


class MonitorPart(Part):
    """`[monitor]`: a third party that sees activities and publishes bulletins on them (choices)."""

    coverage: Probability = 1.0
    delay: Duration = 8 * HOUR_S
    confirms: ProbPair = ProbPair(benign=0.94, attack=0.2)


class DeskPart(Part):
    """`desk = {...}`: what becomes of a message that arrived."""

    forwards: Probability = 1.0
    refusal: Probability = 0.0
    refusal_per_rung: Probability = 0.0


class IntentPart(Part):
    """`intent = {...}`: the true course of intent toward every partner (choices)."""

    onset: Rate = 0.01 / DAY_S
    end: Rate = 1 / (14 * DAY_S)
    attack: Probability = 0.5
    starts: Probability = 0.0


class StatePart(Part):
    """`[state]`: what a state is, what it believes, how it decides.

    `type` "seeker" never prepares an attack; "expansionist" follows `intent`; "matched" follows exactly
    what each partner believes of it (no attacks; it makes beliefs calibrated when nothing else is wrong).
    """

    type: Literal["seeker", "expansionist", "matched"] = "seeker"
    prior: Annotated[FiniteFloat, Field(gt=0.0, lt=1.0)] = 1e-4
    memory: Memory = 14 * DAY_S
    start_rung: Annotated[WholeNumber, Field(lt=TOP_RUNG)] = 0
    belief: Belief = Field(default={"rule": "independent"}, validate_default=True)
    decision: DecisionNode = Field(default={"rule": "at_close"}, validate_default=True)
    decides: Flag = True
    believed_delivery: Probability | Literal["learned"] = 0.95
    believed_latency: Stage | Literal["configured"] = "configured"
    verification: Literal["strict", "naive"] = "strict"
    desk: DeskPart = DeskPart()
    empathy: Probability = 0.5
    empathy_window: PositiveDuration = 24 * HOUR_S
    intent: IntentPart = IntentPart()


class RunConfig(Part):
    """One point of a study: everything a run needs but its replication number."""

    name: Name
    title: str = ""
    study: StudyPart
    crypto: CryptoPart = CryptoPart()
    protocol: Variant = Field(default={"variant": "fire-and-forget"}, validate_default=True)
    channel: ChannelPart = ChannelPart()
    channels: dict[str, ChannelPart] = Field(default_factory=dict)
    activities: dict[Name, ActivityPart] = Field(default_factory=lambda: {"exercise": ActivityPart()})
    signals: SignalsPart = SignalsPart()
    dialogue: DialoguePart = DialoguePart()
    heartbeat: HeartbeatPart = HeartbeatPart()
    ladder: LadderPart = LadderPart()
    monitor: MonitorPart | None = None
    state: StatePart = StatePart()
    states: Annotated[dict[Name, StatePart], Field(min_length=2, max_length=12)]
    at: tuple[Timeline, ...] = ()
    faults: tuple[FaultPart, ...] = ()
    adversary: tuple[AdversaryPart, ...] = ()

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        problems = self.cross_faults()
        if problems:
            raise errors_at("config", problems)
        return self

    def cross_faults(self) -> list[Problem]:
        """What one part says of another that is not so; a larger file adds its own."""
        return cross_faults(self)
