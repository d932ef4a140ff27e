"""The README tells the truth: its examples run, and its outputs are what the commands print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def block(name: str) -> str:
    """The code block that follows the comment of this name."""
    found = re.search(rf"<!-- {re.escape(name)} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found, name
    return found[1]


def python(code: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_config_and_its_python_run(tmp_path: Path) -> None:
    """The config is valid and the five lines of Python print a statement for each of its three points."""
    (tmp_path / "line.toml").write_text(block("config: line.toml"))
    lines = python(block("run"), tmp_path).splitlines()
    assert len(lines) == 4
    assert all("Wilson" in line for line in lines[:3])
    means = [float(line.split("} ")[1].split()[0]) for line in lines[:3]]
    assert means[0] == 0.0 < means[2]


def test_the_variant_is_a_variant(tmp_path: Path) -> None:
    """The file of the variant is loaded by its name, from Python and in the command that is shown."""
    (tmp_path / "line.toml").write_text(block("config: line.toml"))
    (tmp_path / "twice.py").write_text(block("variant"))
    use = """
chosen = {"study.load": ["twice.py"], "protocol.variant": "twice", "protocol.copies": 3, "channel.loss": 0.0}
run = __import__("cbmnet").run("line.toml", chosen)
print(run.metrics["duplicates_rejected"] == 2 * run.tally.sealed > 0)
"""
    assert python(use, tmp_path) == "True\n"
    done = run_in(tmp_path, *shlex.split(block("load")))
    assert done.returncode == 0, done.stderr
    assert "1000 notices from rival to observer, one every 1h, twice" in done.stdout


def test_a_stage_and_a_metric_of_ones_own_are_at_work(tmp_path: Path) -> None:
    """As the README loads them: a third is lost by the stage, and the metric counts it."""
    (tmp_path / "line.toml").write_text(block("config: line.toml"))
    (tmp_path / "mine.py").write_text(block("members"))
    use = """
chosen = {"study.load": ["mine.py"], "study.metrics": ["lost"], "channel.loss": 0.0,
          "channel.stages": [{"stage": "every-nth", "n": 3, "pause": "90s"}]}
print(__import__("cbmnet").run("line.toml", chosen).metrics["lost"] > 3)
"""
    assert python(use, tmp_path) == "True\n"


def run_in(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def pytest_in(folder: Path, seeds: int) -> "subprocess.CompletedProcess[str]":
    quiet = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)]
    return run_in(folder, "pytest", *quiet, "--cbmnet-seeds", str(seeds), str(folder))


def test_the_guide_finds_shrinks_replays_and_mends(tmp_path: Path) -> None:
    """Word for word: the failure, the replay, the shortest counterexample; and the mended one holds."""
    for name in ("alternating_bit.py", "test_alternating_bit.py"):
        (tmp_path / name).write_text(block(f"guide: {name}"))
    failed = pytest_in(tmp_path, 200).stdout.replace(f"{tmp_path}/", "")
    for line in block("guide: found").splitlines():
        assert line.strip() in failed
    command, told = block("guide: replay").split("\n", 1)
    replay = command.removeprefix("$ ").split()
    again = run_in(tmp_path, *replay)
    assert again.returncode == 1
    assert again.stdout == told
    assert python(block("guide: search"), tmp_path) == block("guide: counterexample")
    variant = tmp_path / "alternating_bit.py"
    variant.write_text(variant.read_text().replace("return number % 2", "return number"))
    assert run_in(tmp_path, *replay).returncode == 0
    mended = pytest_in(tmp_path, 10_000 if os.environ.get("CBMNET_SOAK") else 1_000)
    assert "1 passed" in mended.stdout, mended.stdout


def test_three_parties_do_what_a_script_orders(tmp_path: Path) -> None:
    """The test of the README passes, and fails where a message is given up."""
    (tmp_path / "test_three.py").write_text(block("three"))
    done = pytest_in(tmp_path, 30)
    assert done.returncode == 0, done.stdout
    (tmp_path / "test_three.py").write_text(block("three").replace("max_sends=64", "max_sends=1"))
    done = pytest_in(tmp_path, 30)
    assert done.returncode == 1
    assert "shrunk to 1" in done.stdout


def test_the_signing_example_says_what_its_comments_say(tmp_path: Path) -> None:
    """Two officers, a replay after a restart, an equivocation that convicts both who signed it."""
    assert python(block("sign"), tmp_path).splitlines() == [
        "refused: ThresholdNotMet",
        "accepted, signed by Cdr. Birch and Lt. Amber",
        "refused: Duplicate",
        "refused: Equivocation",
        "guilty, north, Cdr. Birch, Lt. Amber",
    ]


def test_the_embedding_crosses_a_real_socket(tmp_path: Path) -> None:
    """The sealed text arrives over UDP, verifies, and names the officer who signed it."""
    printed = python(block("embed"), tmp_path)
    assert "Lt. Amber says: the launch at noon is a research rocket" in printed
    assert "Acknowledged" in printed


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("demo", ["demo", "--jobs", "2"]),
        ("explain", ["explain", "sims/episodes/norway-1995.toml", "--point", "12"]),
    ],
)
def test_the_printed_output_is_what_the_command_prints(
    name: str, arguments: list[str], tmp_path: Path
) -> None:
    """Line for line, except where the results were written."""
    out = ["-o", str(tmp_path / "demo")] if name == "demo" else []
    done = subprocess.run(
        [sys.executable, "-m", "cbmnet", *arguments, *out],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )

    def told(text: str) -> list[Any]:
        return [line.rstrip() for line in text.splitlines() if not line.startswith("written to")]

    assert told(done.stdout) == told(block(name))


def test_every_file_it_points_to_is_there() -> None:
    """No link in the README leads nowhere."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
