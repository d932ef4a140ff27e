"""Burst loss: a two-state Markov chain (Gilbert 1960, Elliott 1963).

Mean loss is (r e_good + p e_bad) / (p + r); with e_good = 0 and e_bad = 1 the mean run of losses is 1/r.
In netem's `loss gemodel p r 1-h 1-k` (netem(8)) 1-h is the loss in the bad state and 1-k in the good one.
"""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, WORD_BURST, WORD_LOSS, Flight, LinkContext
from cbmnet.streams import threshold

_ROUNDING = 1e-9  # of 1 - loss, so that .9 and a run of 9 is allowed


@dataclass(frozen=True)
class GilbertElliottConfig:
    """`p_prob` good to bad and `r_prob` bad to good, per flight; loss in the good and the bad state.

    Or `mean_loss_prob` and `mean_run`, a number of flights, of the chain that loses nothing in the good
    state and all in the bad: r = 1/run, p = r loss / (1 - loss).
    """

    p_prob: float | None = None
    r_prob: float | None = None
    good_loss_prob: float = 0.0
    bad_loss_prob: float = 1.0
    mean_loss_prob: float | None = None
    mean_run: float | None = None

    def __post_init__(self) -> None:
        chain, means = (self.p_prob, self.r_prob), (self.mean_loss_prob, self.mean_run)
        given = [pair for pair in (chain, means) if pair != (None, None)]
        if len(given) != 1 or None in given[0]:
            raise ValueError("give either p and r, or mean_loss and mean_run")
        if given == [means]:
            self._check_means(*given[0])  # type: ignore[arg-type]
        if self.p + self.r == 0.0:
            raise ValueError("p and r cannot both be 0: the chain would never leave its first state")

    def _check_means(self, loss: float, run: float) -> None:
        if (self.good_loss_prob, self.bad_loss_prob) != (0.0, 1.0):
            raise ValueError(
                "mean_loss and mean_run mean a good state without loss and a bad one without delivery; "
                "leave good_loss and bad_loss out, or give p and r"
            )
        if not (loss < 1.0 and run >= max(1.0, loss / (1.0 - loss) - _ROUNDING)):
            raise ValueError("mean_run must be at least 1 and at least mean_loss/(1 - mean_loss)")

    @property
    def p(self) -> float:
        """Good to bad."""
        if self.p_prob is not None:
            return self.p_prob
        loss = self.mean_loss_prob or 0.0
        return min(1.0, self.r * loss / (1.0 - loss))

    @property
    def r(self) -> float:
        """Bad to good."""
        return self.r_prob if self.r_prob is not None else 1.0 / (self.mean_run or 1.0)


@STAGES.register("gilbert-elliott", GilbertElliottConfig)
class GilbertElliott:
    """Starts in its stationary state; a flight is judged in the state before its own transition."""

    instant = True
    uses = (WORD_LOSS, WORD_BURST)
    ordered = True
    __slots__ = ("_bad", "_leave", "_loss")

    def __init__(self, config: GilbertElliottConfig, link: LinkContext) -> None:
        p, r = config.p, config.r
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
