"""Queues and rates: waits of the textbook, tails dropped, order kept; reordering that skips a delay."""

from itertools import accumulate, pairwise
from math import log1p, sqrt
from random import Random
from statistics import fmean, pstdev
from typing import Any

import pytest

from cbmnet.channels.fifo import Fifo
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.channels.stages.queue import QueueConfig
from cbmnet.channels.stages.rate import RateConfig
from cbmnet.channels.stages.reordering import ReorderingConfig

from .lines import fly, line, route, stage

N = 100_000


def poisson_s(rate_per_s: float, n: int, seed: int = 9) -> list[float]:
    """n arrival times."""
    random = Random(seed)
    return list(accumulate(-log1p(-random.random()) / rate_per_s for _ in range(n)))


@pytest.mark.parametrize(("distribution", "part"), [("exponential", 1.0), ("constant", 0.5)])
def test_mean_wait_is_that_of_the_textbook(distribution: Any, part: float) -> None:
    """Unit service at rho .5: wait rho/(1 - rho) = 1 (M/M/1), half of it (M/D/1); 100 batches of 1,000."""
    sent_s = poisson_s(0.5, N)
    line_of = route(("queue", QueueConfig(1.0, distribution)))
    waits = [f.at_s - at_s - 1.0 for f, at_s in zip(fly(line_of, N, at_s=sent_s), sent_s, strict=True)]
    batches = [fmean(waits[k : k + 1000]) for k in range(0, N, 1000)]
    assert abs(fmean(waits) - part * 1.0) < 4 * pstdev(batches) / sqrt(len(batches))
    assert pstdev(batches) / sqrt(len(batches)) < 0.05


def test_a_short_queue_refuses_as_the_textbook_says() -> None:
    """M/M/1/K: with K = 3 and rho .8 the share (1 - rho) rho^K/(1 - rho^(K+1)) finds the queue full."""
    sent_s = poisson_s(0.8, N)
    flights = fly(route(("queue", QueueConfig(1.0, limit=3))), N, at_s=sent_s)
    refused = [f.drop == "queue full" for f in flights]
    expected = 0.2 * 0.8**3 / (1 - 0.8**4)
    batches = [fmean(refused[k : k + 1000]) for k in range(0, N, 1000)]
    assert abs(fmean(refused) - expected) < 4 * pstdev(batches) / sqrt(len(batches))
    assert all(f.at_s == at_s for f, at_s in zip(flights, sent_s, strict=True) if f.drop)


def test_a_rate_sends_one_message_after_the_other() -> None:
    """Ten messages of 10 bytes and 5 of overhead at 5 bytes a second, all at once: 3, 6, ... 30 s."""
    flights = fly(route(("rate", RateConfig(5.0, overhead_bytes=5))), 10)
    assert [f.at_s for f in flights] == [3.0 * k for k in range(1, 11)]
    spaced = fly(route(("rate", RateConfig(5.0))), 10, step_s=2.5)
    assert [f.at_s for f in spaced] == [2.5 * k + 2.0 for k in range(10)]


def test_a_longer_message_takes_longer() -> None:
    """Its bytes over the rate."""
    times = [fly(route(("rate", RateConfig(4.0))), 1, data=bytes(size))[0].at_s for size in (1, 2, 400)]
    assert times == [0.25, 0.5, 100.0]


def test_the_tail_is_dropped_where_the_queue_is_full() -> None:
    """Of 10 at once with room for 4, the one in service among them, the last 6 are lost, and only they."""
    flights = fly(route(("rate", RateConfig(10.0, limit=4))), 10)
    assert [f.drop for f in flights] == [None] * 4 + ["queue full"] * 6
    assert [f.at_s for f in flights[:4]] == [1.0, 2.0, 3.0, 4.0]
    again = fly(route(("rate", RateConfig(10.0, limit=1))), 5, at_s=[0.0, 0.5, 1.0, 1.5, 2.0])
    assert [f.drop for f in again] == [None, "queue full", None, "queue full", None]


@pytest.mark.parametrize("spec", [("rate", RateConfig(10.0)), ("queue", QueueConfig(1.0, "constant"))])
def test_the_lost_do_not_occupy_the_server(spec: tuple[str, Any]) -> None:
    """Behind loss .5 the survivors follow each other without a gap; a duplicate takes its own time."""
    flights = fly(route(("bernoulli", BernoulliConfig(0.5)), spec), 1000)
    arrived = [f.at_s for f in flights if f.drop is None]
    assert arrived == [float(k) for k in range(1, len(arrived) + 1)]
    assert 400 < len(arrived) < 600
    twice = sorted(f.at_s for f in fly(route(("duplication", DuplicationConfig(1.0)), spec), 10))
    assert twice == [float(k) for k in range(1, 21)]


@pytest.mark.parametrize(
    "spec", [("rate", RateConfig(10.0, limit=50)), ("queue", QueueConfig(1.0, "constant"))]
)
def test_a_backlog_can_be_forgotten(spec: tuple[str, Any]) -> None:
    """After `forget` the next message finds an idle line; such a stage says that order matters to it."""
    of: Any = stage(spec)
    assert of.ordered
    fly(line(of), 20)
    assert fly(line(of), 1)[0].at_s == 21.0
    of.forget()
    assert fly(line(of), 1)[0].at_s == 1.0


def test_a_fifo_keeps_the_order_of_asking() -> None:
    """Who asks later leaves later, even if an earlier one will be ready after it."""
    server = Fifo()
    assert [server.serve(at_s, 1.0) for at_s in (0.0, 5.0, 2.0, 2.0)] == [1.0, 6.0, 7.0, 8.0]


def test_a_reordered_message_skips_the_delay() -> None:
    """With probability .25, of 20,000, a message is there when it was sent; the others take their minute."""
    stages = (("constant", ConstantConfig(60.0)), ("reordering", ReorderingConfig(0.25)))
    flights = fly(route(*stages), 20_000, step_s=1.0)
    waits = [f.at_s - k for k, f in enumerate(flights)]
    assert {*waits} == {0.0, 60.0}
    assert abs(waits.count(0.0) / 20_000 - 0.25) < 4 * sqrt(0.25 * 0.75 / 20_000)


def test_a_certain_reordering_is_every_gap_th() -> None:
    """netem(8): at 100 % and gap 5 each fifth message is sent at once, reliably."""
    stages = (("constant", ConstantConfig(60.0)), ("reordering", ReorderingConfig(1.0, 5)))
    waits = [f.at_s for f in fly(route(*stages), 50)]
    assert [k for k, wait in enumerate(waits, start=1) if wait == 0.0] == list(range(5, 51, 5))


def test_a_gap_is_the_least_distance_of_two_reorderings() -> None:
    """At probability .5 and gap 4 the mean distance is 3 + 1/.5 = 5, and never below 4 (8,000 messages)."""
    stages = (("constant", ConstantConfig(60.0)), ("reordering", ReorderingConfig(0.5, 4)))
    skipped = [k for k, f in enumerate(fly(route(*stages), 8000)) if f.at_s == 0.0]
    distances = [b - a for a, b in pairwise(skipped)]
    assert min(distances) == 4
    assert abs(fmean(distances) - 5.0) < 4 * sqrt(2.0) / sqrt(len(distances))


def test_only_a_gap_makes_reordering_depend_on_others() -> None:
    """With gap 1 each flight has its own draw; with a larger one the count goes on from flight to flight."""
    assert not stage(("reordering", ReorderingConfig(0.5))).ordered  # type: ignore[attr-defined]
    assert stage(("reordering", ReorderingConfig(0.5, 2))).ordered  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RateConfig(0.0), "more than 0 a second"),
        (lambda: RateConfig(1.0, -1), "overhead_bytes must be at least 0"),
        (lambda: RateConfig(1.0, limit=0), "limit must be at least 1"),
        (lambda: QueueConfig(-1.0), "service must be at least 0"),
        (lambda: QueueConfig(1.0, "gamma"), "exponential or constant"),  # type: ignore[arg-type]
        (lambda: QueueConfig(1.0, limit=0), "limit must be at least 1"),
        (lambda: ReorderingConfig(0.5, 0), "gap must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, said: str) -> None:
    """One sentence with what is allowed."""
    with pytest.raises(ValueError, match=said):
        make()
