"""Mermaid text: every line in the grammar, every fate with its arrow, every text escaped."""

import re
from html import unescape
from typing import Any

import pytest

from cbmnet.reports import mermaid, transmissions
from cbmnet.reports.diagram import DiagramRow, parties

# Stricter than Mermaid's own grammar (jison/sequenceDiagram.jison): what we write and nothing else.
TEXT = r"(?:[\w .,()=/'+?!-]|(?<=\d):(?=\d)|#\d+;)*"
LINES = (
    rf" {{4}}participant p\d+ as {TEXT}",
    rf" {{4}}p\d+(?:->>|-x|-\)|-->>|--x|--\))p\d+: {TEXT}",
    rf" {{4}}Note over p\d+: {TEXT}",
)
NASTY = (
    "end",
    "a; b",
    "a: b",
    "#35;",
    "%%{init}%%",
    "<b>&amp;",
    "wrap:",
    'quo"te',
    "a->>b: c",
    "é名",
    "12:30",
)


def check(document: str) -> list[str]:
    """The lines of the diagram, each in the grammar, after the title."""
    lines = document.splitlines()
    assert re.fullmatch(rf'title: "{TEXT}"', lines[1])
    assert (lines[0], *lines[2:4]) == ("---", "---", "sequenceDiagram")
    assert document.endswith("\n")
    for line in lines[4:]:
        assert any(re.fullmatch(pattern, line) for pattern in LINES), line
    return lines[4:]


def said(line: str) -> str:
    """The text of a line as a reader sees it."""
    text = line.split(" as " if "participant" in line else ": ", 1)[1]
    return unescape(re.sub(r"#(\d+);", r"&#\1;", text))


@pytest.mark.parametrize("notes", [False, True])
def test_a_crowd_is_in_the_grammar(crowd: list[dict[str, Any]], notes: bool) -> None:
    """Each row is one line, and what it says is whole."""
    found, who = transmissions.rows(crowd, notes=notes)[:300], parties(crowd)
    lines = check(mermaid.text(found, who, "crowd"))
    assert len(lines) == len(who) + 300
    for row, line in zip(found, lines[len(who) :], strict=True):
        assert said(line).endswith(row.text)


@pytest.mark.parametrize("nasty", NASTY)
def test_names_texts_and_title_are_escaped(nasty: str) -> None:
    """What means something to Mermaid stays text, wherever it stands."""
    found = [DiagramRow(0.0, nasty, "b", nasty), DiagramRow(0.0, nasty, "", nasty)]
    document = mermaid.text(found, [nasty, "b"], nasty)
    first, _, arrow, note = check(document)
    assert said(first) == said(note) == nasty
    assert said(arrow) == f"d0 00:00:00 {nasty}"
    assert said(document.splitlines()[1]).strip('"') == nasty


@pytest.mark.parametrize(
    ("fate", "signs", "arrow"),
    [
        ("arrives", (), "->>"), ("lost", (), "-x"), ("under way", (), "-)"), ("arrives", ("ack",), "-->>"),
        ("lost", ("ack",), "--x"), ("under way", ("ack",), "--)"), ("forged", (), "->>"),
    ],
)  # fmt: skip
def test_a_fate_has_its_arrow(fate: Any, signs: Any, arrow: str) -> None:
    """A lost message ends in a cross, an acknowledgement is dotted, what is under way has an open head."""
    row = DiagramRow(0.0, "a", "b", "x", fate, signs=signs)
    assert check(mermaid.text([row], ["a", "b"], ""))[-1] == f"    p1{arrow}p2: d0 00:00:00 x"


def test_a_time_is_written_once() -> None:
    """As in the drawing."""
    rows = [DiagramRow(at, "a", "b", "x") for at in (0.0, 0.0, 5.0)]
    assert [said(line) for line in check(mermaid.text(rows, ["a", "b"], ""))[2:]] == [
        "d0 00:00:00 x", "x", "d0 00:00:05 x",
    ]  # fmt: skip
