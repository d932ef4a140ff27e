"""The interface of an invariant: an observer that stops a run in which something happened that must not.

A study names them in `[study] invariants`; the testing kit hands the same ones on. When one is violated the
run ends with an error that says what, when, and what the last records before it were.
"""

from collections import deque
from collections.abc import Iterable
from math import inf
from typing import Any, Protocol

from msgspec.structs import asdict

from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.records import RECORDS
from cbmnet.registry import Family

RING_SIZE = 20


class InvariantError(SimulationError):
    """Something happened that must not; `invariant` names which, `last` are the records before it."""

    def __init__(self, invariant: str, said: str, last: Iterable[Any] = ()) -> None:
        self.invariant, self.said, self.last = invariant, said, tuple(last)
        lines = [f"invariant {invariant}: {said}"]
        if self.last:
            lines += [f"the last {len(self.last)} records:", *(f"  {told(record)}" for record in self.last)]
        super().__init__("\n".join(lines))


class Invariant(Protocol):
    """One thing that must hold; it is made for one run."""

    @property
    def wants(self) -> tuple[type, ...]:
        """The records that it is fed."""

    def feed(self, record: Any) -> str | None:
        """Takes one record; what is wrong with it, or None."""

    def result(self, ended_s: float) -> str | None:
        """What is wrong now that the run has ended at `ended_s`, or None."""


class Throughout:
    """The end of an invariant that has nothing more to say when the run is over."""

    def result(self, ended_s: float) -> str | None:
        """Nothing more at the end."""
        return None


class InvariantMaker(Protocol):
    """How the registry builds an invariant: its own config."""

    def __call__(self, config: Any) -> Invariant:
        """One invariant of one run."""


INVARIANTS: Family[InvariantMaker] = Family("invariants", "cbmnet.simulation.invariants")


class Ring:
    """The last records of a run, of whatever kind; it stands first among a run's observers."""

    wants = RECORDS

    def __init__(self, size: int = RING_SIZE) -> None:
        self.last: deque[Any] = deque(maxlen=size)

    def start(self, facts: Any) -> None:
        """Nothing is known yet."""

    def feed(self, record: Any) -> None:
        """Keeps the record."""
        self.last.append(record)

    def result(self, ended_s: float, *, silent: bool = False) -> None:
        """Nothing of its own."""


class Watch:
    """An observer that raises InvariantError as soon as its invariant is violated."""

    def __init__(self, name: str, invariant: Invariant, ring: Ring) -> None:
        self.wants = invariant.wants
        self._name, self._invariant, self._ring = name, invariant, ring

    def start(self, facts: Any) -> None:
        """Nothing is known yet."""

    def feed(self, record: Any) -> None:
        """Hands the record on."""
        if (said := self._invariant.feed(record)) is not None:
            raise InvariantError(self._name, f"at {record.at_s:g} s {said}", self._ring.last)

    def result(self, ended_s: float, *, silent: bool = False) -> None:
        """Asks what can only be said at the end; where all is `silent`, what is not there never will be."""
        if (said := self._invariant.result(inf if silent else ended_s)) is not None:
            raise InvariantError(self._name, f"at the end, {ended_s:g} s, {said}", self._ring.last)


def watches(chosen: Iterable[tuple[str, Any]]) -> list[Any]:
    """The observers for these invariants, each a name and its config: a ring of records, then one each."""
    made = [(name, INVARIANTS[name].make(config)) for name, config in chosen]
    ring = Ring()
    return [ring, *(Watch(name, invariant, ring) for name, invariant in made)] if made else []


def chosen(named: Iterable[str | tuple[str, Any]], tells: Iterable[type]) -> list[tuple[str, Any]]:
    """Invariants by name, or with a config of their own, for a harness that tells these records.

    LocalProtocolError for one that waits for a record which nobody tells: it could never fail.
    """
    if isinstance(named, str):  # it would pass for a list of one-letter names
        raise LocalProtocolError(f"invariants are a list of names, not {named!r}")
    found = [(name, INVARIANTS[name].config()) if isinstance(name, str) else name for name in named]
    for name, config in found:
        missing = set(INVARIANTS[name].make(config).wants) - set(tells)
        if missing:
            records = ", ".join(sorted(kind.__name__ for kind in missing))
            raise LocalProtocolError(f"invariant {name} needs records of {records}, which are not told here")
    return found


def told(record: Any) -> str:
    """A record in one line."""
    fields = asdict(record)
    at_s, number, cause = fields.pop("at_s"), fields.pop("id"), fields.pop("cause")
    said = " ".join(f"{key}={value}" for key, value in fields.items())
    return f"{at_s:12.3f} s  #{number}{f' of #{cause}' if cause else ''} {type(record).__name__} {said}"
