"""Which transmissions of a run a message diagram shows, and how it names them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from cbmnet.datagram import Label
from cbmnet.records import Crash, Deliver, Drop, Observed, Send
from cbmnet.reports.transmissions import kinds_of, rows

Tell = Callable[..., list[dict[str, Any]]]
NOTICE = Label("notice", 1, 0, 3)


def sent(id_: int, label: Label = NOTICE, sender: str = "red", receiver: str = "blue") -> Send:
    return Send(0.0, id_, 0, sender, receiver, label.kind, label)


def came(id_: int, send: Send, at_s: float, copy: int = 0) -> Deliver:
    label = send.label._replace(copy=copy)
    return Deliver(at_s, id_, send.id, send.sender, send.receiver, label.kind, label, False, False)


def lost(id_: int, send: Send, copy: int = 0) -> Drop:
    label = send.label._replace(copy=copy)
    return Drop(0.0, id_, send.id, send.sender, send.receiver, label.kind, label, 0, "loss")


def test_every_copy_is_a_row_of_its_own(tell: Tell) -> None:
    """A copy that a channel made has its own fate; copies are counted from 2, whatever their label says."""
    send = sent(1)
    found = rows(tell(send, lost(2, send, copy=2), came(3, send, 60.0), came(4, send, 90.0, copy=1)))
    assert [(row.text, row.fate, row.signs) for row in found] == [
        ("notice 1.3, copy 2, lost", "lost", ("copy",)),
        ("notice 1.3, +1 m", "arrives", ()),
        ("notice 1.3, copy 3, +1 m 30 s", "arrives", ("copy",)),
    ]


def test_what_has_met_no_end_is_under_way(tell: Tell) -> None:
    """Also where a copy of it has: the original is not that copy."""
    send = sent(1)
    first, second = rows(tell(send, came(2, send, 60.0, copy=1)))
    assert (first.text, first.fate) == ("notice 1.3, still under way at the end", "under way")
    assert second.text == "notice 1.3, copy 2, +1 m"


def test_attempt_and_epoch_are_in_the_name(tell: Tell) -> None:
    """An acknowledgement names the attempt that it answers, and is not itself sent again."""
    again = sent(1, Label("notice", 1, 2, 3, 4))
    ack = sent(3, Label("link-ack", 1, 0, 3, 4), "blue", "red")
    first, second = rows(tell(again, came(2, again, 1.0), ack, came(4, ack, 2.0)))
    assert (first.name, first.signs) == ("notice 1.3 of epoch 2, attempt 4", ("again",))
    assert (second.name, second.signs) == ("link-ack 1.3 of attempt 4", ("ack",))


def test_heartbeats_and_their_acknowledgements_are_hidden(tell: Tell) -> None:
    """Unless they are asked for; an acknowledgement of what is shown stays, of the other direction too."""
    beat, notice = sent(1, Label("heartbeat", 2, 0, 3)), sent(2)
    of_beat = sent(3, Label("link-ack", 2, 0, 3), "blue", "red")
    of_notice = sent(4, Label("link-ack", 1, 0, 3), "blue", "red")
    other_way = sent(5, Label("link-ack", 2, 0, 3), "red", "blue")
    records = tell(beat, notice, of_beat, of_notice, other_way)
    assert [row.name for row in rows(records)] == ["notice 1.3", "link-ack 1.3", "link-ack 2.3"]
    assert [row.name for row in rows(records, ["heartbeat"])] == ["heartbeat 2.3"]
    assert [row.name for row in rows(records, ["heartbeat", "link-ack"])] == [
        "heartbeat 2.3", "link-ack 2.3", "link-ack 2.3",
    ]  # fmt: skip
    assert kinds_of(records) == ["heartbeat", "link-ack", "notice"]


def test_notes_come_when_asked_and_crashes_always(tell: Tell) -> None:
    """A crash explains what is lost; what parties see is the story's."""
    records = tell(Crash(0.0, 1, 0, "blue", True), Observed(1.0, 2, 0, "blue", "red", 1, "launch"))
    assert [row.text for row in rows(records)] == ["goes down"]
    assert [row.text for row in rows(records, notes=True)] == ["goes down", "sees launch 1 of red"]


def test_a_forgery_is_shown_if_its_kind_is(tell: Tell) -> None:
    """Nobody sent it, so it has no Send."""
    forged = Deliver(5.0, 1, 0, "red", "blue", "leader-text", Label("leader-text", 1, 0, 1), False, True)
    assert [row.fate for row in rows(tell(forged))] == ["forged"]
    assert rows(tell(forged), ["notice"]) == []


def test_every_transmission_of_a_run_has_a_row(crowd: list[dict[str, Any]]) -> None:
    """As many rows as there are ends and messages without one, by the trace's own count."""
    found = Counter(row.fate for row in rows(crowd, kinds_of(crowd)))
    ends = Counter(record["record"] for record in crowd if record["record"] in ("Deliver", "Drop"))
    assert found["lost"] == ends["Drop"] > 0
    assert sum(found[fate] for fate in ("arrives", "refused", "stopped", "forged")) == ends["Deliver"] + sum(
        record["record"] == "Crash" for record in crowd
    )
