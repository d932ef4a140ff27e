"""What a study file may sweep, compare and leave to its defaults, and what is a fault on its line."""

from pathlib import Path
from typing import Any

import pytest

from cbmnet.errors import ConfigError
from cbmnet.experiments.design import Design, design_from, load_design
from cbmnet.experiments.execution import execute
from cbmnet.experiments.summary import summarise
from cbmnet.front import sweep
from cbmnet.simulation.source import source_from_text

STUDY = """[study]
horizon = "5d"
replications = 2
[states.a]
[states.b]
"""


def design(text: str, file: str = "x.toml") -> Design:
    return design_from(source_from_text(text, file))


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        design(text)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("key", ["seed", "replications", "level", "metrics"])
def test_what_is_one_for_the_study_is_not_swept(key: str) -> None:
    """Seed, count, level and metrics belong to the study; the fault names the line of the sweep."""
    (said,) = faults(f'{STUDY}[sweep]\n"study.{key}" = [1, 2]\n')
    assert said == f"x.toml:7  study.{key}: cannot be swept; it is one for the whole study."


def test_the_horizon_is_swept() -> None:
    """A run may be longer or shorter, and sampled as finely as wanted."""
    assert len(design(f'{STUDY}[sweep]\n"study.horizon" = ["1d", "2d"]\n').points) == 2


def test_a_key_swept_under_two_spellings_is_a_fault() -> None:
    """The second would silently win over the first."""
    (said,) = faults(f'{STUDY}[sweep]\n"channel.loss" = [0.1]\n\'channel."loss"\' = [0.2]\n')
    assert said.startswith("x.toml:8  ")
    assert "is swept already, as channel.loss" in said


def test_another_rule_does_not_inherit_the_settings_of_the_general_one() -> None:
    """`[states.a] belief` replaces the table of `[state]` when it names another rule, and else merges."""
    text = f'{STUDY}[state]\nbelief = {{ rule = "independent", tempering = 0.5 }}\n'
    other = design(text.replace("[states.a]", '[states.a]\nbelief = { rule = "fixed_prior" }'))
    states = other.points[0].config.states
    assert (states["a"].belief.name, states["b"].belief.name) == ("fixed_prior", "independent")
    same = design(text.replace("[states.a]", '[states.a]\nbelief = { rule = "independent" }'))
    config: Any = same.points[0].config.states["a"].belief.config
    assert config.tempering == 0.5


AT = """[[at]]
time = "1d"
event = "activity"
actor = "a"
toward = "b"
class = "exercise"
"""


def test_a_sweep_counts_into_arrays() -> None:
    """`at.0.time` sweeps the time of the first scripted event; beyond the array is a fault."""
    made = design(f'{STUDY}{AT}[sweep]\n"at.0.time" = ["1d", "2d"]\n')
    assert [point.config.at[0].time for point in made.points] == [86400.0, 172800.0]
    (said,) = faults(f'{STUDY}{AT}[sweep]\n"at.1.time" = ["1d"]\n')
    assert said == "x.toml:13  at.1.time: at is an array of 1; count into it from 0."


def test_a_swept_index_may_be_set_by_hand() -> None:
    """`--set at.0.time=...` takes the place of the sweep over it."""
    text = f'{STUDY}{AT}[sweep]\n"at.0.time" = ["1d", "2d"]\n'
    assert len(design_from(source_from_text(text, "x.toml", ["at.0.time=3d"])).points) == 1


@pytest.mark.parametrize(
    ("file", "name"),
    [("My Study.toml", "my-study"), ("1995.toml", "study-1995"), ("é.toml", "study"), ("ok.toml", "ok")],
)
def test_a_study_is_called_after_any_file(file: str, name: str) -> None:
    """Whatever the file is called, its name gives a name that is allowed."""
    assert design(STUDY, file).base.name == name


COMPARE = """[sweep]
"channel.loss" = [0.0, 1.0]
[compare]
by = "channel.loss"
baseline = 0.0
"""


def test_a_pooled_metric_is_not_compared() -> None:
    """It has no value of one run, so it would silently be missing from the comparisons."""
    (said,) = faults(f'{STUDY}{COMPARE}metrics = ["brier", "decomposition"]\n')
    assert said.startswith("x.toml:11  compare.metrics.1 = ")
    assert "no paired difference" in said


def test_a_compared_false_alarm_brings_its_price() -> None:
    """Missed threats and attacks stand beside false alarms in points and in comparisons."""
    made = design(STUDY.replace("[states.a]", 'metrics = ["brier"]\n[states.a]') + COMPARE)
    said = summarise(made, execute(made, 2, 1, 1, lambda _: None), 2, 1)
    beside = {"false_alarm_rises", "missed_threat", "attack"}
    assert beside <= said["points"][0]["metrics"].keys()
    assert list(said["comparisons"][0]["metrics"]) == ["false_alarm_rises", "missed_threat", "attack"]


def test_the_front_asks_for_the_same_study_as_the_command(tmp_path: Path) -> None:
    """`sweep(replications=, seed=)` has the hash of `run --reps --seed`."""
    file = tmp_path / "x.toml"
    file.write_text(STUDY)
    made = sweep(file, replications=3, seed=9)
    overrides = ["study.replications=3", "study.seed=9"]
    assert made.summary["config_hash"] == design_from(source_from_text(STUDY, "x.toml", overrides)).hash
    assert (made.summary["replications"], made.summary["seed"], len(made.rows)) == (3, 9, 3)


def test_any_error_of_one_run_is_the_error_of_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug inside one run names its type, seed and run; the other runs are kept."""
    from cbmnet.metrics.brier import Brier

    result, calls = Brier.result, []

    def break_once(self: Brier, ended_s: float) -> Any:
        calls.append(self)
        return 1 / 0 if len(calls) == 2 else result(self, ended_s)

    monkeypatch.setattr(Brier, "result", break_once)
    rows = execute(design(STUDY), 3, 4, 1, lambda _: None)
    assert [row.error for row in rows] == [
        None,
        "x, seed 4, run 1: metric brier: ZeroDivisionError: division by zero (test_design.py:137)",
        None,
    ]


@pytest.mark.parametrize(
    "override", ["states.rusia.prior=0.1", 'sweep."states.rusia.prior"=[0.1, 0.2]'], ids=["set", "sweep"]
)
def test_a_misspelt_state_is_no_new_state(override: str) -> None:
    """A key of a state that the file does not have is a fault that names those it has."""
    said = r"no state rusia; the file has norway, russia\. Did you mean .russia.\?"
    with pytest.raises(ConfigError, match=said):
        load_design(Path(__file__).parents[2] / "sims/episodes/norway-1995.toml", [override])
