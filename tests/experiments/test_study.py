"""Studies: the same answer however it is computed, and the claims that the model makes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cbmnet.experiments.design import design_from, load_design
from cbmnet.experiments.execution import execute
from cbmnet.experiments.summary import summarise
from cbmnet.simulation.source import source_from_text

SIMS = Path(__file__).parents[2] / "sims"
NORWAY = SIMS / "episodes/norway-1995.toml"


def answered(file: Path, reps: int, *overrides: str) -> dict[str, Any]:
    design = load_design(file, overrides)
    rows = execute(design, reps, design.base.study.seed, 2, lambda _: None)
    assert all(row.error is None for row in rows)
    return summarise(design, rows, reps, design.base.study.seed)


def metric(summary: dict[str, Any], name: str, **point: Any) -> dict[str, Any]:
    wanted = {key.replace("__", "."): value for key, value in point.items()}
    found = [p for p in summary["points"] if wanted.items() <= p["point"].items()]
    assert len(found) == 1
    return found[0]["metrics"][name]


def test_the_same_bytes_for_any_jobs_and_hash_seed(tmp_path: Path) -> None:
    """One JSON object, byte for byte, for 1 and 2 jobs and three PYTHONHASHSEED values."""
    outputs = set()
    for jobs, hash_seed in (("1", "0"), ("2", "0"), ("1", "1"), ("2", "4242")):
        done = subprocess.run(
            [sys.executable, "-m", "cbmnet", "run", str(NORWAY), "--reps", "6", "--seed", "7", "--json",
             "--jobs", jobs, "-o", str(tmp_path / f"{jobs}-{hash_seed}")],
            capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )  # fmt: skip
        outputs.add(done.stdout)
    assert len(outputs) == 1
    said = json.loads(outputs.pop())
    assert {"name", "config_hash", "seed", "replications", "points"} <= said.keys()
    statement = said["points"][0]["metrics"]["false_alarm"]
    assert statement.keys() == {"mean", "low", "high", "n", "level", "method"}
    rows = {(tmp_path / folder / "rows.jsonl").read_bytes() for folder in ("1-0", "2-0", "1-1", "2-4242")}
    assert len(rows) == 1


def test_passing_the_notice_on_prevents_what_its_absence_causes() -> None:
    """Norway at prior .03: runs rise without the notice and not with it; the paired interval excludes 0."""
    said = answered(NORWAY, 40, "states.russia.prior=0.03")
    assert metric(said, "false_alarm", states__russia__desk__forwards=0.0)["mean"] > 0.9
    assert metric(said, "false_alarm", states__russia__desk__forwards=1.0)["mean"] < 0.1
    (difference,) = said["comparisons"]
    assert difference["metrics"]["false_alarm_rises"]["high"] < 0.0
    assert "missed_threat" in difference["metrics"]


def test_strict_verification_stops_the_2008_forgery() -> None:
    """Naive verification accepts it in every run and rises in many; strict in none of it."""
    said = answered(SIMS / "episodes/hoax-2008.toml", 40, "states.pakistan.prior=0.1")
    naive, strict = ({"states__pakistan__verification": v} for v in ("naive", "strict"))
    assert metric(said, "forgeries_accepted", **naive)["mean"] == 1.0
    assert metric(said, "forgeries_accepted", **strict)["mean"] == 0.0
    assert said["comparisons"][0]["metrics"]["false_alarm_rises"]["high"] < 0.0


def test_trust_in_a_broken_line_gives_false_alarms() -> None:
    """H1: at true delivery 0, believing .98 gives more false alarms than 0; the interval excludes zero."""
    said = answered(
        SIMS / "studies/trusted-but-broken.toml", 60, "states.rival.type=matched", "state.prior=0.05",
        "channel.loss=1.0",
    )  # fmt: skip
    rises = [metric(said, "false_alarm_rises", state__believed_delivery=b)["mean"] for b in (0.0, 0.5, 0.98)]
    assert rises == sorted(rises)
    most = next(c for c in said["comparisons"] if c["point"]["state.believed_delivery"] == 0.98)
    assert most["metrics"]["false_alarm_rises"]["low"] > 0.0
    # The decomposition says that it is error about the channel: miscalibration, not lost discrimination.
    wrong = metric(said, "miscalibration", state__believed_delivery=0.98)
    right = metric(said, "miscalibration", state__believed_delivery=0.0)
    assert wrong["low"] > right["high"]


def test_line_tests_do_not_help_at_a_desk_that_does_not_forward_and_drills_do() -> None:
    """H9: wire tests leave the believed delivery high and the false alarms; drills bring both down."""
    said = answered(
        SIMS / "studies/line-tests.toml", 40, "states.rival.type=seeker", "state.prior=0.01",
        "state.desk.forwards=0.0",
    )  # fmt: skip
    wire, desk = ({"heartbeat__reaches": r} for r in ("wire", "desk"))
    assert metric(said, "delivery_error", **wire)["low"] > 0.9
    assert metric(said, "delivery_error", **desk)["high"] < 0.1
    assert said["comparisons"][0]["metrics"]["false_alarm_rises"]["high"] < 0.0


def test_false_alarms_never_stand_alone() -> None:
    """A study that asks for false alarms alone is given missed threats and attacks beside them."""
    said = answered(NORWAY, 2, 'study.metrics=["false_alarm"]', "states.russia.prior=0.01")
    assert {"false_alarm", "missed_threat", "attack"} <= said["points"][0]["metrics"].keys()


def test_a_run_that_fails_keeps_its_row_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """One failing replication is one row with an error that names seed, run and time."""
    from cbmnet.errors import LocalProtocolError
    from cbmnet.states.state import State

    sample, calls = State.sample, []

    def fail_in_the_second_run(self: State) -> None:
        calls.append(self)
        if len({id(state.env) for state in calls}) == 2:
            raise LocalProtocolError("planted")
        sample(self)

    monkeypatch.setattr(State, "sample", fail_in_the_second_run)
    design = load_design(NORWAY, ["states.russia.prior=0.01", "states.russia.desk.forwards=0.0"])
    rows = execute(design, 3, 7, 1, lambda _: None)
    assert [row.error is None for row in rows].count(False) == 1
    failed = next(row for row in rows if row.error)
    assert failed.error == "norway-1995, seed 7, run 1, 3600.000 s: planted"


def test_a_swept_key_may_be_set_by_hand() -> None:
    """`--set` of a swept key gives one value in place of the sweep, quoted keys too."""
    assert len(load_design(NORWAY).points) == 18
    assert len(load_design(NORWAY, ["states.russia.prior=0.01"]).points) == 2
    text = NORWAY.read_text().replace('"states.russia.prior"', "'channels.\"norway>russia\".loss'")
    design = design_from(source_from_text(text, "x.toml", ['channels."norway>russia".loss=0.5']))
    assert len(design.points) == 2
    assert design.points[0].config.channels["norway>russia"].loss == 0.5


def test_a_channel_override_keeps_what_it_does_not_say() -> None:
    """`[channels."a>b"]` changes the keys it names and takes the others from `[channel]`."""
    design = load_design(NORWAY, ['channels."norway>russia".loss=0.5'])
    channel = design.points[0].config.channels["norway>russia"]
    assert (channel.loss, channel.hops) == (0.5, 2)


@pytest.mark.parametrize("file", sorted(SIMS.glob("*/*.toml")), ids=lambda path: path.stem)
def test_every_shipped_study_is_valid_and_named_in_the_readme(file: Path) -> None:
    """Each file in sims/ has only good points, and a line in sims/README.md."""
    design = load_design(file)
    assert design.points
    assert design.base.title
    assert f"{file.parent.name}/{file.name}" in (SIMS / "README.md").read_text()
