"""Faults at random, written down as they happen: what was met can be replayed, and shrunk, as a list.

Each draw belongs to (seed, link, label), so what other datagrams met moves nothing, and the list that was
written down does to a new run exactly what was done to this one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log1p

from cbmnet.channels.faults import Datagrams, Delay, Drop, Duplicate, LinkFault
from cbmnet.channels.stage import Flight
from cbmnet.streams import FIRST_WORD, SECOND_WORD, Streams, unit


@dataclass(frozen=True)
class Risk:
    """How often a datagram is lost, doubled or delayed, and by how much on average (exponential, in s)."""

    drop_prob: float = 0.1
    duplicate_prob: float = 0.1
    delay_prob: float = 0.1
    mean_s: float = 3.0

    def __post_init__(self) -> None:
        shares = self.drop_prob, self.duplicate_prob, self.delay_prob
        if min(shares) < 0.0 or sum(shares) > 1.0 or not 0.0 <= self.mean_s < float("inf"):
            raise ValueError("probabilities must be at least 0 and at most 1 in all, mean_s at least 0")


class Damage:
    """Stands behind a route's last hop, draws what happens to each datagram and writes it down.

    A loss is drawn there too: what is lost at the end is lost. `found` takes each fault as it happens.
    """

    def __init__(self, risk: Risk, seed: int, link: str, found: Callable[[LinkFault], None]) -> None:
        self._risk, self._link, self._found = risk, link, found
        self._draws = Streams(seed, 0).link(f"risk/{link}")

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Does to the flight what is drawn for its label."""
        words, risk = self._draws.words(flight.label), self._risk
        drawn, at = unit(words[FIRST_WORD]), Datagrams(self._link, *flight.label)
        # Milliseconds, so that a schedule reads well.
        after_s = round(-risk.mean_s * log1p(-unit(words[SECOND_WORD])), 3) or 0.001
        if drawn < risk.drop_prob:
            self._found(Drop(at))
            flight.drop = "fault"
        elif drawn < risk.drop_prob + risk.duplicate_prob:
            self._found(Duplicate(at, after_s))
            copy = flight.duplicate()
            copy.at_s += after_s
            return copy
        elif drawn < risk.drop_prob + risk.duplicate_prob + risk.delay_prob:
            self._found(Delay(at, after_s))
            flight.at_s += after_s
        return None
