"""What a state hears and asks: messages that passed its desk, its queries, and word of its own sending."""

from collections.abc import Callable, Mapping
from typing import Any

from cbmnet.drivers.clock import Clock
from cbmnet.measures import Notice
from cbmnet.messages import Message
from cbmnet.protocols import dialogue as talk
from cbmnet.protocols.endpoint import Acknowledged, GaveUp, InCustody, Malformed
from cbmnet.recorder import Recorder
from cbmnet.records import Accept, Answer, Reject, Seal, Stop, Transport
from cbmnet.states.evidence import HOSTILE_MESSAGE, query_outcomes
from cbmnet.states.partner import Habits, Partner

_BULLETIN = {True: "confirms", False: "contradicts"}
_SAID: dict[Any, str] = {Acknowledged: "acknowledged", GaveUp: "gave up", InCustody: "in custody"}

BEFORE_CLOSE_S = 0.01


class Correspondence:
    """Turns what one state's endpoint says into evidence about its partners.

    `command` gives the endpoint an order.
    """

    def __init__(
        self,
        env: Clock,
        name: str,
        habits: Habits,
        partners: Mapping[str, Partner],
        command: Callable[[talk.Say | talk.Ask], None],
        recorder: Recorder,
    ) -> None:
        self._env, self._name, self._habits, self._partners = env, name, habits, partners
        self._command, self._recorder = command, recorder
        self._hear: dict[str, Callable[[str, Message], None]] = {
            "notice": self._hear_notice,
            "change": self._hear_notice,
            "query": self._hear_query,
            "leader-text": self._hear_leader,
            "bulletin": self._hear_bulletin,
        }

    # --- asking ---------------------------------------------------------------------------------

    def ask(self, name: str, wait_s: float) -> None:
        """Queries a partner about its latest activity, if an answer could carry weight."""
        partner, habits = self._partners[name], self._habits
        activity = partner.outlook.latest_activity
        recent = self._env.now - partner.query_settled_s < habits.memory_s
        if not habits.asks or partner.query_table is not None or recent or activity in partner.asked:
            return
        if activity:
            partner.asked.add(activity)
        # Just before the decision closes, so that the outcome, silence included, is there to decide by.
        deadline_s = max(0.0, min(wait_s, habits.answer_deadline_s) - BEFORE_CLOSE_S)
        two_way_prob = partner.outlook.delivery_prob() ** 2 * partner.two_way.arrived_by(deadline_s)
        partner.query_table = query_outcomes(habits.answers, two_way_prob)
        self._command(talk.Ask(name, activity, "what is this activity?", deadline_s))

    def _settle_query(self, event: talk.Answered) -> None:
        partner = self._partners[event.peer]
        table, partner.query_table = partner.query_table, None
        partner.query_settled_s = self._env.now
        assert table is not None
        self._recorder.cause = self._tell(Answer, event.peer, event.outcome)
        partner.outlook.experiment(table[event.outcome])
        if partner.deliberation is not None and event.outcome != "none":
            partner.deliberation.answered()  # only an answer may close a decision early, silence never

    def forget(self) -> None:
        """The questions that are open are forgotten: their answers will mean nothing any more."""
        for partner in self._partners.values():
            partner.query_table = None

    # --- listening ------------------------------------------------------------------------------

    def on_event(self, event: Any) -> None:
        """Takes what the endpoint has to say."""
        kind = type(event)
        if kind is talk.Sent:
            message: Message = event.message
            number = event.purpose, message.sequence
            self._tell(Seal, event.peer, message.kind, event.id.hex(), *number)
        elif kind is talk.Heard:
            self._heard(event)
        elif kind is talk.Answered:
            self._settle_query(event)
        elif kind is talk.Late:
            self._tell(Answer, event.peer, "late")
        elif kind is talk.Rejected:
            self._tell(Reject, event.peer, event.code)
        elif kind is talk.Refused:
            self._tell(Stop, event.message.sender, event.message.kind, event.reason)
        elif kind in _SAID:
            self._tell(Transport, event.peer, _SAID[kind], event.stream, event.sequence, event.attempts)
        elif kind is Malformed:
            self._tell(Transport, event.peer, "malformed", 0, 0, 0)

    def _heard(self, event: talk.Heard) -> None:
        message, message_id = event.message, event.id.hex()
        transit_s = max(0.0, self._env.now - message.issued_ms / 1000.0)
        self._recorder.cause = self._tell(Accept, message.sender, message.kind, message_id, transit_s)
        hear = self._hear.get(message.kind)
        # Naive verification may let a name pass that is nobody's; it is heard and means nothing here.
        if hear is not None and message.payload.get("actor", message.sender) in self._partners:
            hear(message_id, message)

    def _hear_notice(self, message_id: str, message: Message) -> None:
        said = message.payload
        notice = Notice(
            message.sender, said["activity"], said["activity_class"], said["size"], said["start_ms"] / 1000.0
        )
        self._partners[message.sender].outlook.hear_notice(notice)

    def _hear_query(self, message_id: str, message: Message) -> None:
        partner, answers = self._partners[message.sender], self._habits.answers
        intent = partner.intent.intent
        answer, benign = partner.answers_random.random(), partner.answers_random.random()
        if answer < answers.answer_prob[intent]:
            payload = {
                "benign": benign < answers.benign_prob[intent],
                "query": bytes.fromhex(message_id),
                "text": "an answer",
            }
            self._command(talk.Say(message.sender, "clarification", payload))

    def _hear_leader(self, message_id: str, message: Message) -> None:
        if message.payload["hostile"]:
            self._partners[message.sender].outlook.signal(HOSTILE_MESSAGE)

    def _hear_bulletin(self, message_id: str, message: Message) -> None:
        said = message.payload
        partner = self._partners[said["actor"]]
        # Word of an activity nobody saw here is talk, as a notice of one is.
        if said["activity"] == 0 or partner.outlook.has_seen(said["activity"]):
            partner.outlook.experiment(partner.bulletins[_BULLETIN[said["confirms"]]], said["activity"])

    def _tell(self, kind: type, *fields: object) -> int:
        return self._recorder.tell(kind, self._env.now, self._name, *fields)
