"""Fire and forget."""

import pytest

from cbmnet.protocols.endpoint import CONFIRM, LINK_ACK, RECEIPT, encode_frame
from tests.protocols.by_hand import complain, give, heard, made, note, numbers


def test_a_message_is_sent_once_and_never_answered() -> None:
    """One datagram, no timer; what comes twice is handed up twice."""
    a, b = made("fire-and-forget"), made("fire-and-forget")
    a.command(note(3), 0.0)
    out = a.datagrams_to_send()
    assert numbers(out) == [("notice", 3, 1)]
    assert a.next_timer() is None
    give(out * 2, b, "a", 1.0)
    assert heard(b) == [3, 3]
    assert b.datagrams_to_send() == []


@pytest.mark.parametrize(
    ("type_", "envelope"), [(LINK_ACK, None), (CONFIRM, None), (RECEIPT, None), (RECEIPT, b"x")]
)
def test_nothing_but_data_is_spoken(type_: int, envelope: bytes | None) -> None:
    """A signed receipt, too, is not handed up as if it were data."""
    end = made("fire-and-forget")
    assert "no frame of this variant" in complain(end, encode_frame(type_, 1, 1, 1, envelope))
