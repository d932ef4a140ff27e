"""`cbmnet validate` as a user meets it: what it takes, what it says, what it refuses before anything runs."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import typer

from cbmnet.cli.validate import parameters_of
from cbmnet.cli.validate import validate as run_verb
from cbmnet.registry import Family
from cbmnet.validation import case as cases
from cbmnet.validation.case import CASES, Case, Outcome

NAMES = {
    "arq-efficiency": {"efficiency"},
    "four-state": {"loss", "mean_loss_run"},
    "gilbert-elliott": {"loss", "mean_loss_run"},
    "k-of-n": {"delivered"},
    "outage": {"delivered_in_time"},
    "queue": {"mean_wait"},
    "receipts": {"complete", "partner_lacks_last"},
    "reorder": {"reordered", "reordered_rfc4737"},
    "spurious-timeout": {"spurious"},
    "stop-and-wait": {
        "sends", "acknowledged", "delivered", "delivered_not_acknowledged", "duplicates",
    },
    "two-generals": {"disagree", "all_delivered"},
}  # fmt: skip


def validate(*arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "cbmnet", "validate", *arguments], capture_output=True, text=True,
        env={**os.environ, "NO_COLOR": "1", **environment}, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def said_by(*arguments: str) -> Any:
    return json.loads(validate(*arguments, "--json").stdout)


def test_every_case_is_listed() -> None:
    """One line each: its name, and what it is."""
    told = validate("--list").stdout.splitlines()
    lines = dict(line.split(maxsplit=1) for line in told if not line.startswith(" "))
    assert set(NAMES) < set(lines)
    assert all(text.endswith(".") for text in lines.values())


@pytest.mark.parametrize("case", NAMES)
def test_json_has_the_case_its_parameters_and_its_results(case: str) -> None:
    """`-n` is the number of trials, and each result has an exact and a simulated value and an error."""
    said = said_by(case, "-n", "4000", "--jobs", "2")
    assert set(said) == {"case", "parameters", "results"}
    assert (said["case"], said["parameters"]["trials"]) == (case, 4000)
    assert set(said["results"]) == NAMES[case]
    for result in said["results"].values():
        assert {"exact", "simulated", "standard_error", "n"} <= set(result)
        assert (result["n"], result["agrees"]) == (4000, True)
        assert abs(result["simulated"] - result["exact"]) <= 4 * result["standard_error"]


def test_set_takes_any_parameter() -> None:
    """Numbers and words, and the trials too."""
    changed = ('scheme="selective-repeat"', "a=1.5", "loss=0.2", "window=700", "trials=3000", "seed=5")
    said = said_by("arq-efficiency", *(word for text in changed for word in ("--set", text)))
    assert said["parameters"] == {
        "trials": 3000, "seed": 5, "scheme": "selective-repeat", "a": 1.5, "loss": 0.2, "window": 700,
    }  # fmt: skip
    assert said["results"]["efficiency"]["exact"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("case", "value", "said"),
    [
        ("gilbert-elliott", "p=1.2", "p must be from 0 to 1"),
        ("gilbert-elliott", "e_bad=-0.1", "e_bad must be from 0 to 1"),
        ("four-state", "p14=0.9", "p13 + p14"),
        ("four-state", "p31=0", "p31 must be above 0"),
        ("stop-and-wait", "data_loss=2", "data_loss must be from 0 to 1"),
        ("stop-and-wait", "max_sends=0", "max_sends must be from 1 to 64"),
        ("arq-efficiency", "scheme=hope", "stop-and-wait, go-back-n or selective-repeat"),
        ("arq-efficiency", "loss=1", "loss must be from 0 to .9"),
        ("arq-efficiency", "a=-1", "a must be from 0 to 500"),
        ("arq-efficiency", "window=2000", "must be from 1 to 1023"),
        ("k-of-n", "k=6", "1 <= k <= n <= 64"),
        ("k-of-n", "p=-0.1", "p must be from 0 to 1"),
        ("queue", "rho=1", "rho must be from 1e-06 to below 1"),
        ("queue", "service=slow", "service must be exponential or constant"),
        ("spurious-timeout", "timeout=0", "timeout must be above 0"),
        ("reorder", "spacing=0", "spacing must be from .01"),
        ("reorder", "distribution=normal", "distribution must be exponential or uniform"),
        ("outage", "down_s=0", "down_s must be above 0"),
        ("outage", "deadline_s=-1", "deadline_s must be from 0"),
        ("two-generals", "messages=65", "messages must be from 1 to 64"),
        ("receipts", "depth=0", "depth must be from 1 to 64"),
        ("receipts", "trials=10", "trials must be from 200"),
        ("queue", 'service="slow"', 'must be exponential or constant, not "slow"'),
    ],
)
def test_a_bad_value_is_one_clear_error(case: str, value: str, said: str) -> None:
    """It names the case, the parameter and what is allowed, and nothing is run."""
    done = validate(case, "--set", value, code=2)
    assert done.stderr.startswith(f"cbmnet validate  {case}: ")
    assert said in done.stderr
    assert done.stderr.endswith("1 fault, nothing was run.\n")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gilbert-elliott", "--set", "p=0", "--set", "r=0"), "p and r cannot both be 0"),
        (("gilbert-elliott", "--set", "e_good=1", "--set", "e_bad=1"), "no runs to measure"),
        (("four-state", "--set", "p13=0", "--set", "p14=0"), "no runs to measure"),
        (("arq-efficiency", "--set", "scheme=selective-repeat", "--set", "window=5"), "needs one of 36"),
        (("arq-efficiency", "--set", "scheme=selective-repeat", "--set", "a=400"), "at most 1023"),
        (("arq-efficiency", "--set", "scheme=stop-and-wait", "--set", "window=5"), "has a window of 1"),
        (("silence", "-n", "100"), "has no trials to count"),
        (("queue", "-n", "100"), "trials must be from 2340"),
        (("queue", "-n", "10000", "--set", "trials=20000"), "give one of them"),
        (("queue", "--set", "rho"), "must be KEY=VALUE"),
        (("queue", "--set", "rho=nan"), "must be a finite number"),
        (("queue", "--set", "trials=many"), "must be a whole number"),
        (("--set", "nonsense=1"), "no case has any such parameter"),
        (("--set", "rho=2"), "rho must be from 1e-06 to below 1"),
    ],
    ids=lambda x: "",
)
def test_what_cannot_be_measured_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """Before anything runs, also where no case is named and others come first."""
    done = validate(*arguments, code=2)
    assert said in done.stderr
    assert done.stderr.endswith("1 fault, nothing was run.\n")
    assert done.stdout == ""


def test_every_fault_of_set_is_told_at_once() -> None:
    """Two unknown keys are two faults."""
    done = validate("queue", "--set", "a=1", "--set", "b=2", code=2)
    assert "a: queue has no such parameter; there are" in done.stderr
    assert done.stderr.endswith("2 faults, nothing was run.\n")


def test_faults_of_keys_and_of_values_are_told_together() -> None:
    """A key that is not there hides neither a text without a value nor a value of a wrong kind; each once."""
    done = validate("stop-and-wait", "--set", "a=1", "--set", "seed", "--set", "max_sends=x", code=2)
    first, second, third, last = done.stderr.splitlines()
    assert "a: stop-and-wait has no such parameter" in first
    assert second.endswith("seed: must be KEY=VALUE.")
    assert 'max_sends = "x": must be a whole number' in third
    assert last == "3 faults, nothing was run."
    assert len(validate("--set", "loss=x", code=2).stderr.splitlines()) == 2


def test_output_depends_on_neither_processes_nor_hashing() -> None:
    """The same bytes for 1 and 3 processes and two hash seeds, and nothing on standard error."""
    asked = ("k-of-n", "-n", "1000", "--json")
    one = validate(*asked, "--jobs", "1", PYTHONHASHSEED="0")
    other = validate(*asked, "--jobs", "3", PYTHONHASHSEED="4242")
    assert (one.stdout, one.stderr) == (other.stdout, other.stderr)
    assert one.stderr == ""


def test_the_table_shows_all_four_numbers_and_the_verdict() -> None:
    """Exact, simulated, standard error, n; a note where the name does not say it all."""
    lines = validate("reorder", "-n", "4000").stdout.splitlines()
    assert lines[0] == "reorder spacing = 0.5, distribution = exponential, trials = 4000, seed = 1"
    assert lines[1].split() == ["result", "exact", "simulated", "s.e.", "distance", "n"]
    assert lines[2].startswith("reordered ")
    assert "4000  agrees  overtaken by the next one sent" in lines[2]


def test_without_a_number_of_trials_as_many_are_taken_as_one_percent_takes() -> None:
    """More than the default where a result is rare; the number that it took is told with the parameters."""
    asked = ("k-of-n", "--set", "k=5", "--set", "loss=0.4", "--json")
    said = said_by(*asked)
    o = said["results"]["delivered"]
    assert 60_000 < said["parameters"]["trials"] == o["n"] < 20 * 60_000
    assert o["standard_error"] <= 0.01 * o["exact"]
    assert said_by(*asked, "-n", "2000")["parameters"]["trials"] == 2_000


def test_an_error_above_one_percent_is_told_with_what_would_be_enough() -> None:
    """Below the table, and of the results alone for which it is so."""
    *_, last, empty = validate("two-generals", "-n", "200000").stdout.splitlines()
    assert last.startswith("all_delivered ")
    assert empty == ""
    *_, row, last, empty = validate("two-generals", "-n", "30000").stdout.splitlines()
    assert re.fullmatch(
        r"disagree: its s.e. is 1.\d% of the exact value; -n [67]\d000 would make it 1 %", last
    )
    assert row.startswith("all_delivered ")
    assert empty == ""


def test_slow_chains_begin_with_as_many_trials_as_they_need() -> None:
    """The default is for the default parameters; what no number of trials would do for is a fault."""
    config = CASES["four-state"].config
    rare = {"p13": "0.0001", "p14": "0", "p32": "0"}
    assert parameters_of("four-state", config, rare)["trials"] == 20 * 20 * 10_000
    # Most is lost alone, in state 4; what makes the spread are the bursts, ten thousand times rarer.
    rare = {"p13": "0.00002", "p31": "0.001", "p32": "0", "p14": "0.2"}
    assert 20 * 5 * 50_000 < parameters_of("four-state", config, rare)["trials"] < 20 * 7 * 50_000
    assert parameters_of("four-state", config, {"p13": "0.001"})["trials"] == config().trials
    done = validate("gilbert-elliott", "--set", "p=1e-6", code=2)
    assert "ask for more trials than the 100000000 that are taken at most" in done.stderr


def two_cases(monkeypatch: pytest.MonkeyPatch, second: float) -> None:
    """Leaves two quick cases of which the second gives `second` for 1."""
    known: Family[Case] = Family("validation", "cbmnet.validation")
    known.register("one")(lambda *_: {"x": Outcome(1.0, 1.0, 0.1, 7)})
    known.register("two")(lambda *_: {"x": Outcome(1.0, second, 0.1, 7)})
    known._scanned = True
    monkeypatch.setattr(cases, "CASES", known)


def test_json_of_all_cases_is_a_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a case, an object a case, in the order of their names."""
    two_cases(monkeypatch, second=1.2)
    run_verb(as_json=True)
    assert [report["case"] for report in json.loads(capsys.readouterr().out)] == ["one", "two"]


def test_a_difference_ends_in_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After all cases have run, and the table says which result it is."""
    two_cases(monkeypatch, second=1.5)
    with pytest.raises(typer.Exit) as ended:
        run_verb()
    assert ended.value.exit_code == 1
    *_, last, _ = capsys.readouterr().out.splitlines()
    assert last.split() == ["x", "1", "1.5", "0.1", "5.0", "s.e.", "7", "DIFFERS"]


def test_the_list_is_json_where_that_is_asked() -> None:
    """Every case by name."""
    command = [sys.executable, "-m", "cbmnet", "validate", "--list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "two-generals" in json.loads(done.stdout)
