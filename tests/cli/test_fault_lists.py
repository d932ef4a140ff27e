"""Lists of faults given to `cbmnet replay`: what cannot be read or used is one clear error."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import cbmnet

STUDY = '[study]\nhorizon = "2d"\n[heartbeat]\nperiod = "1h"\n[states.red]\n[states.blue]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "s.toml").write_text(STUDY)
    return tmp_path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "it is no UTF-8 text"),
        (b"[" * 100_000, "is no JSON: maximum recursion depth"),
        (b'[{"do": "drop", "at": {"link": "red>blue", "kind": "\xff"}}]', "it is no UTF-8 text"),
        (b"[1, 2]", "[0]"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(folder: Path, content: bytes, said: str) -> None:
    """Bytes that are no text, and brackets without an end, included."""
    (folder / "f.json").write_bytes(content)
    done = cbmnet("replay", "f.json", "--study", "s.toml", cwd=folder, code=2)
    assert said in done.stderr
    assert done.stderr.splitlines()[-1].endswith("nothing was run.")


@pytest.mark.parametrize(
    ("more", "offset_s", "drift"),
    [
        ('"drift": 0.001', 0.0, 0.001), ('"offset_s": 0', 0.0, 0.0), ('"offset_s": 5', 5.0, 0.0),
        ('"offset_s": -5, "drift": -0.5', -5.0, -0.5),
    ],
)  # fmt: skip
def test_a_clock_is_set_by_any_of_its_two_numbers(
    folder: Path, more: str, offset_s: float, drift: float
) -> None:
    """By a drift alone as well; a file that an editor began with a mark of its encoding is read too."""
    fault = f'[{{"do": "set-clock", "at": {{"node": "red", "time_s": 5}}, {more}}}]'
    (folder / "f.json").write_text(fault, "utf-8-sig")
    done = cbmnet("replay", "f.json", "--study", "s.toml", "--json", cwd=folder)
    told = [json.loads(line) for line in done.stdout.splitlines() if '"ClockSet"' in line]
    assert [(record["offset_s"], record["drift"]) for record in told] == [(offset_s, drift)]


def test_a_list_without_faults_shows_what_passes(folder: Path) -> None:
    """The diagram, as with any other list, and not the trace."""
    (folder / "f.json").write_text("[]")
    done = cbmnet("replay", "f.json", "--study", "s.toml", cwd=folder)
    assert "0 faults" in done.stdout
    assert "notice 1.1" in done.stdout
    assert '"record"' not in done.stdout


def test_what_cannot_be_read_hides_nothing_that_cannot_happen(folder: Path) -> None:
    """Both kinds are told at once, in the order of the list and each by its own number."""
    wrong = [
        {"at": {"link": "red>green"}, "do": "drop"}, {"at": {"link": "red>blue"}, "do": "dorp"},
        {"at": {"link": "red>blue", "sequence": 1}, "do": "drop"},
        {"at": {"node": "green", "time_s": 1e9}, "do": "crash", "for_s": 1.0},
    ]  # fmt: skip
    (folder / "f.json").write_text(json.dumps(wrong))
    told = cbmnet("replay", "f.json", "--study", "s.toml", cwd=folder, code=2).stderr.splitlines()
    assert [line.partition("]")[0] for line in told[:-1]] == [f"f.json  [{n}" for n in (0, 1, 3, 3)]
    assert "no such link; there are blue>red, red>blue" in told[0]
    assert "allowed are drop, delay" in told[1]
    assert told[-1] == "4 faults, nothing was run."
