"""Loss by a chain of four states: netem's `loss state p13 p31 p32 p23 p14` (netem(8)).

From S. Salsano, F. Ludovici, A. Ordine, Definition of a general and intuitive loss model for packet networks
and its implementation in the Netem module in the Linux kernel (University of Rome Tor Vergata): state 1
delivers, in a gap; 2 delivers, within a burst; 3 loses, within a burst; 4 loses one alone, and the chain
returns to 1.

The flow into each state equals the flow out of it: state 2 gives pi2 p23 = pi3 p32, the burst (2 and 3)
gives pi1 p13 = pi3 p31, state 4 gives pi4 = pi1 p14. So pi is in proportion 1 : (p13 p32)/(p31 p23) :
p13/p31 : p14. Mean loss is pi3 + pi4. A run of losses ends whenever 3 is left or 4 is met, so its mean
length is (pi3 + pi4) / (pi3 (p31 + p32) + pi4).
"""

from dataclasses import dataclass
from itertools import accumulate

from cbmnet.channels.stage import STAGES, WORD_BURST, Flight, LinkContext
from cbmnet.streams import threshold

_DROPS = {3: "burst loss", 4: "loss"}


@dataclass(frozen=True)
class FourStateConfig:
    """Transitions per flight. Where left out, p31 is 1 - p13, p32 0, p23 1 and p14 0, as in tc."""

    p13_prob: float
    p31_prob: float | None = None
    p32_prob: float = 0.0
    p23_prob: float = 1.0
    p14_prob: float = 0.0

    def __post_init__(self) -> None:
        if self.p13_prob + self.p14_prob > 1.0 or self.p31 + self.p32_prob > 1.0:
            raise ValueError("p13 + p14 and p31 + p32 must each be at most 1")
        if self.p13_prob > 0.0 and self.p31 == 0.0:
            raise ValueError("p31 must be above 0, or a burst would never end")
        if self.p13_prob > 0.0 and self.p32_prob > 0.0 and self.p23_prob == 0.0:
            raise ValueError("p23 must be above 0, or the chain would never leave state 2")

    @property
    def p31(self) -> float:
        """Burst to gap."""
        return 1.0 - self.p13_prob if self.p31_prob is None else self.p31_prob

    def stationary(self) -> tuple[float, float, float, float]:
        """The share of flights that meet each of the states 1 to 4."""
        burst = self.p13_prob / self.p31 if self.p13_prob else 0.0
        within = burst * self.p32_prob / self.p23_prob if burst and self.p32_prob else 0.0
        weights = (1.0, within, burst, self.p14_prob)
        return tuple(weight / sum(weights) for weight in weights)  # type: ignore[return-value]


@STAGES.register("four-state", FourStateConfig)
class FourState:
    """Starts in its stationary state; a flight is judged in the state before its own transition."""

    instant = True
    uses = (WORD_BURST,)
    ordered = True
    __slots__ = ("_moves", "_state")

    def __init__(self, config: FourStateConfig, link: LinkContext) -> None:
        c, always = config, threshold(1.0)
        self._moves = {
            1: ((threshold(c.p14_prob), 4), (threshold(c.p14_prob + c.p13_prob), 3)),
            2: ((threshold(c.p23_prob), 3),),
            3: ((threshold(c.p32_prob), 2), (threshold(c.p32_prob + c.p31), 1)),
            4: ((always, 1),),
        }
        share = link.generator("four-state").random()
        shares = enumerate(accumulate(config.stationary()[:3]), start=1)
        self._state = next((state for state, upto in shares if share < upto), 4)

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """One transition a flight, whether or not it was lost before."""
        if self._state >= 3 and flight.drop is None:
            flight.drop = _DROPS[self._state]
        word = flight.words[WORD_BURST]
        for limit, state in self._moves[self._state]:
            if word < limit:
                self._state = state
                break
        return None
