"""From belief to action: a decision about one partner opens, asks, waits and closes.

It opens when P(attack) rises above the query threshold, closes after the smaller of the rung's deadline
and the activity's own, and at the close the state rises or not. An answer closes it early only if the
belief then lies at or below the rise threshold; if answers always closed, a working line would climb a
rung every round trip.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from cbmnet.drivers.clock import LAST, Call, Clock, schedule
from cbmnet.recorder import Recorder
from cbmnet.records import Decision
from cbmnet.states.decision import DecisionRule
from cbmnet.states.ladder import TOP_RUNG, Ladder
from cbmnet.states.outlook import Outlook
from cbmnet.units import HOUR_S

WATCH_S = HOUR_S


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
        env: Clock,
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
        self._decided_activity = 0
        self._review_at_s = inf
        self._look_at_s = -inf
        self.alarmed_s = -inf
        self.calm_since_s = 0.0
        outlook.moved = self.consider

    def consider(self, probability: float) -> None:
        """Looks at a belief that may have moved."""
        if self._rung() >= TOP_RUNG:
            return
        rise_prob = self._ladder.rise_prob[self._rung()]
        self._watch(probability)
        before = 0.0 if self._open is None else self._open.highest
        if self._open is None and probability > self._ladder.query_prob:
            self._open_decision(probability)
        elif self._open is not None:
            self._hurry(self._open)
        if self._open is not None:
            self._open.highest = max(self._open.highest, probability)
            if self._rule.closes_now(probability, before, rise_prob):
                self._close(probability)
        self._plan_review()

    def _watch(self, probability: float) -> None:
        """Keeps when the belief last was alarming and last not calm, to the hour while it is either.

        Between events the belief drifts back in silence, and nothing would say when it passed.
        """
        now, unrest_prob = self._env.now, self._ladder.rise_prob[self._rung()] / 2.0
        if probability > self._ladder.query_prob:
            self.alarmed_s = now
        if probability >= unrest_prob:
            self.calm_since_s = now
        if probability >= min(unrest_prob, self._ladder.query_prob) and self._look_at_s <= now:
            self._look_at_s = now + WATCH_S
            schedule(self._env, WATCH_S, None, self._look_again)

    def _look_again(self, event: Call) -> None:
        if self._rung() < TOP_RUNG:
            self._watch(self._outlook.probability())

    def answered(self) -> None:
        """An answer has moved the belief: the decision closes if there is no more reason to rise."""
        if self._open is not None and self._rung() < TOP_RUNG:
            probability = self._outlook.probability()
            if probability <= self._ladder.rise_prob[self._rung()]:
                self._close(probability)

    def _open_decision(self, probability: float) -> None:
        wait_s = self._ladder.deadline_s[self._rung()]
        closes_s = self._env.now + wait_s
        decision = self._open = OpenDecision(closes_s, probability, 0, None)
        self._hurry(decision)
        decision.cause = self._tell("open", probability, decision.closes_s)
        if decision.closes_s == closes_s:
            schedule(self._env, wait_s, (decision, closes_s), self._on_deadline, LAST)
        self._ask(decision.closes_s - self._env.now)

    def _hurry(self, decision: OpenDecision) -> None:
        """A fresh activity with a deadline of its own shortens the decision; each activity does so once.

        It is fresh for as long as there is to decide about it; an old one hurries nobody.
        """
        outlook = self._outlook
        seen, activity, now = outlook.latest_class, outlook.latest_activity, self._env.now
        if seen is None or activity == self._decided_activity:
            return
        wait_s = seen.deadline_s or self._ladder.deadline_s[self._rung()]
        if now - outlook.latest_s > wait_s:
            return
        self._decided_activity = activity
        if seen.rung is not None:
            decision.rung = max(seen.rung, decision.rung or 0)
        closes_s = now + wait_s
        if closes_s < decision.closes_s:
            decision.closes_s = closes_s
            schedule(self._env, closes_s - now, (decision, closes_s), self._on_deadline, LAST)

    def _on_deadline(self, event: Call) -> None:
        decision, closes_s = event.value
        if self._rung() >= TOP_RUNG:
            return  # there is nothing left to decide
        if self._open is not None and decision is self._open and decision.closes_s == closes_s:
            self._recorder.cause = self._outlook.alarming_belief or self._open.cause
            self._close(self._outlook.probability(), at_deadline=True)

    def _close(self, probability: float, *, at_deadline: bool = False) -> None:
        decision, self._open = self._open, None
        assert decision is not None
        highest = max(decision.highest, probability)
        rise_prob = self._ladder.rise_prob[self._rung()]
        rises = self._rule.rises(probability, highest, rise_prob, at_deadline=at_deadline)
        cause = self._tell("rise" if rises else "stay", probability, self._env.now)
        if rises:
            self._recorder.cause = cause
            self._rise(self._outlook.partner, decision.rung)
            self._recorder.cause = cause  # the rise was seen by others, who are no cause of what follows
        # While the belief stays above the query threshold a new decision opens at once.
        if probability > self._ladder.query_prob and self._rung() < TOP_RUNG:
            self._open_decision(probability)

    def _tell(self, phase: str, probability: float, closes_s: float) -> int:
        outlook = self._outlook
        threshold = self._ladder.query_prob if phase == "open" else self._ladder.rise_prob[self._rung()]
        return self._recorder.tell(
            Decision, self._env.now, outlook.owner, outlook.partner, phase, probability, closes_s, threshold
        )

    def _plan_review(self) -> None:
        review_s = self._outlook.rule.next_review_s(self._env.now)
        if review_s is not None and (self._review_at_s <= self._env.now or review_s < self._review_at_s):
            self._review_at_s = review_s
            schedule(self._env, review_s - self._env.now, review_s, self._on_review)

    def _on_review(self, event: Call) -> None:
        if event.value == self._review_at_s:
            self._review_at_s = inf
            # What moved the belief is the silence about what was seen last.
            self._recorder.cause = self._outlook.latest_record
            self._outlook.update()
