"""Selective repeat alone."""

from tests.protocols.by_hand import (
    give,
    heard,
    loaded,
    made,
    note,
)


def test_selective_repeat_sends_repeats_before_new_frames() -> None:
    """With a pace, a frame that timed out goes before those that wait."""
    a = loaded("selective-repeat", 20, window=20, pace_s=2.0, rto_s=5.0)
    left = [d.sequence for d in a.datagrams_to_send()]
    for now in (2.0, 4.0, 5.0, 6.0, 8.0, 10.0):
        a.handle_timer(now)
        left += [d.sequence for d in a.datagrams_to_send()]
    assert left == [1, 2, 3, 1, 2, 3]


def test_a_gap_that_nobody_closes_opens_by_itself() -> None:
    """Frame 1 is lost for good and no later frame tells of it: what is held goes up after the hold time."""
    a, b = loaded("selective-repeat", 3), made("selective-repeat", rto_s=5.0, hold_s=7.0)
    first, *rest = a.datagrams_to_send()
    give(rest, b, "a", 1.0)
    assert heard(b) == []
    assert b.next_timer() == 8.0
    b.handle_timer(7.9)
    assert heard(b) == []
    b.datagrams_to_send()
    b.handle_timer(8.0)
    assert heard(b) == [2, 3]
    give([first], b, "a", 9.0)
    assert heard(b) == []
    assert b.datagrams_to_send() == []  # never acknowledged: its sender will give it up
    assert made("selective-repeat", rto_s=5.0).config.longest_gap_s == 25.0


def test_selective_repeat_holds_no_more_than_its_window() -> None:
    """A frame beyond it is neither kept nor acknowledged, so its sender repeats it."""
    a, b = loaded("selective-repeat", 6, window=6), made("selective-repeat", rto_s=5.0, window=3)
    give(a.datagrams_to_send()[1:], b, "a", 1.0)
    assert [d.sequence for d in b.datagrams_to_send()] == [2, 3]


def test_what_was_acknowledged_goes_up_when_a_new_epoch_comes() -> None:
    """Held frames of the old epoch are handed up before the first of the new one."""
    a, b = loaded("selective-repeat", 3), made("selective-repeat", rto_s=5.0)
    give(a.datagrams_to_send()[1:], b, "a", 1.0)
    again = made("selective-repeat", rto_s=5.0)
    again.command(note(1, epoch=1), 2.0)
    give(again.datagrams_to_send(), b, "a", 3.0)
    assert heard(b) == [2, 3, 1]
    assert b.next_timer() is None
