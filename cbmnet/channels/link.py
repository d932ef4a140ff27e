"""Links and routes: what becomes of a datagram between two endpoints."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from random import Random

from cbmnet.channels.stage import STAGES, Flight, LinkContext, Stage
from cbmnet.datagram import Datagram
from cbmnet.streams import LinkDraws, Streams

StageSpec = tuple[str, object]


class Link:
    """One hop in one direction: stages in order, and the draws that belong to it."""

    __slots__ = ("draws", "name", "stages")

    def __init__(self, name: str, stages: Sequence[Stage], draws: LinkDraws) -> None:
        self.name, self.stages, self.draws = name, tuple(stages), draws


class Route:
    """All hops from one party to another; carries a datagram to its fate in one call.

    The fate of every hop is known at once because no stage here depends on what other traffic does.
    `source` and `target` are party names.
    """

    __slots__ = ("_draws", "links", "outages", "source", "target")

    def __init__(self, source: str, target: str, links: Sequence[Link]) -> None:
        self.source, self.target = source, target
        self.links = tuple(links)
        self._draws = self.links[0].draws
        self.outages: list[tuple[float, float]] = []

    def carry(self, datagram: Datagram, now_s: float) -> list[Flight]:
        """Every flight that came of the datagram: arrivals with their time, losses with their reason."""
        flight = Flight(datagram.data, datagram.label, now_s, self._draws, self.source)
        if self.outages and any(start <= now_s < end for start, end in self.outages):
            flight.drop = "outage"
            return [flight]
        flights = [flight]
        for stage in self.links[0].stages:
            flights = stage.apply(flights, now_s)
        if len(self.links) == 1:
            return flights
        for hop, link in enumerate(self.links[1:], start=1):
            flights = [onward for flight in flights for onward in _pass_on(flight, hop, link)]
        return flights

    def transit_s(self, datagram: Datagram) -> float:
        """How long the datagram would take if nothing on the way lost it: every hop, every stage."""
        flight = Flight(datagram.data, datagram.label, 0.0, self._draws, self.source)
        for link in self.links:
            if link is not self.links[0]:
                flight.enter(link.draws)
            for stage in link.stages:
                flight = stage.apply([flight], flight.at_s)[0]
                flight.drop = None
        return flight.at_s


def _pass_on(flight: Flight, hop: int, link: Link) -> list[Flight]:
    if flight.drop is not None:
        return [flight]
    flight.hop = hop
    flight.enter(link.draws)
    flights, entered_s = [flight], flight.at_s
    for stage in link.stages:
        flights = stage.apply(flights, entered_s)
    return flights


class _Again:
    """A stage whose reserved words an earlier stage of its hop has used: it draws from a further set."""

    __slots__ = ("_purpose", "_stage")

    def __init__(self, stage: Stage, number: int) -> None:
        self._stage, self._purpose = stage, f"again/{number}"

    def apply(self, flights: list[Flight], now_s: float) -> list[Flight]:
        kept = [flight.words for flight in flights]
        for flight in flights:
            flight.words = flight.more_words(self._purpose)
        leaving = self._stage.apply(flights, now_s)
        for flight, words in zip(flights, kept, strict=True):
            flight.words = words
        return leaving


def build_route(source: str, target: str, hops: Sequence[Sequence[StageSpec]], streams: Streams) -> Route:
    """A route from stage names and configs, one list a hop; each hop has draws of its own."""
    links = []
    for number, specs in enumerate(hops):
        name = f"{source}>{target}/{number}"
        links.append(Link(name, _stages(name, specs, streams), streams.link(name)))
    return Route(source, target, links)


def _stages(name: str, specs: Sequence[StageSpec], streams: Streams) -> list[Stage]:
    """The stages of one hop; none shares draws with another, also where a kind or a word comes twice."""
    kinds: Counter[str] = Counter()
    words: Counter[int] = Counter()
    stages: list[Stage] = []
    for kind, config in specs:
        place = name if not kinds[kind] else f"{name}#{kinds[kind]}"
        stage = STAGES[kind].make(config, LinkContext(place, partial(_generator, streams, place)))
        used = getattr(stage, "uses", ())
        again = max((words[word] for word in used), default=0)
        stages.append(_Again(stage, again) if again else stage)
        kinds[kind] += 1
        words.update(used)
    return stages


def _generator(streams: Streams, name: str, purpose: str) -> Random:
    return streams.generator(f"stage/{purpose}", name)
