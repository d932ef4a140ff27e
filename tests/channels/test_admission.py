"""Outages, partitions and jamming: when a line lets nothing through, and who shares that."""

from math import exp, sqrt
from statistics import fmean, pstdev
from typing import Any

import pytest

from cbmnet.channels.stages.jamming import JammingConfig
from cbmnet.channels.stages.partition import PartitionConfig
from cbmnet.channels.stages.scheduled_outage import ScheduledOutageConfig
from cbmnet.channels.stages.up_down import UpDownConfig

from .lines import fly, line, route, stage

HOUR_S = 3600.0


def drops(spec: tuple[str, Any], source: str, target: str, n: int = 1000, step_s: float = 60.0) -> list[Any]:
    one = line(stage(spec, source, target), source=source, target=target)
    return [f.drop for f in fly(one, n, step_s=step_s)]


def test_a_scheduled_outage_holds_its_start_and_not_its_end() -> None:
    """Windows from 1 to 2 and from 4 to 5, also after ten periods of 10."""
    config = ScheduledOutageConfig(((1.0, 2.0), (4.0, 5.0)), every_s=10.0)
    down = [k for k, d in enumerate(drops(("scheduled-outage", config), "a", "b", 400, 0.25)) if d]
    expected = [k for k in range(400) if any(s <= k * 0.25 % 10.0 < e for s, e in config.windows_s)]
    assert down == expected
    once = drops(("scheduled-outage", ScheduledOutageConfig(config.windows_s)), "a", "b", 400, 0.25)
    assert [k for k, d in enumerate(once) if d] == [4, 5, 6, 7, 16, 17, 18, 19]
    assert {*once} == {None, "scheduled outage"}


def test_a_partition_cuts_between_groups_while_it_lasts() -> None:
    """Within a group, and to a party in none, all passes; between groups nothing from start to end."""
    spec = ("partition", PartitionConfig((("a", "c"), ("b",)), start_s=600.0, end_s=1200.0))
    for source, target in ("ab", "ba", "cb"):
        cut = drops(spec, source, target, 30)
        assert [k for k, d in enumerate(cut) if d == "partition"] == list(range(10, 20))
    for source, target in ("ac", "ad", "db", "de"):
        assert drops(spec, source, target, 30) == [None] * 30


def test_a_one_way_partition_cuts_forward_only() -> None:
    """What goes from an earlier group to a later one is lost, what comes back arrives; it never heals."""
    spec = ("partition", PartitionConfig((("a",), ("b",), ("c",)), one_way=True))
    for source, target in ("ab", "bc", "ac"):
        assert drops(spec, source, target, 10, 1e9) == ["partition"] * 10
        assert drops(spec, target, source, 10, 1e9) == [None] * 10


def test_links_that_share_an_outage_go_down_together() -> None:
    """The same name on two links gives the same times; another name, or none, other times."""
    shared = ("up-down", UpDownConfig(HOUR_S, HOUR_S, shared="cable"))
    one, two = drops(shared, "a", "b"), drops(shared, "c", "d")
    assert one == two
    assert 100 < sum(d == "outage" for d in one) < 900
    assert one != drops(("up-down", UpDownConfig(HOUR_S, HOUR_S, shared="other")), "a", "b")
    alone = ("up-down", UpDownConfig(HOUR_S, HOUR_S))
    assert drops(alone, "a", "b") != drops(alone, "c", "d")


def test_a_shared_outage_needs_streams_to_share() -> None:
    """A link built without them says so, naming the outage."""
    from cbmnet.channels.stage import LinkContext
    from cbmnet.channels.stages.up_down import UpDown
    from cbmnet.streams import Streams

    bare = LinkContext("a>b/0", lambda purpose: Streams(1, 0).generator(purpose, "a>b/0"))
    with pytest.raises(ValueError, match="up-down/cable: this link was built without"):
        UpDown(UpDownConfig(1.0, 1.0, shared="cable"), bare)


@pytest.mark.parametrize("deadline_s", [1800.0, 2 * HOUR_S])
def test_a_held_message_is_through_in_time_as_the_formula_says(deadline_s: float) -> None:
    """A + (1 - A)(1 - exp(-deadline/down)), of 3,000 lines asked once each; nothing is dropped."""
    config = UpDownConfig(3 * HOUR_S, 2 * HOUR_S, hold=True)
    waits = []
    for seed in range(3000):
        (flight,) = fly(route(("up-down", config), seed=seed), 1, at_s=[50 * HOUR_S])
        assert flight.drop is None
        waits.append(flight.at_s - 50 * HOUR_S)
    up = 0.6
    expected = up + (1 - up) * (1 - exp(-deadline_s / (2 * HOUR_S)))
    in_time = fmean(wait <= deadline_s for wait in waits)
    assert abs(in_time - expected) < 4 * sqrt(expected * (1 - expected) / 3000)


def test_what_is_held_goes_when_the_line_comes_up() -> None:
    """All messages of one outage leave at its end, and those that found the line up at once."""
    config = UpDownConfig(HOUR_S, HOUR_S, hold=True)
    one: Any = stage(("up-down", config))
    sent_s = [60.0 * k for k in range(2000)]
    for at_s, flight in zip(sent_s, fly(line(one), 2000, at_s=sent_s), strict=True):
        assert one.is_up(flight.at_s)
        assert flight.at_s == at_s or not one.is_up((at_s + flight.at_s) / 2)
        assert (flight.at_s == at_s) == one.is_up(at_s)


def test_a_line_begun_anew_has_another_history() -> None:
    """A stationary one: of 2,000 histories the line is up at the start in the share A."""
    one: Any = stage(("up-down", UpDownConfig(3.0, 1.0)))
    ups, later, ends_s = [], [], set()
    for _ in range(2000):
        one.begin_anew()
        ups.append(one.is_up(0.0))
        later.append(one.is_up(10.0))
        ends_s.add(one.next_up_s(0.0))
    assert len(ends_s) == 1 + ups.count(False)  # 0 for those that are up, and no two outages alike
    for found in (ups, later):
        assert abs(fmean(found) - 0.75) < 4 * sqrt(0.75 * 0.25 / 2000)


@pytest.mark.parametrize("how", [{"duty_prob": 0.25}, {"on_s": 2.5}])
def test_a_jammer_loses_duty_times_loss(how: dict[str, float]) -> None:
    """Of 20,000 messages at odd times .25 x .8 are lost, all of them while it is on."""
    one: Any = stage(("jamming", JammingConfig(10.0, loss_prob=0.8, **how)))
    sent_s = [7.3819660 * k for k in range(20_000)]  # in no ratio with the period, so the phases fill evenly
    flights = fly(line(one), 20_000, at_s=sent_s)
    lost = [f.drop == "jammed" for f in flights]
    assert abs(fmean(lost) - 0.2) < 4 * sqrt(0.2 * 0.8 / 20_000)
    assert all(one.is_on(at_s) for at_s, drop in zip(sent_s, lost, strict=True) if drop)


def test_the_phase_of_a_jammer_is_even_over_seeds() -> None:
    """Over 2,000 seeds it is on at any one time with probability duty."""
    on = [
        stage(("jamming", JammingConfig(10.0, duty_prob=0.3)), seed=s).is_on(1234.5)  # type: ignore[attr-defined]
        for s in range(2000)
    ]
    assert abs(fmean(on) - 0.3) < 4 * sqrt(0.3 * 0.7 / 2000)
    assert pstdev(on) > 0


def test_links_that_share_a_jammer_hear_the_same_pulses() -> None:
    """The same phase on two links; loss is drawn apart, since each has its own words."""
    shared = JammingConfig(10.0, duty_prob=0.5, loss_prob=0.5, shared="ship")
    one, two = stage(("jamming", shared)), stage(("jamming", shared), "c", "d")
    assert [one.is_on(t) for t in range(50)] == [two.is_on(t) for t in range(50)]  # type: ignore[attr-defined]
    assert drops(("jamming", shared), "a", "b", step_s=0.7) != drops(
        ("jamming", shared), "c", "d", step_s=0.7
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ScheduledOutageConfig(()), "pairs of start and end"),
        (lambda: ScheduledOutageConfig(((2.0, 1.0),)), "in order"),
        (lambda: ScheduledOutageConfig(((1.0, 3.0), (2.0, 4.0))), "in order"),
        (lambda: ScheduledOutageConfig(((1.0, 3.0),), every_s=2.0), "every must be at least"),
        (lambda: PartitionConfig((("a",),)), "at least two"),
        (lambda: PartitionConfig((("a",), ())), "each with a party"),
        (lambda: PartitionConfig((("a",), ("b", "a"))), "a stands in two"),
        (lambda: PartitionConfig((("a",), ("b",)), 5.0, 5.0), "end must be after start"),
        (lambda: JammingConfig(0.0, duty_prob=0.1), "period must be longer than 0"),
        (lambda: JammingConfig(1.0), "either duty"),
        (lambda: JammingConfig(1.0, 0.1, 0.1), "either duty"),
        (lambda: JammingConfig(1.0, on_s=2.0), "on must be from 0 to period"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, said: str) -> None:
    """One sentence with what is allowed."""
    with pytest.raises(ValueError, match=said):
        make()
