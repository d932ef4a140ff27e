"""Every variant gives the same events on every driver, under the same scripts."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from typing import Any

import pytest

from cbmnet.drivers.stdio_driver import StdioEndpoint
from cbmnet.drivers.stdio_process import NodeProcess
from cbmnet.protocols.endpoint import VARIANTS, party_of
from cbmnet.records import Deliver, Drop, Duplicate, Timer

from .conformance import (
    APART_S,
    Case,
    Events,
    PatientLoop,
    cases,
    in_real_time,
    in_virtual_time,
    makes,
    open_streams,
    open_udp,
)

CASES = cases()
STAGGER_S = 0.01
TIMER = ""
NODE = [sys.executable, "-m", "cbmnet", "node", "fire-and-forget"]
SIGNED_NODE = [sys.executable, "-m", "tests.drivers.signed_node"]


class Watch:
    """When something happened at each party, and whether by a timer; and how much the faults did."""

    wants = (Deliver, Drop, Duplicate, Timer)

    def __init__(self) -> None:
        self.happened: dict[str, list[tuple[float, str]]] = {}
        self.damage = 0

    def feed(self, record: Any) -> None:
        """Notes one record."""
        if isinstance(record, Timer):
            self.happened.setdefault(record.party, []).append((record.at_s, TIMER))
        elif isinstance(record, Deliver):
            self.happened.setdefault(record.receiver, []).append((record.at_s, party_of(record.sender)))
        else:
            self.damage += 1

    def margin_s(self) -> float:
        """The least time between two things at one party that one timer or one peer did not both do."""
        pairs = [pair for times in self.happened.values() for pair in pairwise(sorted(times))]
        return min((b[0] - a[0] for a, b in pairs if TIMER in (a[1], b[1]) or a[1] != b[1]), default=inf)


@pytest.fixture(scope="module")
def expected() -> dict[str, tuple[Events, float]]:
    """What each case gives in virtual time, and how long it takes."""
    return {str(case): in_virtual_time(case, makes(case.network)) for case in CASES}


@pytest.fixture(scope="module")
def nodes() -> Iterator[dict[bool, list[NodeProcess]]]:
    """Three nodes of `cbmnet node`, and two that sign."""
    found = {False: [NodeProcess(NODE) for _ in range(3)], True: [NodeProcess(SIGNED_NODE) for _ in range(2)]}
    yield found
    for node in (*found[False], *found[True]):
        node.close()


def differences(got: dict[str, Events], expected: dict[str, tuple[Events, float]]) -> dict[str, Any]:
    """Each case whose events are others, with both."""
    return {case: (events, expected[case][0]) for case, events in got.items() if events != expected[case][0]}


def test_every_variant_is_tried() -> None:
    """Each registered one, under each script."""
    tried = Counter(case.network.variant for case in CASES)
    assert sorted(tried) == VARIANTS.names()
    assert len({case.script for case in CASES}) == min(tried.values()) == 11


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_scripts_leave_real_time_its_margin(case: Case) -> None:
    """All that could be a race is 50 ms apart; and the faults hit, but for answers never given."""
    watch = Watch()
    in_virtual_time(case, makes(case.network), [watch])
    assert watch.margin_s() >= APART_S - 1e-9
    if "lost" in case.script or "duplicate" in case.script:
        assert watch.damage or ("answer" in case.script and not case.network.is_answered)


def test_asyncio_gives_the_same_events(expected: dict[str, tuple[Events, float]]) -> None:
    """Over UDP and over TCP, on loopback in real time: every case at once, each on sockets of its own."""

    async def all_cases() -> list[Events]:
        times = (number * STAGGER_S for number in range(len(runs)))
        return await asyncio.gather(
            *(in_real_time(case, kind, expected[str(case)][1], next(times)) for case, kind in runs)
        )

    runs = [(case, kind) for case in CASES for kind in (open_udp, open_streams)]
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        got = runner.run(all_cases())
    for opened in (open_udp, open_streams):
        events = {str(case): said for (case, kind), said in zip(runs, got, strict=True) if kind is opened}
        assert differences(events, expected) == {}, opened.__doc__


def test_nodes_in_other_processes_give_the_same_events(
    expected: dict[str, tuple[Events, float]], nodes: dict[bool, list[NodeProcess]]
) -> None:
    """Over stdio in virtual time: the same faults meet the labels that the nodes write on their lines."""
    got = {}
    for case in CASES:
        network = case.network
        parties = tuple(network.settings)

        def make(name: str, node: NodeProcess, network: Any = network, parties: Any = parties) -> Any:
            config = network.settings[name]
            return lambda: StdioEndpoint(node, name, parties, variant=network.variant, config=config)

        made = {name: make(name, node) for name, node in zip(parties, nodes[network.signed], strict=False)}
        got[str(case)] = in_virtual_time(case, made)[0]
    assert differences(got, expected) == {}
