"""The efficiency of the two windows on the network in virtual time."""

from math import sqrt
from typing import Any

import pytest

from cbmnet.channels.interruption import Interruption
from cbmnet.channels.link import build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.drivers.clock import Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.protocols.endpoint import (
    Received,
)
from cbmnet.recorder import Recorder
from cbmnet.streams import Streams
from tests.protocols.by_hand import (
    made,
    note,
)


def efficiency(name: str, window: int, loss: float, propagation: int, slots: int, seed: int) -> list[int]:
    """Messages handed up in each 1,000 slots of a saturated line; frame time 1, no acknowledgement lost."""
    env, recorder, streams = Clock(), Recorder(), Streams(seed, 0)
    bins = [0] * (slots // 1000 + 2)

    def arrived(event: Any) -> None:
        if type(event) is Received:
            bins[int(env.now) // 1000] += 1

    config = {"rto_s": 1 + 2 * propagation + 1e-6, "window": window, "max_sends": 64, "pace_s": 1.0}
    a = Host(env, "a", made(name, **config), lambda event: None, recorder)
    b = Host(env, "b", made(name, **config), arrived, recorder)
    there = [("bernoulli", BernoulliConfig(loss)), ("constant", ConstantConfig(1.0 + propagation))]
    a.connect(build_route("a", "b", [there], streams), b)
    b.connect(build_route("b", "a", [[("constant", ConstantConfig(float(propagation)))]], streams), a)
    for number in range(1, slots + 1):
        a.command(note(number))
    env.run(until=float(slots))
    return bins[1 : slots // 1000 - 1]


@pytest.mark.parametrize(("propagation", "loss"), [(1, 0.1), (2, 0.1), (3, 0.02), (4, 0.3)])
def test_efficiency_is_that_of_the_formulas(propagation: int, loss: float) -> None:
    """(1 - p)/(1 + 2ap) and 1 - p, within 4 standard errors over 38 bins of 1,000 slots."""
    a, slots = propagation, 40_000
    if loss == 0.3:
        slots = 20_000  # go-back-N is slow there: fewer messages than slots are enough
    for name, window, exact in (
        ("go-back-n", 1 + 2 * a, (1 - loss) / (1 + 2 * a * loss)),
        ("selective-repeat", 200, 1 - loss),
    ):
        bins = [count / 1000 for count in efficiency(name, window, loss, a, slots, seed=5)]
        mean = sum(bins) / len(bins)
        error = sqrt(sum((x - mean) ** 2 for x in bins) / (len(bins) - 1) / len(bins))
        assert abs(mean - exact) <= 4 * error, (name, mean, exact, error)
        assert error < 0.006


def last_arrival_s(name: str, window: int) -> float:
    """When the last of 60 messages is handed up, if the line is out for one frame; a = 2, frame time 1."""
    env, recorder, streams = Clock(), Recorder(), Streams(1, 0)
    times: list[float] = []
    config = {"rto_s": 5 + 1e-6, "window": window, "pace_s": 1.0}
    a = Host(env, "a", made(name, **config), lambda event: None, recorder)
    b = Host(env, "b", made(name, **config), lambda event: times.append(env.now), recorder)
    line = build_route("a", "b", [[("constant", ConstantConfig(3.0))]], streams)
    line.before.append(Interruption(9.5, 10.5))
    a.connect(line, b)
    b.connect(build_route("b", "a", [[("constant", ConstantConfig(2.0))]], streams), a)
    for number in range(1, 61):
        a.command(note(number))
    env.run()
    assert len(times) == 60
    return times[-1]


def test_a_loss_costs_go_back_n_exactly_its_window() -> None:
    """With a = 2 a lost frame delays all behind it by 1 + 2a = 5 slots; in selective repeat by one."""
    assert last_arrival_s("go-back-n", 5) == pytest.approx(62.0 + 5.0, abs=1e-4)
    assert last_arrival_s("selective-repeat", 50) == pytest.approx(62.0 + 1.0, abs=1e-4)
