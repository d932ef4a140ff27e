"""Replay, order, gaps and evidence."""

import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import ReplayGuard, SignedMessageError
from cbmnet.messages.guard import DIGESTS, WINDOW

from .parties import MAC, NOW_MS, SECRET, ZERO, chain, code_of, entry, sealed, verifier


def judge():
    return verifier(entry(MAC), realm="sim", secrets={MAC.kid: SECRET})


def mac(**changes):
    return sealed(MAC, realm="sim", **changes)


def stream(count, **changes):
    return chain(count, MAC, realm="sim", **changes)


def feed(check, *messages):
    """The gap after each accepted message, or the code it is refused with."""
    out = []
    for message in messages:
        try:
            out.append(check.accept(message.wire, NOW_MS).gap)
        except SignedMessageError as error:
            out.append(error.code)
    return out


def test_a_stream_in_order_has_no_gap():
    """Each message continues the one before."""
    assert feed(judge(), *stream(5)) == [None] * 5


def test_lost_messages_are_reported_and_hold_nothing_up():
    """The gap runs from one after the nearest lower sequence seen."""
    m = stream(9)
    assert feed(judge(), m[1], m[4], m[8], m[6], m[7], m[2], m[3], m[0], m[5]) == [
        (1, 1), (3, 4), (6, 8), (6, 6), None, None, None, None, None,
    ]  # fmt: skip


def test_any_sequence_may_be_the_first_of_an_unknown_stream():
    """What came before is reported missing from 1."""
    assert feed(judge(), mac(sequence=2**40, epoch=7)) == [(1, 2**40 - 1)]
    assert feed(judge(), mac(sequence=500), mac(sequence=498)) == [(1, 499), (1, 497)]


def test_a_first_message_that_names_another_before_it_reports_that():
    """Sequence 1 of an unknown stream: no gap after zeros, (0, 0) after the id of a message not seen."""
    assert feed(judge(), mac()) == [None]
    assert feed(judge(), mac(previous=b"x" * 32)) == [(0, 0)]
    assert feed(judge(), mac(epoch=3, previous=b"x" * 32)) == [(0, 0)]


def test_streams_and_senders_are_apart():
    """The same sequence in another stream or from another part of the party is new."""
    assert feed(judge(), mac(), mac(stream=2), mac(sender="north/a")) == [None] * 3


def test_a_second_message_for_one_sequence_is_equivocation_with_both_envelopes():
    """The evidence is transferable: both envelopes as they were received."""
    check, one, two = judge(), mac(), mac(payload={"count": 2})
    check.accept(one.wire, NOW_MS)
    with pytest.raises(SignedMessageError, match="Equivocation") as caught:
        check.accept(two.wire, NOW_MS)
    assert caught.value.evidence == (one.wire, two.wire)
    assert caught.value.message_id == two.id


def test_the_newest_64_envelopes_are_kept_as_evidence():
    """Further back the refused envelope stands alone, but it is refused."""
    check, messages = judge(), stream(100)
    feed(check, *messages)
    for sequence, kept in ((100, True), (37, True), (36, False), (1, False)):
        other = mac(sequence=sequence, payload={"count": 99})
        with pytest.raises(SignedMessageError, match="Equivocation") as caught:
            check.accept(other.wire, NOW_MS)
        expected = (messages[sequence - 1].wire, other.wire) if kept else (other.wire,)
        assert caught.value.evidence == expected


def test_evidence_is_kept_by_sequence_after_a_jump():
    """A jump ahead drops what is no longer among the newest 64 and keeps the rest."""
    check, first = judge(), stream(10)
    feed(check, *first, mac(sequence=70))
    for sequence, count in ((7, 2), (6, 1)):
        with pytest.raises(SignedMessageError, match="Equivocation") as caught:
            check.accept(mac(sequence=sequence, payload={"count": 99}).wire, NOW_MS)
        assert len(caught.value.evidence) == count


@pytest.mark.parametrize("jump", [False, True])
def test_the_window_is_1024_sequences(jump):
    """highest - 1023 is still judged, highest - 1024 is TooOld, also for what was never seen."""
    check = judge()
    last = WINDOW + 5
    feed(check, *([mac(sequence=1), mac(sequence=last)] if jump else stream(last, epoch=0)))
    assert code_of(check.check, mac(sequence=last - WINDOW, payload={"count": 7}).wire) == "TooOld"
    inside = code_of(check.check, mac(sequence=last - WINDOW + 1, payload={"count": 7}).wire)
    assert inside == ("Accepted" if jump else "Equivocation")


def test_too_old_is_tested_before_replayed():
    """An old message that fell out of the window is TooOld, not Replayed; its digest may still be known."""
    check = judge()
    old = mac(sequence=1)
    feed(check, old, mac(sequence=WINDOW + 1))
    check.guard._digests.clear()
    assert code_of(check.check, old.wire) == "TooOld"


def test_a_predecessor_that_left_the_window_is_no_gap():
    """Nothing is missing before a late message whose predecessor was accepted and forgotten."""
    check = judge()
    feed(check, mac(sequence=5), mac(sequence=5 + WINDOW))
    assert feed(check, mac(sequence=7), mac(sequence=6)) == [(6, 6), "ChainBreak"]
    check = judge()
    feed(check, mac(sequence=5), mac(sequence=5 + WINDOW))
    assert feed(check, mac(sequence=6)) == [None]


def test_a_chain_that_does_not_continue_is_a_break_with_evidence():
    """A known predecessor with another id: ChainBreak with both envelopes."""
    check, (one, _) = judge(), stream(2)
    check.accept(one.wire, NOW_MS)
    two = mac(sequence=2, previous=b"x" * 32)
    with pytest.raises(SignedMessageError, match="ChainBreak") as caught:
        check.accept(two.wire, NOW_MS)
    assert caught.value.evidence == (one.wire, two.wire)


def test_a_late_message_must_be_what_its_successor_continues():
    """An accepted successor that names another predecessor: ChainBreak."""
    check, m = judge(), stream(3)
    feed(check, m[2])
    other = mac(sequence=2, previous=m[0].id, payload={"count": 99})
    assert feed(check, other, m[1]) == ["ChainBreak", (1, 1)]


def test_a_higher_epoch_restarts_and_a_lower_one_is_over():
    """Epochs only rise."""
    check, first = judge(), stream(3)
    feed(check, *first)
    start = mac(epoch=5, previous=first[2].id)
    assert feed(check, start, mac(epoch=4), mac(sequence=4)) == [None, "TooOld", "TooOld"]
    assert feed(check, *stream(2, start=2, epoch=5, previous=start.id)) == [None, None]


@pytest.mark.parametrize("previous", [ZERO, b"x" * 32])
def test_an_epoch_that_starts_elsewhere_reports_that_something_may_be_missing(previous):
    """(0, 0), never ChainBreak."""
    check = judge()
    feed(check, *stream(3))
    assert feed(check, mac(epoch=1, previous=previous)) == [(0, 0)]


def test_a_late_start_of_an_epoch_is_never_a_break():
    """Sequence 1 after its successor is accepted with any previous, and without a gap."""
    check = judge()
    feed(check, mac(epoch=1, sequence=3))
    assert feed(check, mac(epoch=1, previous=b"y" * 32)) == [None]


def test_an_epoch_joined_late_reports_its_beginning_missing():
    """A later epoch met at sequence 4 misses 1 to 3."""
    check = judge()
    feed(check, *stream(3))
    assert feed(check, mac(epoch=1, sequence=4)) == [(1, 3)]


def test_the_digest_cache_is_bounded_and_the_window_still_refuses():
    """A copy whose digest was pushed out is Replayed."""
    check = judge()
    first = mac()
    check.accept(first.wire, NOW_MS)
    for n in range(DIGESTS):
        change = check.check(mac(stream=2 + n).wire, NOW_MS).change
        check.guard.apply(change)
    assert len(check.guard._digests) == DIGESTS
    assert code_of(check.check, first.wire) == "Replayed"


def test_memory_of_a_stream_is_bounded():
    """At most 1,024 slots and 64 envelopes are held."""
    check = judge()
    feed(check, *stream(1200))
    (held,) = check.guard._streams.values()
    assert (len(held.slots), len(held.wires), held.below) == (1024, 64, 176)


def test_a_change_that_no_longer_fits_is_the_callers_error():
    """Two messages for one sequence, both checked before either was applied, are not both taken."""
    check = judge()
    one, two = (check.check(mac(payload={"count": n}).wire, NOW_MS).change for n in (1, 2))
    later = check.check(mac(epoch=3).wire, NOW_MS).change
    guard = ReplayGuard()
    guard.apply(one)
    guard.apply(one)
    with pytest.raises(LocalProtocolError):
        guard.apply(two)
    guard.apply(later)
    with pytest.raises(LocalProtocolError):
        guard.apply(one)


def test_a_young_stream_at_the_highest_numbers_is_searched_no_further_than_its_window():
    """Two good messages far from zero must not keep a receiver busy until the end of days."""
    check = judge()
    top = 2**64 - 1
    feed(check, mac(sequence=top))
    accepted = check.check(mac(sequence=top - WINDOW + 1).wire, NOW_MS)
    assert accepted.gap == (1, top - WINDOW)
