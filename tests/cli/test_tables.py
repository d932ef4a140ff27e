"""The tables of `cbmnet run`."""

from typing import Any

import pytest

from cbmnet.cli.tables import short_keys, show_rows

KEYS = ("states.rival.type", "state.prior", "channel.loss", "state.believed_delivery")
NAMES = ("false_alarm", "false_alarm_rises", "missed_threat", "brier")


def points() -> list[dict[str, Any]]:
    metric = {"mean": 0.0524, "low": 0.0318, "high": 0.0731, "n": 200, "level": 0.95, "method": "t"}
    values = dict(zip(KEYS, ("expansionist", 0.01, 0.5, 0.98), strict=True))
    return [{"point": values, "metrics": dict.fromkeys(NAMES, metric)} for _ in range(3)]


def printed(width: int) -> list[str]:
    from rich.console import Console

    console = Console(width=width, highlight=False, color_system=None)
    with console.capture() as captured:
        show_rows(console, points(), NAMES)
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_cells_are_whole_and_lines_fit(width: int) -> None:
    """Every metric of every point is in one piece, at any width; narrow screens get more blocks."""
    lines = printed(width)
    assert max(map(len, lines)) <= width
    assert "\n".join(lines).count("0.0524 [0.0318, 0.0731]") == 3 * len(NAMES)
    assert not any("…" in line for line in lines)


def test_a_wide_screen_has_one_table() -> None:
    """Blocks are made only where they are needed."""
    headings = {width: sum("believed_delivery ┃" in line for line in printed(width)) for width in (80, 160)}
    assert headings == {80: 4, 160: 1}


def test_shortened_headings_are_explained() -> None:
    """The full key of each short heading stands below."""
    said = " ".join(printed(160))
    for key in KEYS:
        assert f"{key.rsplit('.', 1)[1]} = {key}" in said


@pytest.mark.parametrize(
    ("keys", "short"),
    [
        (["state.prior", "channel.loss"], ["prior", "loss"]),
        (["states.red.prior", "states.blue.prior"], ["red.prior", "blue.prior"]),
        (["prior", "state.prior"], ["prior", "state.prior"]),
    ],
)
def test_a_heading_is_the_shortest_that_names_one_key(keys: list[str], short: list[str]) -> None:
    """The last part alone, or as many as tell it from the others."""
    assert list(short_keys(keys).values()) == short
