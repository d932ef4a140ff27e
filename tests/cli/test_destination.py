"""Where results go is looked at first; what cannot be done is one message and exit code 2."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import cbmnet

STUDY = '[study]\nhorizon = "5d"\nreplications = 2\n[states.a]\n[states.b]\n'


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "x.toml").write_text(STUDY)
    return tmp_path


def test_a_place_that_cannot_hold_results_is_told_before_the_runs(study: Path) -> None:
    """A file, or a place below one; the study of a hundred thousand runs does not begin."""
    (study / "file").write_text("mine")
    for place in ("file", "file/below"):
        done = cbmnet("run", "x.toml", "--reps", "100000", "-o", place, cwd=study, code=2)
        assert "name a folder" in done.stderr
    assert (study / "file").read_text() == "mine"


def test_another_study_is_not_overwritten_and_the_same_is_replaced(study: Path) -> None:
    """Two studies in one folder would leave rows of one beside the manifest of the other."""
    cbmnet("run", "x.toml", "-o", "out", cwd=study)
    cbmnet("run", "x.toml", "-o", "out", cwd=study)
    rows = (study / "out/rows.jsonl").read_bytes()
    done = cbmnet("run", "x.toml", "--set", "channel.loss=0.5", "-o", "out", cwd=study, code=2)
    assert "holds the results of another study" in done.stderr
    assert (study / "out/rows.jsonl").read_bytes() == rows


def test_explain_needs_a_folder_for_its_diagram(study: Path) -> None:
    """A missing folder is told, not a traceback."""
    done = cbmnet("explain", "x.toml", "--svg", "none/d.svg", cwd=study, code=2)
    assert "there is no folder none" in done.stderr


def test_a_json_study_leaves_results_that_can_be_explained(study: Path) -> None:
    """The file is kept under its own suffix; a name that reads as TOML's true is still a name."""
    states = {"a": {}, "b": {}}
    (study / "true.json").write_text(json.dumps({"study": {"horizon": "5d"}, "states": states}))
    cbmnet("run", "true.json", "--reps", "1", "-o", "out", cwd=study)
    assert json.loads((study / "out/manifest.json").read_text())["config"] == "config.json"
    assert cbmnet("explain", "out", cwd=study).stdout.startswith("true, run 0")
    assert json.loads(cbmnet("replay", "out", "--check", "--json", cwd=study).stdout)["identical"]


def test_run_shows_the_metrics_that_the_study_names(study: Path) -> None:
    """Those of study.metrics with what must stand beside them, pooled ones under their own names."""
    named = 'study.metrics=["false_alarm_rises", "transit_s", "decomposition"]'
    shown = cbmnet("run", "x.toml", "--set", named, "-o", "out", cwd=study).stdout
    for name in ("false_alarm_rises", "transit_s", "missed_threat", "attack", "miscalibration"):
        assert name in shown
    assert "peak_rung" not in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("calibration", "runs=0"), ("calibration", "days=1"), ("calibration", "bin_runs=0"),
        ("perfect-channel", "runs=0"), ("perfect-channel", "prior=2"), ("perfect-channel", "days=0"),
        ("silence", "honest=1"), ("silence", "deceptive=1"),
    ],
)  # fmt: skip
def test_a_case_that_would_show_nothing_is_told(arguments: tuple[str, str]) -> None:
    """Parameters that make no result are one clear message."""
    case, value = arguments
    done = cbmnet("validate", case, "--set", value, code=2)
    assert done.stderr.startswith(f"cbmnet validate  {case}: ")


def test_too_few_days_for_any_bin_are_told() -> None:
    """Calibration says that no bin was met, where it would have had nothing to compare."""
    small = ("--set", "runs=2", "--set", "bin_runs=2", "--set", "days=2", "--jobs", "1")
    done = cbmnet("validate", "calibration", *small, code=2)
    assert "no bin is met by 2 runs" in done.stderr


def test_check_warns_of_a_starved_line_test(study: Path) -> None:
    """Stop-and-wait with a timeout as long as the heartbeat period holds every later heartbeat up."""
    line = ("--set", "heartbeat.period=3h", "--set", 'protocol={variant="stop-and-wait", rto="3h"}')
    assert "warning: stop-and-wait" in cbmnet("check", "x.toml", *line, cwd=study).stdout
    (said,) = json.loads(cbmnet("check", "x.toml", *line, "--json", cwd=study).stdout)["warnings"]
    assert "rto = 3h" in said
    assert "warning" not in cbmnet("check", "x.toml", *line, "--set", "heartbeat.period=4h", cwd=study).stdout


@pytest.mark.parametrize("template", ["pair", "triad", "episode"])
def test_a_template_is_good_without_a_warning(template: str, tmp_path: Path) -> None:
    """What `new` writes passes `check` and is nothing that it warns of."""
    cbmnet("new", "x.toml", "--template", template, cwd=tmp_path)
    assert json.loads(cbmnet("check", "x.toml", "--json", cwd=tmp_path).stdout)["warnings"] == []
