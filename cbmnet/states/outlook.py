"""What one state knows and thinks of one partner: observations, notices, experiments, and the belief."""

from collections.abc import Callable, Mapping

from cbmnet.measures import ActivityClass, Notice, Observation, Verdict
from cbmnet.recorder import Recorder
from cbmnet.records import Belief, Observed, Signal
from cbmnet.records import Verdict as VerdictRecord
from cbmnet.states.belief import BeliefRule
from cbmnet.states.evidence import Pair
from cbmnet.verification.agent import VerificationAgent


class Outlook:
    """Keeps what was seen and said, has the agent compare them, and feeds the belief rule.

    A notice whose activity was not seen is kept and carries no weight: it is talk, and an honest sender
    causes it too. `delivery` gives the believed delivery rate now; it is frozen for each activity at its
    start. `moved` is called after anything that may have moved the belief.
    """

    def __init__(
        self,
        owner: str,
        partner: str,
        rule: BeliefRule,
        classes: Mapping[str, ActivityClass],
        delivery: Callable[[], float],
        recorder: Recorder,
        clock: Callable[[], float],
    ) -> None:
        self.owner, self.partner, self.rule = owner, partner, rule
        self.moved: Callable[[float], None] = lambda probability: None
        self.latest_activity = 0
        self.latest_s = 0.0
        self.latest_record = 0
        self.alarming_belief = 0  # the record of the last belief that was higher than the one before
        self._last_probability = 0.0
        self.latest_class: ActivityClass | None = None
        self.classes = classes
        self._delivery, self._recorder, self._clock = delivery, recorder, clock
        self._observed: dict[int, Observation] = {}
        self._notices: dict[int, tuple[Notice, float]] = {}

    def observe(self, observation: Observation) -> None:
        """The partner was seen doing something."""
        key = observation.activity
        seen = self.classes[observation.activity_class]
        self._note(Observed, self.partner, key, observation.activity_class)
        self.latest_record = self._recorder.cause
        self._observed[key] = observation
        self.latest_activity, self.latest_class, self.latest_s = key, seen, self._clock()
        self.rule.activity(key, seen, observation.start_s, self._delivery())
        if key in self._notices:
            self._compare(*self._notices[key])
        self.update()

    def hear_notice(self, notice: Notice) -> None:
        """An accepted notice of the partner passed the desk; only the first of an activity counts."""
        if notice.activity in self._notices:
            return
        self._notices[notice.activity] = (notice, self._clock())
        self._compare(notice, self._clock())
        if notice.activity in self._observed:
            self.update()

    def signal(self, name: str, weight: float = 1.0) -> None:
        """A mark that is no activity."""
        self._note(Signal, self.partner, name)
        self.rule.signal(name, self._clock(), weight)
        self.update()

    def experiment(self, outcome: Pair, activity: int = 0) -> None:
        """An experiment was settled; one about an activity that was seen belongs to its start."""
        observation, now = self._observed.get(activity), self._clock()
        self.rule.experiment(outcome, now if observation is None else observation.start_s, now)
        self.update()

    def has_seen(self, activity: int) -> bool:
        """Whether this activity of the partner was seen."""
        return activity in self._observed

    def probability(self) -> float:
        """P(attack) now."""
        return self.rule.probability(self._clock())

    def delivery_prob(self) -> float:
        """The believed delivery rate from the partner now."""
        return self._delivery()

    def update(self) -> None:
        """Records the belief and passes it on."""
        probability = self.probability()
        self._note(Belief, self.partner, probability, self._delivery())
        if probability > self._last_probability:
            self.alarming_belief = self._recorder.cause
        self._last_probability = probability
        self.moved(probability)

    def _compare(self, notice: Notice, arrived_s: float) -> None:
        verdict, reason = VerificationAgent.assess(notice, self._observed.get(notice.activity))
        self._note(VerdictRecord, self.partner, notice.activity, verdict.value, reason)
        if verdict is not Verdict.UNSEEN:
            self.rule.notice(notice.activity, verdict is Verdict.CONTRADICTED, arrived_s)

    def _note(self, kind: type, *fields: object) -> None:
        recorder = self._recorder
        recorder.cause = recorder.tell(kind, self._clock(), self.owner, *fields)
