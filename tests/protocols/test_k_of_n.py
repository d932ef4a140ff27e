"""k of n over several routes."""

from math import comb, sqrt

import pytest

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.protocols.endpoint import LINK_ACK, Malformed, Received, encode_frame, route_of, way
from cbmnet.protocols.frame import mark_of
from cbmnet.streams import Streams
from tests.protocols.by_hand import complain, give, heard, made, note, said


def copies(number: int, n: int = 3, data: bytes = b"") -> list:
    """The datagrams of one message by all routes."""
    a = made("k-of-n", k=1, n=n)
    a.command(note(number, data=data), 0.0)
    return a.datagrams_to_send()


def test_each_route_takes_one_copy() -> None:
    """Ways b, b@1, b@2, each under its own attempt."""
    assert [(d.peer, d.attempt) for d in copies(1)] == [("b", 1), ("b@1", 2), ("b@2", 3)]


def test_the_kth_equal_copy_hands_up_and_later_ones_do_not() -> None:
    """Two of three: nothing after the first, the message after the second, nothing after the third."""
    b, (one, two, three) = made("k-of-n", k=2, n=3), copies(1)
    give([one], b, "a", 0.0)
    assert heard(b) == []
    give([three], b, "a", 1.0)
    assert heard(b) == [1]
    give([two, one], b, "a", 2.0)
    assert heard(b) == []


def test_copies_by_one_route_count_once() -> None:
    """A duplicate is no second witness."""
    b, (one, _, _) = made("k-of-n", k=2, n=3), copies(1)
    give([one] * 5, b, "a", 0.0)
    assert heard(b) == []


def test_a_route_votes_once_and_keeps_to_it() -> None:
    """A route that first said x of a message and then y has said x: its y does not count with another's."""
    b, x, y = made("k-of-n", k=2, n=3), copies(1, 3, b"1"), copies(1, 3, b"2")
    give([x[1], y[1], y[2]], b, "a", 0.0)
    assert heard(b) == []
    give(x[:1], b, "a", 0.0)
    assert heard(b) == [1]


def test_fewer_than_k_lying_routes_get_nothing_handed_up() -> None:
    """Two liars of five at k = 3 forge freely, before and after; the true message is handed up, no other."""
    b, true, false = made("k-of-n", k=3, n=5), copies(1, 5, b"1"), copies(1, 5, b"666")
    other = copies(2, 5, b"667")
    give([false[0], false[1], other[0], other[1]] * 3, b, "a", 0.0)
    give(true[2:4], b, "a", 1.0)
    assert heard(b) == []
    give(true[4:], b, "a", 2.0)
    give(false[:2], b, "a", 3.0)
    assert heard(b) == [1]


def test_what_differs_in_number_or_epoch_does_not_count_together() -> None:
    """Equal bytes under two numbers, two epochs or from two peers are two messages."""
    b = made("k-of-n", k=2, n=3)
    for sequence, epoch, peer in ((1, 0, "a"), (2, 0, "a@1"), (1, 1, "a@1"), (1, 0, "c@1")):
        b.receive(encode_frame(0, 1, sequence, mark_of(epoch, 0, 1), b"9"), peer, 0.0)
    assert heard(b) == []


def test_the_route_is_told_by_the_driver_not_by_the_frame() -> None:
    """A frame that says it is the copy of route 2 counts for the route it came by."""
    b, (one, two, three) = made("k-of-n", k=2, n=3), copies(1)
    for datagram in (one, two, three):
        b.receive(datagram.data, "a@1", 0.0)
    assert heard(b) == []


def test_a_copy_waits_for_others_no_longer_than_the_hold_time() -> None:
    """At exactly 10 s it still counts, after that it does not."""
    for late_s, got in ((10.0, [1]), (10.1, [])):
        b, (one, two, _) = made("k-of-n", k=2, n=3, hold_s=10.0), copies(1)
        give([one], b, "a", 0.0)
        give([two], b, "a", late_s)
        assert heard(b) == got


def test_a_route_that_floods_crowds_out_its_own_copies_only() -> None:
    """With room for 4 a liar's 1,000 messages leave the honest routes' copies, and 4 of its own."""
    b, true = made("k-of-n", k=2, n=3, capacity=4), copies(1)
    give(true[:1], b, "a", 0.0)
    for number in range(2, 1002):
        b.receive(encode_frame(0, 1, number, 1, b"x"), "a@2", 0.0)
    give(true[1:2], b, "a", 0.0)
    assert heard(b) == [1]
    assert sum(len(votes) for votes in b._votes.values()) == 4


@pytest.mark.parametrize(
    ("k", "n", "p", "exact"), [(3, 5, 0.3, 0.83692), (2, 2, 0.1, 0.81), (1, 3, 0.5, 0.875)]
)
def test_what_is_handed_up_is_the_binomial_tail(k: int, n: int, p: float, exact: float) -> None:
    """3 of 5 at loss .3: .83692, within 4 standard errors of 8,000 messages over independent real links."""
    tail = sum(comb(n, i) * (1 - p) ** i * p ** (n - i) for i in range(k, n + 1))
    assert tail == pytest.approx(exact, abs=5e-6)
    trials, streams = 8000, Streams(3, 0)
    routes = [build_route("a", way("b", r), [[("bernoulli", BernoulliConfig(p))]], streams) for r in range(n)]
    a, b = made("k-of-n", k=k, n=n), made("k-of-n", k=k, n=n)
    for number in range(1, trials + 1):
        a.command(note(number), 0.0)
        for datagram in a.datagrams_to_send():
            (flight,) = routes[route_of(datagram.peer)].carry(datagram, 0.0)
            if flight.drop is None:
                give([datagram], b, "a", 0.0)
    share = len(heard(b)) / trials
    assert abs(share - tail) <= 4 * sqrt(tail * (1 - tail) / trials)


def test_what_cannot_be_is_malformed() -> None:
    """A route beyond n, a peer that is no way, frames of other variants."""
    b, (one, _, _) = made("k-of-n", k=2, n=2), copies(1)
    assert "route 2 of 2" in complain(b, one.data, "a@2")
    assert "no way" in complain(b, one.data, "a@x")
    assert "no frame" in complain(b, encode_frame(LINK_ACK, 1, 1, 1, None))


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 2}, {"n": 65}, {"hold_s": 0.0}, {"capacity": 0}])
def test_a_config_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """1 <= k <= n <= 64, a hold time and room for one."""
    with pytest.raises(ValueError, match="needs"):
        made("k-of-n", **wrong)


def test_a_message_far_behind_is_not_handed_up() -> None:
    """It is older than what is remembered, so it might have been handed up before."""
    b = made("k-of-n")
    for number in (5000, 5000 - 1024, 5000 - 1023):
        b.receive(encode_frame(0, 1, number, 1, b"x"), "a", 0.0)
    assert said(b) == [Received("a", b"x")] * 2
    assert Malformed not in {type(event) for event in said(b)}


def test_a_clock_set_back_makes_no_vote_young_and_blocks_none() -> None:
    """A vote from before the jump stands first; one that waited too long makes room for a fresh copy."""
    b, old, new = made("k-of-n", k=2, n=3, hold_s=10.0), copies(1), copies(2)
    give(old[:1], b, "a", 1000.0)
    give(new[:1], b, "a", 0.0)
    give(new[:1], b, "a", 20.0)
    give(new[1:2], b, "a", 21.0)
    assert heard(b) == [2]
