"""Faults as data: what is done to which datagram, or to which party when.

    {"at": {"link": "a>b", "kind": "notice", "sequence": 3, "attempt": 1}, "do": "drop"}
    {"at": {"node": "b", "time_s": 7.5}, "do": "crash", "for_s": 20}

A list of them is a schedule: it can be written by hand, found at random, shrunk, saved and replayed. What is
left out of a place (`kind`, `stream`, `epoch`, `sequence`, `attempt`, `copy`) stands for any; the first
fault that fits a datagram decides. Times are seconds.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Annotated, TypeAlias, get_args

import msgspec
from msgspec import Meta, Struct

from cbmnet.channels.stage import Flight
from cbmnet.channels.stages.corruption import flip_bit
from cbmnet.datagram import Label
from cbmnet.errors import ConfigError
from cbmnet.errors import Fault as ConfigFault

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


_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode: Callable[[msgspec.Raw], Fault] = msgspec.json.Decoder(Fault).decode


def read_faults(text: str | bytes, file: str = "faults") -> tuple[Fault, ...]:
    """The schedule that a JSON text holds. ConfigError says which faults are wrong, and what is allowed."""
    try:
        items = _split(text)
    except msgspec.ValidationError:
        raise ConfigError([ConfigFault(file, None, "", "must be a list of faults.")]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([ConfigFault(file, None, "", f"is no JSON: {error}.")]) from None
    faults, wrong = list[Fault](), list[ConfigFault]()
    for number, item in enumerate(items):
        try:
            faults.append(_decode(item))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            wrong.append(_refused(file, number, item, str(error)))
    if wrong:
        raise ConfigError(wrong)
    return tuple(faults)


def write_faults(faults: Sequence[Fault]) -> str:
    """The schedule as JSON, one fault a line: reads back as the same schedule."""
    lines = ",\n  ".join(msgspec.json.encode(fault).decode() for fault in faults)
    return f"[\n  {lines}\n]\n" if faults else "[]\n"


class ImpossibleError(ConfigError):
    """A schedule of faults that cannot happen in the network it is for."""


def check_faults(
    faults: Iterable[Fault],
    links: Iterable[str],
    nodes: Iterable[str],
    horizon_s: float,
    file: str = "faults",
) -> None:
    """Refuses a schedule that cannot happen in this network: ImpossibleError with every fault of it."""
    problems = impossible(faults, links, nodes, horizon_s)
    if problems:
        raise ImpossibleError([ConfigFault(file, None, f"[{n}]", f".{text}.") for n, text in problems])


def impossible(
    faults: Iterable[Fault], links: Iterable[str], nodes: Iterable[str], horizon_s: float
) -> list[tuple[int, str]]:
    """What cannot happen in this network: the number of the fault, and why.

    Impossible are: a link or a party that is not there, a time after the end, two faults for the very same
    datagrams, a crash or pause of a party that is down already.
    """
    there, parties = sorted(links), sorted(nodes)
    problems: list[tuple[int, str]] = []
    seen: dict[Datagrams, int] = {}
    down: dict[str, list[tuple[float, float, int]]] = {}
    for number, fault in enumerate(faults):
        if isinstance(fault, NodeFault):
            said = _node_problem(fault, number, parties, horizon_s, down)
        else:
            said = _link_problem(fault, number, there, seen)
        problems += [(number, text) for text in said]
    return problems


def _link_problem(fault: LinkFault, number: int, links: list[str], seen: dict[Datagrams, int]) -> list[str]:
    said = []
    if fault.at.link not in links:
        said.append(f'at.link = "{fault.at.link}": no such link; there are {", ".join(links)}')
    if (first := seen.setdefault(fault.at, number)) != number:
        said.append(f"at: the same datagrams as [{first}], which comes first and decides")
    return said


def _node_problem(
    fault: NodeFault,
    number: int,
    nodes: list[str],
    horizon_s: float,
    down: dict[str, list[tuple[float, float, int]]],
) -> list[str]:
    said, at = [], fault.at
    if at.node not in nodes:
        said.append(f'at.node = "{at.node}": no such party; there are {", ".join(nodes)}')
    if at.time_s > horizon_s:
        said.append(f"at.time_s = {at.time_s:g}: after the end, {horizon_s:g}")
    if not isinstance(fault, SetClock):
        spells = down.setdefault(at.node, [])
        for start_s, end_s, other in spells:
            if at.time_s < end_s and start_s < at.time_s + fault.for_s:
                said.append(f"at: {at.node} is already down by [{other}], from {start_s:g} to {end_s:g} s")
        spells.append((at.time_s, at.time_s + fault.for_s, number))
    return said


def _refused(file: str, number: int, item: msgspec.Raw, said: str) -> ConfigFault:
    text, _, path = said.partition(" - at `$")
    key = path.rstrip("`")
    if "matching regex" in text:
        text = "is no link"
    if not key and (kind := _kind_of(item)) is not None:
        allowed = f"; a {kind} has {', '.join((*_FIELDS[kind], 'do'))}"
    else:
        allowed = next((f"; {says}" for name, says in _ALLOWED.items() if key.endswith(name)), "")
    return ConfigFault(file, None, f"[{number}]{key}", f": {text}{allowed}.")


class _Do(Struct):
    """Of a fault that is wrong, what it is to do."""

    do: str


_read_do = msgspec.json.Decoder(_Do).decode


def _kind_of(item: msgspec.Raw) -> str | None:
    try:
        kind = _read_do(item).do
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return kind if kind in _FIELDS else None


_FIELDS: dict[str, tuple[str, ...]] = {
    kind.__struct_config__.tag: kind.__struct_fields__ for kind in get_args(Fault)
}
_ALLOWED = {
    ".link": 'write "from>to"',
    ".do": f"allowed are {', '.join(_FIELDS)}",
    ".at": "a datagram has link, kind, stream, epoch, sequence, attempt and copy, a party node and time_s",
}


class Faults:
    """The faults of one route, which it meets behind its last hop: what is lost there had come that far.

    So a schedule changes nothing of what stages with a memory, a queue or a burst, did to others.
    """

    __slots__ = ("_named",)

    def __init__(self, faults: Sequence[LinkFault]) -> None:
        # By which fields of a label are named, then by what they are: there may be thousands of faults.
        self._named: dict[tuple[int, ...], dict[tuple[object, ...], tuple[int, LinkFault]]] = {}
        for number, fault in enumerate(faults):
            wanted = fault.at.wanted
            named = tuple(place for place, value in enumerate(wanted) if value is not None)
            those = self._named.setdefault(named, {})
            those.setdefault(tuple(wanted[place] for place in named), (number, fault))

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Does to the flight what the schedule says; gives the copy that it asks for."""
        fault = self._first(flight.label)
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
