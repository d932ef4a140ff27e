"""Faults as data: what is done to which datagram, or to which party when.

    {"at": {"link": "a>b", "kind": "notice", "sequence": 3, "attempt": 1}, "do": "drop"}
    {"at": {"node": "b", "time_s": 7.5}, "do": "crash", "for_s": 20}

A list of them is a schedule: it can be written by hand, found at random, shrunk, saved and replayed. What is
left out of a place (`kind`, `stream`, `epoch`, `sequence`, `attempt`, `copy`) stands for any; the first
fault that fits a datagram decides. Times are seconds.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from cbmnet.channels.stage import Flight
from cbmnet.channels.stages.corruption import flip_bit
from cbmnet.datagram import Label

_Whole = Annotated[int, Meta(ge=0)]
_Time = Annotated[float, Meta(ge=0.0)]
_Positive = Annotated[float, Meta(gt=0.0)]
_Name = Annotated[str, Meta(min_length=1)]


class Datagrams(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which datagrams: those of a link, "a>b" (a route of several: "a@1>b@1"), that fit the label."""

    link: Annotated[str, Meta(pattern="^[^>]+>[^>]+$")]
    kind: str | None = None
    stream: _Whole | None = None
    epoch: _Whole | None = None
    sequence: _Whole | None = None
    attempt: _Whole | None = None
    copy: _Whole | None = None

    @property
    def wanted(self) -> tuple[str | int | None, ...]:
        """The label, with None for what is not named."""
        return self.kind, self.stream, self.epoch, self.sequence, self.attempt, self.copy


class Node(Struct, frozen=True, forbid_unknown_fields=True):
    """Which party, and when."""

    node: _Name
    time_s: _Time


class Drop(Struct, frozen=True, forbid_unknown_fields=True, tag="drop", tag_field="do"):
    """The datagram is lost."""

    at: Datagrams


class Delay(Struct, frozen=True, forbid_unknown_fields=True, tag="delay", tag_field="do"):
    """It arrives later by so much."""

    at: Datagrams
    by_s: _Positive


class Duplicate(Struct, frozen=True, forbid_unknown_fields=True, tag="duplicate", tag_field="do"):
    """It arrives, and once more so much later."""

    at: Datagrams
    after_s: _Time


class Corrupt(Struct, frozen=True, forbid_unknown_fields=True, tag="corrupt", tag_field="do"):
    """One bit of it flips: the bit of this number, counted round if there are fewer."""

    at: Datagrams
    bit: _Whole = 0


class Crash(Struct, frozen=True, forbid_unknown_fields=True, tag="crash", tag_field="do"):
    """The party goes down, and comes back with its state or without it."""

    at: Node
    for_s: _Positive
    loses_state: bool = False


class Pause(Struct, frozen=True, forbid_unknown_fields=True, tag="pause", tag_field="do"):
    """The party stands still; what arrives waits."""

    at: Node
    for_s: _Positive


class SetClock(Struct, frozen=True, forbid_unknown_fields=True, tag="set-clock", tag_field="do"):
    """The party's clock jumps, and gains `drift` seconds a second from then on."""

    at: Node
    offset_s: float = 0.0
    drift: Annotated[float, Meta(gt=-1.0)] = 0.0


LinkFault: TypeAlias = Drop | Delay | Duplicate | Corrupt
NodeFault: TypeAlias = Crash | Pause | SetClock
Fault: TypeAlias = LinkFault | NodeFault


class Faults:
    """The faults of one route, which it meets behind its last hop: what is lost there had come that far.

    So a schedule changes nothing of what stages with a memory, a queue or a burst, did to others. `met` are
    those that have decided on a datagram.
    """

    __slots__ = ("_named", "met")

    def __init__(self, faults: Sequence[LinkFault]) -> None:
        # By which fields of a label are named, then by what they are: there may be thousands of faults.
        self._named: dict[tuple[int, ...], dict[tuple[object, ...], tuple[int, LinkFault]]] = {}
        self.met: set[LinkFault] = set()
        for number, fault in enumerate(faults):
            wanted = fault.at.wanted
            named = tuple(place for place, value in enumerate(wanted) if value is not None)
            those = self._named.setdefault(named, {})
            those.setdefault(tuple(wanted[place] for place in named), (number, fault))

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Does to the flight what the schedule says; gives the copy that it asks for."""
        fault = self._first(flight.label)
        if fault is None:
            return None
        self.met.add(fault)
        if type(fault) is Drop:
            flight.drop = "fault"
        elif type(fault) is Delay:
            flight.at_s += fault.by_s
        elif type(fault) is Corrupt:
            data = flight.datagram.data
            flight.datagram = msgspec.structs.replace(flight.datagram, data=flip_bit(data, fault.bit))
            flight.corrupted = True
        elif type(fault) is Duplicate:
            copy = flight.duplicate()
            copy.at_s += fault.after_s
            return copy
        return None

    def _first(self, label: Label) -> LinkFault | None:
        """The first of the schedule that fits."""
        found = [those.get(tuple(label[n] for n in named)) for named, those in self._named.items()]
        return min((one for one in found if one is not None), key=itemgetter(0), default=(0, None))[1]


def by_link(faults: Iterable[Fault]) -> dict[str, list[LinkFault]]:
    """The faults of datagrams, by the link they are on."""
    found: dict[str, list[LinkFault]] = {}
    for fault in faults:
        if not isinstance(fault, NodeFault):
            found.setdefault(fault.at.link, []).append(fault)
    return found
