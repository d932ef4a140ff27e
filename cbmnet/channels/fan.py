"""A fan: the ways from one party to many, over links of the same stages that keep nothing between flights.

A full mesh of a thousand parties has a million links. Where no link remembers its flights one object for
each source does for all of them. Every link still draws as the one hop of a route of its own does, by its
own name, "a>b/0": a fan and a route for each pair give the same flights. A link's key is derived for each
flight and not kept, which costs one BLAKE2b more than a route.
"""

from collections.abc import Sequence
from math import inf
from random import Random

from cbmnet.channels.link import StageSpec, build_route, stage_name, stages_of, through
from cbmnet.channels.stage import Flight
from cbmnet.datagram import Datagram
from cbmnet.errors import SimulationError
from cbmnet.streams import LinkDraws, Streams


class Fan:
    """One hop from `source` to whomever a datagram is for, through stages that are all `memoryless`.

    ValueError for another stage, which needs a route for each pair. Flights carry their words no further
    than through the stages, since a million of them wait at once.
    """

    __slots__ = ("_applies", "_source", "_specs", "_streams", "sender", "source")

    def __init__(self, source: str, specs: Sequence[StageSpec], streams: Streams) -> None:
        self.source = self.sender = source
        self._source = f"{source}>"
        self._specs, self._streams = tuple(specs), streams
        stages = tuple(stages_of(f"{source}>*/0", source, "*", specs, _NoStreams(streams)))
        for stage in stages:
            if not getattr(stage, "memoryless", False):
                raise ValueError(f"{stage_name(stage)} remembers its flights: it needs a route for each pair")
        self._applies = tuple(stage.apply for stage in stages)

    def nonsense(self, datagram: Datagram, now_s: float, error: Exception) -> SimulationError:
        """The error with the stages among which it arose."""
        there = ", ".join(name for name, _ in self._specs)
        return SimulationError(f"link {self._source}{datagram.peer} (stages {there}): {error}")

    def draws_of(self, hop: int, to: str) -> LinkDraws:
        """The draws of the link to a party."""
        return self._streams.link(f"{self._source}{to}/{hop}")

    def carry(self, datagram: Datagram, now_s: float) -> list[Flight]:
        """Every flight that came of the datagram, as from `Route.carry`; the same errors."""
        words = self._streams.words_on(f"{self._source}{datagram.peer}/0", datagram)
        try:
            flights = through(self._applies, Flight(datagram, now_s, self, words), now_s)
            for flight in flights:
                if not now_s <= flight.at_s < inf:  # nan as well
                    raise ValueError(f"a flight is at {flight.at_s!r} s")
                flight.words = b""
        except Exception:
            # The same flight on a route of its own names the stage.
            build_route(self.source, datagram.peer, [self._specs], self._streams).carry(datagram, now_s)
            raise
        return flights


class _NoStreams(Streams):
    """What a stage of a fan may not ask for: a stream of its own, or a shared one, keeps a history."""

    def __init__(self, streams: Streams) -> None:
        super().__init__(streams.seed, streams.replication)

    def generator(self, purpose: str, entity: str) -> Random:
        raise ValueError(f"{entity}: {purpose} keeps a history: it needs a route for each pair")
