"""`cbmnet export` as a user meets it: every format, what it says of wrong use, and that it repeats itself."""

import csv
import json
import os
import pty
import subprocess
import sys
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cbmnet.reports.capture import DISSECTOR

from ..reports.blocks import read
from ..reports.boxes import words_of
from ..reports.conftest import BUSY
from .test_commands import NORWAY, SIMS, cbmnet

FORMATS = ("csv", "json", "jsonl", "svg", "mermaid", "pcapng")


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A study file in whose run every mark of a diagram occurs."""
    file = tmp_path_factory.mktemp("export") / "busy.toml"
    states = "".join(f"[states.{name}]\n" for name in ("amber", "blue", "clay", "dun", "ecru"))
    text = BUSY.format(horizon="6d", second="blue", states=states)
    file.write_text(text)
    return str(file)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of two points with three replications each."""
    folder = tmp_path_factory.mktemp("results") / "out"
    study = str(SIMS / "studies/line-tests.toml")
    cbmnet("run", study, "--reps", "3", "--jobs", "1", "--set", "study.horizon=2d", "-o", str(folder))
    return folder


def exported(*arguments: str, hash_seed: str = "0") -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "cbmnet", "export", *arguments], capture_output=True, check=False,
        env={**os.environ, "NO_COLOR": "1", "PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_seed_gives_the_same_bytes(busy: str, form: str) -> None:
    """In two processes with different hash seeds; another seed gives others."""
    first = exported(busy, "--format", form, hash_seed="1")
    assert len(first) > 300
    assert exported(busy, "--format", form, hash_seed="4242") == first
    assert exported(busy, "--format", form, "--seed", "9", hash_seed="1") != first


def test_a_folder_gives_its_rows_as_they_are(results: Path) -> None:
    """csv: a line a row with the values of its point; json: the rows, and the summary of the folder."""
    rows = [json.loads(line) for line in (results / "rows.jsonl").read_text().splitlines()]
    whole = json.loads(cbmnet("export", str(results), "--format", "json").stdout)
    points = [point["point"] for point in whole["summary"]["points"]]
    assert whole["summary"] == json.loads((results / "summary.json").read_text())
    assert whole["rows"] == [{**row, "at": points[row["point"]]} for row in rows]
    table = list(csv.DictReader(StringIO(cbmnet("export", str(results), "--format", "csv").stdout)))
    assert len(table) == len(rows) > 3
    for line, row in zip(table, rows, strict=True):
        assert [line[key] for key in ("point", "replication", "seed")] == [
            str(row[key]) for key in ("point", "replication", "seed")
        ]
        told = {**points[row["point"]], **row["values"]}
        assert {key: line[key] for key in told} == {k: "" if v is None else str(v) for k, v in told.items()}


def test_a_table_may_be_of_some_rows(results: Path) -> None:
    """--run and --point choose; then there is no summary, which is of all."""
    one = json.loads(cbmnet("export", str(results), "--format", "json", "--run", "1", "--point", "0").stdout)
    assert [(row["point"], row["replication"]) for row in one["rows"]] == [(0, 1)]
    assert "summary" not in one
    assert "holds no row" in cbmnet("export", str(results), "--format", "csv", "--run", "99", code=2).stderr


def test_a_study_file_gives_the_row_of_one_run(results: Path, tmp_path: Path) -> None:
    """The same as the folder's row of that run."""
    study = str(SIMS / "studies/line-tests.toml")
    one = json.loads(
        cbmnet(
            "export", study, "--format", "json", "--run", "2", "--point", "1", "--set", "study.horizon=2d"
        ).stdout
    )
    folder = json.loads(
        cbmnet("export", str(results), "--format", "json", "--run", "2", "--point", "1").stdout
    )
    assert one["rows"][0]["values"].items() <= folder["rows"][0]["values"].items()
    assert one["rows"][0]["at"] == folder["rows"][0]["at"]


def test_a_folder_gives_one_run_of_its_own(results: Path) -> None:
    """jsonl is what replay prints, with the folder's own overrides."""
    told = cbmnet("export", str(results), "--format", "jsonl", "--run", "1", "--point", "1").stdout
    assert told == cbmnet("replay", str(results), "--run", "1", "--point", "1").stdout
    head, *records, _ = map(json.loads, told.splitlines())
    assert head["replication"] == 1
    assert 86_400 < max(record["at_s"] for record in records) <= 2 * 86_400


def test_a_diagram_holds_what_is_asked_for(busy: str, tmp_path: Path) -> None:
    """Kinds, times (with what is under way at the first) and how many rows; what is left out is told."""
    file = str(tmp_path / "d.svg")
    said = cbmnet(
        "export", busy, "-o", file, "--kinds", "notice", "--from", "2d", "--to", "3d", "--rows", "5"
    )
    assert said.stdout == ""
    assert "the first 5 of " in said.stderr
    assert f"written to {file}" in said.stderr
    root = ElementTree.fromstring(Path(file).read_text())
    assert "Sequence diagram of 5 messages" in (root[1].text or "")
    texts = [text.text or "" for text in words_of(root)]
    assert not [said for said in texts if said.startswith(("query", "link-ack", "clarification"))]
    assert {said[:2] for said in texts if said.startswith("d") and ":" in said} <= {"d1", "d2", "d3"}


def test_notes_come_when_asked(busy: str) -> None:
    """What the parties do, between the messages."""
    plain, noted = (exported(busy, "--format", "mermaid", *more).decode() for more in ((), ("--notes",)))
    assert "begins exercise 1" not in plain
    assert "begins exercise 1" in noted


def test_a_capture_holds_what_is_asked_for(busy: str, tmp_path: Path) -> None:
    """All kinds unless some are named; the command that opens it is told, with the dissector's place."""
    file = tmp_path / "a run.pcapng"
    done = cbmnet("export", busy, "-o", str(file), "--kinds", "notice", "--from", "1d", "--to", "5d")
    _, packets = read(file.read_bytes())
    assert f"{len(packets)} packets" in done.stderr
    assert f"open it: wireshark -X lua_script:{DISSECTOR} -r '{file}'" in done.stderr
    assert len(packets) > 10
    assert all(86400e9 <= packet.at_ns <= 5 * 86400e9 for packet in packets)
    kinds = {
        kind for packet in packets for kind in (b"notice", b"query", b"link-ack") if kind in packet.data[:64]
    }
    assert kinds == {b"notice"}
    assert b"link-ack" in exported(busy, "--format", "pcapng")


def test_the_name_of_the_file_says_the_format(busy: str, tmp_path: Path) -> None:
    """Without --format; .mmd is Mermaid's."""
    for name, begins in (
        ("a.mmd", b"---"),
        ("a.pcapng", b"\n\r\r\n"),
        ("a.jsonl", b'{"trace"'),
        ("a.csv", b"point"),
    ):
        cbmnet("export", busy, "-o", str(tmp_path / name))
        assert (tmp_path / name).read_bytes().startswith(begins)


def test_the_dissector_is_written(tmp_path: Path) -> None:
    """To standard output or into a file, as it is shipped."""
    shipped = DISSECTOR.read_text()
    assert 'Proto("cbmnet"' in shipped
    assert cbmnet("export", "--dissector").stdout == shipped
    cbmnet("export", "--dissector", "-o", str(tmp_path / "cbmnet.lua"))
    assert (tmp_path / "cbmnet.lua").read_text() == shipped


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "PATH: name a study file or a results folder."),
        ((NORWAY,), "--format: say which, one of csv, json, jsonl, svg, mermaid, pcapng."),
        ((NORWAY, "--format", "csv", "--kinds", "notice"), "--kinds: csv is written whole;"),
        ((NORWAY, "--format", "jsonl", "--rows", "3"), "--rows: jsonl is written whole;"),
        ((NORWAY, "--format", "pcapng", "--notes"), "--notes: only svg and mermaid take it."),
        ((NORWAY, "--format", "svg", "--from", "3"), "--from = 3: not a duration;"),
        ((NORWAY, "--format", "svg", "--from", "500y"), "--from = 500y: after the end, "),
        ((NORWAY, "--format", "svg", "--from", "2d", "--to", "1d"), "--to = 1d: lies before --from = 2d."),
        ((NORWAY, "--format", "svg", "--kinds", "telegram"), "--kinds = telegram: no message of this kind"),
        ((NORWAY, "--format", "pcapng", "--kinds", "telegram"), "there are notice."),
        ((NORWAY, "--format", "svg", "--point", "99"), "--point = 99: the study has the points 0 to"),
        ((NORWAY, "-o", "no/such/folder/a.svg"), "there is no folder no/such/folder"),
        (("none.toml", "--format", "svg"), "there is no such file"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_clear_message(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, nothing on standard output, no traceback."""
    done = cbmnet("export", *arguments, code=2)
    assert said in done.stderr
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "1 fault, nothing was run." or arguments == ()


def test_of_several_kinds_one_may_be_absent() -> None:
    """That is said, and the others are drawn."""
    done = cbmnet("export", NORWAY, "--format", "mermaid", "--kinds", "notice,telegram")
    assert "--kinds = telegram: no message of this kind" in done.stderr
    assert "notice" in done.stdout


def test_rows_that_stand_cannot_be_changed(results: Path) -> None:
    """--set and --seed would make other rows than the folder holds."""
    done = cbmnet("export", str(results), "--format", "csv", "--seed", "3", "--set", "channel.loss=0", code=2)
    assert done.stderr.count("is written as it was run") == 2


def test_a_broken_folder_is_told(results: Path, tmp_path: Path) -> None:
    """A row that is none, with its line, and a summary that is none."""
    for name in ("manifest.json", "rows.jsonl", "summary.json"):
        (tmp_path / name).write_bytes((results / name).read_bytes())
    (tmp_path / "summary.json").write_text("[]")
    assert (
        "is not the summary of a study" in cbmnet("export", str(tmp_path), "--format", "csv", code=2).stderr
    )
    (tmp_path / "rows.jsonl").write_text((results / "rows.jsonl").read_text() + "{}\n")
    lines = len((tmp_path / "rows.jsonl").read_text().splitlines())
    said = cbmnet("export", str(tmp_path), "--format", "csv", code=2).stderr
    assert f"rows.jsonl:{lines}  is not a row of a study." in said


def test_a_capture_is_not_written_to_a_terminal() -> None:
    """It would be noise there."""
    parent, child = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "cbmnet", "export", NORWAY, "--format", "pcapng"], stdout=child,
        stderr=subprocess.PIPE, check=False, text=True,
    )  # fmt: skip
    os.close(child)
    os.close(parent)
    assert done.returncode == 2
    assert "a capture is no text for a terminal" in done.stderr
