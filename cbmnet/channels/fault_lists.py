"""Lists of faults: read from JSON and written, and judged for a network, with everything wrong at once."""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import get_args

import msgspec
from msgspec import Struct

from cbmnet.channels.faults import Datagrams, Fault, LinkFault, NodeFault, SetClock
from cbmnet.errors import ConfigError
from cbmnet.errors import Fault as ConfigFault

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode: Callable[[msgspec.Raw], Fault] = msgspec.json.Decoder(Fault).decode


def read_faults(text: str | bytes, file: str = "faults") -> tuple[Fault, ...]:
    """The schedule that a JSON text holds. ConfigError says which faults are wrong, and what is allowed."""
    faults, wrong = _read(text, file)
    if wrong:
        raise ConfigError([said for _, said in wrong])
    return tuple(fault for fault in faults if fault is not None)


def read_faults_for(
    text: str | bytes, links: Iterable[str], nodes: Iterable[str], horizon_s: float, file: str = "faults"
) -> tuple[Fault, ...]:
    """The schedule that a JSON text holds, for this network.

    ConfigError with all that cannot be read and all that cannot happen, in the order of the schedule.
    """
    faults, wrong = _read(text, file)
    wrong += [(n, _placed(file, n, said)) for n, said in impossible(faults, links, nodes, horizon_s)]
    if wrong:
        raise ConfigError([said for _, said in sorted(wrong, key=itemgetter(0))])
    return tuple(fault for fault in faults if fault is not None)


def _read(text: str | bytes, file: str) -> tuple[list[Fault | None], list[tuple[int, ConfigFault]]]:
    """The faults, None for each that cannot be read, and why it cannot, with its number."""
    try:
        items = _split(text)
    except msgspec.ValidationError:
        raise ConfigError([ConfigFault(file, None, "", "must be a list of faults.")]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([ConfigFault(file, None, "", f"is no JSON: {error}.")]) from None
    faults, wrong = list[Fault | None](), list[tuple[int, ConfigFault]]()
    for number, item in enumerate(items):
        try:
            faults.append(_decode(item))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            faults.append(None)
            wrong.append((number, _refused(file, number, _kind_of(item), str(error))))
    return faults, wrong


def made_faults(given: Iterable[object], file: str = "faults") -> tuple[Fault, ...]:
    """Faults made by hand, as objects or mappings, held to what a file may say; infinite times are let be.

    ConfigError says which faults are wrong, and what is allowed.
    """
    faults, wrong = list[Fault](), list[ConfigFault]()
    for number, item in enumerate(given):
        kind = None
        try:
            plain = msgspec.to_builtins(item)
            kind = plain.get("do") if isinstance(plain, dict) else None
            faults.append(msgspec.convert(plain, Fault))
        except (msgspec.ValidationError, TypeError) as error:
            wrong.append(_refused(file, number, kind if kind in _FIELDS else None, str(error)))
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
        raise ImpossibleError([_placed(file, number, said) for number, said in problems])


def _placed(file: str, number: int, said: str) -> ConfigFault:
    return ConfigFault(file, None, f"[{number}]", f".{said}.")


def impossible(
    faults: Iterable[Fault | None], links: Iterable[str], nodes: Iterable[str], horizon_s: float
) -> list[tuple[int, str]]:
    """What cannot happen in this network: the number of the fault, and why.

    Impossible are: a link or a party that is not there, a time after the end, two faults for the very same
    datagrams, a crash or pause of a party that is down already. None stands for a fault that is wrong
    otherwise.
    """
    there, parties = sorted(links), sorted(nodes)
    problems: list[tuple[int, str]] = []
    seen: dict[Datagrams, int] = {}
    down: dict[str, list[tuple[float, float, int]]] = {}
    for number, fault in enumerate(faults):
        if fault is None:
            continue
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


def _refused(file: str, number: int, kind: str | None, said: str) -> ConfigFault:
    text, _, path = said.partition(" - at `$")
    key = path.rstrip("`")
    if "matching regex" in text:
        text = "is no link"
    if not key and kind is not None:
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
