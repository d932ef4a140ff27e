"""What a search copies and compares: whatever an endpoint may hold, a copy holds the same and shares none."""

import itertools
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, NamedTuple

import pytest

from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.errors import LocalProtocolError
from cbmnet.protocols.endpoint import Send
from cbmnet.testing.freezing import copied, frozen


class Pair(NamedTuple):
    one: Any
    two: Any


@dataclass(frozen=True)
class Sealed:
    kept: Any


class Bag:
    def __init__(self, held: Any) -> None:
        self.held = held
        self.table = {1: self.add, 2: partial(self.add)}
        self.count = 0

    def add(self) -> None:
        self.count += 1


def default_of(items: Any) -> Any:
    made: Any = defaultdict(list)
    made.update(items)
    return made


SHARED = [1]
HELD: list[Any] = [
    [1, 2], {"a": [1]}, {1, 2}, deque([1, 2], maxlen=3), bytearray(b"abc"), default_of({1: [2]}),
    OrderedDict(a=[1]), Pair([1], {2: 3}), Decimal("1.5"), Random(3), itertools.count(4), Sealed([1]),
    Sealed(1), ConstantConfig(1.0), Send("b", b"x", "notice", 1, 0, 1), [SHARED, SHARED], frozenset({1}),
    (1, [2]), None, 1.5, "x",
]  # fmt: skip


@pytest.mark.parametrize("held", HELD, ids=lambda held: type(held).__name__)
def test_a_copy_holds_the_same(held: Any) -> None:
    """Equal content freezes to equal values, before and after, inside an object too."""
    for thing in (held, Bag(held)):
        before = frozen(thing)
        assert frozen(copied(thing)) == before
        assert frozen(thing) == before


CHANGES: list[tuple[Any, Any]] = [
    (bytearray(b"abc"), lambda h: h.append(1)),
    (default_of({1: [2]}), lambda h: h[1].append(3)),
    (OrderedDict(a=[1]), lambda h: h.update(b=1)),
    (Pair([1], {}), lambda h: h.one.append(1)),
    (Random(3), lambda h: h.random()),
    (itertools.count(4), next),
    (Sealed([1]), lambda h: h.kept.append(2)),
    ((1, [2]), lambda h: h[1].append(3)),
    (deque([1]), lambda h: h.append(1)),
    (Bag(1), lambda h: h.table[1]()),
    (Bag(1), lambda h: h.table[2]()),
]


@pytest.mark.parametrize(("held", "change"), CHANGES, ids=lambda held: type(held).__name__)
def test_what_is_done_to_a_copy_is_not_done_to_the_first(held: Any, change: Any) -> None:
    """And it is seen: the changed copy freezes to something else, the first to what it was."""
    before, other = frozen(held), copied(held)
    change(other)
    assert frozen(other) != before
    assert frozen(held) == before


def test_an_alias_stays_an_alias() -> None:
    """Two ways to one object lead to one copy, also through containers with ways of their own."""
    inner: list[int] = []
    held = {"x": default_of({1: inner}), "y": inner}
    other = copied(held)
    other["y"].append(1)
    assert other["x"][1] == [1]
    assert inner == []


@pytest.mark.parametrize("held", [(n for n in range(3)), open(__file__)], ids=["generator", "file"])  # noqa: SIM115
def test_what_cannot_be_copied_is_said(held: Any) -> None:
    """A clear error that shows the thing, not a search of something else."""
    with pytest.raises(LocalProtocolError, match="cannot copy"):
        copied(Bag(held))
    held.close()


def test_a_closure_over_what_changes_is_said() -> None:
    """Its captured list would be shared by all states."""
    seen: list[int] = []
    with pytest.raises(LocalProtocolError, match="cannot copy"):
        copied(Bag(lambda: seen.append(1)))
    assert copied(Bag(lambda: 3)).held() == 3


@dataclass(frozen=True, slots=True)
class Slotted:
    number: int


@pytest.mark.parametrize(
    "make",
    [
        Slotted, lambda n: Counter({1: n}), lambda n: OrderedDict(a=n), lambda n: default_of({1: [n]}),
        timedelta, lambda n: array("q", [n]), Random, lambda n: (lambda: n),
        lambda n: partial(Bag, n), lambda n: Bag(n).add,
    ],
    ids=["slots", "Counter", "OrderedDict", "defaultdict", "timedelta", "array", "Random", "closure",
         "partial", "method"],
)  # fmt: skip
def test_every_difference_is_seen_however_many_there_are(make: Any) -> None:
    """Of twenty alike, a change in any one makes the whole differ: a search merges no two states."""
    whole = frozen([make(n) for n in range(20)])
    for changed in range(20):
        assert frozen([make(n if n != changed else 99) for n in range(20)]) != whole


def test_functions_differ_by_their_code() -> None:
    """Two of one name are not one: an endpoint that has put another in its place is in another state."""
    one, two = [(lambda: 1), (lambda: 2)]
    assert frozen(one) != frozen(two)
