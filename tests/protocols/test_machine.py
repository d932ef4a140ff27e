"""Timers by key, and the step along a table."""

from random import Random

import pytest

from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.protocols.frame import Frame
from cbmnet.protocols.machine import Machine, Timers, step
from cbmnet.protocols.variants.go_back_n import NEXT as GO_BACK_N


def test_timers_agree_with_a_plain_table() -> None:
    """Set, moved, cleared and taken at random: the earliest is always that of a plain dictionary."""
    for seed in range(30):
        random, timers, plain = Random(seed), Timers[int](), {}
        for _ in range(400):
            key, at_s = random.randrange(12), float(random.randrange(50))
            if random.random() < 0.6:
                timers.set(key, at_s)
                plain[key] = (at_s, timers.settings)
            elif random.random() < 0.5:
                timers.clear(key)
                plain.pop(key, None)
            elif (taken := timers.take_due(25.0, timers.settings)) is not None:
                earliest = min(plain.values())
                assert plain.pop(taken) == earliest <= (25.0, timers.settings)
            assert timers.next() == min((at_s for at_s, _ in plain.values()), default=None)
            assert all((key in timers) == (key in plain) for key in range(12))


def test_timers_of_one_time_come_in_the_order_of_their_setting() -> None:
    """Also where one of them was moved."""
    timers = Timers[str]()
    for key in "abcb":
        timers.set(key, 5.0)
    assert [timers.take_due(5.0, 9) for _ in range(4)] == ["a", "c", "b", None]
    timers.set("late", 6.0)
    assert timers.take_due(5.9, 9) is None


class Restless(Machine[str]):
    """Sets its timer for now whenever it expires."""

    speaks = ()

    def __init__(self) -> None:
        super().__init__()
        self.expired = 0

    def expire(self, key: str, now: float) -> None:
        self.expired += 1
        self.timers.set(key, now)

    def take(self, frame: Frame, peer: str, now: float) -> None:
        """It speaks no frames."""


def test_what_is_set_while_timers_are_handled_waits_for_the_next_call() -> None:
    """An endpoint that sets a timer for now spins in its driver, which notices, and not within itself."""
    end = Restless()
    end.timers.set("x", 1.0)
    end.handle_timer(0.5)
    assert end.expired == 0
    end.handle_timer(1.0)
    assert (end.expired, end.next_timer()) == (1, 1.0)
    end.handle_timer(1.0)
    assert end.expired == 2


@pytest.mark.parametrize("error", [LocalProtocolError, RemoteProtocolError])
def test_a_missing_key_is_the_protocol_error(error: type[LocalProtocolError | RemoteProtocolError]) -> None:
    """Of the side that the caller of the step names; a key that is there leads where the table says."""
    assert step(GO_BACK_N, "fresh", "sent", error) == "under way"
    with pytest.raises(error, match=r"^ack while fresh$"):
        step(GO_BACK_N, "fresh", "ack", error)
