"""The rows of a message diagram: every transmission of a run, whatever became of it.

Where the story of a run (`diagram.rows`) shows a message once, this shows each attempt, each copy that a
channel made of it, and the link acknowledgements. "notice 1.3" is the notice with sequence number 3 in the
stream 1 of its label, and "link-ack 1.3" acknowledges it.
"""

from collections.abc import Collection, Iterator, Sequence

from cbmnet.datagram import Label
from cbmnet.protocols.endpoint import ACK_KIND
from cbmnet.reports.diagram import (
    Children,
    DiagramRow,
    Record,
    Sign,
    by_cause,
    forgery_row,
    message_row,
    note_row,
)

HIDDEN = ("heartbeat",)  # a month of them would bury everything else
_ENDS = ("Deliver", "Drop")
_Message = tuple[str, str, int, int]


def kinds_of(records: Sequence[Record]) -> list[str]:
    """The kinds of message that were sent or forged, sorted."""
    return sorted({record["kind"] for record in records if record["record"] in ("Send", "Deliver")})


def rows(
    records: Sequence[Record], kinds: Collection[str] | None = None, *, notes: bool = False
) -> list[DiagramRow]:
    """All rows in order of time: messages of these kinds (default: all but heartbeats), notes if wanted.

    A link acknowledgement is shown if its kind and the kind of what it acknowledges are.
    """
    shown = frozenset(kinds_of(records)).difference(HIDDEN) if kinds is None else frozenset(kinds)
    children, hidden = by_cause(records), _hidden(records, shown)
    found: list[DiagramRow] = []
    for record in records:
        if record["record"] == "Send":
            if record["kind"] in shown and _answered(record) not in hidden:
                found += _transmissions(record, children)
        elif record["record"] == "Deliver":
            if record["forged"] and record["kind"] in shown:
                found.append(forgery_row(record, children))
        elif (notes or record["record"] == "Crash") and (note := note_row(record, children)):
            found.append(note)
    return found


def _hidden(records: Sequence[Record], shown: Collection[str]) -> set[_Message]:
    """The messages that are not shown, link acknowledgements left aside."""
    sends = [r for r in records if r["record"] == "Send" and r["kind"] not in (*shown, ACK_KIND)]
    return {_message(send["sender"], send["receiver"], Label(*send["label"])) for send in sends}


def _answered(send: Record) -> _Message | None:
    """The message that a link acknowledgement is for."""
    if send["kind"] != ACK_KIND:
        return None
    return _message(send["receiver"], send["sender"], Label(*send["label"]))


def _message(sender: str, receiver: str, label: Label) -> _Message:
    return sender, receiver, label.stream, label.sequence


def _transmissions(send: Record, children: Children) -> Iterator[DiagramRow]:
    label = Label(*send["label"])
    name = _name(label)
    signs: tuple[Sign, ...] = ("ack",) if label.kind == ACK_KIND else ()
    ends = [r for r in children.get(send["id"], ()) if r["record"] in _ENDS and not r.get("forged")]
    if not any(end["label"] == send["label"] for end in ends):
        yield message_row(send, None, name, children, signs)
    copies = 1
    for end in ends:
        if end["label"] == send["label"]:
            yield message_row(send, end, name, children, signs)
        else:
            copies += 1
            yield message_row(send, end, f"{name}, copy {copies}", children, (*signs, "copy"))
        for astray in children.get(end["id"], ()) if end["record"] == "Drop" else ():
            if astray["record"] in _ENDS:
                there = {**send, "receiver": astray["receiver"]}
                yield message_row(there, astray, f"{name}, misrouted", children, signs)


def _name(label: Label) -> str:
    epoch = f" of epoch {label.epoch}" if label.epoch else ""
    of = " of" if label.kind == ACK_KIND else ","  # one of these names the attempt that it answers
    attempt = f"{of} attempt {label.attempt}" if label.attempt > 1 else ""
    return f"{label.kind} {label.stream}.{label.sequence}{epoch}{attempt}"
