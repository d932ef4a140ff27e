"""A mind that does not move: the prior, whatever happens. The baseline of any study of evidence."""

from cbmnet.measures import ActivityClass
from cbmnet.registry import NoConfig
from cbmnet.states.belief import BELIEFS
from cbmnet.states.evidence import Pair, World
from cbmnet.states.latency import Latency


@BELIEFS.register("fixed_prior")
class FixedPrior:
    """Answers with the prior of its world for ever."""

    def __init__(self, config: NoConfig, world: World, latency: Latency, ttl_s: float) -> None:
        self._prior = world.prior

    def probability(self, now_s: float) -> float:
        """The prior."""
        return self._prior

    def activity(self, key: int, seen: ActivityClass, start_s: float, delivery_prob: float) -> None:
        """Ignored."""

    def notice(self, key: int, contradicted: bool, arrived_s: float) -> None:
        """Ignored."""

    def signal(self, name: str, at_s: float, weight: float = 1.0) -> None:
        """Ignored."""

    def experiment(self, outcome: Pair, at_s: float, now_s: float) -> None:
        """Ignored."""

    def next_review_s(self, now_s: float) -> float | None:
        """Never."""
        return None
