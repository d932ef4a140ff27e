"""Independent loss: each flight is lost with the same probability."""

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

    uses = (WORD_LOSS,)
    __slots__ = ("_limit",)

    def __init__(self, config: BernoulliConfig, link: LinkContext) -> None:
        self._limit = threshold(config.loss_prob)

    def apply(self, flights: list[Flight], now_s: float) -> list[Flight]:
        """Drops each flight whose word falls below the threshold."""
        limit = self._limit
        for flight in flights:
            if flight.words[WORD_LOSS] < limit and flight.drop is None:
                flight.drop = "loss"
        return flights
