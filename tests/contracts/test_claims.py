"""What variants claim, on a line that loses, duplicates, delays and reorders by a seed."""

import dataclasses
from collections import Counter
from heapq import heappop, heappush
from random import Random
from typing import Any

import pytest

from cbmnet.datagram import Datagram
from cbmnet.protocols.endpoint import (
    VARIANTS,
    GaveUp,
    LocalProtocolError,
    Received,
    Send,
    party_of,
    route_of,
    way,
)

MESSAGES = 40
SEEDS = range(25)
NAMES = [name for name in VARIANTS.names() if hasattr(VARIANTS[name].make, "claims")]

# How a claim is tried beyond the defaults: several routes, a pace, a window that fills.
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "blind-copies": [{}, {"spacing_s": 2.0}],
    "k-of-n": [{}, {"k": 2, "n": 3}, {"k": 1, "n": 4, "capacity": 3}],
    "go-back-n": [{}, {"window": 3, "pace_s": 0.7}, {"window": 1, "max_sends": 2}],
    "selective-repeat": [{}, {"window": 3, "pace_s": 0.7}, {"window": 20, "max_sends": 2}],
    "receipts": [{"depth": depth} for depth in (1, 2, 5)],
    "three-way": [{}, {"max_sends": 2}],
    "relay": [{}, {"max_sends": 2}],
}
CASES = [(name, settings) for name in NAMES for settings in SETTINGS.get(name, [{}])]


class BadLine:
    """Two endpoints in virtual time; each datagram is lost, doubled or held up as the seed says.

    A few are held up for very long, so that acknowledgements and data come long after they were given up.
    """

    def __init__(self, name: str, settings: dict[str, Any], seed: int) -> None:
        member = VARIANTS[name]
        needed = {"rto_s"} & {field.name for field in dataclasses.fields(member.config)}
        self.ends = {me: member.make(member.config(**dict.fromkeys(needed, 3.0), **settings)) for me in "ab"}
        self.random, self.now, self.count = Random(seed), 0.0, 0
        self.under_way: list[tuple[float, int, Datagram, str]] = []
        self.heard: dict[str, list[Any]] = {"a": [], "b": []}
        self.labels: Counter[tuple[Any, ...]] = Counter()

    def run(self, sends: list[tuple[float, Send]]) -> None:
        """Until nothing is under way and nobody waits."""
        plan = list(reversed(sends))
        for _ in range(50_000):
            for me in "ab":
                self.drain(me)
            times = [timer for end in self.ends.values() if (timer := end.next_timer()) is not None]
            times += [self.under_way[0][0]] if self.under_way else []
            times += [plan[-1][0]] if plan else []
            if not times:
                return
            self.now = max(self.now, min(times))
            if plan and plan[-1][0] <= self.now:
                self.ends["a"].command(plan.pop()[1], self.now)
            elif self.under_way and self.under_way[0][0] <= self.now:
                _, _, datagram, me = heappop(self.under_way)
                source = way(me, route_of(datagram.peer))
                self.ends[party_of(datagram.peer)].receive(datagram.data, source, self.now)
            else:
                for end in self.ends.values():
                    end.handle_timer(self.now)
        pytest.fail("does not fall silent")

    def drain(self, me: str) -> None:
        for datagram in self.ends[me].datagrams_to_send():
            d = datagram
            self.labels[me, d.peer, d.kind, d.stream, d.epoch, d.sequence, d.attempt, d.copy] += 1
            copies = self.random.choices((0, 1, 2), (0.25, 0.6, 0.15))[0]
            for _ in range(copies):
                delay_s = self.random.choice((0.5, 1.0, 1.0, 1.5, self.random.uniform(0, 4), 40.0))
                self.count += 1
                heappush(self.under_way, (self.now + delay_s, self.count, datagram, me))
        while (event := self.ends[me].next_event()) is not None:
            self.heard[me].append(event)


@pytest.mark.parametrize(("name", "settings"), CASES)
@pytest.mark.parametrize("epochs", [1, 2])
def test_claims_hold_on_a_bad_line(name: str, settings: dict[str, Any], epochs: int) -> None:
    """Under any pattern nothing is handed up twice or out of order where that is claimed, nothing that was
    neither handed up nor given up, no two datagrams have one label, and both ends fall silent."""
    claims = VARIANTS[name].make.claims
    delivered = 0
    for seed in SEEDS:
        line = BadLine(name, settings, seed)
        numbers = [
            (epoch, number) for epoch in range(7, 7 + epochs) for number in range(1, MESSAGES // epochs + 1)
        ]
        line.run(
            [
                (0.4 * place, Send("b", b"%d/%d" % number, "notice", 1, number[0], number[1]))
                for place, number in enumerate(numbers)
            ]
        )
        got = [
            tuple(map(int, event.data.split(b"/"))) for event in line.heard["b"] if type(event) is Received
        ]
        delivered += len(set(got))
        assert set(got) <= set(numbers)
        assert max(line.labels.values()) == 1
        if "at-most-once" in claims:
            assert len(got) == len(set(got)), seed
        if "in-order" in claims:
            assert got == sorted(got), seed
        if "at-least-once-or-gave-up" in claims:
            gave_up = Counter(event.sequence for event in line.heard["a"] if type(event) is GaveUp)
            missing = Counter(number for epoch, number in set(numbers) - set(got))
            assert not missing - gave_up, seed
    assert delivered > 0.3 * MESSAGES * len(SEEDS)


@pytest.mark.parametrize("name", NAMES)
def test_claims_are_words_that_are_known(name: str) -> None:
    """A claim that nobody tests would be worth nothing."""
    known = {"at-most-once", "in-order", "at-least-once-or-gave-up"}
    assert known >= VARIANTS[name].make.claims


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_command_sends_nothing(name: str) -> None:
    """After a command of a wrong type there is nothing to send and no timer."""
    member = VARIANTS[name]
    needed = {"rto_s"} & {field.name for field in dataclasses.fields(member.config)}
    end = member.make(member.config(**dict.fromkeys(needed, 3.0)))
    with pytest.raises(LocalProtocolError):
        end.command(b"bytes", 0.0)
    assert end.datagrams_to_send() == []
    assert end.next_timer() is None
