"""The drawn diagram, as SVG and for a terminal."""

import re
from statistics import fmean
from typing import Any
from xml.etree import ElementTree

import pytest

from cbmnet.reports import sequence, shapes, terminal, transmissions
from cbmnet.reports.diagram import DiagramRow, parties, rows
from cbmnet.reports.layout import text_width
from cbmnet.reports.shapes import Way, arrow

from .boxes import SVG, Box, box_of, gaps, overlapping, real_width, words_of

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


def whole(found: list[DiagramRow], who: list[str], title: str = TITLE) -> ElementTree.Element:
    return ElementTree.fromstring(sequence.svg(found, who, title))


def drawn(found: list[DiagramRow], who: list[str], title: str = TITLE) -> ElementTree.Element:
    """The drawing without its legend, which has one of each mark."""
    root = whole(found, who, title)
    root.remove(legend_of(root))
    return root


def legend_of(root: ElementTree.Element) -> ElementTree.Element:
    return next(group for group in root.iter(f"{SVG}g") if group.attrib.get("class") == "legend")


def texts_of(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in words_of(root)]


def boxes(root: ElementTree.Element) -> list[Box]:
    return [box_of(text) for text in words_of(root)]


def crosses_of(root: ElementTree.Element) -> list[float]:
    """Where crosses stand, from left to right: the middle of their strokes."""
    found = [path.attrib["d"] for path in root.iter(f"{SVG}path") if path.attrib.get("class") == "lost"]
    return [fmean(float(x) for x in re.findall(r"[ML]([-0-9.]+)", d)) for d in found]


def cases(request: pytest.FixtureRequest, name: str) -> tuple[list[DiagramRow], list[str]]:
    if name in ("fates", "wordy"):
        return (FATES if name == "fates" else WORDY), ["a", "b", "c"]
    records: list[dict[str, Any]] = request.getfixturevalue(name)
    return rows(records)[:30], parties(records)


ALL = pytest.mark.parametrize("name", ["norway", "hoax", "broken", "fates", "wordy"])


@ALL
def test_no_two_texts_overlap_and_none_leaves_the_drawing(name: str, request: pytest.FixtureRequest) -> None:
    """For 30 rows with their times, the title and the names of the parties."""
    root = whole(*cases(request, name))
    assert len(boxes(root)) > 6
    check_room(root)


def check_room(root: ElementTree.Element) -> None:
    """No two texts overlap, none leaves the drawing, and each box holds its own."""
    found = boxes(root)
    assert not list(overlapping(found))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(b[0] >= 0 and b[1] >= 0 and b[2] <= width and b[3] <= height for b in found)
    for rect in root.iter(f"{SVG}rect"):
        if "rx" in rect.attrib:
            left, top, wide, high = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
            inside = [
                b
                for b in found
                if top < (b[1] + b[3]) / 2 < top + high and left < b[2] and b[0] < left + wide
            ]
            assert len(inside) == 1
            assert left < inside[0][0]
            assert inside[0][2] < left + wide


@pytest.mark.parametrize("count", [30, 300])
@pytest.mark.parametrize("notes", [False, True], ids=["messages", "with notes"])
def test_no_two_texts_overlap_in_a_crowd(crowd: list[dict[str, Any]], count: int, notes: bool) -> None:
    """30 and 300 rows of two, three and six parties with long names, in the widths of a real font."""
    found = transmissions.rows(crowd, notes=notes)[:count]
    assert len(found) == count
    root = whole(found, parties(crowd))
    assert len(boxes(root)) > count
    check_room(root)


def test_a_crowd_has_every_mark(crowd: list[dict[str, Any]]) -> None:
    """So that the test of room is one of all of them."""
    found = transmissions.rows(crowd)[:300]
    fates, signs = {row.fate for row in found}, {sign for row in found for sign in row.signs}
    assert {"arrives", "lost", "stopped", "refused", "forged"} <= fates
    assert {"ack", "again", "copy", "corrupted"} <= signs
    said = legend_of(whole(found, parties(crowd)))
    assert texts_of(said) == [
        "arrives", "lost", "stopped at the desk", "refused", "forged", "link acknowledgement", "sent again",
        "copy made on the way", "corrupted",
    ]  # fmt: skip


def test_the_names_come_again_before_one_forgets_them(crowd: list[dict[str, Any]]) -> None:
    """At 300 messages, no line is farther below the names than 24 lines, and all of them are there."""
    who = parties(crowd)
    root = drawn(transmissions.rows(crowd)[:300], who)
    heads = {name: sorted(float(t.attrib["y"]) for t in words_of(root) if t.text == name) for name in who}
    assert len({tuple(at) for at in heads.values()}) == 1
    ys = heads[who[0]]
    assert max(gaps([*ys, float(root.attrib["height"])])) <= 26 * sequence.ROW
    assert len(ys) > 10


def test_a_drawing_says_what_it_shows(crowd: list[dict[str, Any]]) -> None:
    """Title and description for who cannot see it: counts by fate and sign, parties, and the time."""
    found = transmissions.rows(crowd)[:300]
    root = whole(found, parties(crowd))
    assert root.attrib["role"] == "img"
    assert root[0].tag == f"{SVG}title"
    said = root[1].text or ""
    assert root[1].tag == f"{SVG}desc"
    lost, again = sum(row.fate == "lost" for row in found), sum("again" in row.signs for row in found)
    assert f"lost: {lost}," in said
    assert f"sent again: {again}," in said
    assert all(name in said for name in parties(crowd))


def shape_of(row: DiagramRow) -> str:
    """An arrow without its colours."""
    return re.sub(r'(stroke|fill)="#[0-9A-Fa-f]+"', "", "".join(arrow(row, Way(0.0, 0.0, 100.0, 0.0))))


def test_no_two_fates_or_signs_differ_in_colour_alone() -> None:
    """Each of the eleven has a line, head or mark of its own."""
    shapes = [shape_of(like) for _, like in sequence._MEANINGS]
    assert len(set(shapes)) == len(shapes) == 11


def test_messages_that_overtake_each_other_cross() -> None:
    """A, sent first, arrives last: its arrow starts above B's and ends below it; the words name both ends."""
    a = DiagramRow(0.0, "a", "b", "A, +10 s", name="A", ends_s=10.0)
    b = DiagramRow(1.0, "a", "b", "B, +9 s", name="B", ends_s=9.0)
    root = drawn([a, b, DiagramRow(4.0, "b", "", "waits")], ["a", "b"])
    (a1, a2), (b1, b2) = arrows_of(root)
    assert a1 < b1 < b2 < a2
    assert [said for said in texts_of(root) if said in ("A", "B", "A, +10 s", "B, +9 s")] == [
        "A", "B", "B, +9 s", "A, +10 s",
    ]  # fmt: skip
    times = [said for said in texts_of(root) if said.startswith("d0")]
    assert times == [f"d0 00:00:{second:02d}" for second in (0, 1, 4, 9, 10)]


def arrows_of(root: ElementTree.Element) -> list[tuple[float, float]]:
    """Heights of begin and end of the arrows with plain lines."""
    lines = [line.attrib for line in root.iter(f"{SVG}line") if line.attrib.get("stroke-width") == "1.6"]
    return [(float(line["y1"]), float(line["y2"])) for line in lines]


def test_an_arrow_is_level_where_nothing_happens_meanwhile() -> None:
    """An answer sent at the arrival does not happen before it; the words of one line say all."""
    found = [
        DiagramRow(0.0, "a", "b", "A, +10 s", name="A", ends_s=10.0),
        DiagramRow(10.0, "b", "a", "B, +5 s", name="B", ends_s=15.0),
    ]
    root = drawn(found, ["a", "b"])
    assert all(y1 == y2 for y1, y2 in arrows_of(root))
    assert {"A, +10 s", "B, +5 s"} <= set(texts_of(root))


def test_an_arrival_comes_before_what_is_sent_at_the_same_time() -> None:
    """Its acknowledgement may follow from it, never the other way round."""
    found = [
        DiagramRow(0.0, "a", "b", "A, +10 s", name="A", ends_s=10.0),
        DiagramRow(5.0, "a", "", "waits"),
        DiagramRow(10.0, "b", "a", "ack", signs=("ack",)),
    ]
    assert [said for said in texts_of(drawn(found, ["a", "b"])) if said in ("A, +10 s", "ack")] == [
        "A, +10 s",
        "ack",
    ]


def test_an_acknowledgement_is_thin() -> None:
    """So that what it answers stands out."""
    said = re.search(r'stroke-width="(.*?)"', shape_of(DiagramRow(0.0, "a", "b", "", signs=("ack",))))
    assert said is not None
    assert float(said[1]) < 1.0


def test_what_is_lost_at_its_arrival_gets_there_first() -> None:
    """A message to a receiver that is down slopes to a cross close to its lifeline."""
    lost = DiagramRow(0.0, "a", "b", "A, lost: receiver down", "lost", name="A", ends_s=10.0)
    root = drawn([lost, DiagramRow(5.0, "b", "", "goes down")], ["a", "b"])
    (cross,) = crosses_of(root)
    lifelines = [
        float(line.attrib["x1"])
        for line in root.iter(f"{SVG}line")
        if line.attrib.get("stroke-dasharray") == "2 3"
    ]
    assert lifelines[1] - 25 < cross < lifelines[1] - 8


def test_words_that_are_shortened_are_whole_in_a_title() -> None:
    """What does not fit ends in an ellipsis, and a browser shows the rest over it."""
    long = "word " * 60
    root = drawn(
        [DiagramRow(0.0, "a", "b", long.strip()), DiagramRow(0.0, "a", "", long.strip())], ["a", "b"]
    )
    shortened = [said for said in texts_of(root) if said.endswith("…")]
    assert len(shortened) == 2
    assert [t.text for t in root.iter(f"{SVG}title")][1:] == [long.strip()] * 2


def test_the_estimate_of_widths_is_on_the_wide_side() -> None:
    """No character of ASCII, Latin or Cyrillic is wider in DejaVu Sans than `text_width` takes it for."""
    signs = [*map(chr, range(0x20, 0x7F)), *map(chr, range(0xA1, 0x180)), *map(chr, range(0x410, 0x450)), "…"]
    for bold in (False, True):
        narrow = [c for c in signs if real_width(c, 100, bold=bold) > text_width(c, 100, bold=bold)]
        assert narrow == []


def test_times_within_a_second_have_decimals() -> None:
    """Where most times would read the same, they are told apart; whole seconds stay whole."""

    def times(*at_s: float) -> list[str]:
        found = [DiagramRow(at, "a", "b", "x") for at in at_s]
        return [said for said in texts_of(drawn(found, ["a", "b"])) if said.startswith("d0")]

    assert times(0.0, 0.0202, 0.0404) == ["d0 00:00:00.000", "d0 00:00:00.020", "d0 00:00:00.040"]
    assert times(0.0, 1e-5, 2e-5) == ["d0 00:00:00.000000", "d0 00:00:00.000010", "d0 00:00:00.000020"]
    assert times(0.4, 3600.0, 7200.2) == ["d0 00:00:00", "d0 01:00:00", "d0 02:00:00"]


@ALL
def test_every_party_has_a_name_and_a_lifeline(name: str, request: pytest.FixtureRequest) -> None:
    """One dotted line from its name to the foot, under every row."""
    found, who = cases(request, name)
    root = drawn(found, who)
    lines = [line for line in root.iter(f"{SVG}line") if line.attrib.get("stroke-dasharray") == "2 3"]
    named = {text.text: text.attrib["x"] for text in words_of(root)}
    assert [line.attrib["x1"] for line in lines] == [named[party] for party in who]
    assert all(line.attrib["x1"] == line.attrib["x2"] for line in lines)
    lowest = max(box[3] for box in boxes(root))
    assert all(float(line.attrib["y2"]) >= lowest - 8 for line in lines)


@ALL
def test_a_lost_message_ends_in_a_cross_before_its_target(name: str, request: pytest.FixtureRequest) -> None:
    """One cross for each lost row and no other; none of them on a lifeline."""
    check_crosses(*cases(request, name))


def test_lost_messages_over_several_lanes_end_in_a_cross(crowd: list[dict[str, Any]]) -> None:
    """Nor does one of 300 messages in a crowd, over up to five lanes, end on a lifeline."""
    check_crosses(transmissions.rows(crowd)[:300], parties(crowd))


def check_crosses(found: list[DiagramRow], who: list[str]) -> None:
    root = drawn(found, who)
    crosses = crosses_of(root)
    assert len(crosses) == sum(row.fate == "lost" for row in found)
    lines = [line.attrib for line in root.iter(f"{SVG}line") if line.attrib.get("stroke-dasharray") == "2 3"]
    assert len(lines) == len(who)
    assert all(abs(cross - float(line["x1"])) > 8 for cross in crosses for line in lines)


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
    texts = [text.text for text in words_of(root)]
    assert texts.count(nasty) == 4
    assert root.find(f"{SVG}title").text == nasty  # type: ignore[union-attr]


def test_a_time_is_written_once_for_all_that_happens_then() -> None:
    """The rows of one second share its time; later seconds have their own."""
    times = [t.text for t in words_of(drawn(FATES, ["a", "b", "c"])) if (t.text or "")[:2] == "d0"]
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


def test_every_text_stands_on_a_halo_of_its_own() -> None:
    """Right below it, the same words in the same place, and only the words are for a reader of the page."""
    every = list(drawn(FATES, ["a", "b", "c"]).iter(f"{SVG}text"))
    assert len(every) > 20
    for halo, words in zip(every[::2], every[1::2], strict=True):
        assert halo.text == words.text
        assert halo.attrib["aria-hidden"] == "true"
        assert halo.attrib["stroke"] == halo.attrib["fill"] == "#ffffff"
        assert "stroke" not in words.attrib
        assert all(halo.attrib[key] == words.attrib[key] for key in ("x", "y", "font-size", "text-anchor"))


def test_what_xml_cannot_hold_is_replaced() -> None:
    """A control character in a stage's reason leaves a drawing that opens."""
    drawn = shapes.text(0, 0, "lost: \x00\x08\ufffe<&>", 12)
    assert ElementTree.fromstring(f"<g>{drawn}</g>")[1].text == "lost: \ufffd\ufffd\ufffd<&>"
    ElementTree.fromstring(sequence.svg([], [], "nothing happened"))
