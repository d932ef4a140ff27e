"""From belief to action: a decision about one partner opens, asks, waits and closes.

It opens when P(attack) rises above the query threshold, closes after the smaller of the rung's deadline
and the activity's own, and at the close the state rises or not. An answer closes it early only if the
belief then lies at or below the rise threshold; if answers always closed, a working line would climb a
rung every round trip.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from simpy import Environment

from cbmnet.drivers.simpy_driver import Call, schedule
from cbmnet.records import Decision, Recorder
from cbmnet.states.decision import DecisionRule
from cbmnet.states.ladder import TOP_RUNG, Ladder
from cbmnet.states.outlook import Outlook


@dataclass(slots=True)
class OpenDecision:
    """A decision under way: when it closes, the highest belief since it opened, and what opened it."""

    closes_s: float
    highest: float
    cause: int
    rung: int | None


class Deliberation:
    """At most one open decision about one partner.

    `rung` gives the state's present rung; `rise(partner, to_rung)` raises it; `ask(deadline_s)` sends a
    query if one may carry weight.
    """

    def __init__(
        self,
        env: Environment,
        outlook: Outlook,
        ladder: Ladder,
        rule: DecisionRule,
        recorder: Recorder,
        *,
        rung: Callable[[], int],
        rise: Callable[[str, int | None], None],
        ask: Callable[[float], None],
    ) -> None:
        self._env, self._outlook, self._ladder, self._rule = env, outlook, ladder, rule
        self._recorder, self._rung, self._rise, self._ask = recorder, rung, rise, ask
        self._open: OpenDecision | None = None
        self._review_at_s = inf
        self.alarmed_s = -inf
        self.calm_since_s = 0.0
        outlook.moved = self.consider

    def consider(self, probability: float) -> None:
        """Looks at a belief that may have moved."""
        now = self._env.now
        if self._rung() >= TOP_RUNG:
            return
        rise_prob = self._ladder.rise_prob[self._rung()]
        if probability > self._ladder.query_prob:
            self.alarmed_s = now
        if probability >= rise_prob / 2.0:
            self.calm_since_s = now
        before = 0.0 if self._open is None else self._open.highest
        if self._open is None and probability > self._ladder.query_prob:
            self._open_decision(probability)
        if self._open is not None:
            self._open.highest = max(self._open.highest, probability)
            if self._rule.closes_now(probability, before, rise_prob):
                self._close(probability)
        self._plan_review()

    def answered(self) -> None:
        """An answer has moved the belief: the decision closes if there is no more reason to rise."""
        if self._open is not None and self._rung() < TOP_RUNG:
            probability = self._outlook.probability()
            if probability <= self._ladder.rise_prob[self._rung()]:
                self._close(probability)

    @property
    def is_open(self) -> bool:
        """Whether a decision is under way."""
        return self._open is not None

    def _open_decision(self, probability: float) -> None:
        now, seen = self._env.now, self._outlook.latest_class
        wait_s = self._ladder.deadline_s[self._rung()]
        rung = None
        if seen is not None:
            wait_s = min(wait_s, inf if seen.deadline_s is None else seen.deadline_s)
            rung = seen.rung
        cause = self._tell("open", probability, now + wait_s)
        decision = self._open = OpenDecision(now + wait_s, probability, cause, rung)
        schedule(self._env, wait_s, decision, self._on_deadline)
        self._ask(wait_s)

    def _on_deadline(self, event: Call) -> None:
        if event.value is self._open and self._open is not None:
            self._recorder.cause = self._open.cause
            self._close(self._outlook.probability())

    def _close(self, probability: float) -> None:
        decision, self._open = self._open, None
        assert decision is not None
        highest = max(decision.highest, probability)
        rise_prob = self._ladder.rise_prob[self._rung()]
        rises = self._rule.rises(probability, highest, rise_prob)
        cause = self._tell("rise" if rises else "stay", probability, self._env.now)
        if rises:
            self._recorder.cause = cause
            self._rise(self._outlook.partner, decision.rung)
        # While the belief stays above the query threshold a new decision opens at once.
        if probability > self._ladder.query_prob and self._rung() < TOP_RUNG:
            self._open_decision(probability)

    def _tell(self, phase: str, probability: float, closes_s: float) -> int:
        outlook = self._outlook
        return self._recorder.tell(
            Decision, self._env.now, outlook.owner, outlook.partner, phase, probability, closes_s
        )

    def _plan_review(self) -> None:
        review_s = self._outlook.rule.next_review_s(self._env.now)
        if review_s is not None and (self._review_at_s <= self._env.now or review_s < self._review_at_s):
            self._review_at_s = review_s
            schedule(self._env, review_s - self._env.now, review_s, self._on_review)

    def _on_review(self, event: Call) -> None:
        if event.value == self._review_at_s:
            self._review_at_s = inf
            self._recorder.cause = 0
            self._outlook.update()
