"""The interface of a channel stage: one small impairment, one verdict per flight.

A stage is given one flight, changes it in place and returns a further copy where it makes one; the copy
goes through the stages that follow. A stage ends a flight by giving it a reason (`flight.drop`), never by
removing it, so that conservation can be checked. Each built-in stage has its own reserved words among the
eight of a flight, used or not: runs at 10 % and at 20 % loss stay in step. A stage from elsewhere draws
with `flight.more_words`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from cbmnet.datagram import Datagram, Label
from cbmnet.errors import SimulationError
from cbmnet.registry import Family
from cbmnet.streams import FIFTH_WORD, FIRST_WORD, FOURTH_WORD, SECOND_WORD, THIRD_WORD, LinkDraws

# The reserved words of the built-in stages.
WORD_LOSS, WORD_BURST, WORD_CORRUPT = FIRST_WORD, SECOND_WORD, THIRD_WORD
WORD_DUPLICATE, WORD_DELAY = FOURTH_WORD, FIFTH_WORD
WORD_REORDER, WORD_SERVICE, WORD_JAM = slice(40, 48), slice(48, 56), slice(56, 64)


ASTRAY = 1 << 15
"""What a datagram's copy number has where it came to a party that it was not for."""


class Carrier(Protocol):
    """What a flight knows of the route it is on."""

    source: str  # where it begins: a party, or one of several ways from it ("south@1")
    sender: str  # that party

    def draws_of(self, hop: int, to: str) -> LinkDraws:
        """The draws of one of the links of its way there; only where it leads to many is `to` asked."""

    def nonsense(self, datagram: Datagram, now_s: float, error: Exception) -> SimulationError:
        """The error with the stage that made it, as far as that can be found out."""


class Flight(Struct, eq=False, gc=False):
    """One copy of a datagram under way: where it is in time, its drawn words on this hop, and its fate.

    `words` are eight words of eight bytes; `astray` names the party that it comes to instead; `told` is the
    label by which its sending was told, which is told again at its arrival. A flight is also the event of its
    own arrival: `call` is what a driver in virtual time asks of one.
    """

    datagram: Datagram
    at_s: float
    route: Carrier
    words: bytes = b""
    drop: str | None = None
    cause: int = 0
    hop: int = 0
    leg: int = 0
    corrupted: bool = False
    forged: bool = False
    generation: int = 0
    call: Any = None
    astray: str = ""
    told: Label | None = None

    @property
    def label(self) -> Label:
        """Which transmission this is."""
        return self.datagram.label

    def enter(self, hop: int) -> None:
        """Enters a further link: fresh words, keyed by the link and the label."""
        self.hop = hop
        self.words = self.route.draws_of(hop, self.datagram.peer).words_of(self.datagram)

    def more_words(self, purpose: str) -> bytes:
        """Eight more words for a stage that has no reserved one; `purpose` is the stage's own name."""
        return self.route.draws_of(self.hop, self.datagram.peer).more_words(self.label, purpose)

    def redirected(self) -> "Flight":
        """What comes to the other party of one that went astray: its label is told apart by a copy number."""
        copy = self.datagram.copy | ASTRAY
        return replace(self, datagram=replace(self.datagram, copy=copy), astray="", call=None, told=None)

    def duplicate(self) -> "Flight":
        """A further copy, whose later fate is drawn apart: its label has a copy number of its own.

        Each duplicating stage on the way owns a bit of the copy number (`generation` counts them), so
        no two copies of a datagram ever share one.
        """
        if self.generation > 14:
            raise ValueError(f"more than 15 times copied on its way: {self.label}")
        copy = self.datagram.copy | 1 << self.generation
        twin = Flight(replace(self.datagram, copy=copy), self.at_s, self.route)
        twin.words = self.route.draws_of(self.hop, twin.datagram.peer).words_of(twin.datagram)
        twin.cause, twin.hop, twin.leg = self.cause, self.hop, self.leg
        twin.corrupted, twin.forged, twin.astray = self.corrupted, self.forged, self.astray
        self.generation += 1
        twin.generation = self.generation
        return twin


class Stage(Protocol):
    """One impairment of one link; a built-in one names its reserved words in `uses`.

    What further a stage may have: `ordered`, True where what it does depends on the flights before, which
    then come in the order in which they enter its hop; `instant`, True where it never moves a flight on in
    time, so that what comes in order leaves in order; `memoryless`, True where it keeps nothing between
    flights and draws by their words alone, so that one stage may serve many links (fan.py); `forget()`,
    which forgets what earlier flights left, such as a backlog; `begin_anew()`, which draws the history of
    the line afresh. The last two serve whoever tabulates the latency of an idle link.
    """

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Judges the flight; a copy of it, or None. `now_s` is when the datagram entered the link."""


def _nothing_shared(purpose: str) -> Random:
    raise ValueError(f"{purpose}: this link was built without streams to share with others")


@dataclass(frozen=True, slots=True)
class LinkContext:
    """What a stage may need of its link: names, and a long-lived stream for a named purpose.

    `source` and `target` are party names; `shared` gives a stream named by the run and the purpose alone,
    the same on every link that asks for it.
    """

    name: str
    generator: Callable[[str], Random]
    source: str = ""
    target: str = ""
    shared: Callable[[str], Random] = _nothing_shared


class StageMaker(Protocol):
    """How the registry builds a stage: its own config and its link."""

    def __call__(self, config: Any, link: LinkContext) -> Stage:
        """One stage of one link."""


STAGES: Family[StageMaker] = Family("stages", "cbmnet.channels.stages")
