"""The exact filter under outages: intent and line judged together (MODEL.md, section "A line with outages").

The hidden state is the partner's intent and whether the line from it is up. The line alternates between
exponential up and down times, starts in its stationary state, and loses what enters while it is down. So
one notice that arrived says that the line was up when it left, and one that did not that it may have been
down: both speak of the next activity as well, for as long as the line remembers.
"""

from dataclasses import dataclass
from math import exp, expm1, inf

from cbmnet.measures import ActivityClass
from cbmnet.states.belief import BELIEFS
from cbmnet.states.evidence import Pair, World, notice_factor, seen_rate, silent_factor
from cbmnet.states.latency import Latency
from cbmnet.states.propagator import Propagator
from cbmnet.states.replay import Replay

Joint = tuple[float, float, float, float]
"""Benign and up, benign and down, attack and up, attack and down."""


@dataclass(frozen=True)
class LineAwareConfig:
    """What is believed of the line: `mtbf_s`, the mean time up between failures, `mttr_s` the mean to repair.

    A `mttr_s` of 0 is a line that is never down, a `mtbf_s` of 0 one that is never up.
    """

    mtbf_s: float
    mttr_s: float

    def __post_init__(self) -> None:
        if not (self.mtbf_s >= 0.0 <= self.mttr_s and 0.0 < self.mtbf_s + self.mttr_s < inf):
            raise ValueError("mtbf and mttr must be at least 0 and finite, and not both 0")

    @property
    def availability(self) -> float:
        """A: the stationary probability that the line is up."""
        return self.mtbf_s / (self.mtbf_s + self.mttr_s)

    @property
    def forgetting_per_s(self) -> float:
        """The rate at which the line forgets its state: both rates together, 0 if it never changes."""
        return 1.0 / self.mtbf_s + 1.0 / self.mttr_s if self.mtbf_s > 0.0 < self.mttr_s else 0.0

    def delivery_while_up(self, mean_prob: float) -> float:
        """q / A: what gets through while it is up if the mean is q; at most 1, for a mean above A."""
        return mean_prob / self.availability if mean_prob < self.availability else 1.0


@BELIEFS.register("line_aware", LineAwareConfig)
class LineAware(Replay[Joint]):
    """A Bayesian filter over intent and line, for losses that come in outages."""

    def __init__(self, config: LineAwareConfig, world: World, latency: Latency, ttl_s: float) -> None:
        benign, attack, up = 1.0 - world.prior, world.prior, config.availability
        weights = (benign * up, benign * (1.0 - up), attack * up, attack * (1.0 - up))
        # The mark of a notice stands where it was due, so the past is kept open for as long as a lead.
        lead_s = max((kind.lead_s for kind in world.classes.values()), default=0.0)
        super().__init__(world, latency, ttl_s, weights, max(world.word_s, lead_s))
        self._line, self._up = config, up
        self._forgetting_per_s = config.forgetting_per_s
        self._quiet = Propagator(world.onset_per_s, world.end_per_s, world.marks_per_s())

    def activity(self, key: int, seen: ActivityClass, start_s: float, delivery_prob: float) -> None:
        """Adds the activity at its start, and what becomes of its notice at the time when it was due."""
        if not seen.notifiable or seen.lead_s == 0.0:
            return super().activity(key, seen, start_s, delivery_prob)
        self._add(start_s, self._about_intent(seen_rate(seen)))
        due_s = start_s - seen.lead_s
        self._await(key, self._add(due_s, (1.0, 1.0, 1.0, 1.0)), seen, due_s, delivery_prob)
        return None

    def _about_intent(self, factor: Pair) -> Joint:
        return factor[0], factor[0], factor[1], factor[1]

    def _silent(self, base: Joint, seen: ActivityClass, delivery_prob: float, arrived_by_now: float) -> Joint:
        """Down, the notice was lost whatever the intent: silence then says nothing."""
        factor = silent_factor(seen, self._line.delivery_while_up(delivery_prob), arrived_by_now)
        return base[0] * factor[0], base[1], base[2] * factor[1], base[3]

    def _told(self, base: Joint, seen: ActivityClass, delivery_prob: float, contradicted: bool) -> Joint:
        """What arrived found the line up."""
        factor = notice_factor(seen, self._line.delivery_while_up(delivery_prob), contradicted)
        return base[0] * factor[0], 0.0, base[2] * factor[1], 0.0

    def _attack_after(self, weights: Joint, quiet_s: float) -> float:
        _, _, attack_up, attack_down = self._after(weights, quiet_s)
        return attack_up + attack_down

    def _step(self, weights: Joint, quiet_s: float, factor: Joint) -> Joint:
        before = self._after(weights, quiet_s)
        a, b, c, d = (weight * says for weight, says in zip(before, factor, strict=True))
        total = a + b + c + d
        # Impossible in every state: the model has no word for it, so it moves nothing.
        return (a / total, b / total, c / total, d / total) if total > 0.0 else before

    def _after(self, weights: Joint, quiet_s: float) -> Joint:
        """Between marks intent and line are independent: the exponential is the product of the two."""
        benign_stays, ends, begins, attack_stays = self._quiet.shares(quiet_s)
        benign_up, benign_down = self._line_after(weights[0], weights[1], quiet_s)
        attack_up, attack_down = self._line_after(weights[2], weights[3], quiet_s)
        a = benign_stays * benign_up + ends * attack_up
        b = benign_stays * benign_down + ends * attack_down
        c = begins * benign_up + attack_stays * attack_up
        d = begins * benign_down + attack_stays * attack_down
        total = a + b + c + d
        return (a / total, b / total, c / total, d / total) if total > 0.0 else weights

    def _line_after(self, up: float, down: float, quiet_s: float) -> Pair:
        """The weights of the line under one intent, drawn toward the stationary state."""
        exponent = -self._forgetting_per_s * quiet_s
        kept, drawn = exp(exponent), -expm1(exponent) * (up + down)
        return kept * up + drawn * self._up, kept * down + drawn * (1.0 - self._up)
