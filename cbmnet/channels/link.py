"""Links and routes: what becomes of a datagram between two endpoints."""

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


def _pass_on(flight: Flight, hop: int, link: Link) -> list[Flight]:
    if flight.drop is not None:
        return [flight]
    flight.hop = hop
    flight.enter(link.draws)
    flights, entered_s = [flight], flight.at_s
    for stage in link.stages:
        flights = stage.apply(flights, entered_s)
    return flights


def build_route(source: str, target: str, hops: Sequence[Sequence[StageSpec]], streams: Streams) -> Route:
    """A route from stage names and configs, one list a hop; each hop has draws of its own."""
    links = []
    for number, specs in enumerate(hops):
        name = f"{source}>{target}/{number}"
        context = LinkContext(name, partial(_generator, streams, name))
        stages = [STAGES[kind].make(config, context) for kind, config in specs]
        links.append(Link(name, stages, streams.link(name)))
    return Route(source, target, links)


def _generator(streams: Streams, name: str, purpose: str) -> Random:
    return streams.generator(f"stage/{purpose}", name)
