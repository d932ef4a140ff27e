"""What the silence of a line test teaches."""

import pytest

from cbmnet.protocols.heartbeat import DeliveryEstimate, tolerance_s

FOR_EVER_S = 1e12  # a half-life that fades nothing


def estimate(
    period_s: float = 10.0, wait_s: float = 5.0, half_life_s: float = FOR_EVER_S
) -> DeliveryEstimate:
    return DeliveryEstimate(period_s, wait_s, half_life_s)


def test_before_the_first_test_it_is_one_half() -> None:
    """The mean of Beta(1, 1), until the first heartbeat and its waiting time are over."""
    assert estimate().delivery_prob(0.0) == 0.5
    assert estimate().delivery_prob(15.0) == 0.5


def test_a_heartbeat_is_missed_only_after_the_wait() -> None:
    """Due at 10 s with 5 s to come: at 15 s it is not missed yet, a moment later it is."""
    line = estimate()
    assert line.delivery_prob(15.0) == 0.5
    assert line.delivery_prob(15.001) == pytest.approx(1 / 3)


def test_hits_and_misses_are_counted() -> None:
    """After k hits and m misses it is (1 + k) / (2 + k + m)."""
    line = estimate()
    for count in (1, 2, 4):
        line.arrived(count, 10.0 * count + 2.0)
    assert line.delivery_prob(45.1) == pytest.approx((1 + 3) / (2 + 4))


def test_a_success_counts_when_its_wait_is_over_not_before() -> None:
    """Hits and misses are settled at the same moment, so that neither is ahead of the other."""
    line = estimate()
    line.arrived(1, 10.0)
    assert line.delivery_prob(14.0) == 0.5
    assert line.delivery_prob(15.001) == pytest.approx(2 / 3)


def test_a_late_heartbeat_is_no_success() -> None:
    """It was counted as missed when its wait was over; coming after all takes nothing back."""
    line = estimate()
    line.arrived(1, 15.5)
    assert line.delivery_prob(16.0) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("count", "now_s"), [(3, 12.0), (1000, 12.0), (0, 12.0), (-1, 12.0)])
def test_a_heartbeat_that_is_not_due_moves_nothing(count: int, now_s: float) -> None:
    """A count from the future, or one that no test has, teaches neither now nor when it would be due."""
    line, untouched = estimate(), estimate()
    line.arrived(count, now_s)
    for later_s in (13.0, 16.0, 36.0, 1e5):
        assert line.delivery_prob(later_s) == untouched.delivery_prob(later_s)


def test_the_same_heartbeat_twice_counts_once() -> None:
    """A copy is no second success."""
    line = estimate()
    line.arrived(1, 11.0)
    line.arrived(1, 12.0)
    assert line.delivery_prob(15.1) == pytest.approx(2 / 3)


def test_counts_fade_by_half_in_a_half_life() -> None:
    """A hit settled at 100 s weighs 1 then and one half 50 s later."""
    line = estimate(period_s=100.0, wait_s=0.0, half_life_s=50.0)
    line.arrived(1, 100.0)
    assert line.delivery_prob(100.0 + 1e-9) == pytest.approx(2 / 3)
    assert line.delivery_prob(150.0) == pytest.approx(1.5 / 2.5)
    assert line.delivery_prob(200.0) == pytest.approx(1.25 / 2.25)


def test_when_one_asks_changes_nothing() -> None:
    """Asking every second and asking once at the end give the same estimate."""
    often, once = (estimate(half_life_s=60.0) for _ in range(2))
    for second in range(1, 200):
        if second % 30 == 1 and second > 30:
            often.arrived(second // 10, float(second))
            once.arrived(second // 10, float(second))
        often.delivery_prob(float(second))
    assert often.delivery_prob(200.0) == pytest.approx(once.delivery_prob(200.0))
    assert once.delivery_prob(200.0) != 0.5


def test_a_heartbeat_may_be_early_by_as_much_as_clocks_may_differ() -> None:
    """Half a period at most, and 30 s: one that its sender's fast clock sent too soon is a success."""
    early, too_early = estimate(), estimate()
    early.arrived(1, 5.5)
    too_early.arrived(1, 4.5)
    assert early.delivery_prob(15.1) == pytest.approx(2 / 3)
    assert too_early.delivery_prob(15.1) == pytest.approx(1 / 3)
    assert (tolerance_s(10.0), tolerance_s(3600.0)) == (5.0, 30.0)


def test_a_clock_set_back_fades_nothing() -> None:
    """Asked long before what it has settled, an estimate is as it was; nothing overflows."""
    line = estimate(half_life_s=60.0)
    line.arrived(1, 11.0)
    settled = line.delivery_prob(15.1)
    assert line.delivery_prob(-1e9) == pytest.approx(settled, abs=1e-3)
