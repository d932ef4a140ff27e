"""Reordering: some flights skip the delay and overtake (netem(8), `reorder`).

Stands after the delay, and takes back all the time since the flight entered the hop: an outage that holds
what it meets belongs on a hop of its own before it. After each flight that skipped, the next `gap` - 1 are
delayed for certain, and from then on each skips with the probability, as in netem; a gap of 1 leaves every
flight its chance.
"""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, WORD_REORDER, Flight, LinkContext
from cbmnet.streams import threshold


@dataclass(frozen=True)
class ReorderingConfig:
    """`reorder_prob`: probability that a flight whose turn it may be skips the delay; `gap` in flights."""

    reorder_prob: float
    gap: int = 1

    def __post_init__(self) -> None:
        if self.gap < 1:
            raise ValueError("gap must be at least 1")


@STAGES.register("reordering", ReorderingConfig)
class Reordering:
    """The time of a chosen flight goes back to when it entered the link."""

    uses = (WORD_REORDER,)
    __slots__ = ("_certain", "_limit", "_since", "ordered")

    def __init__(self, config: ReorderingConfig, link: LinkContext) -> None:
        self._limit, self._certain = threshold(config.reorder_prob), config.gap - 1
        self.ordered = config.gap > 1
        self._since = 0

    def forget(self) -> None:
        """Begins to count anew."""
        self._since = 0

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Takes the delay back from a chosen flight."""
        if flight.drop is None:
            if self._since >= self._certain and flight.words[WORD_REORDER] < self._limit:
                flight.at_s = now_s
                self._since = 0
            else:
                self._since += 1
        return None
