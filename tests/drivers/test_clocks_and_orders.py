"""Clocks that are set forward and back, and orders to parties that are down, while a protocol runs."""

from functools import partial
from typing import Any

import pytest

from cbmnet.protocols.endpoint import VARIANTS, Acknowledged, Received
from cbmnet.testing import EndpointPair


def pair(name: str, faults: Any, **config: Any) -> EndpointPair:
    member = VARIANTS[name]
    return EndpointPair(partial(member.make, member.config(**config)), faults=faults)


def jump(node: str, time_s: float, offset_s: float) -> dict[str, Any]:
    return {"at": {"node": node, "time_s": time_s}, "do": "set-clock", "offset_s": offset_s}


@pytest.mark.parametrize("name", ["go-back-n", "selective-repeat"])
@pytest.mark.parametrize("back_s", [5.0, 12.0, 1e6])
def test_a_paced_window_goes_on_after_its_clock_was_set_back(name: str, back_s: float) -> None:
    """What is ordered after the jump is sent, however far the next free slot seems to be."""
    line = pair(name, [jump("a", 10.0, -back_s)], rto_s=5.0, pace_s=0.5)
    line.send("a", "b", b"one")
    line.at(11.0, lambda: line.send("a", "b", b"two"))
    line.at(11.0, lambda: line.send("a", "b", b"three"))
    line.drive()
    assert line.accepted["a", "b"] == [b"one", b"two", b"three"]
    assert line.now < 20.0


def test_an_order_to_a_party_that_is_down_waits_until_it_is_back() -> None:
    """Its timers begin then, so nothing is sent twice; with the memory the order is lost."""
    for failure in ({"do": "crash"}, {"do": "pause"}, {"do": "crash", "loses_state": True}):
        fault = {"at": {"node": "a", "time_s": 1.0}, "for_s": 5.0, **failure}
        line = pair("stop-and-wait", [fault], rto_s=5.0)
        line.at(2.0, partial(line.send, "a", "b", b"said while down"))
        line.drive()
        kept = "loses_state" not in failure
        assert line.events["a"] == ([Acknowledged("b", 1, 1, 1)] if kept else [])
        assert line.events["b"] == ([Received("a", b"said while down")] if kept else [])
