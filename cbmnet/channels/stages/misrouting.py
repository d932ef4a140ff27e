"""Misrouting: a datagram comes to a party that it was not for, and never to the one it was for.

A chance for each flight, whatever became of others, as of a wrong entry in a switchboard's list. Who gets it
sees who sent it; that it was for another only the signed message says (NotReceiver). Link frames bear no
receiver, so a variant takes it for a frame of its own: it acknowledges it, and may then take the next frame
of that number for a repetition.
"""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, Flight, LinkContext
from cbmnet.streams import FIRST_WORD, SECOND_WORD, threshold, unit


@dataclass(frozen=True)
class MisroutingConfig:
    """`misroute_prob`: probability that one flight goes astray; `to`: the parties where it may come out.

    Each of `to` is as likely as another; the two ends of a link are left out there, and a link for which none
    remains misroutes nothing.
    """

    misroute_prob: float
    to: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.to or len(set(self.to)) < len(self.to):
            raise ValueError("to must be at least one party, each once")


@STAGES.register("misrouting", MisroutingConfig)
class Misrouting:
    """Marks a chosen flight with where it goes instead; a driver takes it there when it would arrive."""

    instant = True
    __slots__ = ("_limit", "_purpose", "_to")

    def __init__(self, config: MisroutingConfig, link: LinkContext) -> None:
        self._limit = threshold(config.misroute_prob)
        self._purpose = f"misrouting{link.name.partition('#')[2]}"  # a second one of a hop draws apart
        self._to = tuple(name for name in config.to if name not in (link.source, link.target))

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Sends a chosen flight astray, unless it is lost or astray already."""
        if self._to and flight.drop is None and not flight.astray:
            words = flight.more_words(self._purpose)
            if words[FIRST_WORD] < self._limit:
                flight.astray = self._to[int(unit(words[SECOND_WORD]) * len(self._to))]
        return None
