"""The rows of a sequence diagram, from a trace: messages with their fate, and notes on a lifeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cbmnet.states.ladder import RUNG_NAMES
from cbmnet.units import format_duration

Fate = Literal["arrives", "lost", "stopped", "refused", "forged"]
_UNSHOWN = ("heartbeat", "link-ack")


@dataclass(frozen=True, slots=True)
class DiagramRow:
    """One row: a message from `source` to `target`, or a note on `source` where `target` is empty."""

    at_s: float
    source: str
    target: str
    text: str
    fate: Fate = "arrives"
    loud: bool = False


def read_trace(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The records of a trace, without its first and last line."""
    import json  # noqa: PLC0415 (kept beside its only use)

    return [record for record in map(json.loads, lines) if "record" in record]


def parties(records: Sequence[dict[str, Any]]) -> list[str]:
    """Everyone who sends, receives or watches, sorted."""
    keys = ("sender", "receiver", "actor", "toward", "observer", "decider", "party")
    return sorted({r[key] for r in records for key in keys if key in r})


def rows(records: Sequence[dict[str, Any]]) -> list[DiagramRow]:
    """All rows in order of time; heartbeats and link acknowledgements are left out."""
    children = _by_cause(records)
    found = []
    for record in records:
        kind = record["record"]
        if kind == "Send" and record["kind"] not in _UNSHOWN:
            found.append(_message(record, children))
        elif kind == "Deliver" and record["forged"]:
            text = f"{record['kind']} (forged{_verdict(record, children)})"
            found.append(
                DiagramRow(record["at_s"], record["sender"], record["receiver"], text, "forged", True)
            )
        elif kind in _NOTES:
            note = _NOTES[kind](record)
            if note is not None:
                found.append(note)
    return found


def _by_cause(records: Sequence[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    children: dict[int, list[dict[str, Any]]] = {}
    for record in records:
        children.setdefault(record["cause"], []).append(record)
    return children


def _message(send: dict[str, Any], children: dict[int, list[dict[str, Any]]]) -> DiagramRow:
    text, fate = send["kind"], "lost"
    attempt = send["label"].rsplit("#", 1)[1].split(".")[0]
    if attempt != "1":
        text += f", attempt {attempt}"
    outcomes = children.get(send["id"], [])
    arrived = [o for o in outcomes if o["record"] == "Deliver"]
    if arrived:
        fate, text = _arrival(send, arrived[0], children, text)
    elif outcomes:
        text += f" ({outcomes[0]['reason']})"
    else:
        fate, text = "arrives", f"{text} (still under way at the end)"
    return DiagramRow(send["at_s"], send["sender"], send["receiver"], text, fate)  # type: ignore[arg-type]


def _arrival(
    send: dict[str, Any], deliver: dict[str, Any], children: dict[int, list[dict[str, Any]]], text: str
) -> tuple[Fate, str]:
    after = format_duration(deliver["at_s"] - send["at_s"])
    for outcome in children.get(deliver["id"], []):
        if outcome["record"] == "Stop":
            return "stopped", f"{text} (+{after}, {outcome['reason']} at the desk)"
        if outcome["record"] == "Reject":
            return "refused", f"{text} (+{after}, {outcome['code']})"
    return "arrives", f"{text} (+{after})"


def _verdict(deliver: dict[str, Any], children: dict[int, list[dict[str, Any]]]) -> str:
    for outcome in children.get(deliver["id"], []):
        if outcome["record"] == "Reject":
            return f", refused: {outcome['code']}"
    return ", accepted"


def _activity(r: dict[str, Any]) -> DiagramRow:
    said = "announced" if r["noticed"] else "unannounced"
    seen = "seen" if r["seen"] else "unseen"
    text = f"{r['activity_class']} {r['activity']}: {said}, {seen} by {r['toward']}"
    return DiagramRow(r["at_s"], r["actor"], "", text)


def _observed(r: dict[str, Any]) -> DiagramRow:
    return DiagramRow(
        r["at_s"], r["observer"], "", f"sees {r['activity_class']} {r['activity']} of {r['actor']}"
    )


def _decision(r: dict[str, Any]) -> DiagramRow | None:
    said = {
        "open": f"fears {r['about']}, decides within {format_duration(r['closes_s'] - r['at_s'])}",
        "stay": "decides to stay",
        "rise": "decides to rise",
    }[r["phase"]]
    return DiagramRow(r["at_s"], r["decider"], "", f"P(attack) {r['probability']:.2g}: {said}", loud=True)


def _rung(r: dict[str, Any]) -> DiagramRow:
    return DiagramRow(r["at_s"], r["actor"], "", f"rung {r['after']}: {RUNG_NAMES[r['after']]}", loud=True)


def _signal(r: dict[str, Any]) -> DiagramRow:
    return DiagramRow(r["at_s"], r["observer"], "", f"{r['signal'].replace('_', ' ')} about {r['about']}")


def _attack(r: dict[str, Any]) -> DiagramRow:
    return DiagramRow(r["at_s"], r["actor"], r["toward"], "ATTACK", loud=True)


_NOTES = {
    "Activity": _activity, "Observed": _observed, "Decision": _decision, "Rung": _rung, "Signal": _signal,
    "Attack": _attack,
}  # fmt: skip
