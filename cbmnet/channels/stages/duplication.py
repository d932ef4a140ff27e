"""Duplication: a flight arrives twice (netem(8), `duplicate`), each copy with its own fate from here on."""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, WORD_DUPLICATE, Flight, LinkContext
from cbmnet.streams import threshold


@dataclass(frozen=True)
class DuplicationConfig:
    """`duplicate_prob`: probability that one flight becomes two."""

    duplicate_prob: float


@STAGES.register("duplication", DuplicationConfig)
class Duplication:
    """The copy follows the later stages with draws of its own."""

    instant = memoryless = True
    uses = (WORD_DUPLICATE,)
    __slots__ = ("_limit",)

    def __init__(self, config: DuplicationConfig, link: LinkContext) -> None:
        self._limit = threshold(config.duplicate_prob)

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Makes a copy of a chosen flight."""
        chosen = flight.words[WORD_DUPLICATE] < self._limit and flight.drop is None
        if chosen:
            return flight.duplicate()
        flight.generation += 1  # the copy's bit of the number is this stage's, used or not
        return None
