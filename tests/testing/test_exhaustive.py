"""Exhaustive search: shortest counterexamples, and nothing found where nothing is wrong."""

from functools import partial
from typing import Any

import pytest

from cbmnet.datagram import Datagram
from cbmnet.errors import LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import (
    DATA,
    VARIANTS,
    EndpointBase,
    Received,
    Send,
    data_datagram,
    decode_frame,
)
from cbmnet.protocols.machine import Machine, step
from cbmnet.protocols.variants.selective_repeat import SelectiveRepeat, SelectiveRepeatConfig
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.testing import Bounds, EndpointPair, Searched, search
from cbmnet.testing.freezing import copied, frozen
from tests.testing.buggy import Numbered, NumberedConfig

PROMISES = ("at-most-once", "acknowledged-was-delivered")


def script(count: int, party: str = "a", peer: str = "b") -> list[tuple[str, Send]]:
    return [(party, Send(peer, b"%d" % k, "notice", 1, 0, k)) for k in range(1, count + 1)]


def searched(config: NumberedConfig, messages: int, bounds: Bounds) -> Searched:
    make = partial(Numbered, config)
    return search({"a": make, "b": make}, script(messages), invariants=PROMISES, bounds=bounds)


def test_the_alternating_bit_fails_by_one_late_copy() -> None:
    """Six steps, and no shorter way: copy of 1, its acknowledgement, message 2, then the copy again."""
    found = searched(NumberedConfig(modulus=2), 4, Bounds(drops=0, timeouts=0))
    assert found.counterexample is not None
    steps = found.counterexample.steps
    assert len(steps) == 6
    assert steps[2].endswith("arrives, and will again")
    assert "accepted message 1 of a again" in found.counterexample.failure
    assert not found.complete


def test_on_a_line_that_keeps_order_the_alternating_bit_is_right() -> None:
    """With losses, copies and timeouts but no overtaking all states are seen and nothing is wrong."""
    found = searched(NumberedConfig(modulus=2), 3, Bounds(1, 1, 2, reorder=False))
    assert found.counterexample is None
    assert found.complete
    assert found.states > 500


def test_a_window_that_wraps_fails_by_a_timeout_alone() -> None:
    """Window 2 of modulus 3: nothing is lost or doubled, one early repetition is taken for a new message."""
    found = searched(NumberedConfig(modulus=3, window=2), 4, Bounds(0, 0, 1))
    assert found.counterexample is not None
    assert sum("timer" in step for step in found.counterexample.steps) == 1
    assert len(found.counterexample.steps) == 6


@pytest.mark.parametrize(
    ("config", "messages", "bounds"),
    [
        (NumberedConfig(), 2, Bounds(1, 1, 1)),
        (NumberedConfig(window=2), 2, Bounds(1, 0, 1)),
        (NumberedConfig(modulus=4, window=2), 3, Bounds(1, 1, 1, reorder=False)),
    ],
)
def test_what_is_right_is_searched_to_the_end(config: Any, messages: int, bounds: Bounds) -> None:
    """Numbers that do not wrap; or half the modulus, on a line that keeps order: nothing is found."""
    found = searched(config, messages, bounds)
    assert found == Searched(found.states, True, None)


def test_a_bound_on_states_is_told() -> None:
    """A search that was cut off says that it is not complete."""
    found = searched(NumberedConfig(), 4, Bounds(2, 2, 3, max_states=200))
    assert found == Searched(200, False, None)
    assert str(found).startswith("nothing found in 200 states, and not all were looked at: raise max_states")


def test_what_was_searched_says_what_came_of_it() -> None:
    """All looked at, or the steps to what was found."""
    whole = searched(NumberedConfig(), 1, Bounds(0, 0, 0))
    assert str(whole) == f"nothing found: all {whole.states} states within the bounds were looked at"
    found = searched(NumberedConfig(modulus=2), 3, Bounds(0, 1, 0))
    assert str(found) == str(found.counterexample)


def test_shipped_variants_keep_what_they_claim() -> None:
    """Stop-and-wait hands up again what it repeats, as its notes say; selective repeat does not."""
    again = partial(StopAndWait, StopAndWaitConfig(2.5, 1.0, 3))
    found = search({"a": again, "b": again}, script(2), bounds=Bounds(0, 0, 1))
    assert found.counterexample is not None
    once = partial(SelectiveRepeat, SelectiveRepeatConfig(rto_s=2.5, window=2, max_sends=3))
    invariants = ("at-most-once", "in-order", "nothing-before-its-cause")
    whole = search({"a": once, "b": once}, script(2), invariants=invariants, bounds=Bounds(1, 1, 1))
    assert whole.counterexample is None
    assert whole.complete


def test_three_parties_are_searched_too() -> None:
    """a and c send to b at once: every interleaving is seen, and b keeps them apart."""
    make = partial(Numbered, NumberedConfig(window=2))
    both = [*script(1), *script(1, "c")]
    found = search(dict.fromkeys("abc", make), both, invariants=("nothing-before-its-cause",),
                   bounds=Bounds(1, 0, 1))  # fmt: skip
    assert found.complete
    assert found.states > 20


class Fragile(EndpointBase):
    """Breaks when the second message comes before the first."""

    def command(self, command: Any, now: float) -> None:
        self.outgoing.append(Numbered(NumberedConfig()).datagram_of(command))

    def receive(self, data: bytes, peer: str, now: float) -> None:
        frame = decode_frame(data)
        assert frame[1] == DATA
        if frame[3] == 2:
            raise IndexError("nothing before it")
        self.events.append(Received(peer, frame[5] or b""))


def test_an_exception_of_an_endpoint_is_a_violation() -> None:
    """The shortest way to it is the counterexample."""
    found = search({"a": Fragile, "b": Fragile}, script(2))
    assert found.counterexample is not None
    assert found.counterexample.steps == ("a sends 1", "a sends 2", "notice/1/0/2#1.0 a>b arrives")
    assert "b failed: IndexError: nothing before it" in str(found.counterexample)


def test_a_copy_shares_nothing_that_can_change() -> None:
    """What is done to the copy leaves the first as it was, and equal contents freeze to equal values."""
    one = Numbered(NumberedConfig(window=3))
    for _, send in script(5):
        one.command(send, 0.0)
    before, other = frozen(one), copied(one)
    assert frozen(other) == before
    other.handle_timer(10.0)
    other.datagrams_to_send()
    assert frozen(other) != before
    assert frozen(one) == before


def test_a_copy_keeps_what_is_shared_shared() -> None:
    """Two names for one list are two names for one copy."""
    shared: list[int] = [1]
    held = {"x": shared, "y": shared, "z": [1]}
    other = copied(held)
    other["x"].append(2)
    assert other == {"x": [1, 2], "y": [1, 2], "z": [1]}
    assert frozen({"x": shared, "y": shared}) != frozen({"x": [1], "y": [1]})


def test_several_ways_are_searched() -> None:
    """A vote of 2 of 2 over two ways: complete, at most once; a party that is not there is named."""
    vote = partial(VARIANTS["k-of-n"].make, VARIANTS["k-of-n"].config(k=2, n=2))
    found = search({"a": vote, "b": vote}, script(1), bounds=Bounds(1, 1, 0))
    assert found == Searched(found.states, True, None)
    with pytest.raises(LocalProtocolError, match="the script names 'c'"):
        search({"a": vote, "b": vote}, script(1, "c"))


def test_what_never_arrives_is_told_where_nothing_more_can_happen() -> None:
    """Fire and forget loses for good: the search asks the invariants at its ends too."""
    bare = partial(VARIANTS["fire-and-forget"].make, None)
    found = search({"a": bare, "b": bare}, script(1), invariants=["delivered-after-healing"])
    assert found.counterexample is not None
    assert found.counterexample.steps == ("a sends 1", "notice/1/0/1#1.0 a>b is lost")


class Lets(EndpointBase):
    """Lets what decoding says go out of `receive`, the commonest mistake."""

    def command(self, command: Any, now: float) -> None:
        self.outgoing.append(Datagram(b"rubbish", command.peer, "notice", 1, 0, 1))

    def receive(self, data: bytes, peer: str, now: float) -> None:
        decode_frame(data)


def test_a_refusal_that_is_let_out_is_a_violation_with_its_path() -> None:
    """In a search a counterexample; in a network an error that names party, variant and time."""
    found = search({"a": Lets, "b": Lets}, script(1))
    assert found.counterexample is not None
    assert "b failed: RemoteProtocolError" in found.counterexample.failure
    pair = EndpointPair(Lets)
    pair.send("a", "b")
    with pytest.raises(SimulationError, match=r"b \(Lets\): failed at 1.0 s: RemoteProtocolError"):
        pair.drive()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"drops": -1}, "drops = -1: must be a whole number from 0 on"),
        ({"timeouts": 1.5}, "timeouts = 1.5"),
        ({"max_states": 0}, "max_states = 0: must be a whole number from 1 on"),
    ],
)
def test_bounds_that_cannot_be_are_refused(wrong: Any, says: str) -> None:
    """A bound below 0 would never be used up, and search for ever."""
    with pytest.raises(LocalProtocolError, match=says):
        Bounds(**wrong)


class Hopeful(EndpointBase):
    """Sends once, and hands up whatever comes as often as it comes."""

    def command(self, command: Any, now: float) -> None:
        self.outgoing.append(data_datagram(command, 1))

    def receive(self, data: bytes, peer: str, now: float) -> None:
        self.events.append(Received(peer, decode_frame(data)[5] or b""))


@pytest.mark.parametrize("more", [[], ["at-most-once"]])
def test_what_is_wrong_at_the_end_counts_by_its_steps_too(more: list[str]) -> None:
    """A loss ends in two steps; a copy handed up twice, in three, does not come before it."""
    found = search(
        {"a": Hopeful, "b": Hopeful}, script(1), invariants=["delivered-after-healing", *more],
        bounds=Bounds(timeouts=0),
    )  # fmt: skip
    assert found.counterexample is not None
    assert len(found.counterexample.steps) == 2
    assert "lost" in found.counterexample.steps[1]


class Tabled(Machine[int]):
    """Has a state table without a way on from its own timeout."""

    speaks = (DATA,)
    TABLE = {"idle": {"command": "waiting"}, "waiting": {}}  # noqa: RUF012
    state = "idle"

    def command(self, command: Any, now: float) -> None:
        self.state = step(self.TABLE, self.state, "command", LocalProtocolError)
        self.timers.set(1, now + 1.0)

    def expire(self, key: int, now: float) -> None:
        self.state = step(self.TABLE, self.state, "timeout", LocalProtocolError)

    def take(self, frame: Any, peer: str, now: float) -> None:
        return None


def test_a_hole_in_a_state_table_is_found_with_its_steps() -> None:
    """An endpoint's own error is a counterexample, whatever it calls it; an order that cannot be is not."""
    found = search({"a": Tabled, "b": Tabled}, script(1), invariants=())
    assert found.counterexample is not None
    assert found.counterexample.steps[-1] == "the timer of a fires"
    assert "timeout while waiting" in found.counterexample.failure
    with pytest.raises(LocalProtocolError, match="command while waiting"):
        search({"a": Tabled, "b": Tabled}, script(2), invariants=())
    pair = EndpointPair(Tabled)
    pair.send("a", "b")
    with pytest.raises(SimulationError, match=r"a \(Tabled\): failed at 1.0 s: LocalProtocolError: timeout"):
        pair.drive()
