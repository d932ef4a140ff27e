"""The exact filter under independent loss (MODEL.md, section "The filter")."""

from dataclasses import dataclass

from cbmnet.measures import ActivityClass
from cbmnet.states.belief import BELIEFS
from cbmnet.states.evidence import Pair, World, notice_factor, silent_factor
from cbmnet.states.latency import Latency
from cbmnet.states.propagator import Propagator, Weights
from cbmnet.states.replay import Replay


@dataclass(frozen=True)
class IndependentConfig:
    """`tempering` (w) scales all evidence; 1 is exact Bayes."""

    tempering: float = 1.0


@BELIEFS.register("independent", IndependentConfig)
class Independent(Replay[Weights]):
    """A Bayesian filter over the partner's hidden intent that judges every loss as independent."""

    def __init__(self, config: IndependentConfig, world: World, latency: Latency, ttl_s: float) -> None:
        super().__init__(world, latency, ttl_s, (1.0 - world.prior, world.prior), world.word_s)
        self._tempering = config.tempering
        rates = self._mark_rates(world)
        self._quiet = Propagator(
            world.onset_per_s, world.end_per_s, (rates[0] * config.tempering, rates[1] * config.tempering)
        )

    @staticmethod
    def _mark_rates(world: World) -> Pair:
        return world.marks_per_s()

    def _about_intent(self, factor: Pair) -> Weights:
        return factor

    def _silent(
        self, base: Weights, seen: ActivityClass, delivery_prob: float, arrived_by_now: float
    ) -> Weights:
        factor = silent_factor(seen, delivery_prob, arrived_by_now)
        return base[0] * factor[0], base[1] * factor[1]

    def _told(self, base: Weights, seen: ActivityClass, delivery_prob: float, contradicted: bool) -> Weights:
        factor = notice_factor(seen, delivery_prob, contradicted)
        return base[0] * factor[0], base[1] * factor[1]

    def _attack_after(self, weights: Weights, quiet_s: float) -> float:
        return self._quiet.after(weights, quiet_s)[1]

    def _step(self, weights: Weights, quiet_s: float, factor: Weights) -> Weights:
        benign, attack = self._quiet.after(weights, quiet_s)
        benign *= factor[0] if self._tempering == 1.0 else factor[0] ** self._tempering
        attack *= factor[1] if self._tempering == 1.0 else factor[1] ** self._tempering
        total = benign + attack
        # Impossible under both intents: the model has no word for it, so it moves nothing.
        return (benign / total, attack / total) if total > 0.0 else self._quiet.after(weights, quiet_s)
