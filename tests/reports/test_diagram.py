"""What the rows of a diagram say of each record."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from cbmnet.datagram import Label
from cbmnet.records import (
    Accept,
    Activity,
    Answer,
    Attack,
    Crash,
    Deliver,
    Drop,
    Observed,
    Reject,
    Rung,
    Send,
    Signal,
    Stop,
    Transport,
)
from cbmnet.reports.diagram import parties, rows

Tell = Callable[..., list[dict[str, Any]]]
LABEL = Label("notice", 5, 0, 1)
SENT = Send(0.0, 1, 0, "red", "blue", "notice", LABEL)
CAME = Deliver(1200.0, 2, 1, "red", "blue", "notice", LABEL, False, False)


@pytest.mark.parametrize(
    ("after", "fate", "text"),
    [
        ([Drop(0.0, 2, 1, "red", "blue", "notice", LABEL, 0, "loss")], "lost", "notice, lost"),
        ([Drop(0.0, 2, 1, "red", "blue", "notice", LABEL, 1, "outage")], "lost", "notice, lost: outage"),
        ([CAME, Accept(1200.0, 3, 2, "blue", "red", "notice", "aa", 1200.0)], "arrives", "notice, +20 m"),
        ([CAME, Stop(1200.0, 3, 2, "blue", "red", "notice", "not forwarded")], "stopped",
         "notice, +20 m, not forwarded at the desk"),
        ([CAME, Reject(1200.0, 3, 2, "blue", "red", "BadSignature")], "refused",
         "notice, +20 m, refused: BadSignature"),
        ([CAME, Transport(1200.0, 3, 2, "blue", "red", "malformed", 0, 0, 0)], "refused",
         "notice, +20 m, malformed"),
        ([], "under way", "notice, still under way at the end"),
    ],
    ids=["lost", "outage", "accepted", "stopped", "refused", "malformed", "under way"],
)  # fmt: skip
def test_a_message_has_its_fate(tell: Tell, after: list[Any], fate: str, text: str) -> None:
    """A sent message is one row, with what became of it in mark and words."""
    (row,) = rows(tell(SENT, *after))
    assert (row.at_s, row.source, row.target, row.text, row.fate) == (0.0, "red", "blue", text, fate)
    assert (row.name, row.ends_s) == ("notice", after[0].at_s if after else None)


def test_a_copy_that_arrived_outweighs_one_that_was_lost(tell: Tell) -> None:
    """A duplicated datagram is shown as arrived if any copy of it arrived."""
    lost = Drop(0.0, 3, 1, "red", "blue", "notice", LABEL._replace(copy=1), 0, "loss")
    assert rows(tell(SENT, lost, CAME))[0].fate == "arrives"


def test_a_retransmission_says_which_attempt_it_is(tell: Tell) -> None:
    """The label's attempt is in the words from the second on."""
    again = replace(SENT, label=LABEL._replace(attempt=3))
    (row,) = rows(tell(again))
    assert row.text.startswith("notice, attempt 3, ")
    assert row.signs == ("again",)


def test_a_corrupted_message_says_so(tell: Tell) -> None:
    """In a sign and in words, before what the receiver made of it."""
    spoilt = replace(CAME, corrupted=True)
    (row,) = rows(tell(SENT, spoilt, Reject(1200.0, 3, 2, "blue", "red", "BadSignature")))
    assert (row.fate, row.signs) == ("refused", ("corrupted",))
    assert row.text == "notice, +20 m, corrupted, refused: BadSignature"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (Accept(5.0, 2, 1, "blue", "red", "leader-text", "aa", 0.0), "forged leader-text, accepted"),
        (Reject(5.0, 2, 1, "blue", "red", "BadSignature"), "forged leader-text, refused: BadSignature"),
        (Stop(5.0, 2, 1, "blue", "red", "leader-text", "refused"), "forged leader-text, refused at the desk"),
    ],
)
def test_a_forgery_is_marked_and_says_whether_it_was_believed(tell: Tell, after: Any, said: str) -> None:
    """Bytes that nobody sent are a forged row in the name they claim."""
    forged = Deliver(5.0, 1, 0, "red", "blue", "leader-text", LABEL, False, True)
    (row,) = rows(tell(forged, after))
    assert (row.source, row.target, row.fate, row.text) == ("red", "blue", "forged", said)
    assert row.signs == {Accept: (), Reject: ("refused",), Stop: ("stopped",)}[type(after)]


def test_a_notice_given_ahead_does_not_say_that_it_was_seen(tell: Tell) -> None:
    """With a lead of 4 h the note at the notice says what is to come; the sight of it has its own time."""
    activity = Activity(0.0, 1, 0, "red", "blue", 1, "launch", 9, 0, True, True)
    seen = Observed(14400.0, 2, 1, "blue", "red", 1, "launch")
    first, second = rows(tell(activity, seen))
    assert (first.at_s, first.text) == (0.0, "will begin launch 1 in 4 h, announced")
    assert (second.at_s, second.source, second.text) == (14400.0, "blue", "sees launch 1 of red")


@pytest.mark.parametrize(
    ("noticed", "seen", "text"),
    [(True, True, "begins exercise 2, announced"), (False, False, "begins exercise 2, unannounced, unseen")],
)
def test_an_activity_that_begins_at_once_says_so(tell: Tell, noticed: bool, seen: bool, text: str) -> None:
    """Whether notice was given, and that nobody saw it where nobody did."""
    assert rows(tell(Activity(0.0, 1, 0, "red", "blue", 2, "exercise", 9, 0, noticed, seen)))[0].text == text


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (Signal(0.0, 1, 0, "blue", "red", "rung_rise"), "sees red go up a rung"),
        (Signal(0.0, 1, 0, "blue", "red", "hostile_message"), "reads a hostile text from red"),
        (Signal(0.0, 1, 0, "blue", "red", "tremor"), "has a signal tremor about red"),
        (Answer(0.0, 1, 0, "blue", "red", "none"), "has no answer from red in time"),
        (Rung(0.0, 1, 0, "blue", "red", 3, 4, 0), "rises to rung 4: partial mobilisation"),
        (Rung(0.0, 1, 0, "blue", "", 1, 0, 0), "cools to rung 0: normal"),
        (Crash(0.0, 1, 0, "blue", True), "goes down"),
    ],
)
def test_a_note_goes_on_after_the_name_of_its_party(tell: Tell, record: Any, text: str) -> None:
    """Notes read as what their party does, so that name and note make a sentence."""
    (row,) = rows(tell(record))
    assert (row.source, row.target, row.text) == ("blue", "", text)


def test_an_attack_is_loud_and_says_whether_it_was_feared(tell: Tell) -> None:
    """It goes from the attacker to the attacked, with the belief it met."""
    (row,) = rows(tell(Attack(0.0, 1, 0, "red", "blue", 0.02, True)))
    assert (row.target, row.fate, row.text) == ("blue", "attack", "ATTACK, missed (P = 0.02)")


def test_heartbeats_and_link_acknowledgements_are_left_out(tell: Tell) -> None:
    """They would bury everything else."""
    assert rows(tell(replace(SENT, kind="heartbeat"), replace(SENT, id=2, kind="link-ack"))) == []


def test_a_run_has_its_rows_in_order_and_all_its_parties(hoax: list[dict[str, Any]]) -> None:
    """Times never go back; who sends, watches or is claimed as a sender is a party."""
    found = rows(hoax)
    assert [row.at_s for row in found] == sorted(row.at_s for row in found)
    assert parties(hoax) == ["india", "monitor", "pakistan"]
    assert {row.source for row in found} | {row.target for row in found} - {""} <= set(parties(hoax))
    assert "forged" in {row.fate for row in found}
