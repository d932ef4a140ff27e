"""A state as a SimPy process: it acts, gives notice, watches, listens, asks, decides and climbs.

The process waits for the earliest of its own sources (its intent and activities toward each partner, and
what its sensors report of each). Messages and deadlines come by callbacks.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any

from simpy import Environment, Event, Interrupt, Process

from cbmnet.channels.desk import Desk
from cbmnet.datagram import Label
from cbmnet.drivers.simpy_driver import Call, Host, schedule
from cbmnet.measures import ActivityClass, Notice, Observation
from cbmnet.messages import Message
from cbmnet.protocols import dialogue as talk
from cbmnet.protocols.endpoint import Acknowledged, GaveUp, Malformed
from cbmnet.records import (
    Accept,
    Activity,
    Answer,
    Attack,
    Intent,
    Recorder,
    Reject,
    Rung,
    Sample,
    Seal,
    Stop,
    Transport,
)  # fmt: skip
from cbmnet.states.conduct import EventSource, IntentSource
from cbmnet.states.deliberation import Deliberation
from cbmnet.states.evidence import HOSTILE_MESSAGE, RUNG_RISE, Answers, Pair, query_outcomes
from cbmnet.states.ladder import TOP_RUNG, Ladder
from cbmnet.states.latency import Latency
from cbmnet.states.outlook import Outlook
from cbmnet.units import DAY_S, HOUR_S

MISSED_WINDOW_S = DAY_S
_BULLETIN = {True: "confirms", False: "contradicts"}


@dataclass(frozen=True, slots=True)
class Habits:
    """How a state behaves apart from its rules: answering, asking, empathy.

    `memory_s` is T_f: within it of a settled query another would carry no weight and is not sent.
    `empathy` discounts a partner's rise within `empathy_window_s` of one's own.
    """

    answers: Answers = field(default_factory=Answers)
    asks: bool = True
    decides: bool = True
    answer_deadline_s: float = HOUR_S
    memory_s: float = 14 * DAY_S
    empathy: float = 0.5
    empathy_window_s: float = 24 * HOUR_S


@dataclass(slots=True)
class Partner:
    """What a state keeps for one partner."""

    state: "State"
    intent: IntentSource
    outlook: Outlook
    two_way: Latency
    answers_random: Random
    bulletins: Mapping[str, Pair]
    deliberation: Deliberation | None = None
    activities: int = 0
    asked: set[int] = field(default_factory=set)
    query_table: dict[str, Pair] | None = None
    query_settled_s: float = -inf


class State:
    """One party; `partners` and `sources` are filled in while the simulation is built."""

    def __init__(
        self,
        env: Environment,
        name: str,
        habits: Habits,
        ladder: Ladder,
        desk: Desk,
        recorder: Recorder,
        *,
        start_rung: int,
        attack: Callable[[], None],
    ) -> None:
        self.env, self.name, self.habits, self.ladder, self.desk = env, name, habits, ladder, desk
        self.rung, self.rose_s = start_rung, -inf
        self.host: Host
        self.partners: dict[str, Partner] = {}
        self.sources: list[EventSource] = []
        self.watchers: list[Callable[[Activity], None]] = []
        self.notice_withheld_until_s = -inf
        self._recorder, self._attack = recorder, attack
        self._process: Process | None = None
        self._hear: dict[str, Callable[[str, Message], None]] = {
            "notice": self._hear_notice,
            "change": self._hear_notice,
            "query": self._hear_query,
            "leader-text": self._hear_leader,
            "bulletin": self._hear_bulletin,
        }

    # --- its own course -------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to live."""
        self._process = self.env.process(self._live())
        if self.habits.decides:
            schedule(self.env, self.ladder.cool_s, None, self._cool)

    def _live(self) -> Generator[Event, Any, None]:
        while True:
            source = min(self.sources, key=_due, default=None)
            if source is None or source.at_s == inf:
                wait: Event = self.env.event()
            else:
                wait = self.env.timeout(source.at_s - self.env.now)
            try:
                yield wait
            except Interrupt:
                continue  # a scripted change moved a source; look again which is next
            if source is not None:
                self._recorder.cause = 0
                source.fire()

    def set_intent(self, partner: str, intent: int) -> None:
        """A scripted change of the true intent."""
        self.partners[partner].intent.set(intent, self.env.now)
        if self._process is not None and self._process is not self.env.active_process:
            self._process.interrupt()

    def intent_changed(self, partner: str, intent: int, attacks: bool) -> None:
        """The hidden intent toward a partner switched; a preparation may have ended in an attack."""
        self._tell(Intent, self.name, partner, intent)
        if attacks:
            self.attack(partner)

    def attack(self, partner: str) -> None:
        """Attacks: the run ends; missed if the partner was not alarmed within the day before."""
        victim = self.partners[partner].state.partners[self.name]
        probability = victim.outlook.probability()
        alarmed_s = victim.deliberation.alarmed_s if victim.deliberation else -inf
        alarmed = probability > self.ladder.query_prob or self.env.now - alarmed_s <= MISSED_WINDOW_S
        self._tell(Attack, self.name, partner, probability, not alarmed)
        self._attack()

    def perform(
        self, partner: str, kind: ActivityClass, size: int, *, noticed: bool, seen: bool, contradicted: bool
    ) -> None:
        """Does something toward a partner: gives notice or not when it is due, starts after the lead."""
        self_to = self.partners[partner]
        self_to.activities += 1
        key, start_s = self_to.activities, self.env.now + kind.lead_s
        noticed = noticed and kind.notifiable and self.env.now >= self.notice_withheld_until_s
        cause = self._recorder.tell(
            Activity,
            self.env.now,
            self.name,
            partner,
            key,
            kind.name,
            size,
            self_to.intent.intent,
            noticed,
            seen,
        )
        self._recorder.cause = cause
        if noticed:
            declared = size // 2 if contradicted else size
            payload = {
                "activity": key, "activity_class": kind.name, "size": declared, "start_ms": round(start_s * 1000),
            }  # fmt: skip
            self.host.command(talk.Say(partner, "notice", payload))
        for watch in self.watchers:
            watch(Activity(start_s, 0, cause, self.name, partner, key, kind.name, size, self_to.intent.intent,
                           noticed, seen))  # fmt: skip
        if seen:
            observation = Observation(self.name, key, kind.name, size, start_s)
            # After the sending, so that a notice that takes no time is there when one looks.
            schedule(self.env, kind.lead_s, (partner, observation, cause), self._is_seen)

    def say_hostile(self, partner: str) -> None:
        """Sends a leader text flagged hostile."""
        self._recorder.cause = 0
        self.host.command(talk.Say(partner, "leader-text", {"hostile": True, "text": "a hostile text"}))

    def _is_seen(self, event: Call) -> None:
        partner, observation, self._recorder.cause = event.value
        self.partners[partner].state.partners[self.name].outlook.observe(observation)

    # --- the ladder -----------------------------------------------------------------------------

    def rise(self, about: str, to_rung: int | None) -> None:
        """Rises one rung, or to the rung that the activity's class leads to if that is higher."""
        after = min(TOP_RUNG, max(self.rung + 1, to_rung or 0))
        self._step_to(after, about)
        self.rose_s = self.env.now
        for partner in self.partners.values():
            partner.state.see_rise(self.name)

    def see_rise(self, partner: str) -> None:
        """A partner rose a rung; counted less if one has just risen oneself."""
        recent = self.env.now - self.rose_s <= self.habits.empathy_window_s
        self.partners[partner].outlook.signal(RUNG_RISE, 1.0 - self.habits.empathy if recent else 1.0)

    def _cool(self, event: Call | None) -> None:
        deliberations = [p.deliberation for p in self.partners.values() if p.deliberation is not None]
        for partner in self.partners.values():
            partner.outlook.update()  # what drifted upward in silence counts as well
        calm_since_s = max((d.calm_since_s for d in deliberations), default=0.0)
        wait_s = calm_since_s + self.ladder.cool_s - self.env.now
        if wait_s <= 1e-6:
            if 0 < self.rung < TOP_RUNG:
                self._step_to(self.rung - 1, "")
            for deliberation in deliberations:
                deliberation.calm_since_s = self.env.now
            wait_s = self.ladder.cool_s
        schedule(self.env, wait_s, None, self._cool)

    def _step_to(self, after: int, about: str) -> None:
        before, self.rung = self.rung, after
        intent = self.partners[about].state.partners[self.name].intent.intent if about else 0
        self._tell(Rung, self.name, about, before, after, intent)

    # --- asking ---------------------------------------------------------------------------------

    def ask(self, name: str, wait_s: float) -> None:
        """Queries a partner about its latest activity, if an answer could carry weight."""
        partner = self.partners[name]
        activity = partner.outlook.latest_activity
        recent = self.env.now - partner.query_settled_s < self.habits.memory_s
        if not self.habits.asks or partner.query_table is not None or recent or activity in partner.asked:
            return
        if activity:
            partner.asked.add(activity)
        deadline_s = min(wait_s, self.habits.answer_deadline_s)
        two_way_prob = partner.outlook.delivery_prob() ** 2 * partner.two_way.arrived_by(deadline_s)
        partner.query_table = query_outcomes(self.habits.answers, two_way_prob)
        self.host.command(talk.Ask(name, activity, "what is this activity?", deadline_s))

    def _settle_query(self, event: talk.Answered) -> None:
        partner = self.partners[event.peer]
        table, partner.query_table = partner.query_table, None
        partner.query_settled_s = self.env.now
        assert table is not None
        self._recorder.cause = self._tell(Answer, self.name, event.peer, event.outcome)
        partner.outlook.experiment(table[event.outcome])
        if partner.deliberation is not None:
            partner.deliberation.answered()

    # --- listening ------------------------------------------------------------------------------

    def desk_judges(self, peer: str, label: Label) -> str | None:
        """Whether the desk passes a message on; asked by the dialogue."""
        return self.desk.judge(label, self.rung)

    def on_event(self, event: Any) -> None:
        """Takes what the endpoint has to say."""
        kind = type(event)
        if kind is talk.Sent:
            message: Message = event.message
            self._tell(Seal, self.name, event.peer, message.kind, event.id.hex())
        elif kind is talk.Heard:
            self._heard(event)
        elif kind is talk.Answered:
            self._settle_query(event)
        elif kind is talk.Rejected:
            self._tell(Reject, self.name, event.peer, event.code)
        elif kind is talk.Refused:
            self._tell(Stop, self.name, event.message.sender, event.message.kind, event.reason)
        elif kind in (Acknowledged, GaveUp):
            self._tell(
                Transport, self.name, event.peer, _SAID[kind], event.stream, event.sequence, event.attempts
            )
        elif kind is Malformed:
            self._tell(Transport, self.name, event.peer, "malformed", 0, 0, 0)

    def _heard(self, event: talk.Heard) -> None:
        message, recorder = event.message, self._recorder
        transit_s = self.env.now - message.issued_ms / 1000.0
        recorder.cause = self._tell(
            Accept, self.name, message.sender, message.kind, event.id.hex(), max(0.0, transit_s)
        )
        hear = self._hear.get(message.kind)
        if hear is not None:
            hear(event.id.hex(), message)

    def _hear_notice(self, message_id: str, message: Message) -> None:
        said = message.payload
        notice = Notice(
            message.sender, said["activity"], said["activity_class"], said["size"], said["start_ms"] / 1000.0
        )
        self.partners[message.sender].outlook.hear_notice(notice)

    def _hear_query(self, message_id: str, message: Message) -> None:
        partner, answers = self.partners[message.sender], self.habits.answers
        intent = partner.intent.intent
        answer, benign = partner.answers_random.random(), partner.answers_random.random()
        if answer < answers.answer_prob[intent]:
            payload = {
                "benign": benign < answers.benign_prob[intent],
                "query": bytes.fromhex(message_id),
                "text": "an answer",
            }
            self.host.command(talk.Say(message.sender, "clarification", payload))

    def _hear_leader(self, message_id: str, message: Message) -> None:
        if message.payload["hostile"]:
            self.partners[message.sender].outlook.signal(HOSTILE_MESSAGE)

    def _hear_bulletin(self, message_id: str, message: Message) -> None:
        said = message.payload
        partner = self.partners[said["actor"]]
        # Word of an activity nobody saw here is talk, as a notice of one is.
        if said["activity"] == 0 or partner.outlook.has_seen(said["activity"]):
            partner.outlook.experiment(partner.bulletins[_BULLETIN[said["confirms"]]], said["activity"])

    # --- being watched --------------------------------------------------------------------------

    def sample(self) -> None:
        """Tells the belief about every partner beside the truth."""
        for name, partner in self.partners.items():
            truth = partner.state.partners[self.name].intent.intent
            outlook = partner.outlook
            self._tell(Sample, self.name, name, outlook.probability(), truth, outlook.delivery_prob())

    def _tell(self, kind: type, *fields: object) -> int:
        return self._recorder.tell(kind, self.env.now, *fields)


def _due(source: EventSource) -> float:
    return source.at_s


_SAID = {Acknowledged: "acknowledged", GaveUp: "gave up"}
