"""Which faults of a schedule did nothing in a run, by its trace: a misspelt place would pass for a cure."""

from collections.abc import Iterable, Sequence
from typing import Any

from cbmnet.channels.faults import Fault, LinkFault, NodeFault
from cbmnet.protocols.endpoint import party_of
from cbmnet.reports.diagram import Record

RECEIVER_DOWN = "receiver down"
"""Why a party loses what has come to it, maybe then because of a fault."""
_LABELLED = ("Send", "Deliver", "Drop", "Duplicate")  # records of a datagram, or of a copy of it


def idle(faults: Sequence[Fault], records: Iterable[Record]) -> list[tuple[int, str]]:
    """The numbers of the faults of datagrams that did nothing, and why."""
    those = [(number, fault) for number, fault in enumerate(faults) if not isinstance(fault, NodeFault)]
    reasons = _reasons([fault for _, fault in those], records)
    return [(number, why) for (number, _), why in zip(those, reasons, strict=True) if why]


def concerns(fault: LinkFault, record: Record) -> bool:
    """Whether a fault names the datagram of a record: its link, and what it says of the label."""
    source, target = map(party_of, fault.at.link.split(">"))
    if (source, target) != (record["sender"], record["receiver"]):
        return False
    return all(wanted in (None, said) for wanted, said in zip(fault.at.wanted, record["label"], strict=True))


def _reasons(faults: Sequence[LinkFault], records: Iterable[Record]) -> list[str]:
    """Why each fault did nothing; "" for one that did something."""
    why = ["no such datagram was sent"] * len(faults)
    lost: dict[tuple[Any, ...], str] = {}
    sent: dict[tuple[Any, ...], Record] = {}
    for record in records:
        if record["record"] in _LABELLED and not record.get("forged"):
            name = record["sender"], record["receiver"], *record["label"]
            sent[name] = record
            if record["record"] == "Drop" and record["reason"] != RECEIVER_DOWN:
                lost[name] = record["reason"]
    for name, record in sent.items():
        fitting = [number for number, fault in enumerate(faults) if concerns(fault, record)]
        for place, number in enumerate(fitting):
            if why[number] and lost.get(name, "fault") != "fault":
                why[number] = "the line lost it before"
            elif why[number]:
                why[number] = "an earlier fault of the list decided" if place else ""
    return why
