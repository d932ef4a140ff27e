"""Links and routes: what becomes of a datagram between two endpoints.

A link is one hop in one direction: stages in order, and the draws that belong to it. A route is all hops
from one party to another. Where no stage depends on other traffic the whole way is decided in one call at
the sending. A hop with a stage that does (`ordered`: a queue, a burst-loss chain) must be given the flights
in the order in which they reach it, so the way is cut before it into *legs*: a driver takes a flight to the
end of one leg, and asks for the next when that time has come.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import inf
from random import Random

from cbmnet.channels.stage import STAGES, Flight, LinkContext, Stage
from cbmnet.channels.watched import Watched, is_from_elsewhere, wrong
from cbmnet.datagram import Datagram
from cbmnet.errors import SimulationError, described
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
    """All hops from one party to another; `source` and `target` are party names.

    `before` and `after` are further stages of the whole route, ahead of the first hop and behind the last:
    scripted outages, faults, an adversary. They may come and go while a run goes on. Those before make no
    copies: nothing has been sent yet that could be two.
    """

    __slots__ = ("_draws", "_first", "_legs", "_onward", "_plain", "after", "before", "links", "sender",
                 "source", "target")  # fmt: skip

    def __init__(self, source: str, target: str, links: Sequence[Link]) -> None:
        self.source, self.target = source, target
        self.sender = source.partition("@")[0]  # a way is the party's, whichever it is
        self.links = tuple(links)
        self._legs = _legs(self.links)
        first = self.links[0]
        self._draws, self._first, self._onward = first.draws, first.applies, self._legs[0][1:]
        self._plain = len(self._legs) == 1
        self.before: list[Stage] = []
        self.after: list[Stage] = []

    @property
    def is_stepwise(self) -> bool:
        """Whether a flight may have further legs to go after `carry`."""
        return not self._plain

    def draws_of(self, hop: int, to: str = "") -> LinkDraws:
        """The draws of one of the links, counted from 0."""
        return self.links[hop].draws

    def carry(self, datagram: Datagram, now_s: float) -> list[Flight]:
        """Every flight that came of the datagram: with its time at the end of the first leg, or a loss.

        SimulationError where a stage fails or answers with nonsense.
        """
        flight = Flight(datagram, now_s, self, self._draws.words_of(datagram))
        flights = [flight]
        if self.before and (flights := self._meet(self.before, flights, now_s))[0].drop is not None:
            return flights
        try:
            for apply in self._first:
                copy = apply(flight, now_s)
                if copy is not None:
                    flights += self._copies(flight, copy, apply, now_s)
            if self._onward:
                for hop, link in self._onward:
                    flights = [onward for flight in flights for onward in _pass_on(flight, hop, link)]
                _check_times(flights, now_s)
            elif not now_s <= flight.at_s < inf:  # nan as well
                _check_times(flights, now_s)
        except SimulationError:
            raise
        except Exception as error:
            raise self.nonsense(datagram, now_s, error) from error
        return self._meet(self.after, flights, now_s) if self.after and self._plain else flights

    def _copies(self, flight: Flight, copy: Flight, made_by: Apply, now_s: float) -> list[Flight]:
        """A copy that a stage of the first hop made, and its copies, after the stages that follow."""
        if copy is flight:
            raise ValueError("a stage returned the flight itself")
        copies = through(self._first[self._first.index(made_by) + 1 :], copy, now_s)
        _check_times(copies, now_s)
        return copies

    def onward(self, flight: Flight) -> list[Flight]:
        """The next leg of a flight whose time has come; the flight itself if it has arrived."""
        flight.leg += 1
        flights, now_s = [flight], flight.at_s
        try:
            for hop, link in self._legs[flight.leg]:
                flights = [onward for f in flights for onward in _pass_on(f, hop, link)]
            _check_times(flights, now_s)
        except SimulationError:
            raise
        except Exception as error:
            raise self.nonsense(flight.datagram, now_s, error) from error
        is_last = flight.leg == len(self._legs) - 1
        return self._meet(self.after, flights, now_s) if self.after and is_last else flights

    def has_further(self, flight: Flight) -> bool:
        """Whether the flight has another leg to go."""
        return flight.leg + 1 < len(self._legs)

    def fates(self, datagram: Datagram, now_s: float) -> list[Flight]:
        """Every leg at once, as if nothing else were on the way: for tables of an idle line, and tests."""
        flights, ended = self.carry(datagram, now_s), list[Flight]()
        while flights:
            flight = flights.pop()
            if flight.drop is None and self.has_further(flight):
                flights += self.onward(flight)
            else:
                ended.append(flight)
        return ended

    def transit_s(self, datagram: Datagram) -> float:
        """How long the datagram would take on idle links if nothing on the way lost it."""
        flight = Flight(datagram, 0.0, self)
        for hop, link in enumerate(self.links):
            flight.enter(hop)
            for stage in link.stages:
                stage.apply(flight, flight.at_s)
                flight.drop = None
        return flight.at_s

    def _meet(self, stages: Sequence[Stage], flights: list[Flight], now_s: float) -> list[Flight]:
        applies = [stage.apply for stage in stages]
        try:
            flights = [m for f in flights for m in (through(applies, f, now_s) if f.drop is None else [f])]
            _check_times(flights, now_s)
        except SimulationError:
            raise
        except Exception as error:
            there = ", ".join(stage_name(stage) for stage in stages)
            said = f"route {self.source}>{self.target}, stages of the whole route ({there}): {error}"
            raise SimulationError(said) from error
        return flights

    def nonsense(self, datagram: Datagram, now_s: float, error: Exception) -> SimulationError:
        """The error with the stage that made it, which is looked for by flying the datagram once more."""
        for hop, link in enumerate(self.links):
            flight = Flight(datagram, now_s, self)
            flight.enter(hop)
            for number, stage in enumerate(link.stages):
                if (said := _faults_of(stage, flight, now_s)) is not None:
                    name = stage_name(stage)
                    return SimulationError(f"link {link.name}, stage {number} ({name}): {said}")
        there = ", ".join(stage_name(stage) for link in self.links for stage in link.stages)
        return SimulationError(f"route {self.source}>{self.target} (stages {there}): {error}")


def _check_times(flights: Sequence[Flight], now_s: float) -> None:
    for flight in flights:
        if not now_s <= flight.at_s < inf:  # nan as well
            raise ValueError(f"a flight is at {flight.at_s!r} s")


def _faults_of(stage: Stage, flight: Flight, now_s: float) -> str | None:
    before_s = flight.at_s
    try:
        copy = stage.apply(flight, now_s)
    except Exception as error:
        return described(error)
    if (said := wrong(flight, copy, before_s, now_s)) is not None:
        return said
    flight.drop = None
    return None


def stage_name(stage: object) -> str:
    """What a stage is called in messages: its name in the registry, or its class."""
    kind = getattr(stage, "kind", "")  # a stage that stands for another has its name
    return kind or next((n for n in STAGES.names() if STAGES[n].make is type(stage)), type(stage).__name__)


Hop = tuple[int, Link]


def _legs(links: Sequence[Link]) -> tuple[tuple[Hop, ...], ...]:
    """The hops of the way, cut before each that must be entered in order and may be reached out of order."""
    legs: list[list[Hop]] = [[]]
    in_order = True
    for hop, link in enumerate(links):
        if not in_order and any(getattr(stage, "ordered", False) for stage in link.stages):
            legs.append([])
            in_order = True
        legs[-1].append((hop, link))
        in_order = in_order and all(getattr(stage, "instant", False) for stage in link.stages)
    return tuple(map(tuple, legs))


def _pass_on(flight: Flight, hop: int, link: Link) -> list[Flight]:
    if flight.drop is not None:
        return [flight]
    flight.enter(hop)
    return through(link.applies, flight, flight.at_s)


def through(applies: Sequence[Apply], flight: Flight, now_s: float) -> list[Flight]:
    """The flight and its copies after these stages; a copy goes through those that follow its making."""
    flights = [flight]
    for number, apply in enumerate(applies, start=1):
        copy = apply(flight, now_s)
        if copy is not None:
            if copy is flight:
                raise ValueError("a stage returned the flight itself")
            flights += through(applies[number:], copy, now_s)
    return flights


class _Again:
    """A stage whose reserved words an earlier stage of its hop has used: it draws from a further set."""

    __slots__ = ("_purpose", "_stage", "begin_anew", "forget", "instant", "kind", "memoryless", "ordered")

    def __init__(self, stage: Stage, number: int) -> None:
        self._stage, self._purpose = stage, f"again/{number}"
        self.kind = stage_name(stage)
        self.instant, self.ordered = getattr(stage, "instant", False), getattr(stage, "ordered", False)
        self.memoryless = getattr(stage, "memoryless", False)
        self.forget = getattr(stage, "forget", _nothing)
        self.begin_anew = getattr(stage, "begin_anew", _nothing)

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        kept = flight.words
        flight.words = flight.more_words(self._purpose)
        copy = self._stage.apply(flight, now_s)
        flight.words = kept
        return copy


def build_route(source: str, target: str, hops: Sequence[Sequence[StageSpec]], streams: Streams) -> Route:
    """A route from stage names and configs, one list a hop; each hop has draws of its own.

    `source` and `target` may be ways ("south@1"): each of several routes between two parties draws apart.
    """
    links = []
    for number, specs in enumerate(hops):
        name = f"{source}>{target}/{number}"
        links.append(Link(name, tuple(stages_of(name, source, target, specs, streams)), streams.link(name)))
    return Route(source, target, links)


def stages_of(
    name: str, source: str, target: str, specs: Sequence[StageSpec], streams: Streams
) -> Iterator[Stage]:
    """The stages of one hop; none shares draws with another, also where a kind or a word comes twice."""
    kinds: Counter[str] = Counter()
    words: Counter[int] = Counter()
    for number, (kind, config) in enumerate(specs):
        place = name if not kinds[kind] else f"{name}#{kinds[kind]}"
        shared = partial(_generator, streams, "shared")
        ends = source.partition("@")[0], target.partition("@")[0]  # a way is the party's, whichever it is
        context = LinkContext(place, partial(_generator, streams, place), *ends, shared)
        stage: Stage = STAGES[kind].make(config, context)
        if is_from_elsewhere(stage):
            stage = Watched(stage, kind, f"link {name}, stage {number}")
        used = getattr(stage, "uses", ())
        again = max((words[word.start] for word in used), default=0)
        yield _Again(stage, again) if again else stage
        kinds[kind] += 1
        words.update(word.start for word in used)


def _nothing() -> None:
    """What a stage does that has nothing to forget."""


def _generator(streams: Streams, name: str, purpose: str) -> Random:
    return streams.generator(f"stage/{purpose}", name)
