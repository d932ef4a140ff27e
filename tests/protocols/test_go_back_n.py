"""Go-back-N alone."""

from cbmnet.protocols.endpoint import (
    Acknowledged,
)
from tests.protocols.by_hand import (
    give,
    heard,
    loaded,
    made,
    numbers,
    said,
    told,
)


def test_a_cumulative_acknowledgement_stands_for_those_lost_before_it() -> None:
    """Only the last of three acknowledgements arrives, and settles all three without a repeat."""
    a, b = loaded("go-back-n", 3), made("go-back-n", rto_s=5.0)
    give(a.datagrams_to_send(), b, "a", 1.0)
    give(b.datagrams_to_send()[2:], a, "b", 2.0)
    assert said(a) == [Acknowledged("b", 1, number, 1) for number in (1, 2, 3)]
    assert a.next_timer() is None


def test_go_back_n_keeps_nothing_that_comes_early() -> None:
    """It answers a frame out of order with the number of the last in order, each time under a new label."""
    a, b = loaded("go-back-n", 4), made("go-back-n", rto_s=5.0)
    one, _, three, four = a.datagrams_to_send()
    give([one, three, four, three], b, "a", 1.0)
    assert heard(b) == [1]
    answers = b.datagrams_to_send()
    assert numbers(answers) == [("link-ack", 1, count) for count in (1, 2, 3, 4)]


def test_a_frame_that_waits_to_go_again_may_still_be_acknowledged() -> None:
    """After going back, late acknowledgements settle what has not gone again yet, and it does not go."""
    a, b = loaded("go-back-n", 3, pace_s=2.0, rto_s=7.0), made("go-back-n", rto_s=7.0)
    out = a.datagrams_to_send()
    for now in (2.0, 4.0):
        a.handle_timer(now)
        out += a.datagrams_to_send()
    give(out, b, "a", 5.0)
    a.handle_timer(7.0)
    assert numbers(a.datagrams_to_send()) == [("notice", 1, 2)]
    give(b.datagrams_to_send(), a, "b", 8.0)
    for now in (9.0, 11.0, 20.0):
        a.handle_timer(now)
    assert a.datagrams_to_send() == []
    assert [event.attempts for event in told(a, Acknowledged)] == [2, 1, 1]
