"""A stage from elsewhere is told at its own place, also where a later stage would hide what it did."""

import copy
from typing import Any

import pytest
from msgspec.structs import replace

from cbmnet.channels.link import build_route, stage_name
from cbmnet.channels.stage import STAGES, Flight, LinkContext
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.corruption import CorruptionConfig
from cbmnet.datagram import Datagram
from cbmnet.errors import SimulationError
from cbmnet.registry import Member, NoConfig
from cbmnet.streams import Streams

DATAGRAM = Datagram(b"x", "b", "notice", 1, 0, 1)


class Mine:
    """Does what the test says."""

    ordered = True

    def __init__(self, act: Any) -> None:
        self._act = act

    def apply(self, flight: Flight, now_s: float) -> Any:
        return self._act(flight)


def route_with(monkeypatch: pytest.MonkeyPatch, act: Any, *, twice: bool = False) -> Any:
    def make(config: NoConfig, link: LinkContext) -> Mine:
        return Mine(act)

    monkeypatch.setitem(STAGES._members, "mine", Member("mine", make, NoConfig))
    mine: list[tuple[str, object]] = [("mine", NoConfig())] * (1 + twice)
    rest = [("bernoulli", BernoulliConfig(0.0)), *mine, ("corruption", CorruptionConfig(1.0))]
    return build_route("a", "b", [[*rest, ("constant", ConstantConfig(500.0))]], Streams(1, 0))


def put(**changes: Any) -> Any:
    def act(flight: Flight) -> None:
        for name, value in changes.items():
            setattr(flight, name, value)

    return act


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (put(at_s=-90.0), "moved a flight from 10.0 s to -90.0 s; it is a finite number"),
        (put(at_s="soon"), "moved a flight from 10.0 s to 'soon' s"),
        (put(at_s=float("nan")), "to nan s"),
        (put(datagram=None), "put None in the datagram's place"),
        (put(datagram=replace(DATAGRAM, data="text")), "it is a Datagram with bytes"),  # type: ignore[arg-type]
        (put(words=b""), "changed the flight's words"),
        (put(drop=5), "gave the reason 5 for a loss"),
        (lambda flight: flight, "returned the flight itself"),
        (lambda flight: 5, "returned 5; a stage returns a further Flight or None"),
        (lambda flight: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_what_a_stage_of_ones_own_does_wrong_is_told_of_it(
    act: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its link, number and name; the stages behind it, of which one would fail, are not blamed."""
    with pytest.raises(SimulationError) as caught:
        route_with(monkeypatch, act).carry(DATAGRAM, 10.0)
    assert str(caught.value).startswith("link a>b/0, stage 1 (mine): ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"at_s": -90.0}, "made a copy and moved a flight from 10.0 s to -90.0 s"),
        ({"datagram": None}, "made a copy and put None in the datagram's place"),
        ({"words": b""}, "made a copy and changed the flight's words"),
        ({"drop": 3}, "made a copy and gave the reason 3 for a loss"),
    ],
)
def test_a_copy_is_looked_at_as_the_flight_is(
    changes: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the stage that made it, and not of the next, which does nothing wrong."""

    def act(flight: Flight) -> Flight:
        twin = flight.duplicate()
        put(**changes)(twin)
        return twin

    with pytest.raises(SimulationError) as caught:
        route_with(monkeypatch, act, twice=True).carry(DATAGRAM, 10.0)
    assert str(caught.value).startswith(f"link a>b/0, stage 1 (mine): {said}")


def test_the_second_of_two_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that fails at its second flight alone is found without flying a datagram again."""
    calls: list[None] = []

    def act(flight: Flight) -> None:
        calls.append(None)
        if len(calls) == 4:
            flight.at_s = -1.0

    route = route_with(monkeypatch, act, twice=True)
    route.carry(DATAGRAM, 0.0)
    with pytest.raises(
        SimulationError, match=r"link a>b/0, stage 2 \(mine\): moved a flight from 1.0 s to -1"
    ):
        route.carry(DATAGRAM, 1.0)


def test_what_is_right_passes_as_if_nobody_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later time, a loss and a copy; its name and what else it has are seen through the watch."""
    route = route_with(monkeypatch, put(at_s=60.0))
    assert route.carry(DATAGRAM, 10.0)[0].at_s == 560.0
    assert route_with(monkeypatch, put(drop="mine")).carry(DATAGRAM, 10.0)[0].drop == "mine"
    assert len(route_with(monkeypatch, Flight.duplicate).carry(DATAGRAM, 10.0)) == 2
    stage = route.links[0].stages[1]
    assert (stage_name(stage), stage.ordered, hasattr(stage, "forget")) == ("mine", True, False)
    assert copy.deepcopy(stage).ordered
    assert type(route.links[0].stages[0]).__name__ == "Bernoulli"
