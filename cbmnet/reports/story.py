"""Why it came to this: the chain of causes of one run, backwards from its gravest moment, told forwards."""

from collections.abc import Callable, Sequence
from typing import Any

from cbmnet.protocols.endpoint import KINDS
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
            story += _fate(records, link, last["at_s"])
    unique = {(r["record"], r["id"]): r for r in story}
    return sorted(unique.values(), key=lambda r: (r["at_s"], r["id"]))


_ENDS = ("Drop", "Stop", "Accept", "Reject")


def _is_notice(record: dict[str, Any]) -> bool:
    return bool(record.get("kind", "notice") == "notice")


def _fate(
    records: Sequence[dict[str, Any]], activity: dict[str, Any], until_s: float
) -> list[dict[str, Any]]:
    """What became of the notices of an activity by a time: waiting, every sending, what came of each.

    That one was given up, or had not arrived by then, is told as well.
    """
    so_far = [r for r in records if r["at_s"] <= until_s]
    told: list[dict[str, Any]] = []
    for seal in so_far:
        if seal["record"] == "Seal" and seal["cause"] == activity["id"] and _is_notice(seal):
            sends = [r for r in so_far if r["record"] == "Send" and _is_of(r, seal)]
            if not sends or sends[0]["at_s"] > seal["at_s"]:
                told.append({**seal, "record": "Waits", "behind": _unacknowledged(so_far, seal)})
            ends = _ends(so_far, {r["id"] for r in sends})
            told += [*sends, *ends, *(r for r in so_far if _is_given_up(r, seal))]
            if not any(end["record"] != "Drop" for end in ends):
                told += _under_way(records, sends, until_s)
    return told


def _is_given_up(record: dict[str, Any], seal: dict[str, Any]) -> bool:
    return bool(record["record"] == "Transport" and record["event"] == "gave up") and (
        record["party"], record["peer"], record["stream"], record["sequence"],
    ) == (seal["sender"], seal["receiver"], seal["stream"], seal["sequence"])  # fmt: skip


def _under_way(
    records: Sequence[dict[str, Any]], sends: Sequence[dict[str, Any]], until_s: float
) -> list[dict[str, Any]]:
    """The first of these sendings that ends only after a time, as a record of that time; or nothing."""
    ends = {r["cause"]: r for r in reversed(records) if r["record"] in ("Deliver", "Drop")}
    for send in sends:
        end = ends.get(send["id"])
        if end is None or end["at_s"] > until_s:
            arrives_s = end["at_s"] if end is not None and end["record"] == "Deliver" else None
            return [{**send, "record": "UnderWay", "at_s": until_s, "arrives_s": arrives_s}]
    return []


def _is_of(send: dict[str, Any], seal: dict[str, Any]) -> bool:
    """Whether this sends the message that was sealed: by the number that the transport knows it by."""
    kind, stream, _, sequence, *_ = send["label"]
    return all(send[key] == seal[key] for key in ("sender", "receiver")) and (kind, stream, sequence) == (
        seal["kind"], seal["stream"], seal["sequence"],
    )  # fmt: skip


def _unacknowledged(records: Sequence[dict[str, Any]], seal: dict[str, Any]) -> str | None:
    """The kind of what was sent last on the same stream, if it still waited for its acknowledgement."""
    line, last, settled = (seal["sender"], seal["receiver"], seal["stream"]), None, set[int]()
    for r in records:
        if r["at_s"] > seal["at_s"]:
            break
        if r["record"] == "Transport" and (r["party"], r["peer"], r["stream"]) == line:
            settled.add(r["sequence"])
        elif r["record"] == "Send" and r["kind"] not in KINDS:
            last = r if (r["sender"], r["receiver"], r["label"][1]) == line else last
    return None if last is None or last["label"][3] in settled else str(last["kind"])


def _ends(records: Sequence[dict[str, Any]], sends: set[int]) -> list[dict[str, Any]]:
    """What these sendings ended in: a loss, or at the receiver a desk, an acceptance, a refusal."""
    within, found = set(sends), []
    for record in records:  # a cause always has a lower number than what it causes
        if record["cause"] in within and record["record"] in ("Deliver", *_ENDS):
            within.add(record["id"])
            if record["record"] in _ENDS:
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


def _told_send(r: dict[str, Any]) -> str:
    attempt = r["label"][4]
    again = f" again, attempt {attempt}" if attempt > 1 else ""
    return f"{r['sender']} sends {'the' if again else 'a'} {r['kind']} to {r['receiver']}{again}."


def _told_waits(r: dict[str, Any]) -> str:
    said = f": {r['receiver']} has not acknowledged an earlier {r['behind']}" if r["behind"] else ""
    return f"The {r['kind']} waits at {r['sender']}{said}."


def _told_under_way(r: dict[str, Any]) -> str:
    later = r["arrives_s"]
    said = "" if later is None else f"; it reaches {r['receiver']} {elapsed(later - r['at_s'])} later"
    return f"The {r['kind']} is still under way{said}."


def _told_transport(r: dict[str, Any]) -> str:
    if r["event"] != "gave up":
        return ""
    times = {1: "once", 2: "twice"}.get(r["attempts"], f"{r['attempts']} times")
    return f"{r['party']} gives it up, sent {times} without an acknowledgement."


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
    "Waits": _told_waits,
    "UnderWay": _told_under_way,
    "Transport": _told_transport,
    "Send": _told_send,
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
