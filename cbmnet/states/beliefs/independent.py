"""The exact filter under independent loss (MODEL.md, section "The filter").

The factor of an activity belongs to the intent at its start, and it changes while its notice is awaited.
So nothing is ever patched into the present weights: the rule keeps a checkpoint before the oldest
unsettled activity and the marks since then, and recomputes by replaying them with each factor as known
now. A settled prefix is folded into the checkpoint.
"""

from bisect import insort
from dataclasses import dataclass

from cbmnet.measures import ActivityClass
from cbmnet.states.belief import BELIEFS
from cbmnet.states.evidence import Pair, World, notice_factor, seen_rate, silent_factor
from cbmnet.states.latency import Latency
from cbmnet.states.propagator import Propagator, Weights

SETTLED_SHARE = 0.9999
_REVIEW_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.997, SETTLED_SHARE)
# A review looks just after a quantile, and a notice may come just after the last: sums of times that are
# equal on paper differ in their last bit.
_JUST_AFTER_S = 0.001


@dataclass(frozen=True)
class IndependentConfig:
    """`tempering` (w) scales all evidence; 1 is exact Bayes."""

    tempering: float = 1.0


class Mark:
    """One thing known at a time; ordered by time, then by arrival. `factor` is final once `settled`."""

    __slots__ = ("activity", "at_s", "base", "delivery_prob", "due_s", "factor", "order", "settled")

    def __init__(self, at_s: float, order: int, factor: Pair) -> None:
        self.at_s, self.order, self.factor, self.settled = at_s, order, factor, True
        self.activity: ActivityClass | None = None
        self.base, self.delivery_prob, self.due_s = factor, 0.0, at_s

    def __lt__(self, other: "Mark") -> bool:
        return (self.at_s, self.order) < (other.at_s, other.order)


@BELIEFS.register("independent", IndependentConfig)
class Independent:
    """A Bayesian filter over the partner's hidden intent that judges every loss as independent."""

    def __init__(self, config: IndependentConfig, world: World, latency: Latency, ttl_s: float) -> None:
        self._world, self._latency, self._ttl_s = world, latency, ttl_s
        self._tempering = config.tempering
        rates = self._mark_rates(world)
        self._quiet = Propagator(
            world.onset_per_s, world.end_per_s, (rates[0] * config.tempering, rates[1] * config.tempering)
        )
        self._settle_s = latency.quantile(SETTLED_SHARE)
        self._at_s = 0.0
        self._weights: Weights = (1.0 - world.prior, world.prior)
        self._marks: list[Mark] = []
        self._waiting: dict[int, Mark] = {}
        self._order = 0

    @staticmethod
    def _mark_rates(world: World) -> Pair:
        return world.marks_per_s()

    def probability(self, now_s: float) -> float:
        """P(attack): the replay from the checkpoint to now."""
        if self._waiting:
            self._settle(now_s)
        self._fold(now_s - self._world.word_s)
        at_s, weights = self._at_s, self._weights
        for mark in self._marks:
            weights = self._step(weights, mark.at_s - at_s, self._factor(mark, now_s))
            at_s = mark.at_s
        return self._quiet.after(weights, now_s - at_s)[1]

    def activity(self, key: int, seen: ActivityClass, start_s: float, delivery_prob: float) -> None:
        """Adds the activity at its start; it stays open while its notice may still come."""
        mark = self._add(start_s, seen_rate(seen))
        if seen.notifiable:
            mark.activity, mark.delivery_prob, mark.settled = seen, delivery_prob, False
            mark.due_s = start_s - seen.lead_s
            self._waiting[key] = mark

    def notice(self, key: int, contradicted: bool, arrived_s: float) -> None:
        """Settles the activity; a notice for one already settled, or never seen, changes nothing."""
        self._settle(arrived_s)
        mark = self._waiting.pop(key, None)
        if mark is not None and mark.activity is not None:
            self._close(mark, notice_factor(mark.activity, mark.delivery_prob, contradicted))

    def signal(self, name: str, at_s: float, weight: float = 1.0) -> None:
        """Adds a mark of the world's signals; a world without it takes it as no evidence."""
        benign, attack = self._world.signals.get(name, (1.0, 1.0))
        self._add(at_s, (benign**weight, attack**weight))

    def experiment(self, outcome: Pair, at_s: float, now_s: float) -> None:
        """Adds a settled experiment at its time, or now if word of it comes later than it can."""
        self._add(at_s if now_s - at_s <= self._world.word_s else now_s, outcome)

    def next_review_s(self, now_s: float) -> float | None:
        """The nearest quantile of the believed latency that an awaited notice has yet to pass."""
        times = [t for mark in self._waiting.values() for t in self._review_times(mark) if t > now_s]
        return min(times, default=None)

    def _review_times(self, mark: Mark) -> list[float]:
        quantile = self._latency.quantile
        return [mark.due_s + quantile(share) + _JUST_AFTER_S for share in _REVIEW_SHARES]

    def _add(self, at_s: float, factor: Pair) -> Mark:
        self._order += 1
        mark = Mark(max(at_s, self._at_s), self._order, factor)
        insort(self._marks, mark)
        return mark

    def _factor(self, mark: Mark, now_s: float) -> Pair:
        if mark.settled or mark.activity is None:
            return mark.factor
        arrived = self._latency.arrived_by(now_s - mark.due_s)
        silent = silent_factor(mark.activity, mark.delivery_prob, arrived)
        return mark.base[0] * silent[0], mark.base[1] * silent[1]

    def _settle(self, now_s: float) -> None:
        limit_s = min(self._settle_s, self._ttl_s)
        over = [key for key, mark in self._waiting.items() if now_s - mark.due_s > limit_s + _JUST_AFTER_S]
        for key in over:
            mark = self._waiting.pop(key)
            assert mark.activity is not None
            arrived = self._latency.arrived_by(limit_s)
            self._close(mark, silent_factor(mark.activity, mark.delivery_prob, arrived))

    @staticmethod
    def _close(mark: Mark, factor: Pair) -> None:
        mark.factor = (mark.base[0] * factor[0], mark.base[1] * factor[1])
        mark.settled = True

    def _fold(self, until_s: float) -> None:
        """Moves the settled prefix into the checkpoint, so the replay stays as short as it can be.

        Marks after `until_s` stay: word of what happened then may still come and belongs between them.
        """
        done = 0
        for mark in self._marks:
            if not mark.settled or mark.at_s > until_s:
                break
            self._weights = self._step(self._weights, mark.at_s - self._at_s, mark.factor)
            self._at_s = mark.at_s
            done += 1
        del self._marks[:done]

    def _step(self, weights: Weights, quiet_s: float, factor: Pair) -> Weights:
        benign, attack = self._quiet.after(weights, quiet_s)
        benign *= factor[0] if self._tempering == 1.0 else factor[0] ** self._tempering
        attack *= factor[1] if self._tempering == 1.0 else factor[1] ** self._tempering
        total = benign + attack
        # Impossible under both intents: the model has no word for it, so it moves nothing.
        return (benign / total, attack / total) if total > 0.0 else self._quiet.after(weights, quiet_s)
