"""The rows of a sequence diagram, from a trace: messages with their fate, and notes on a lifeline."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cbmnet.reports.words import answered, elapsed, signalled
from cbmnet.states.ladder import RUNG_NAMES

Fate = Literal["arrives", "lost", "stopped", "refused", "forged", "attack"]
Record = dict[str, Any]
Children = dict[int, list[Record]]
_UNSHOWN = ("heartbeat", "link-ack")


@dataclass(frozen=True, slots=True)
class DiagramRow:
    """One row: a message from `source` to `target`, or a note on `source` where `target` is empty.

    The text of a note goes on after the name of its party: "sees launch 1 of norway".
    """

    at_s: float
    source: str
    target: str
    text: str
    fate: Fate = "arrives"
    loud: bool = False


def read_trace(lines: Iterable[str]) -> list[Record]:
    """The records of a trace, without its first and last line."""
    return [record for record in map(json.loads, lines) if "record" in record]


def parties(records: Sequence[Record]) -> list[str]:
    """Everyone who sends, receives or watches, sorted."""
    keys = ("sender", "receiver", "actor", "toward", "observer", "decider", "party")
    return sorted({r[key] for r in records for key in keys if key in r})


def rows(records: Sequence[Record]) -> list[DiagramRow]:
    """All rows in order of time; heartbeats and link acknowledgements are left out."""
    children: Children = {}
    for record in records:
        children.setdefault(record["cause"], []).append(record)
    found = (_row(record, children) for record in records)
    return [row for row in found if row is not None]


def _row(record: Record, children: Children) -> DiagramRow | None:
    kind = record["record"]
    if kind == "Send" and record["kind"] not in _UNSHOWN:
        return _message(record, children)
    if kind == "Deliver" and record["forged"]:
        return _forgery(record, children)
    if kind == "Activity":
        return _activity(record, children)
    return _NOTES[kind](record) if kind in _NOTES else None


# --- messages -----------------------------------------------------------------------------------


def _message(send: Record, children: Children) -> DiagramRow:
    attempt = send["label"].rsplit("#", 1)[1].split(".")[0]
    text = send["kind"] if attempt == "1" else f"{send['kind']}, attempt {attempt}"
    fate, ending = _fate(send, children)
    return DiagramRow(send["at_s"], send["sender"], send["receiver"], f"{text}, {ending}", fate)


def _fate(send: Record, children: Children) -> tuple[Fate, str]:
    outcomes = children.get(send["id"], [])
    for outcome in outcomes:
        if outcome["record"] == "Deliver":
            fate, said = _reception(outcome, children)
            after = f"+{elapsed(outcome['at_s'] - send['at_s'])}"
            return fate, f"{after}, {said}" if said else after
    for outcome in outcomes:
        if outcome["record"] == "Drop":
            return "lost", "lost" if outcome["reason"] == "loss" else f"lost: {outcome['reason']}"
    return "arrives", "still under way at the end"


def _reception(deliver: Record, children: Children) -> tuple[Fate, str]:
    """What became of bytes that arrived; no words where they were accepted."""
    for outcome in children.get(deliver["id"], []):
        if outcome["record"] == "Stop":
            return "stopped", f"{outcome['reason']} at the desk"
        if outcome["record"] == "Reject":
            return "refused", f"refused: {outcome['code']}"
        if outcome["record"] == "Transport" and outcome["event"] == "malformed":
            return "refused", "malformed"
    return "arrives", ""


def _forgery(deliver: Record, children: Children) -> DiagramRow:
    text = f"forged {deliver['kind']}, {_reception(deliver, children)[1] or 'accepted'}"
    return DiagramRow(deliver["at_s"], deliver["sender"], deliver["receiver"], text, "forged", loud=True)


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
