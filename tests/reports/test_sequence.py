"""The drawn diagram, as SVG and for a terminal."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest

from cbmnet.reports import sequence, terminal
from cbmnet.reports.diagram import DiagramRow, parties, rows

SVG = "{http://www.w3.org/2000/svg}"
TITLE = "study, run 3, seed 7, " + ", ".join(f"some.dotted.key{n} = {n}.5" for n in range(6))
FATES = [
    DiagramRow(0.0, "a", "c", "notice, lost", "lost"),
    DiagramRow(0.0, "c", "a", "notice, +1 m, not forwarded at the desk", "stopped"),
    DiagramRow(9.0, "a", "b", "forged leader-text, accepted", "forged", loud=True),
    DiagramRow(9.0, "b", "", "fears a (P = 0.43), decides within 10 m", loud=True),
    DiagramRow(20.0, "b", "a", "query, +2 s"),
    DiagramRow(30.0, "c", "a", "ATTACK, missed (P = 0.1)", "attack", loud=True),
]
WORDY = [
    DiagramRow(float(n // 2), "a" if n % 3 else "c", "" if n % 2 else "b",
               "very " * (3 * n) + "long words", loud=n % 4 == 1)
    for n in range(30)
]  # fmt: skip


def drawn(found: list[DiagramRow], who: list[str], title: str = TITLE) -> ElementTree.Element:
    return ElementTree.fromstring(sequence.svg(found, who, title))


def boxes(root: ElementTree.Element) -> Iterator[tuple[float, float, float, float]]:
    """Left, top, right, bottom of every text, in a font as wide as common ones are."""
    for text in root.iter(f"{SVG}text"):
        size, x, y = (float(text.attrib[key]) for key in ("font-size", "x", "y"))
        said = text.text or ""
        ems = sum(0.35 if character in " .,()" else 0.6 for character in said)
        width = ems * size * (1.1 if "font-weight" in text.attrib else 1.0)
        left = x if text.attrib["text-anchor"] == "start" else x - width / 2
        yield left, y - 0.8 * size, left + width, y + 0.2 * size


def overlaps(one: tuple[float, ...], two: tuple[float, ...]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def cases(request: pytest.FixtureRequest, name: str) -> tuple[list[DiagramRow], list[str]]:
    if name in ("fates", "wordy"):
        return (FATES if name == "fates" else WORDY), ["a", "b", "c"]
    records: list[dict[str, Any]] = request.getfixturevalue(name)
    return rows(records)[:30], parties(records)


ALL = pytest.mark.parametrize("name", ["norway", "hoax", "broken", "fates", "wordy"])


@ALL
def test_no_two_texts_overlap_and_none_leaves_the_drawing(name: str, request: pytest.FixtureRequest) -> None:
    """For 30 rows with their times, the title and the names of the parties."""
    root = drawn(*cases(request, name))
    found = list(boxes(root))
    assert len(found) > 6
    assert not [pair for pair in combinations(found, 2) if overlaps(*pair)]
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(b[0] >= 0 and b[1] >= 0 and b[2] <= width and b[3] <= height for b in found)


@ALL
def test_every_party_has_a_name_and_a_lifeline(name: str, request: pytest.FixtureRequest) -> None:
    """One dotted line from its name to the foot, under every row."""
    found, who = cases(request, name)
    root = drawn(found, who)
    lines = [line for line in root.iter(f"{SVG}line") if line.attrib.get("stroke-dasharray") == "2 3"]
    named = {text.text: text.attrib["x"] for text in root.iter(f"{SVG}text")}
    assert [line.attrib["x1"] for line in lines] == [named[party] for party in who]
    assert all(line.attrib["x1"] == line.attrib["x2"] for line in lines)
    lowest = max(box[3] for box in boxes(root))
    assert all(float(line.attrib["y2"]) >= lowest - 8 for line in lines)


@ALL
def test_a_lost_message_ends_in_a_cross_before_its_target(name: str, request: pytest.FixtureRequest) -> None:
    """One cross for each lost row and no other; none of them on a lifeline."""
    found, who = cases(request, name)
    root = drawn(found, who)
    crosses = [path for path in root.iter(f"{SVG}path") if path.attrib.get("class") == "lost"]
    assert len(crosses) == sum(row.fate == "lost" for row in found)
    lifelines = {
        line.attrib["x1"] for line in root.iter(f"{SVG}line") if line.attrib["x1"] == line.attrib["x2"]
    }
    for cross in crosses:
        middle = float(cross.attrib["d"].split()[0][1:]) + 5
        assert f"{middle:g}" not in lifelines


def test_forged_messages_are_dashed_and_others_are_not() -> None:
    """Dashes and the ring at the tail say it without colour."""
    root = drawn(FATES, ["a", "b", "c"])
    assert (
        len([line for line in root.iter(f"{SVG}line") if line.attrib.get("stroke-dasharray") == "6 4"]) == 1
    )
    assert len(list(root.iter(f"{SVG}circle"))) == 1


def test_a_stopped_message_ends_at_a_bar() -> None:
    """The desk is a thick line across the end of the arrow."""
    root = drawn(FATES, ["a", "b", "c"])
    bars = [line for line in root.iter(f"{SVG}line") if line.attrib.get("stroke-width") == "4"]
    assert len(bars) == 1
    assert bars[0].attrib["x1"] == bars[0].attrib["x2"]


def test_names_texts_and_title_are_escaped() -> None:
    """What looks like markup stays text, in names, notes and title."""
    nasty = "<&\"'>"
    root = drawn([DiagramRow(0.0, nasty, "", nasty), DiagramRow(0.0, nasty, "b", nasty)], [nasty, "b"], nasty)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count(nasty) == 4
    assert root.find(f"{SVG}title").text == nasty  # type: ignore[union-attr]


def test_a_time_is_written_once_for_all_that_happens_then() -> None:
    """The rows of one second share its time; later seconds have their own."""
    times = [t.text for t in drawn(FATES, ["a", "b", "c"]).iter(f"{SVG}text") if (t.text or "")[:2] == "d0"]
    assert times == ["d0 00:00:00", "d0 00:00:09", "d0 00:00:20", "d0 00:00:30"]


@ALL
@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_keeps_its_width(name: str, width: int, request: pytest.FixtureRequest) -> None:
    """Words are wrapped beside the lifelines, never cut, and no line is longer than the terminal."""
    found, who = cases(request, name)
    lines = terminal.text(found, who, width).splitlines()
    assert max(map(len, lines)) <= width
    said = " ".join("".join(lines).split())
    for row in found:
        assert row.text.split()[-1] in said
    assert all(party in lines[0] for party in who)


def test_the_terminal_marks_each_fate() -> None:
    """A cross short of the lifeline, a bar, a question mark after dashes, a diamond, arrow heads."""
    lines = terminal.text(FATES, ["a", "b", "c"], 100).splitlines()[1:]
    for line, mark in zip(lines, ("──✕ ", "│▌──", "╌╌?│", "│           ◆", "│◀──", "│◀══"), strict=True):
        assert mark in line
