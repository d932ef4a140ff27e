"""Stages from elsewhere, each watched: what one does wrong is told of it, and not of the next in line.

Our own stages are held to the same by their tests, and are not watched: two that are cost a quarter of an
unsigned message more.
"""

from math import inf
from typing import Any

from cbmnet.channels.stage import Flight, Stage
from cbmnet.datagram import Datagram
from cbmnet.errors import SimulationError, described

_WORDS_BYTES = 64


class Watched:
    """A stage of one's own, by its name in the registry, at its place; it has whatever else the stage has."""

    def __init__(self, stage: Stage, kind: str, place: str) -> None:
        self._stage, self.kind, self._place = stage, kind, f"{place} ({kind})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # whoever copies it asks before there is a stage
            raise AttributeError(name)
        return getattr(self._stage, name)

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """What the stage does. SimulationError, with its place, for what no stage may do."""
        before_s = flight.at_s
        try:
            copy = self._stage.apply(flight, now_s)
        except Exception as error:
            raise SimulationError(f"{self._place}: {described(error)}") from error
        if (said := wrong(flight, copy, before_s, now_s)) is not None:
            raise SimulationError(f"{self._place}: {said}")
        return copy


def is_from_elsewhere(stage: Stage) -> bool:
    """Whether its class is none of ours."""
    return type(stage).__module__.partition(".")[0] != "cbmnet"


def wrong(flight: Flight, copy: object, before_s: float, now_s: float) -> str | None:
    """What a stage did that it may not do, for people, or None.

    It was given the flight at `before_s`, on a hop that was entered at `now_s`, and returned `copy`.
    """
    if copy is flight:
        return "returned the flight itself; a stage returns a further Flight or None"
    if copy is not None and type(copy) is not Flight:
        return f"returned {copy!r}; a stage returns a further Flight or None"
    said = _spoilt(flight, before_s, now_s)
    if said is None and isinstance(copy, Flight) and (said := _spoilt(copy, before_s, now_s)) is not None:
        return f"made a copy and {said}"
    return said


def _spoilt(flight: Flight, before_s: float, now_s: float) -> str | None:
    at_s: Any = flight.at_s
    if not isinstance(at_s, int | float) or not now_s <= at_s < inf:
        said = f"moved a flight from {before_s!r} s to {at_s!r} s"
        return f"{said}; it is a finite number, and a flight never goes back in time"
    if flight.drop is not None and (type(flight.drop) is not str or not flight.drop):
        return f"gave the reason {flight.drop!r} for a loss; a reason is text"
    if type(flight.datagram) is not Datagram or type(flight.datagram.data) is not bytes:
        return f"put {flight.datagram!r} in the datagram's place; it is a Datagram with bytes"
    if type(flight.words) is not bytes or len(flight.words) != _WORDS_BYTES:
        return "changed the flight's words; they are for the stages that follow too"
    return None
