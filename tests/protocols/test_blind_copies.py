"""Blind copies."""

import pytest

from cbmnet.protocols.endpoint import CONFIRM, LINK_ACK, RECEIPT, encode_frame
from cbmnet.protocols.variants.blind_copies import COPYING, GONE, NEXT
from tests.protocols.by_hand import complain, give, heard, made, note, numbers


def test_all_copies_leave_at_once_and_each_is_handed_up() -> None:
    """Three copies, attempts 1 to 3; the receiver drops none and answers none."""
    a, b = made("blind-copies", copies=3), made("blind-copies")
    a.command(note(7), 0.0)
    out = a.datagrams_to_send()
    assert numbers(out) == [("notice", 7, 1), ("notice", 7, 2), ("notice", 7, 3)]
    assert a.next_timer() is None
    give(out[1:], b, "a", 1.0)
    assert heard(b) == [7, 7]
    assert b.datagrams_to_send() == []


def test_spaced_copies_leave_by_the_timer() -> None:
    """At 0, 2 and 4 s, as the offsets say; messages in between have copies of their own, in time order."""
    a = made("blind-copies", copies=3, spacing_s=2.0)
    left = []
    a.command(note(1), 0.0)
    left += [(0.0, d.sequence, d.attempt) for d in a.datagrams_to_send()]
    a.command(note(2), 1.0)
    left += [(1.0, d.sequence, d.attempt) for d in a.datagrams_to_send()]
    while (due := a.next_timer()) is not None:
        a.handle_timer(due - 0.1)
        assert a.datagrams_to_send() == []
        a.handle_timer(due)
        left += [(due, d.sequence, d.attempt) for d in a.datagrams_to_send()]
    assert left == [(0.0, 1, 1), (1.0, 2, 1), (2.0, 1, 2), (3.0, 2, 2), (4.0, 1, 3), (5.0, 2, 3)]
    assert a.attempt_offsets_s() == (0.0, 2.0, 4.0)


@pytest.mark.parametrize("type_", [LINK_ACK, CONFIRM, RECEIPT])
def test_nothing_but_data_is_spoken(type_: int) -> None:
    """Acknowledgements, confirmations and receipts are no frames of this variant."""
    assert "no frame of this variant" in complain(made("blind-copies"), encode_frame(type_, 1, 1, 1, None))


def test_the_table_has_no_way_out_of_gone() -> None:
    """A message whose copies have left knows no further event."""
    assert NEXT[GONE] == {}
    assert set(NEXT[COPYING].values()) == {COPYING, GONE}


@pytest.mark.parametrize("wrong", [{"copies": 0}, {"copies": 65}, {"spacing_s": -1.0}])
def test_a_config_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """1 to 64 copies, no negative spacing."""
    with pytest.raises(ValueError, match="1 to 64 copies"):
        made("blind-copies", **wrong)
