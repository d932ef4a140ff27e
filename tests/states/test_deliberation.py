"""From belief to action: when a decision opens, what closes it, and what comes of it."""

from typing import Any

import pytest

from cbmnet.drivers.clock import Clock
from cbmnet.measures import ActivityClass
from cbmnet.recorder import Recorder
from cbmnet.records import Decision
from cbmnet.reports.diagram import read_trace
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import run
from cbmnet.simulation.trace import Trace
from cbmnet.states.decision import DECISIONS
from cbmnet.states.deliberation import Deliberation
from cbmnet.states.ladder import Ladder

HOUR_S, DAY_S = 3600.0, 86400.0
LAUNCH = ActivityClass("launch", 0.0, deadline_s=600.0, rung=5)
EXERCISE = ActivityClass("exercise", 0.0)


class Thought:
    """An outlook whose belief is set by hand."""

    owner, partner = "blue", "red"

    def __init__(self) -> None:
        self.value = 0.0
        self.latest_activity, self.latest_class, self.latest_s = 0, None, 0.0
        self.latest_record = self.alarming_belief = 0
        self.clock: Any = None
        self.rule = self

    def next_review_s(self, now_s: float) -> None:
        return None

    def probability(self) -> float:
        return self.value

    def becomes(self, probability: float) -> None:
        self.value = probability
        self.moved(probability)  # type: ignore[attr-defined]

    def sees(self, kind: Any, probability: float) -> None:
        self.latest_activity, self.latest_class = self.latest_activity + 1, kind
        self.latest_s = self.clock.now
        self.becomes(probability)


class Room:
    """A state that deliberates alone: its decisions, rises and questions as they come."""

    wants = (Decision,)

    def __init__(self, rule: str = "at_close", rung: int = 0) -> None:
        self.env, self.thought, self.rung = Clock(), Thought(), rung
        self.said: list[tuple[float, str]] = []
        self.rises: list[tuple[float, int | None]] = []
        self.asked: list[tuple[float, float]] = []
        self.thought.clock = self.env
        decision: Any = DECISIONS[rule].make(DECISIONS[rule].config())
        thought: Any = self.thought
        self.deliberation = Deliberation(
            self.env, thought, Ladder(), decision, Recorder([self]), rung=lambda: self.rung, rise=self.rise,
            ask=lambda wait_s: self.asked.append((self.env.now, wait_s)),
        )  # fmt: skip

    def feed(self, record: Decision) -> None:
        self.said.append((record.at_s, record.phase))

    def rise(self, about: str, to_rung: int | None) -> None:
        self.rises.append((self.env.now, to_rung))
        self.rung += 1

    def wait(self, until_s: float) -> None:
        if until_s > self.env.now:
            self.env.run(until=until_s)


def test_a_decision_opens_above_the_query_threshold_and_asks() -> None:
    """At .1 nothing opens; just above it one decision does, for 72 h at rung 0, with one question."""
    room = Room()
    room.thought.becomes(0.1)
    assert room.said == []
    room.thought.becomes(0.11)
    room.thought.becomes(0.2)
    assert room.said == [(0.0, "open")]
    assert room.asked == [(0.0, 72 * HOUR_S)]


def test_an_answer_above_the_threshold_closes_nothing() -> None:
    """With p = .31 after the answer the decision stays open to its deadline, and then the state rises."""
    room = Room()
    room.thought.becomes(0.4)
    room.wait(HOUR_S)
    room.thought.becomes(0.31)
    room.deliberation.answered()
    assert room.said == [(0.0, "open")]
    room.wait(72 * HOUR_S + 1)
    assert room.rises == [(72 * HOUR_S, None)]


@pytest.mark.parametrize(("after", "said"), [(0.05, ["open", "stay"]), (0.3, ["open", "stay", "open"])])
def test_an_answer_at_or_below_the_threshold_closes_early(after: float, said: list[str]) -> None:
    """The state stays; another decision opens at once only while p is above the query threshold."""
    room = Room()
    room.thought.becomes(0.4)
    room.wait(HOUR_S)
    room.thought.becomes(after)
    room.deliberation.answered()
    assert [phase for _, phase in room.said] == said
    assert {at_s for at_s, phase in room.said if phase == "stay"} == {HOUR_S}
    assert room.rises == []


def test_a_closed_decision_does_not_close_again_at_its_old_deadline() -> None:
    """The deadline of a decision that an answer closed belongs to no later one."""
    room = Room()
    room.thought.becomes(0.4)
    room.wait(HOUR_S)
    room.thought.becomes(0.2)
    room.deliberation.answered()
    room.wait(72 * HOUR_S + 1)
    assert [phase for _, phase in room.said] == ["open", "stay", "open"]
    room.wait(73 * HOUR_S + 1)
    assert room.said[3] == (73 * HOUR_S, "stay")


def test_a_new_activity_hurries_an_open_decision() -> None:
    """A launch with ten minutes closes a decision that had three days, and says to which rung it leads."""
    room = Room()
    room.thought.sees(EXERCISE, 0.2)
    room.wait(HOUR_S)
    room.thought.sees(LAUNCH, 0.6)
    room.wait(HOUR_S + 599.0)
    assert room.rises == []
    room.wait(HOUR_S + 601.0)
    assert room.rises == [(HOUR_S + 600.0, 5)]


def test_the_same_activity_does_not_hurry_twice() -> None:
    """The decision that follows has the rung's own deadline."""
    room = Room()
    room.thought.sees(LAUNCH, 0.2)
    room.wait(601.0)
    assert room.said == [(0.0, "open"), (600.0, "stay"), (600.0, "open")]
    room.thought.becomes(0.25)
    room.wait(2 * DAY_S)
    assert len(room.said) == 3


def test_a_slower_activity_never_lengthens_a_decision() -> None:
    """A deadline later than the one that runs changes nothing."""
    room = Room(rung=6)
    room.thought.becomes(0.2)
    room.thought.sees(ActivityClass("movement", 0.0, deadline_s=5 * HOUR_S), 0.3)
    room.wait(HOUR_S + 1)
    assert room.said[1] == (HOUR_S, "stay")


PEAK = (0.2, 0.6, 0.2)  # the belief opens a decision, passes the threshold for a while, and falls again


@pytest.mark.parametrize(
    ("rule", "rises", "at_s"),
    [("at_close", False, 72 * HOUR_S), ("worst_case", True, 72 * HOUR_S), ("at_once", True, HOUR_S)],
)
def test_the_rules_differ_in_what_they_make_of_a_passing_fright(rule: str, rises: bool, at_s: float) -> None:
    """By the close it is gone; the worst case remembers it; at once does not wait to see."""
    room = Room(rule)
    for hours, probability in enumerate(PEAK):
        room.wait(hours * HOUR_S)
        room.thought.becomes(probability)
    room.wait(72 * HOUR_S + 1)
    assert room.said[1] == (at_s, "rise" if rises else "stay")
    assert [when for when, _ in room.rises][:1] == ([at_s] if rises else [])


def test_at_once_rises_once_for_one_crossing() -> None:
    """A belief that stays above the threshold climbs no further by itself, before the next deadline."""
    room = Room("at_once")
    room.thought.becomes(0.6)
    for hour in range(1, 20):
        room.wait(hour * HOUR_S)
        room.thought.becomes(0.6 + hour / 100)
    assert room.rises == [(0.0, None)]


def test_a_state_at_the_top_decides_no_more() -> None:
    """Central war is absorbing."""
    room = Room(rung=10)
    room.thought.becomes(0.99)
    assert room.said == []


NEVER = {"base": "0/d"}
CALM: dict[str, Any] = {
    "name": "calm",
    "study": {"horizon": "30d"},
    "channel": {"hops": 1, "loss": 0.0, "delay": "0s", "distribution": "constant"},
    "activities": {"exercise": {"rate": "0/d"}},
    "signals": {"alarm": NEVER, "severe_warning": NEVER, "hostile_message": NEVER, "rung_rise": NEVER},
    "monitor": {"coverage": 0.0},
}


def rungs(prior: float, start_rung: int, at: tuple[dict[str, Any], ...] = ()) -> list[tuple[float, int]]:
    """Days and rungs of blue, which has nothing to fear but what the script says."""
    blue = {"prior": prior, "memory": "1h", "start_rung": start_rung}
    states = {"blue": blue, "red": {"decides": False}}
    trace = Trace()
    tally = run(RunConfig.model_validate({**CALM, "states": states, "at": at}), 1, 0, [trace])
    records = read_trace(trace.result(tally.ended_s))
    return [(r["at_s"] / DAY_S, r["after"]) for r in records if r["record"] == "Rung"]


def test_a_calm_state_cools_one_rung_a_week_down_to_normal() -> None:
    """From rung 3: on day 7, 14 and 21, and no further."""
    assert rungs(0.01, 3) == [(7.0, 2), (14.0, 1), (21.0, 0)]


def test_a_fright_starts_the_week_anew() -> None:
    """A contradicting bulletin on day 5 lifts the belief over half the threshold; the week counts from it."""
    fright = {"time": "5d", "event": "bulletin", "about": "red", "to": "blue", "confirms": False}
    assert rungs(0.05, 3, (fright,)) == [(12.0, 2), (19.0, 1), (26.0, 0)]


def test_a_state_that_stays_afraid_does_not_cool() -> None:
    """At p = .3, over half of rung 3's threshold of .5, it neither rises nor falls."""
    assert rungs(0.3, 3) == []


def test_an_old_activity_hurries_no_later_decision() -> None:
    """A launch that frightened nobody on day 1 gives ten minutes to no decision of day 35."""
    room = Room()
    launch = ActivityClass("launch", 1e-6, deadline_s=600.0, rung=6)
    room.thought.sees(launch, 0.01)
    room.wait(34 * 24 * HOUR_S)
    room.thought.becomes(0.4)
    room.wait(34 * 24 * HOUR_S + HOUR_S)
    assert [phase for _, phase in room.said] == ["open"]
    room.wait(37 * 24 * HOUR_S + 1)
    assert room.rises == [(37 * 24 * HOUR_S, None)]


def test_at_once_climbs_no_further_by_itself() -> None:
    """One crossing is one rise; deadlines that pass while the belief stays up raise nobody."""
    room = Room("at_once")
    room.thought.becomes(0.45)
    assert room.rises == [(0.0, None)]
    room.wait(30 * 24 * HOUR_S)
    assert room.rises == [(0.0, None)]


def test_alarm_is_remembered_to_the_hour_while_it_lasts() -> None:
    """A belief that drifts below the threshold between events counts as alarmed until it did."""
    room = Room()
    room.thought.becomes(0.4)
    room.wait(10 * HOUR_S)
    room.thought.value = 0.05  # no event says so
    room.wait(20 * HOUR_S)
    assert 9 * HOUR_S <= room.deliberation.alarmed_s <= 10 * HOUR_S


def test_an_outcome_at_the_deadline_is_there_to_decide_by() -> None:
    """What happens at the very time of a deadline happens before the decision closes."""
    from cbmnet.drivers.clock import schedule

    room = Room()
    room.thought.becomes(0.4)
    schedule(room.env, 72 * HOUR_S, 0.05, lambda event: room.thought.becomes(event.value))
    room.wait(73 * HOUR_S)
    assert [phase for _, phase in room.said] == ["open", "stay"]
