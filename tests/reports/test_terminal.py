"""The diagram of a terminal, beyond what its stories show."""

from cbmnet.reports import terminal
from cbmnet.reports.diagram import DiagramRow


def row(at_s: float) -> DiagramRow:
    return DiagramRow(at_s, "a", "b", "notice", "", False)


def test_times_that_differ_below_a_second_are_told_apart() -> None:
    """With as many decimals as it takes, and room for them; whole seconds stay whole."""
    close = terminal.text([row(13.1), row(13.2), row(13.3)], ["a", "b"]).splitlines()
    assert [line.partition("│")[0].strip() for line in close[1:]] == [
        f"d0 00:00:13.{part}00" for part in (1, 2, 3)
    ]
    apart = terminal.text([row(13.0), row(14.0)], ["a", "b"]).splitlines()
    assert [line.partition("│")[0].strip() for line in apart[1:]] == ["d0 00:00:13", "d0 00:00:14"]
    heads, lifelines = close[0].index("a"), close[1].index("│")
    assert heads == lifelines
