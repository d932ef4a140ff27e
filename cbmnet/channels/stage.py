"""The interface of a channel stage: one small impairment, one verdict per flight.

A stage is given the flights that entered and returns those that leave, adding copies where it makes
them. It ends a flight by giving it a reason (`flight.drop`), never by removing it, so that conservation
can be checked. Each built-in stage has its own reserved words among the eight of a flight, used or not:
runs at 10 % and at 20 % loss stay in step. A stage from elsewhere draws with `flight.more_words`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from cbmnet.datagram import Label
from cbmnet.registry import Family
from cbmnet.streams import LinkDraws, Words

# The reserved words of the built-in stages.
WORD_LOSS, WORD_BURST, WORD_CORRUPT, WORD_DUPLICATE, WORD_DELAY = range(5)


class Flight:
    """One copy of a datagram under way on one link: its bytes, where it is in time, and its fate.

    What few flights need (a reason to drop, a hop, corruption, a cause) has its default on the class.
    """

    cause = 0
    hop = 0
    corrupted = False
    generation = 0
    drop: str | None = None

    def __init__(self, data: bytes, label: Label, at_s: float, draws: LinkDraws, sender: str = "") -> None:
        self.data = data
        self.label = label
        self.at_s = at_s
        self.draws = draws
        self.sender = sender
        self.words: Words = draws.words(label)

    def enter(self, draws: LinkDraws) -> None:
        """Enters a link: fresh words, keyed by the link and the label."""
        self.draws = draws
        self.words = draws.words(self.label)

    def more_words(self, purpose: str) -> Words:
        """Eight more words for a stage that has no reserved one; `purpose` is the stage's own name."""
        return self.draws.words(self.label, purpose.encode())

    def duplicate(self) -> "Flight":
        """A further copy, whose later fate is drawn apart: its label has a copy number of its own.

        Each duplicating stage on the way owns a bit of the copy number (`generation` counts them), so
        no two copies of a datagram ever share one.
        """
        label = self.label._replace(copy=self.label.copy | 1 << (self.generation & 15))
        twin = Flight(self.data, label, self.at_s, self.draws, self.sender)
        twin.cause, twin.hop, twin.corrupted = self.cause, self.hop, self.corrupted
        twin.generation = self.generation + 1
        return twin


class Stage(Protocol):
    """One impairment of one link; a built-in one names its reserved words in `uses`."""

    def apply(self, flights: list[Flight], now_s: float) -> list[Flight]:
        """The flights that leave; `now_s` is when the datagram was sent."""


@dataclass(frozen=True, slots=True)
class LinkContext:
    """What a stage may need of its link: its name, and a long-lived stream for a named purpose."""

    name: str
    generator: Callable[[str], Random]


class StageMaker(Protocol):
    """How the registry builds a stage: its own config and its link."""

    def __call__(self, config: Any, link: LinkContext) -> Stage:
        """One stage of one link."""


STAGES: Family[StageMaker] = Family("stages", "cbmnet.channels.stages")
