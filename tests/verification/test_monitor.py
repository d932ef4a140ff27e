"""The third party, in runs where nothing else happens."""

from math import log
from typing import Any

import pytest

from cbmnet.reports.diagram import read_trace
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import Tally, run
from cbmnet.simulation.trace import Trace

DAY_S = 86400.0
PRIOR = 0.05
NEVER = {"base": "0/d"}
QUIET: dict[str, Any] = {
    "name": "quiet",
    "study": {"horizon": "4d"},
    "channel": {"hops": 1, "loss": 0.0, "delay": "20m", "distribution": "constant"},
    "activities": {"exercise": {"rate": "0/d"}},
    "signals": {"alarm": NEVER, "severe_warning": NEVER, "hostile_message": NEVER, "rung_rise": NEVER},
    "monitor": {"coverage": 0.0},
    "states": {name: {"prior": PRIOR, "decides": False} for name in ("blue", "red")},
}


RARE = {"exercise": {"rate": "0.0001/d"}}  # it may happen, and in these days does not by itself


def traced(**changes: Any) -> tuple[Tally, list[dict[str, Any]]]:
    trace = Trace()
    tally = run(RunConfig.model_validate({**QUIET, **changes}), 1, 0, [trace])
    return tally, read_trace(trace.result(tally.ended_s))


def of_kind(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in records if record["record"] == kind]


def bulletin(confirms: bool) -> dict[str, Any]:
    return {"time": "1d", "event": "bulletin", "about": "red", "to": "blue", "confirms": confirms}


def activity(**more: Any) -> dict[str, Any]:
    return {"time": "1d", "event": "activity", "actor": "red", "toward": "blue", "class": "exercise",
            "notice": False, **more}  # fmt: skip


def log_odds(probability: float) -> float:
    return log(probability / (1.0 - probability))


@pytest.mark.parametrize(
    ("confirms", "nats"), [(True, log(0.2 / 0.94)), (False, log(0.8 / 0.06))], ids=["confirms", "contradicts"]
)
def test_a_bulletin_moves_the_belief_by_its_nats(confirms: bool, nats: float) -> None:
    """From the prior, where nothing else is evidence: -1.55 and +2.59 nats."""
    _, records = traced(at=[bulletin(confirms)])
    (belief,) = of_kind(records, "Belief")
    assert (belief["observer"], belief["about"], belief["at_s"]) == ("blue", "red", DAY_S + 1200.0)
    assert log_odds(belief["probability"]) - log_odds(PRIOR) == pytest.approx(nats, abs=1e-9)


def test_what_a_bulletin_weighs_follows_the_monitor_as_configured() -> None:
    """A monitor that confirms everything says nothing."""
    coin = {"coverage": 0.0, "confirms": {"benign": 0.5, "attack": 0.5}}
    _, records = traced(monitor=coin, at=[bulletin(True)])
    (belief,) = of_kind(records, "Belief")
    assert belief["probability"] == pytest.approx(PRIOR, abs=1e-12)


def test_a_bulletin_is_a_signed_message() -> None:
    """It is sealed by the monitor, verified once, and accepted from it after the time of the line."""
    tally, records = traced(at=[bulletin(True)])
    assert (tally.sealed, tally.verified) == (1, 1)
    assert [(r["sender"], r["receiver"], r["kind"]) for r in of_kind(records, "Seal")] == [
        ("monitor", "blue", "bulletin")
    ]
    assert [(r["sender"], r["transit_s"]) for r in of_kind(records, "Accept")] == [("monitor", 1200.0)]


def test_a_bulletin_that_was_changed_on_the_way_is_not_believed() -> None:
    """One flipped bit, and nothing is accepted and no belief moves."""
    line = {**QUIET["channel"], "stages": [{"stage": "corruption", "corrupt": 1.0}]}
    tally, records = traced(channel=line, at=[bulletin(False)])
    assert tally.sealed == 1
    assert of_kind(records, "Deliver")[0]["corrupted"]
    assert of_kind(records, "Accept") == of_kind(records, "Belief") == []


def watched(confirms: float, **more: Any) -> list[dict[str, Any]]:
    """One activity of red in a world with some, seen by a monitor that takes 8 hours and answers so."""
    _, records = traced(
        activities=RARE,
        monitor={"coverage": 1.0, "confirms": {"benign": confirms, "attack": 1.0 - confirms}},
        at=[activity(**more)],
    )
    return records


def test_what_the_monitor_sees_is_published_after_its_delay() -> None:
    """Eight hours and a line's time after the activity, to the state that saw it, whose belief falls."""
    records = watched(0.99)
    published = of_kind(records, "Accept")[-1]
    assert (published["kind"], published["receiver"]) == ("bulletin", "blue")
    assert published["at_s"] == DAY_S + 8 * 3600.0 + 1200.0
    before, after = [r["probability"] for r in of_kind(records, "Belief") if r["observer"] == "blue"][-2:]
    assert after < before


def test_word_of_an_activity_that_nobody_saw_is_talk() -> None:
    """The bulletin arrives and is accepted; the belief does not move."""
    records = watched(0.99, seen=False)
    assert [r["kind"] for r in of_kind(records, "Accept")] == ["bulletin"]
    assert of_kind(records, "Belief") == []


def test_a_monitor_that_covers_nothing_says_nothing_of_its_own() -> None:
    """Without a scripted bulletin no message of its is sealed."""
    tally, _ = traced(activities=RARE, at=[activity()])
    assert tally.sealed == 0
