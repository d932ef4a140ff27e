"""The rows of a sequence diagram, from a trace: messages with their fate, and notes on a lifeline."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cbmnet.datagram import Label
from cbmnet.reports.words import answered, elapsed, signalled
from cbmnet.simulation.trace import lines_of
from cbmnet.states.ladder import RUNG_NAMES

Fate = Literal["arrives", "lost", "stopped", "refused", "forged", "attack", "under way"]
Sign = Literal["ack", "again", "copy", "corrupted", "stopped", "refused"]
Record = dict[str, Any]
Children = dict[int, list[Record]]
_UNSHOWN = ("heartbeat", "link-ack")


@dataclass(frozen=True, slots=True)
class DiagramRow:
    """One row: a message from `source` to `target`, or a note on `source` where `target` is empty.

    The text of a note goes on after the name of its party: "sees launch 1 of norway". That of a message says
    what it is and what became of it. `name` is the first part alone, `ends_s` when it met its fate, if that
    is known, and `signs` say what else it is: a link acknowledgement, sent again, a copy made on the way,
    corrupted; of a forged one also what became of it.
    """

    at_s: float
    source: str
    target: str
    text: str
    fate: Fate = "arrives"
    loud: bool = False
    name: str = ""
    ends_s: float | None = None
    signs: tuple[Sign, ...] = ()


def read_trace(trace: bytes) -> list[Record]:
    """The records of a trace, without its first and last line."""
    return [record for record in map(json.loads, lines_of(trace)) if "record" in record]


def parties(records: Sequence[Record]) -> list[str]:
    """Everyone who sends, receives or watches, sorted."""
    keys = ("sender", "receiver", "actor", "toward", "observer", "decider", "party")
    return sorted({r[key] for r in records for key in keys if key in r})


def rows(records: Sequence[Record]) -> list[DiagramRow]:
    """All rows in order of time; heartbeats and link acknowledgements are left out."""
    children = by_cause(records)
    found = (_row(record, children) for record in records)
    return [row for row in found if row is not None]


def by_cause(records: Iterable[Record]) -> Children:
    """The records that each record caused, by its number."""
    children: Children = {}
    for record in records:
        children.setdefault(record["cause"], []).append(record)
    return children


def _row(record: Record, children: Children) -> DiagramRow | None:
    kind = record["record"]
    if kind == "Send" and record["kind"] not in _UNSHOWN:
        return _message(record, children)
    if kind == "Deliver" and record["forged"]:
        return forgery_row(record, children)
    return note_row(record, children)


def note_row(record: Record, children: Children) -> DiagramRow | None:
    """The row of what a party does, sees or decides; None for a record of a message."""
    if record["record"] == "Activity":
        return _activity(record, children)
    return _NOTES[record["record"]](record) if record["record"] in _NOTES else None


# --- messages -----------------------------------------------------------------------------------


def _message(send: Record, children: Children) -> DiagramRow:
    label = Label(*send["label"])
    name = label.kind if label.attempt == 1 else f"{label.kind}, attempt {label.attempt}"
    outcomes = children.get(send["id"], ())
    # Of several copies the one that arrived counts.
    met = [o for kind in ("Deliver", "Drop") for o in outcomes if o["record"] == kind]
    return message_row(send, met[0] if met else None, name, children)


def message_row(
    send: Record, end: Record | None, name: str, children: Children, signs: tuple[Sign, ...] = ()
) -> DiagramRow:
    """The row of a message that was sent and of its end, if it met one: a Deliver or a Drop."""
    fate, said = _fate(send, end, children)
    if "ack" not in signs and Label(*send["label"]).attempt > 1:
        signs = (*signs, "again")
    if end is not None and end.get("corrupted"):
        signs = (*signs, "corrupted")
    ends_s = None if end is None else end["at_s"]
    text = f"{name}, {said}"
    return DiagramRow(send["at_s"], send["sender"], send["receiver"], text, fate, False, name, ends_s, signs)


def _fate(send: Record, end: Record | None, children: Children) -> tuple[Fate, str]:
    if end is None:
        return "under way", "still under way at the end"
    if end["record"] == "Drop":
        return "lost", "lost" if end["reason"] == "loss" else f"lost: {end['reason']}"
    fate, said = _reception(end, children)
    words = [f"+{elapsed(end['at_s'] - send['at_s'])}", "corrupted" if end["corrupted"] else "", said]
    return fate, ", ".join(word for word in words if word)


def _reception(deliver: Record, children: Children) -> tuple[Literal["arrives", "stopped", "refused"], str]:
    """What became of bytes that arrived; no words where they were accepted."""
    for outcome in children.get(deliver["id"], []):
        if outcome["record"] == "Stop":
            return "stopped", f"{outcome['reason']} at the desk"
        if outcome["record"] == "Reject":
            return "refused", f"refused: {outcome['code']}"
        if outcome["record"] == "Transport" and outcome["event"] == "malformed":
            return "refused", "malformed"
    return "arrives", ""


def forgery_row(deliver: Record, children: Children) -> DiagramRow:
    """The row of bytes that nobody of this name sent."""
    fate, said = _reception(deliver, children)
    name = f"forged {deliver['kind']}"
    return DiagramRow(
        deliver["at_s"], deliver["sender"], deliver["receiver"], f"{name}, {said or 'accepted'}", "forged",
        True, name, None, () if fate == "arrives" else (fate,),
    )  # fmt: skip


# --- notes --------------------------------------------------------------------------------------


def _activity(r: Record, children: Children) -> DiagramRow:
    what = f"{r['activity_class']} {r['activity']}"
    lead_s = max((o["at_s"] - r["at_s"] for o in children.get(r["id"], []) if o["record"] == "Observed"),
                 default=0.0)  # fmt: skip
    said = "announced" if r["noticed"] else "unannounced"
    if lead_s > 0.0:
        text = f"will begin {what} in {elapsed(lead_s)}, {said}"
    else:
        text = f"begins {what}, {said}" + ("" if r["seen"] else ", unseen")
    return DiagramRow(r["at_s"], r["actor"], "", text)


def _observed(r: Record) -> DiagramRow:
    return DiagramRow(
        r["at_s"], r["observer"], "", f"sees {r['activity_class']} {r['activity']} of {r['actor']}"
    )


def _decision(r: Record) -> DiagramRow:
    at = f"(P = {r['probability']:.2g})"
    text = {
        "open": f"fears {r['about']} {at}, decides within {elapsed(r['closes_s'] - r['at_s'])}",
        "stay": f"decides to stay {at}",
        "rise": f"decides to rise {at}",
    }[r["phase"]]
    return DiagramRow(r["at_s"], r["decider"], "", text, loud=True)


def _rung(r: Record) -> DiagramRow:
    way = "rises" if r["after"] > r["before"] else "cools"
    text = f"{way} to rung {r['after']}: {RUNG_NAMES[r['after']]}"
    return DiagramRow(r["at_s"], r["actor"], "", text, loud=True)


def _signal(r: Record) -> DiagramRow:
    return DiagramRow(r["at_s"], r["observer"], "", signalled(r["signal"], r["about"]))


def _answer(r: Record) -> DiagramRow:
    return DiagramRow(r["at_s"], r["asker"], "", answered(r["outcome"], r["peer"]))


def _intent(r: Record) -> DiagramRow:
    way = "begins" if r["intent"] else "stops"
    return DiagramRow(r["at_s"], r["actor"], "", f"{way} to prepare an attack on {r['toward']}", loud=True)


def _attack(r: Record) -> DiagramRow:
    text = f"ATTACK, {'missed' if r['missed'] else 'feared'} (P = {r['probability']:.2g})"
    return DiagramRow(r["at_s"], r["actor"], r["toward"], text, "attack", loud=True)


def _crash(r: Record) -> DiagramRow:
    return DiagramRow(r["at_s"], r["party"], "", "goes down" if r["down"] else "is back", loud=True)


_NOTES = {
    "Observed": _observed, "Decision": _decision, "Rung": _rung, "Signal": _signal, "Answer": _answer,
    "Intent": _intent, "Attack": _attack, "Crash": _crash,
}  # fmt: skip
