"""The states of an exhaustive search: what parties and invariants hold, what is under way, what may happen.

Endpoints and invariants are shared between states and copied before they change, so a state is cheap.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from cbmnet.datagram import Datagram
from cbmnet.errors import LocalProtocolError
from cbmnet.testing.freezing import frozen


@dataclass(frozen=True)
class Bounds:
    """How many losses, copies and timeouts there may be in all, and how many states are looked at.

    Without `reorder` what is under way on one link arrives in the order of its sending.
    """

    drops: int = 1
    duplicates: int = 1
    timeouts: int = 3
    reorder: bool = True
    max_states: int = 200_000

    def __post_init__(self) -> None:
        for name in ("drops", "duplicates", "timeouts", "max_states"):
            least, value = int(name == "max_states"), getattr(self, name)
            if type(value) is not int or value < least:
                raise LocalProtocolError(f"{name} = {value!r}: must be a whole number from {least} on")


class Flying(NamedTuple):
    """A datagram under way."""

    source: str
    datagram: Datagram

    def __str__(self) -> str:
        return f"{self.datagram.label} {self.source}>{self.datagram.peer}"


@dataclass(frozen=True)
class State:
    """One state; what it holds is shared with others and never changed in place."""

    endpoints: Mapping[str, "Held"]
    watchers: "Held"
    bounds: Bounds
    flying: tuple[Flying, ...] = ()
    said: int = 0  # how much of the script was given
    now: float = 0.0
    failure: str = ""
    path: "Step | None" = field(default=None, compare=False)

    def key(self) -> bytes:
        """What makes it the same state, in 16 bytes."""
        flying = [(f.source, f.datagram.peer, f.datagram.label, f.datagram.data) for f in self.flying]
        if self.bounds.reorder:
            flying.sort()
        bounds = self.bounds.drops, self.bounds.duplicates, self.bounds.timeouts
        held = [held.digest for held in self.endpoints.values()], self.watchers.digest
        return _digest((held, flying, self.said, self.now, bounds))

    def steps(self) -> tuple[str, ...]:
        """How one came here."""
        steps, step = [], self.path
        while step is not None:
            steps.append(step.said)
            step = step.before
        return tuple(reversed(steps))


class Held(NamedTuple):
    """An object that is never changed any more, with what it holds in 16 bytes."""

    object: Any
    digest: bytes

    @classmethod
    def of(cls, held: Any) -> "Held":
        """The object, held from now on."""
        return cls(held, _digest(frozen(held)))


class Step(NamedTuple):
    """One step, and the one before it."""

    said: str
    before: "Step | None"


def _digest(held: Any) -> bytes:
    return blake2b(repr(held).encode(), digest_size=16).digest()
