"""Links and routes: what becomes of a datagram between two endpoints."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from cbmnet.channels.stage import STAGES, Flight, LinkContext, Stage
from cbmnet.datagram import Datagram
from cbmnet.streams import LinkDraws, Streams

StageSpec = tuple[str, object]
Apply = Callable[[Flight, float], Flight | None]


class Link:
    """One hop in one direction: stages in order, and the draws that belong to it."""

    __slots__ = ("applies", "draws", "name", "stages")

    def __init__(self, name: str, stages: Sequence[Stage], draws: LinkDraws) -> None:
        self.name, self.stages, self.draws = name, tuple(stages), draws
        self.applies = tuple(stage.apply for stage in self.stages)


class Route:
    """All hops from one party to another; carries a datagram to its fate in one call.

    The fate of every hop is known at once because no stage here depends on what other traffic does.
    `source` and `target` are party names.
    """

    __slots__ = ("_draws", "_first", "_onward", "links", "outages", "source", "target")

    def __init__(self, source: str, target: str, links: Sequence[Link]) -> None:
        self.source, self.target = source, target
        self.links = tuple(links)
        first = self.links[0]
        self._onward = tuple(enumerate(self.links))[1:]
        self._draws, self._first = first.draws, first.applies
        self.outages: list[tuple[float, float]] = []

    def draws_of(self, hop: int) -> LinkDraws:
        """The draws of one of the links, counted from 0."""
        return self.links[hop].draws

    def carry(self, datagram: Datagram, now_s: float) -> list[Flight]:
        """Every flight that came of the datagram: arrivals with their time, losses with their reason."""
        flight = Flight(datagram, now_s, self, self._draws.words_of(datagram))
        if self.outages and any(start <= now_s < end for start, end in self.outages):
            flight.drop = "outage"
            return [flight]
        flights = [flight]
        for apply in self._first:
            copy = apply(flight, now_s)
            if copy is not None:
                flights += _through(self._first[self._first.index(apply) + 1 :], copy, now_s)
        for hop, link in self._onward:
            flights = [onward for flight in flights for onward in _pass_on(flight, hop, link)]
        return flights

    def transit_s(self, datagram: Datagram) -> float:
        """How long the datagram would take if nothing on the way lost it: every hop, every stage."""
        flight = Flight(datagram, 0.0, self)
        for hop, link in enumerate(self.links):
            flight.enter(hop)
            for stage in link.stages:
                stage.apply(flight, flight.at_s)
                flight.drop = None
        return flight.at_s


def _pass_on(flight: Flight, hop: int, link: Link) -> list[Flight]:
    if flight.drop is not None:
        return [flight]
    flight.enter(hop)
    return _through(link.applies, flight, flight.at_s)


def _through(applies: Sequence[Apply], flight: Flight, now_s: float) -> list[Flight]:
    """The flight and its copies after these stages; a copy goes through those that follow its making."""
    flights = [flight]
    for number, apply in enumerate(applies, start=1):
        copy = apply(flight, now_s)
        if copy is not None:
            flights += _through(applies[number:], copy, now_s)
    return flights


class _Again:
    """A stage whose reserved words an earlier stage of its hop has used: it draws from a further set."""

    __slots__ = ("_purpose", "_stage")

    def __init__(self, stage: Stage, number: int) -> None:
        self._stage, self._purpose = stage, f"again/{number}"

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        kept = flight.words
        flight.words = flight.more_words(self._purpose)
        copy = self._stage.apply(flight, now_s)
        flight.words = kept
        return copy


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
        again = max((words[word.start] for word in used), default=0)
        stages.append(_Again(stage, again) if again else stage)
        kinds[kind] += 1
        words.update(word.start for word in used)
    return stages


def _generator(streams: Streams, name: str, purpose: str) -> Random:
    return streams.generator(f"stage/{purpose}", name)
