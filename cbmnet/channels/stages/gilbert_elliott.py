"""Burst loss: a two-state Markov chain (Gilbert 1960, Elliott 1963), named as netem names it.

Mean loss is (r e_good + p e_bad) / (p + r); with e_good = 0 and e_bad = 1 the mean run of losses is 1/r.
"""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, WORD_BURST, WORD_LOSS, Flight, LinkContext
from cbmnet.streams import threshold


@dataclass(frozen=True)
class GilbertElliottConfig:
    """`p_prob` good to bad and `r_prob` bad to good, per flight; loss in the good and the bad state."""

    p_prob: float
    r_prob: float
    good_loss_prob: float = 0.0
    bad_loss_prob: float = 1.0

    def __post_init__(self) -> None:
        if self.p_prob + self.r_prob == 0.0:
            raise ValueError("p and r cannot both be 0: the chain would never leave its first state")


@STAGES.register("gilbert-elliott", GilbertElliottConfig)
class GilbertElliott:
    """Starts in its stationary state; a flight is judged in the state before its own transition."""

    uses = (WORD_LOSS, WORD_BURST)
    __slots__ = ("_bad", "_leave", "_loss")

    def __init__(self, config: GilbertElliottConfig, link: LinkContext) -> None:
        p, r = config.p_prob, config.r_prob
        self._leave = (threshold(p), threshold(r))
        self._loss = (threshold(config.good_loss_prob), threshold(config.bad_loss_prob))
        self._bad = int(link.generator("gilbert-elliott").random() < p / (p + r))

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """One transition a flight, whether or not it was lost before."""
        bad = self._bad
        if flight.words[WORD_LOSS] < self._loss[bad] and flight.drop is None:
            flight.drop = "burst loss"
        if flight.words[WORD_BURST] < self._leave[bad]:
            self._bad = 1 - bad
        return None
