"""Replay, never patch: the bookkeeping of marks that every exact filter shares.

The factor of an activity belongs to the hidden state at its time, and it changes while its notice is
awaited. So nothing is ever patched into the present weights: a rule keeps a checkpoint before the oldest
unsettled activity and the marks since then, and recomputes by replaying them with each factor as known
now. A settled prefix is folded into the checkpoint. A rule gives its hidden states, what quiet and a mark
do to their weights, and the factors of a notice that came and of one that did not.
"""

from abc import ABC, abstractmethod
from bisect import insort
from typing import Generic, TypeVar

from cbmnet.measures import ActivityClass
from cbmnet.states.evidence import Pair, World, seen_rate
from cbmnet.states.latency import Latency

W = TypeVar("W", bound=tuple[float, ...])
"""One number for each hidden state: weights, which sum to one, and factors alike."""

SETTLED_SHARE = 0.9999
_REVIEW_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.997, SETTLED_SHARE)
# A review looks just after a quantile, and a notice may come just after the last: sums of times that are
# equal on paper differ in their last bit.
_JUST_AFTER_S = 0.001


class Mark(Generic[W]):
    """One thing known at a time; ordered by time, then by arrival. `factor` is final once `settled`.

    While the notice of an `activity` is awaited, since `due_s`, its factor is `base` times what the
    silence weighs by now at the believed mean delivery, which was frozen when the activity was seen.
    """

    __slots__ = ("activity", "at_s", "base", "delivery_prob", "due_s", "factor", "order", "settled")

    def __init__(self, at_s: float, order: int, factor: W) -> None:
        self.at_s, self.order, self.factor, self.settled = at_s, order, factor, True
        self.activity: ActivityClass | None = None
        self.base, self.delivery_prob, self.due_s = factor, 0.0, at_s

    def __lt__(self, other: "Mark[W]") -> bool:
        return (self.at_s, self.order) < (other.at_s, other.order)


class Replay(ABC, Generic[W]):
    """A belief rule but for its hidden states; `weights` are those at time 0.

    Marks of the last `held_s` are kept unfolded, because word of what happened then may still come.
    """

    def __init__(self, world: World, latency: Latency, ttl_s: float, weights: W, held_s: float) -> None:
        self._world, self._latency, self._ttl_s, self._held_s = world, latency, ttl_s, held_s
        self._settle_s = latency.quantile(SETTLED_SHARE)
        self._at_s = 0.0
        self._weights = weights
        self._marks: list[Mark[W]] = []
        self._waiting: dict[int, Mark[W]] = {}
        self._order = 0

    @abstractmethod
    def _about_intent(self, factor: Pair) -> W:
        """A factor that depends on the intent alone."""

    @abstractmethod
    def _step(self, weights: W, quiet_s: float, factor: W) -> W:
        """The weights after `quiet_s` without a mark and then a mark with this factor."""

    @abstractmethod
    def _attack_after(self, weights: W, quiet_s: float) -> float:
        """P(attack) after `quiet_s` without a mark."""

    @abstractmethod
    def _silent(self, base: W, seen: ActivityClass, delivery_prob: float, arrived_by_now: float) -> W:
        """`base` times P(no notice here yet | hidden state); `arrived_by_now` is F(time since due)."""

    @abstractmethod
    def _told(self, base: W, seen: ActivityClass, delivery_prob: float, contradicted: bool) -> W:
        """`base` times P(a notice arrives and agrees, or contradicts what was seen | hidden state)."""

    def probability(self, now_s: float) -> float:
        """P(attack): the replay from the checkpoint to now."""
        if self._waiting:
            self._settle(now_s)
        self._fold(now_s - self._held_s)
        at_s, weights = self._at_s, self._weights
        for mark in self._marks:
            weights = self._step(weights, mark.at_s - at_s, self._factor(mark, now_s))
            at_s = mark.at_s
        return self._attack_after(weights, now_s - at_s)

    def activity(self, key: int, seen: ActivityClass, start_s: float, delivery_prob: float) -> None:
        """Adds the activity at its start; it stays open while its notice may still come."""
        mark = self._add(start_s, self._about_intent(seen_rate(seen)))
        if seen.notifiable:
            self._await(key, mark, seen, start_s - seen.lead_s, delivery_prob)

    def notice(self, key: int, contradicted: bool, arrived_s: float) -> None:
        """Settles the activity; a notice for one already settled, or never seen, changes nothing."""
        self._settle(arrived_s)
        mark = self._waiting.pop(key, None)
        if mark is not None and mark.activity is not None:
            self._close(mark, self._told(mark.base, mark.activity, mark.delivery_prob, contradicted))

    def signal(self, name: str, at_s: float, weight: float = 1.0) -> None:
        """Adds a mark of the world's signals; a world without it takes it as no evidence."""
        benign, attack = self._world.signals.get(name, (1.0, 1.0))
        self._add(at_s, self._about_intent((benign**weight, attack**weight)))

    def experiment(self, outcome: Pair, at_s: float, now_s: float) -> None:
        """Adds a settled experiment at its time, or now if word of it comes later than it can."""
        self._add(at_s if now_s - at_s <= self._world.word_s else now_s, self._about_intent(outcome))

    def next_review_s(self, now_s: float) -> float | None:
        """The nearest quantile of the believed latency that an awaited notice has yet to pass."""
        times = [t for mark in self._waiting.values() for t in self._review_times(mark) if t > now_s]
        return min(times, default=None)

    def _review_times(self, mark: Mark[W]) -> list[float]:
        quantile = self._latency.quantile
        return [mark.due_s + quantile(share) + _JUST_AFTER_S for share in _REVIEW_SHARES]

    def _add(self, at_s: float, factor: W) -> Mark[W]:
        self._order += 1
        mark = Mark(max(at_s, self._at_s), self._order, factor)
        insort(self._marks, mark)
        return mark

    def _await(
        self, key: int, mark: Mark[W], seen: ActivityClass, due_s: float, delivery_prob: float
    ) -> None:
        mark.activity, mark.delivery_prob, mark.due_s, mark.settled = seen, delivery_prob, due_s, False
        self._waiting[key] = mark

    def _factor(self, mark: Mark[W], now_s: float) -> W:
        if mark.settled or mark.activity is None:
            return mark.factor
        arrived = self._latency.arrived_by(now_s - mark.due_s)
        return self._silent(mark.base, mark.activity, mark.delivery_prob, arrived)

    def _settle(self, now_s: float) -> None:
        limit_s = min(self._settle_s, self._ttl_s)
        over = [key for key, mark in self._waiting.items() if now_s - mark.due_s > limit_s + _JUST_AFTER_S]
        for key in over:
            mark = self._waiting.pop(key)
            assert mark.activity is not None
            arrived = self._latency.arrived_by(limit_s)
            self._close(mark, self._silent(mark.base, mark.activity, mark.delivery_prob, arrived))

    @staticmethod
    def _close(mark: Mark[W], factor: W) -> None:
        mark.factor, mark.settled = factor, True

    def _fold(self, until_s: float) -> None:
        """Moves the settled prefix into the checkpoint, so the replay stays as short as it can be."""
        done = 0
        for mark in self._marks:
            if not mark.settled or mark.at_s > until_s:
                break
            self._weights = self._step(self._weights, mark.at_s - self._at_s, mark.factor)
            self._at_s = mark.at_s
            done += 1
        del self._marks[:done]
