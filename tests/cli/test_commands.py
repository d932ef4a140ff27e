"""The command line as a user meets it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SIMS = Path(__file__).parents[2] / "sims"
NORWAY = str(SIMS / "episodes/norway-1995.toml")


def cbmnet(*arguments: str, cwd: Path | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "cbmnet", *arguments], capture_output=True, text=True, cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


FIVE_FAULTS = """title = "five faults"
[study]
horizon = 30
[channel]
los = 0.1
loss = 1.4
[states.red]
prior = 0.01
type = "peacful"
[states.blue]
[[at]]
time = "-2d"
event = "activity"
actor = "red"
toward = "blue"
class = "exercise"
"""


def test_five_faults_are_told_at_once(tmp_path: Path) -> None:
    """Each with its line and key, on standard error, with exit code 2 and no traceback."""
    (tmp_path / "bad.toml").write_text(FIVE_FAULTS)
    done = cbmnet("run", "bad.toml", cwd=tmp_path, code=2)
    lines = done.stderr.splitlines()
    places = [line.split("  ")[0] for line in lines[:5]]
    assert places == [f"bad.toml:{n}" for n in (3, 5, 6, 9, 12)]
    for line, key in zip(
        lines, ("study.horizon", "channel.los", "channel.loss", "states.red.type", "at.0.time"), strict=False
    ):
        assert key in line
    assert lines[5] == "5 faults, nothing was run."
    assert done.stdout == ""
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (bytes(range(256)) * 12, "is not text"),
        (b"a" * 10_000_000, "has 10000000 bytes"),
        (b"[study\nhorizon = 3", "not TOML"),
        ("title = 'caf\xe9'".encode("latin-1"), "is not UTF-8"),
    ],
    ids=["empty", "comment", "binary", "large", "syntax", "latin-1"],
)
def test_an_unusable_file_is_one_clear_message(tmp_path: Path, content: bytes, said: str) -> None:
    """One fault that names the file and says what is wrong; exit code 2."""
    (tmp_path / "x.toml").write_bytes(content)
    done = cbmnet("run", "x.toml", cwd=tmp_path, code=2)
    assert said in done.stderr
    assert done.stderr.splitlines()[-1] == "1 fault, nothing was run."


def test_a_directory_and_a_missing_file_are_told(tmp_path: Path) -> None:
    """Neither is a traceback."""
    assert "is a directory" in cbmnet("run", str(tmp_path), code=2).stderr
    assert "there is no such file" in cbmnet("check", str(tmp_path / "none.toml"), code=2).stderr


@pytest.mark.parametrize(
    "value", ["channel.loss=inf", "channel.loss=nan", "channel.delay=-20m", "study.horizon=7"]
)
def test_a_bad_override_is_one_clear_message(value: str) -> None:
    """inf, nan, a negative duration and a bare number each name the --set that brought them."""
    done = cbmnet("run", NORWAY, "--set", value, code=2)
    assert done.stderr.startswith(f"--set {value.split('=', maxsplit=1)[0]}  ")
    assert done.stderr.splitlines()[-1] == "1 fault, nothing was run."


def test_new_check_run_explain_replay_follow_each_other(tmp_path: Path) -> None:
    """The first five minutes: each command accepts what the one before left."""
    assert "next: cbmnet check" in cbmnet("new", "mine.toml", cwd=tmp_path).stdout
    cbmnet("new", "mine.toml", cwd=tmp_path, code=2)
    checked = json.loads(cbmnet("check", "mine.toml", "--json", cwd=tmp_path).stdout)
    assert (checked["points"], checked["runs"]) == (3, 300)
    done = cbmnet("run", "mine.toml", "--reps", "2", "--set", "study.horizon=5d", "-o", "out", cwd=tmp_path)
    assert "n = 2, level 95%" in done.stdout
    assert "written to out\nnext: cbmnet explain out --point" in done.stderr
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["replications"] == 2
    assert len((tmp_path / "out/rows.jsonl").read_text().splitlines()) == 6
    told = cbmnet("explain", "out", "--run", "1", "--point", "2", "--svg", "d.svg", cwd=tmp_path).stdout
    assert told.startswith("mine, run 1, seed 1, channel.loss = 0.6")
    checked_again = json.loads(cbmnet("replay", "out", "--check", "--json", cwd=tmp_path).stdout)
    assert checked_again["identical"]


def test_check_warns_of_faults_that_do_nothing(tmp_path: Path) -> None:
    """By their place in the file, with the reason; one that does something is no warning."""
    there = 'at = { link = "norway>russia", kind = "notice"'
    faults = "".join(f'[[faults]]\n{there}{more} }}\ndo = "drop"\n' for more in ("", ", sequence = 77"))
    (tmp_path / "idle.toml").write_text(Path(NORWAY).read_text() + faults)
    told = cbmnet("check", "idle.toml", cwd=tmp_path).stdout
    assert "warning: faults.1 does nothing in the first run: no such datagram was sent" in told
    assert "faults.0" not in told
    assert "warning" not in cbmnet("check", NORWAY).stdout


def test_a_title_says_what_was_set_by_hand(tmp_path: Path) -> None:
    """Of a study and of its results: the last value of each key, beside those of the point."""
    told = cbmnet("explain", NORWAY, "--set", "study.horizon=9d", "--set", "study.horizon=8d").stdout
    title = "norway-1995, run 0, seed 7, states.russia.prior = 0.0001, states.russia.desk.forwards = 0.0"
    assert told.splitlines()[0] == f"{title}, study.horizon = 8d"
    cbmnet("run", NORWAY, "--reps", "1", "--set", "study.horizon=8d", "-o", "out", cwd=tmp_path)
    again = cbmnet("explain", "out", "--set", "study.level=0.9", cwd=tmp_path).stdout
    assert again.splitlines()[0] == f"{title}, study.horizon = 8d, study.replications = 1, study.level = 0.9"


def test_explain_names_the_lost_notice(tmp_path: Path) -> None:
    """The story of Norway 1995 says that the notice arrived and was not forwarded, and what came of it."""
    told = cbmnet("explain", NORWAY, "--point", "12", "--svg", str(tmp_path / "n.svg")).stdout
    assert "not forwarded at russia's desk" in told
    assert "russia goes from rung 0 to 1" in told
    assert (tmp_path / "n.svg").read_text().startswith("<svg")


def test_replay_without_check_prints_the_trace() -> None:
    """JSON Lines, closed by the hash of the records."""
    lines = cbmnet("replay", NORWAY).stdout.splitlines()
    assert json.loads(lines[0])["trace"] == 2
    assert json.loads(lines[-1])["records"] == len(lines) - 2


def test_validate_lists_and_runs_its_cases() -> None:
    """The quick cases agree; a wrong name and a wrong parameter are told."""
    listed = cbmnet("validate", "--list").stdout
    for case in ("silence", "quiet-decay", "calibration", "perfect-channel"):
        assert case in listed
    for case in ("silence", "quiet-decay", "perfect-channel"):
        said = json.loads(cbmnet("validate", case, "--json").stdout)
        assert said["case"] == case
        assert all(result["agrees"] for result in said["results"].values())
    assert "no such case" in cbmnet("validate", "nonsense", code=2).stderr
    assert "no such parameter" in cbmnet("validate", "silence", "--set", "x=1", code=2).stderr


def test_silence_weighs_what_the_model_says() -> None:
    """0, .568, 1.94, 3.69 nats at believed delivery 0, .5, .9, 1, from the rule as it runs."""
    results = json.loads(cbmnet("validate", "silence", "--json").stdout)["results"]
    nats = [results[f"nats at {q}"]["simulated"] for q in ("0.0", "0.5", "0.9", "1.0")]
    assert [round(x, 3) for x in nats] == [0.0, 0.568, 1.939, 3.689]


def test_doctor_finds_all_good() -> None:
    """Both signatures work and nothing is missing."""
    facts = json.loads(cbmnet("doctor", "--json").stdout)
    assert facts["signatures"] == {"ed25519": True, "mac": True}
    assert None not in {**facts["base"], **facts["study"]}.values()


def test_version_and_help() -> None:
    """--version prints it; --help names every verb."""
    from cbmnet import __version__

    assert cbmnet("--version").stdout.strip() == __version__
    helped = cbmnet("--help").stdout
    for verb in ("new", "check", "run", "explain", "replay", "validate", "doctor", "demo"):
        assert verb in helped


def test_ctrl_c_stops_with_130(tmp_path: Path) -> None:
    """A run that is interrupted says that it was stopped, writes no traceback and exits with 130."""
    running = subprocess.Popen(
        [sys.executable, "-m", "cbmnet", "run", str(SIMS / "studies/trusted-but-broken.toml"), "--jobs", "1"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(timeout=2.5)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 130
    assert said == "stopped\n"


@pytest.mark.parametrize(
    "command",
    [
        ("run", "s.toml", "--json", "--jobs", "2"), ("run", "s.toml", "--json", "--jobs", "1"),
        ("check", "s.toml", "--json"), ("probe", "s.toml", "--messages", "20", "--json"),
        ("export", "s.toml", "--format", "json"), ("replay", "s.toml"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_a_variant_prints_stays_out_of_the_result(command: tuple[str, ...], tmp_path: Path) -> None:
    """Standard output is JSON alone; what the file beside the study prints is on standard error."""
    (tmp_path / "mine.py").write_text(
        "from cbmnet.protocols.endpoint import VARIANTS\n"
        "from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig\n"
        "print('loaded')\n"
        "@VERB\n"
        "class Loud(StopAndWait):\n"
        "    def receive(self, data, peer, now):\n"
        "        print('heard', peer)\n"
        "        super().receive(data, peer, now)\n".replace(
            "VERB", 'VARIANTS.register("loud", StopAndWaitConfig)'
        )
    )
    (tmp_path / "s.toml").write_text(
        '[study]\nhorizon = "1d"\nreplications = 2\nload = ["mine.py"]\n[heartbeat]\nperiod = "1h"\n'
        '[protocol]\nvariant = "loud"\nrto = "1m"\n[states.red]\n[states.blue]\n'
    )
    done = cbmnet(*command, cwd=tmp_path)
    assert "loaded" in done.stderr
    assert "heard red" in done.stderr
    lines = done.stdout.splitlines()
    assert lines
    for line in lines if command[0] == "replay" else [done.stdout]:
        json.loads(line)
