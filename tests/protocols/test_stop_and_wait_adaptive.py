"""RFC 6298, worked by hand."""

import pytest

from cbmnet.protocols.endpoint import LINK_ACK, Acknowledged, GaveUp, encode_frame
from cbmnet.protocols.round_trip import RoundTrip, RoundTripConfig
from tests.protocols.by_hand import give, made, note, numbers, said

# Measured round trip, then SRTT, RTTVAR and RTO by sections 2.2 and 2.3, worked out on paper with G = .1:
# RTTVAR' = 3/4 RTTVAR + 1/4 |SRTT - R|, SRTT' = 7/8 SRTT + 1/8 R, RTO = SRTT + max(G, 4 RTTVAR).
WORKED = [
    (2.0, 2.0, 1.0, 6.0),
    (2.0, 2.0, 0.75, 5.0),
    (4.0, 2.25, 1.0625, 6.5),
    (1.0, 2.09375, 1.109375, 6.53125),
    (2.09375, 2.09375, 0.83203125, 5.421875),
]


def test_the_estimate_follows_the_rules() -> None:
    """Five round trips give the averages and timeouts of the paper calculation, exactly."""
    trip = RoundTrip(RoundTripConfig())
    assert trip.rto_s == 1.0
    for measured_s, srtt_s, rttvar_s, rto_s in WORKED:
        trip.measured(measured_s)
        assert (trip.srtt_s, trip.rttvar_s, trip.rto_s) == (srtt_s, rttvar_s, rto_s)


def test_the_timeout_has_bounds_and_never_meets_the_round_trip() -> None:
    """At least the minimum (2.4), at most the maximum (2.5), and always G above a steady round trip."""
    trip = RoundTrip(RoundTripConfig())
    trip.measured(0.001)
    assert trip.rto_s == 1.0
    for _ in range(200):
        trip.measured(5.0)
    assert trip.rto_s == pytest.approx(5.1)
    trip = RoundTrip(RoundTripConfig(max_rto_s=60.0))
    trip.measured(50.0)
    assert trip.rto_s == 60.0
    for at_s in (1.0, 2.0, 3.0):
        trip.timed_out(at_s, at_s)
    assert trip.rto_s == 60.0


def test_what_was_sent_together_backs_off_once() -> None:
    """Ten streams to a silent peer double its timeout as one does: a silence is one, however many wait."""
    a = made("stop-and-wait-adaptive", max_sends=4)
    for stream in range(10):
        a.command(note(1, stream=stream), 0.0)
    left_s = [0.0] * len(a.datagrams_to_send())
    while (due := a.next_timer()) is not None:
        a.handle_timer(due)
        left_s += [due] * len(a.datagrams_to_send())
    assert left_s == [left for left in (0.0, 1.0, 3.0, 7.0) for _ in range(10)]
    assert a.attempt_offsets_s() == (0.0, 1.0, 3.0, 7.0)


def test_a_round_trip_over_which_the_clock_went_back_measures_nothing() -> None:
    """Else one jump of an hour would rule the timeout for a day."""
    trip = RoundTrip(RoundTripConfig())
    trip.measured(5.0)
    before = trip.rto_s
    trip.measured(-3600.0)
    assert (trip.rto_s, trip.srtt_s) == (before, 5.0)


def test_backing_off_lasts_until_a_round_trip_is_measured() -> None:
    """A timeout doubles the RTO (5.5), also for the next message; a measurement ends it."""
    a = made("stop-and-wait-adaptive", max_sends=3)
    a.command(note(1), 0.0)
    assert a.next_timer() == 1.0
    a.handle_timer(1.0)
    assert a.next_timer() == 3.0
    a.handle_timer(3.0)
    assert a.next_timer() == 7.0
    a.handle_timer(7.0)
    assert said(a) == [GaveUp("b", 1, 1, 3)]
    a.command(note(2), 10.0)
    assert a.next_timer() == 18.0
    a.receive(encode_frame(LINK_ACK, 1, 2, 1, None), "b", 12.0)
    assert said(a) == [Acknowledged("b", 1, 2, 1)]
    assert a.round_trip("b").rto_s == 6.0
    assert numbers(a.datagrams_to_send())[-1] == ("notice", 2, 1)


def test_a_retransmission_is_measured_by_the_attempt_it_echoes() -> None:
    """Attempts left at 0 and 1; an acknowledgement at 3 of the first means 3 s, of the second 2 s."""
    for attempt, rtt_s in ((1, 3.0), (2, 2.0)):
        a = made("stop-and-wait-adaptive")
        a.command(note(1), 0.0)
        a.handle_timer(1.0)
        a.receive(encode_frame(LINK_ACK, 1, 1, attempt, None), "b", 3.0)
        assert a.round_trip("b").srtt_s == rtt_s


def test_an_echo_of_what_was_never_sent_measures_nothing() -> None:
    """It frees the line like any hint, and leaves the estimate alone."""
    for attempt in (0, 2, 9):
        a = made("stop-and-wait-adaptive")
        a.command(note(1), 0.0)
        a.receive(encode_frame(LINK_ACK, 1, 1, attempt, None), "b", 0.5)
        assert len(said(a)) == 1
        assert a.round_trip("b").srtt_s is None


def test_streams_of_one_peer_share_an_estimate_and_peers_do_not() -> None:
    """What was learned on stream 1 sets the timeout of stream 2, and none of another peer."""
    a, b = made("stop-and-wait-adaptive"), made("stop-and-wait-adaptive")
    a.command(note(1), 0.0)
    give(a.datagrams_to_send(), b, "a", 1.0)
    give(b.datagrams_to_send(), a, "b", 2.0)
    a.command(note(1, stream=2), 10.0)
    assert a.next_timer() == 16.0
    a.command(note(1, "c"), 10.0)
    assert a.next_timer() == 11.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_rto_s": 0.0},
        {"initial_rto_s": 0.5},
        {"max_rto_s": 0.5},
        {"granularity_s": 0.0},
        {"max_sends": 0},
    ],
)
def test_a_config_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """0 < min <= initial <= max, a granularity above 0, 1 to 64 sends."""
    with pytest.raises(ValueError, match="needs"):
        made("stop-and-wait-adaptive", **wrong)


def test_the_offsets_are_those_of_a_silent_peer() -> None:
    """1, 2, 4, ... s, each at most the maximum."""
    offsets_s = made("stop-and-wait-adaptive", max_sends=6, max_rto_s=5.0).attempt_offsets_s()
    assert offsets_s == (0.0, 1.0, 3.0, 7.0, 12.0, 17.0)
