"""The chain of causes of a run, and its words."""

from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest
from msgspec.structs import replace

from cbmnet.datagram import Label
from cbmnet.records import RECORDS, Attack, Belief, Decision, Rung
from cbmnet.reports import story
from cbmnet.reports.words import elapsed

from .conftest import records_of

Records = list[dict[str, Any]]
BELIEF = Belief(3.0, 4, 0, "blue", "red", 0.9, 0.5)
DECISION = Decision(2.0, 3, 0, "blue", "red", "rise", 0.4, 2.0, 0.3)
RISE = Rung(1.0, 2, 0, "blue", "red", 1, 2, 0)
ATTACK = Attack(0.0, 1, 0, "red", "blue", 0.1, True)


def test_the_gravest_is_an_attack_then_a_rise_then_a_decision_then_a_belief(
    tell: Callable[..., Records],
) -> None:
    """Each outweighs what follows it, whatever the numbers; of equals the first; nothing is None."""
    ordered = [ATTACK, RISE, DECISION, BELIEF]
    for number, record in enumerate(ordered):
        gravest = story.gravest(tell(*reversed(ordered[number:])))
        assert gravest is not None
        assert gravest["record"] == type(record).__name__
    again = replace(RISE, id=9, at_s=9.0)
    assert story.gravest(tell(again, RISE)) == tell(RISE)[0]
    assert story.gravest([]) is None


def test_cooling_is_nothing_grave(tell: Callable[..., Records]) -> None:
    """A step down the ladder is outweighed by any decision, and alone is no story."""
    down = replace(RISE, before=9, after=8)
    assert story.gravest(tell(down, DECISION))["record"] == "Decision"  # type: ignore[index]
    assert story.gravest(tell(down)) is None


@pytest.mark.parametrize("name", ["norway", "hoax", "broken"])
def test_the_chain_goes_from_a_first_cause_to_the_gravest(name: str, request: pytest.FixtureRequest) -> None:
    """It starts without cause, each link is caused by one before it, and it ends in the gravest."""
    records: Records = request.getfixturevalue(name)
    last = story.gravest(records)
    assert last is not None
    links = story.chain(records, last)
    assert links[0]["cause"] == 0
    assert links[-1] == last
    known = {link["id"] for link in links}
    by_id = {record["id"]: record for record in records}
    for link in links[1:]:
        cause = link["cause"]
        while cause and cause not in known:  # the arrival of a notice is passed over, not its cause
            cause = by_id[cause]["cause"]
        assert cause in known
    assert [link["id"] for link in links] == sorted(known)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("norway", "The notice arrived, but is not forwarded at russia's desk."),
        ("hoax", "A forged leader-text in india's name reaches pakistan."),
        ("broken", "The notice is lost on hop 1 (loss)."),
    ],
)
def test_the_story_names_the_fate_of_the_words(name: str, said: str, request: pytest.FixtureRequest) -> None:
    """What became of the notice, or where a false text came from, is one of the sentences."""
    records: Records = request.getfixturevalue(name)
    last = story.gravest(records)
    assert last is not None
    assert said in [story.sentence(link) for link in story.chain(records, last)]


def test_a_notice_that_waits_for_the_line_is_told(slow: Records) -> None:
    """Every sending of a notice is in its story, and its waiting if it was not sent when it was sealed."""
    told = 0
    for activity in [r for r in slow if r["record"] == "Activity"]:
        seal = next(r for r in slow if r["record"] == "Seal" and r["cause"] == activity["id"])
        number = [seal[key] for key in ("sender", "receiver", "kind", "stream", "sequence")]
        sent = [r for r in slow if r["record"] == "Send" and numbered(r) == number]
        last = {"record": "Belief", "id": 10**9, "cause": activity["id"], "at_s": slow[-1]["at_s"]}
        links = story.chain(slow, last)
        assert [link for link in links if link["record"] == "Send"] == sent
        lost = sum(r["record"] == "Drop" and r["cause"] in {send["id"] for send in sent} for r in slow)
        assert sum(link["record"] == "Drop" for link in links) == lost
        waited = not sent or sent[0]["at_s"] > seal["at_s"]
        said = [story.sentence(link) for link in links if link["record"] == "Waits"]
        behind = f"The notice waits at {number[0]}: {number[1]} has not acknowledged an earlier "
        assert [sentence.removeprefix(behind) in ("notice.", "query.") for sentence in said] == [
            True
        ] * waited
        told += waited
    assert told > 3


FORWARDED = ("states.russia.prior=0.03", "states.russia.desk.forwards=1.0")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            ("channel.delay=5h", "channel.distribution=constant"),
            ["d0 06:00:00  The notice is still under way; it reaches russia 6 h later."],
        ),
        (
            ("channel.delay=9h", "channel.distribution=constant"),
            ["d0 06:00:00  The notice is still under way."],  # the run ends before
        ),
        (
            ("channel.loss=1.0", "protocol.variant=stop-and-wait", "protocol.rto=1h", "protocol.max_sends=2"),
            ["d0 05:00:00  norway gives it up, sent twice without an acknowledgement."],
        ),
        (
            ("channel.loss=1.0", "protocol.variant=stop-and-wait", "protocol.rto=3h", "protocol.max_sends=9"),
            [],
        ),
        (("channel.delay=20m",), []),
    ],
)
def test_a_notice_that_is_given_up_or_comes_too_late_is_told(
    settings: tuple[str, ...], said: list[str]
) -> None:
    """Of the launch of 1995: what had become of its notice when the launch was seen."""
    records = records_of("episodes/norway-1995.toml", *FORWARDED, *settings)
    last = story.gravest(records)
    assert last is not None
    told = story.told(story.chain(records, last))
    assert [line for line in told if "under way" in line or "gives it up" in line] == said


def numbered(send: dict[str, Any]) -> list[Any]:
    """Which message a datagram carries."""
    kind, stream, _, sequence, *_ = send["label"]
    return [send["sender"], send["receiver"], kind, stream, sequence]


def test_a_message_sent_again_says_which_attempt_it_is() -> None:
    """The first sending needs no number."""
    first = {
        "record": "Send",
        "sender": "a",
        "receiver": "b",
        "kind": "notice",
        "label": ["notice", 1, 0, 1, 1, 0],
    }
    again = first | {"label": ["notice", 1, 0, 1, 3, 0]}
    assert story.sentence(first) == "a sends a notice to b."
    assert story.sentence(again) == "a sends the notice to b again, attempt 3."


def test_every_kind_of_record_has_words_or_none() -> None:
    """No record can end a story in an error."""
    for kind in RECORDS:
        hints = get_type_hints(kind)
        record = {name: _any_value(name, hint) for name, hint in hints.items()}
        said = story.sentence({"record": kind.__name__, **record})
        assert said == "" or said.endswith(".")


_CHOSEN = {"outcome": "none", "phase": "open", "signal": "alarm"}


def _any_value(name: str, hint: Any) -> Any:
    if hint is Label:
        return Label("notice", 1, 0, 1)
    return _CHOSEN.get(name) or (get_args(hint) or (hint,))[0](1)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"), (0.25, "0.25 s"), (59.6, "1 m"), (90.0, "1 m 30 s"), (2181.0, "36 m 21 s"),
        (3570.0, "59 m 30 s"), (3599.6, "1 h"), (5335.2, "1 h 29 m"), (86399.9, "1 d"), (86400.0, "1 d"),
        (129600.0, "1 d 12 h"), (35.7 * 86400, "35 d 17 h"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, said: str) -> None:
    """Rounded to the smaller of the two, carried where it rounds up."""
    assert elapsed(seconds) == said
