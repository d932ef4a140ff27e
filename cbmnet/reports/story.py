"""Why it came to this: the chain of causes of one run, backwards from its gravest moment, told forwards."""

from collections.abc import Callable, Sequence
from typing import Any

from cbmnet.reports.words import answered, clock, elapsed, signalled
from cbmnet.states.ladder import RUNG_NAMES


def gravest(records: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What the story is about: an attack, else the highest rise, else the most alarmed belief."""
    for kind, weight in _GRAVE:
        found = [r for r in records if r["record"] == kind and not _cools(r)]
        if found:
            return max(found, key=lambda r: (r[weight], -r["id"]))
    return None


_GRAVE = (("Attack", "at_s"), ("Rung", "after"), ("Decision", "probability"), ("Belief", "probability"))


def _cools(record: dict[str, Any]) -> bool:
    return record["record"] == "Rung" and bool(record["after"] < record["before"])


def chain(records: Sequence[dict[str, Any]], last: dict[str, Any]) -> list[dict[str, Any]]:
    """The records that led to `last`, first cause first; for each activity also its notices' fate."""
    by_id = {r["id"]: r for r in records}
    links: list[dict[str, Any]] = []
    record: dict[str, Any] | None = last
    while record is not None:
        links.append(record)
        record = by_id.get(record["cause"])
    story = []
    for link in reversed(links):
        story.append(link)
        if link["record"] == "Activity":
            story += [r for r in _descendants(records, link["id"]) if r["record"] in _FATES and _is_notice(r)]
    unique = {r["id"]: r for r in story}
    return sorted(unique.values(), key=lambda r: (r["at_s"], r["id"]))


_FATES = ("Send", "Drop", "Stop", "Accept", "Reject")


def _is_notice(record: dict[str, Any]) -> bool:
    return bool(record.get("kind", "notice") == "notice")


def _descendants(records: Sequence[dict[str, Any]], root: int) -> list[dict[str, Any]]:
    within, found = {root}, []
    for record in records:  # a cause always has a lower number than what it causes
        if record["cause"] in within and record["record"] in (*_FATES, "Deliver"):
            within.add(record["id"])
            found.append(record)
    return found


def told(links: Sequence[dict[str, Any]]) -> list[str]:
    """The chain as lines, each with its time; records that need no words are left out."""
    return [f"{clock(link['at_s'])}  {said}" for link in links if (said := sentence(link))]


def sentence(r: dict[str, Any]) -> str:
    """One record in words."""
    return _TOLD[r["record"]](r) if r["record"] in _TOLD else ""


def _told_activity(r: dict[str, Any]) -> str:
    intent = "preparing an attack" if r["intent"] else "meaning no harm"
    said = "notice" if r["noticed"] else "no notice"
    return f"{r['actor']}, {intent}, gives {r['toward']} {said} of {r['activity_class']} {r['activity']}."


_PHASES = {
    "open": "opens a decision about",
    "stay": "stays where it is about",
    "rise": "decides to rise about",
}

_TOLD: dict[str, Callable[[dict[str, Any]], str]] = {
    "Activity": _told_activity,
    "Intent": lambda r: (
        f"{r['actor']} {'begins' if r['intent'] else 'stops'} to prepare an attack on {r['toward']}."
    ),
    "Send": lambda r: f"{r['sender']} sends a {r['kind']} to {r['receiver']}.",
    "Drop": lambda r: f"The {r['kind']} is lost on hop {r['hop'] + 1} ({r['reason']}).",
    "Deliver": lambda r: (
        f"A {'forged ' * r['forged']}{r['kind']} in {r['sender']}'s name reaches {r['receiver']}."
    ),
    "Accept": lambda r: f"{r['receiver']} accepts the {r['kind']}, {elapsed(r['transit_s'])} old.",
    "Stop": lambda r: f"The {r['kind']} arrived, but is {r['reason']} at {r['receiver']}'s desk.",
    "Reject": lambda r: f"{r['receiver']} refuses it: {r['code']}.",
    "Observed": lambda r: f"{r['observer']} sees {r['activity_class']} {r['activity']} of {r['actor']}.",
    "Verdict": lambda r: f"{r['agent']}'s analyst finds the notice {r['verdict']}: {r['reason']}.",
    "Signal": lambda r: f"{r['observer']} {signalled(r['signal'], r['about'])}.",
    "Answer": lambda r: f"{r['asker']} {answered(r['outcome'], r['peer'])}.",
    "Belief": lambda r: (
        f"{r['observer']} now holds P({r['about']} prepares an attack) = {r['probability']:.3g}, "
        f"trusting the line at {r['delivery']:.2g}."
    ),
    "Decision": lambda r: (
        f"{r['decider']} {_PHASES[r['phase']]} {r['about']}: P = {r['probability']:.3g}, "
        f"threshold {r['threshold']:g}."
    ),
    "Rung": lambda r: f"{r['actor']} goes from rung {r['before']} to {r['after']}: {RUNG_NAMES[r['after']]}.",
    "Attack": lambda r: f"{r['actor']} attacks {r['toward']}, which held it at P = {r['probability']:.3g}.",
}
