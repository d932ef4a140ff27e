"""One message to many."""

from typing import Any

import pytest

from cbmnet.protocols.endpoint import (
    CONFIRM,
    LINK_ACK,
    Acknowledged,
    Broadcast,
    GaveUp,
    LocalProtocolError,
    Received,
    Settled,
    encode_frame,
)
from tests.protocols.by_hand import complain, give, made, note, numbers, said, talk


def to_all(*peers: str, sequence: int = 1) -> Broadcast:
    return Broadcast(peers, b"%d" % sequence, "notice", 1, 0, sequence)


def ends(**config: Any) -> dict[str, Any]:
    config = {"rto_s": 3.0, "backoff": 1.0, "max_sends": 3} | config
    return {me: made("broadcast", **config) for me in "abcd"}


def test_it_ends_with_those_known_and_those_unknown() -> None:
    """To b nothing gets through, from c only the third acknowledgement, with d all is well."""
    parties = ends()

    def keeps(me: str, d: Any) -> bool:
        return d.peer != "b" and not (me == "c" and d.attempt < 3)

    parties["a"].command(to_all("d", "b", "c"), 0.0)
    events = talk(parties, 100.0, keeps)
    assert events["a"] == [
        Acknowledged("d", 1, 1, 1),
        Acknowledged("c", 1, 1, 3),
        GaveUp("b", 1, 1, 3),
        Settled(1, 0, 1, ("d", "c"), ("b",)),
    ]
    assert [events[me] for me in "bcd"] == [[], [Received("a", b"1")], [Received("a", b"1")]]


def test_unknown_is_not_undelivered() -> None:
    """All acknowledgements lost: everybody has it, and the sender knows of nobody."""
    parties = ends()
    parties["a"].command(to_all("b", "c"), 0.0)
    events = talk(parties, 100.0, lambda me, d: me == "a")
    assert events["a"][-1] == Settled(1, 0, 1, (), ("b", "c"))
    assert events["b"] == events["c"] == [Received("a", b"1")]


def test_only_the_silent_are_asked_again() -> None:
    """After c's acknowledgement b alone gets attempt 2, and each attempt to each peer has its label."""
    a = ends()["a"]
    a.command(to_all("b", "c"), 0.0)
    out = a.datagrams_to_send()
    a.receive(encode_frame(LINK_ACK, 1, 1, 1, None), "c", 1.0)
    a.handle_timer(3.0)
    out += a.datagrams_to_send()
    assert [(d.peer, d.attempt) for d in out] == [("b", 1), ("c", 1), ("b", 2)]


def test_a_send_is_a_broadcast_to_one() -> None:
    """With its own settlement."""
    parties = ends()
    parties["a"].command(note(4), 0.0)
    events = talk(parties, 100.0)
    assert events["a"] == [Acknowledged("b", 1, 4, 1), Settled(1, 0, 4, ("b",), ())]


def test_broadcasts_do_not_wait_for_each_other() -> None:
    """A dead peer in the first holds up neither the second nor its settlement."""
    parties = ends()
    parties["a"].command(to_all("b", "c", sequence=1), 0.0)
    parties["a"].command(to_all("c", "d", sequence=2), 0.0)
    events = talk(parties, 100.0, lambda me, d: d.peer != "b")
    assert [e for e in events["a"] if type(e) is Settled] == [
        Settled(1, 0, 2, ("c", "d"), ()),
        Settled(1, 0, 1, ("c",), ("b",)),
    ]


def test_acknowledgements_after_the_end_change_nothing() -> None:
    """Nor do those that nobody asked for, or of another epoch, or from another peer."""
    a = ends(max_sends=1)["a"]
    a.command(to_all("b"), 0.0)
    for mark, peer in ((1 << 32 | 1, "b"), (1, "c")):
        a.receive(encode_frame(LINK_ACK, 1, 1, mark, None), peer, 1.0)
    assert said(a) == []
    a.handle_timer(3.0)
    assert len(said(a)) == 2
    a.receive(encode_frame(LINK_ACK, 1, 1, 1, None), "b", 4.0)
    assert said(a) == []


def test_duplicates_are_acknowledged_and_not_handed_up() -> None:
    """Each copy is answered under a label of its own."""
    a, b, *_ = ends().values()
    a.command(to_all("b"), 0.0)
    (data,) = a.datagrams_to_send()
    give([data] * 3, b, "a", 1.0)
    assert said(b) == [Received("a", b"1")]
    assert [d.copy for d in b.datagrams_to_send()] == [0, 256, 512]


@pytest.mark.parametrize("peers", [(), ("b", "b")])
def test_peers_that_cannot_be_are_the_callers_bug(peers: tuple[str, ...]) -> None:
    """None, or one twice; nothing is sent."""
    a = ends()["a"]
    with pytest.raises(LocalProtocolError, match="each once"):
        a.command(to_all(*peers), 0.0)
    assert a.datagrams_to_send() == []


def test_a_number_under_way_is_the_callers_bug() -> None:
    """Two broadcasts under one number to one peer could not be told apart; nobody is sent anything."""
    a = ends()["a"]
    a.command(to_all("b"), 0.0)
    a.datagrams_to_send()
    with pytest.raises(LocalProtocolError, match="under way to b"):
        a.command(to_all("c", "b"), 0.0)
    assert a.datagrams_to_send() == []
    assert numbers(a.datagrams_to_send()) == []


def test_frames_of_other_variants_are_malformed() -> None:
    """A confirmation is none of a broadcast's frames."""
    assert "confirm is no frame" in complain(ends()["a"], encode_frame(CONFIRM, 1, 1, 1, None))
