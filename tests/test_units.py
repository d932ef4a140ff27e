"""Durations and rates as text."""

import pytest

from cbmnet.units import format_duration, parse_duration, parse_rate


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20m", 1200.0), ("1.5h", 5400.0), ("1d 12h", 129600.0), ("250ms", 0.25), ("1y", 31536000.0)],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    """Each unit counts as it says."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "m", "-1d", "1d and more", "inf", "nan", "1e999d", "1 fortnight"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A text without a unit, or with anything else in it, is a ValueError that shows how to write it."""
    with pytest.raises(ValueError, match="write for example"):
        parse_duration(text)


def test_rates_are_per_second() -> None:
    """A rate a year is divided by the year's seconds."""
    assert parse_rate("144/y") == 144 / 31536000.0


@pytest.mark.parametrize("text", ["144", "144/", "/y", "-1/d", "1/fortnight", "inf/d"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    """Anything else is a ValueError that shows how to write it."""
    with pytest.raises(ValueError, match="write for example"):
        parse_rate(text)


@pytest.mark.parametrize(("seconds", "text"), [(1200, "20m"), (90000, "1.042d"), (0.5, "0.5s"), (0, "0s")])
def test_durations_are_shown_in_their_largest_unit(seconds: float, text: str) -> None:
    """A person reads the largest unit that leaves at least one."""
    assert format_duration(seconds) == text
