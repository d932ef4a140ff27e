"""The observer's model of one partner: every mark with its rate, every experiment with its outcomes.

All evidence is two-sided. A mark is an event in time with a rate given intent (benign, attack); an
experiment happens once and its outcomes sum to one under each intent. So the expected likelihood ratio
of every source under benign intent is 1: no source can only ever alarm or only ever calm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cbmnet.measures import ActivityClass

Pair = tuple[float, float]

ALARM, SEVERE_WARNING, HOSTILE_MESSAGE, RUNG_RISE = "alarm", "severe_warning", "hostile_message", "rung_rise"


@dataclass(frozen=True, slots=True)
class Answers:
    """How a partner answers a query: `answer_prob` (v) and, if it answers, `benign_prob` (b), by intent."""

    answer_prob: Pair = (0.95, 0.95)
    benign_prob: Pair = (0.98, 0.9)


@dataclass(frozen=True, slots=True)
class World:
    """What an observer believes of one partner: rates per second, indexed by intent where they are pairs.

    `onset_per_s` and `end_per_s` move the hidden intent; `classes` are the partner's activities;
    `signals` are the other marks by name; `word_s` is how long after an activity a third party's word of
    it may still come.
    """

    onset_per_s: float
    end_per_s: float
    classes: Mapping[str, ActivityClass]
    signals: Mapping[str, Pair]
    answers: Answers = field(default_factory=Answers)
    word_s: float = 0.0

    @property
    def prior(self) -> float:
        """The stationary probability that the partner prepares an attack."""
        return self.onset_per_s / (self.onset_per_s + self.end_per_s)

    def marks_per_s(self) -> Pair:
        """r(y): the total rate of all marks under each intent."""
        return self._total(0), self._total(1)

    def _total(self, intent: int) -> float:
        seen = sum(c.actual_rate_per_s(intent) * c.seen_prob for c in self.classes.values())
        return seen + sum(rates[intent] for rates in self.signals.values())


def seen_rate(activity: ActivityClass) -> Pair:
    """Rate at which activities of a class are seen, by intent, whatever is said about them."""
    return (
        activity.actual_rate_per_s(0) * activity.seen_prob,
        activity.actual_rate_per_s(1) * activity.seen_prob,
    )


def silent_factor(activity: ActivityClass, delivery_prob: float, arrived_by_now: float) -> Pair:
    """P(no notice here yet | intent): `arrived_by_now` is F(time since it was due)."""
    if not activity.notifiable:
        return 1.0, 1.0
    honest, deceptive = activity.notice_prob
    reach = delivery_prob * arrived_by_now
    return 1.0 - honest * reach, 1.0 - deceptive * reach


def notice_factor(activity: ActivityClass, delivery_prob: float, contradicted: bool) -> Pair:
    """P(a notice arrives and agrees, or contradicts, what was seen | intent)."""
    honest, deceptive = activity.notice_prob
    against = activity.contradiction_prob
    agree = against if contradicted else (1.0 - against[0], 1.0 - against[1])
    return honest * delivery_prob * agree[0], deceptive * delivery_prob * agree[1]


def query_outcomes(answers: Answers, two_way_prob: float) -> dict[str, Pair]:
    """Outcome table of a query: no answer by the deadline, a benign answer, any other answer."""
    reached = tuple(v * two_way_prob for v in answers.answer_prob)
    benign = answers.benign_prob
    return {
        "none": (1.0 - reached[0], 1.0 - reached[1]),
        "benign": (reached[0] * benign[0], reached[1] * benign[1]),
        "other": (reached[0] * (1.0 - benign[0]), reached[1] * (1.0 - benign[1])),
    }


def inspection_outcomes(refused_prob: Pair) -> dict[str, Pair]:
    """Outcome table of an inspection; the tables' numbers are choices (MODEL.md, parameters)."""
    granted = (1.0 - refused_prob[0], 1.0 - refused_prob[1])
    return {
        "refused": refused_prob,
        "clear": (granted[0] * 0.97, granted[1] * 0.3),
        "finding": (granted[0] * 0.03, granted[1] * 0.7),
    }


# A third party's word on an activity: confirms that it is what it is said to be, or contradicts it.
BULLETIN_OUTCOMES: dict[str, Pair] = {"confirms": (0.94, 0.2), "contradicts": (0.06, 0.8)}
