"""Datagrams that come to a party that they were not for."""

from collections import Counter
from functools import partial
from typing import Any

import pytest

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.misrouting import MisroutingConfig
from cbmnet.datagram import Datagram
from cbmnet.errors import SimulationError
from cbmnet.protocols.events import Received
from cbmnet.protocols.variants.fire_and_forget import FireAndForget
from cbmnet.records import Deliver, Drop, Duplicate, Send
from cbmnet.registry import NoConfig
from cbmnet.reports import transmissions
from cbmnet.simulation.trace import plain
from cbmnet.streams import Streams
from cbmnet.testing import EndpointNetwork


class Everything:
    """Keeps what it sees."""

    wants = (Send, Deliver, Drop, Duplicate)

    def __init__(self) -> None:
        self.records: list[Any] = []

    def feed(self, record: Any) -> None:
        self.records.append(record)


def network(config: MisroutingConfig, seen: Everything, seed: int = 0) -> EndpointNetwork:
    make = partial(FireAndForget, NoConfig())
    stages = [("misrouting", config), ("constant", ConstantConfig(1.0))]
    return EndpointNetwork(dict.fromkeys("abc", make), stages=stages, observers=[seen], seed=seed)


def test_so_many_go_astray_and_come_to_each_alike() -> None:
    """Of 20,000 flights a fifth, half to c and half to d; within 4 standard errors."""
    config = MisroutingConfig(0.2, ("a", "b", "c", "d"))
    route = build_route("a", "b", [[("misrouting", config)]], Streams(1, 0))
    gone = Counter(route.carry(Datagram(b"x", "b", "n", 1, 0, k), 0.0)[0].astray for k in range(20_000))
    assert set(gone) == {"", "c", "d"}
    assert abs(gone["c"] + gone["d"] - 4000) < 4 * (20_000 * 0.2 * 0.8) ** 0.5
    assert abs(gone["c"] - gone["d"]) < 4 * 4000**0.5


def test_two_on_one_hop_draw_apart() -> None:
    """After the second a share of 1 - .8 * .8 is astray."""
    stages = [("misrouting", MisroutingConfig(0.2, ("c",)))] * 2
    route = build_route("a", "b", [stages], Streams(1, 0))
    gone = sum(bool(route.carry(Datagram(b"x", "b", "n", 1, 0, k), 0.0)[0].astray) for k in range(20_000))
    assert abs(gone - 7200) < 4 * (20_000 * 0.36 * 0.64) ** 0.5


def test_what_is_misrouted_comes_to_another_and_not_to_its_own() -> None:
    """Every message to b comes to c, as from a; the records balance for both links."""
    seen = Everything()
    line = network(MisroutingConfig(1.0, ("c",)), seen)
    for _ in range(3):
        line.send("a", "b")
    line.send("a", "c", b"its own")  # the same number, on a link that misroutes nothing
    line.drive()
    assert line.events["b"] == []
    assert Counter(event.data for event in line.events["c"]) == Counter([b"1", b"2", b"3", b"its own"])
    assert all(event.peer == "a" for event in line.events["c"] if isinstance(event, Received))
    count = Counter((type(r).__name__, r.receiver) for r in seen.records)
    assert count == {
        ("Send", "b"): 3, ("Drop", "b"): 3, ("Send", "c"): 1, ("Duplicate", "c"): 3, ("Deliver", "c"): 4,
    }  # fmt: skip
    assert {r.reason for r in seen.records if isinstance(r, Drop)} == {"misrouted to c"}
    labels = [r.label for r in seen.records if isinstance(r, Deliver)]
    assert len(set(labels)) == len(labels)


def test_the_diagram_shows_where_it_came_out() -> None:
    """Lost for its receiver, and a row to whom it came."""
    seen = Everything()
    line = network(MisroutingConfig(1.0, ("c",)), seen)
    line.send("a", "b")
    line.drive()
    rows = transmissions.rows([plain(record) for record in seen.records])
    assert [(row.target, row.text) for row in rows] == [
        ("b", "notice 1.1, lost: misrouted to c"), ("c", "notice 1.1, misrouted, +1 s"),
    ]  # fmt: skip


def test_a_party_that_is_not_there_is_told() -> None:
    """By the receiver that it was for, with whom there is."""
    line = network(MisroutingConfig(1.0, ("z",)), Everything())
    line.send("a", "b")
    with pytest.raises(SimulationError, match=r"for b goes astray to 'z'; there are a, c"):
        line.drive()


def test_nobody_to_misroute_to_is_refused() -> None:
    """Also the same party twice."""
    for wrong in ((), ("c", "c")):
        with pytest.raises(ValueError, match="to must be at least one party, each once"):
            MisroutingConfig(0.1, wrong)
