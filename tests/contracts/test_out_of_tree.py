"""A stage, a variant, a belief rule and a metric from outside: one file each, found by an entry point."""

import json
import subprocess
import sys
from pathlib import Path

FILES = {
    "my_stage.py": '''
from dataclasses import dataclass
from cbmnet.channels.stage import STAGES

@dataclass(frozen=True)
class EveryNthConfig:
    n: int = 2

@STAGES.register("every-nth", EveryNthConfig)
class EveryNth:
    """Loses every n-th sequence number."""
    def __init__(self, config, link):
        self._n = config.n
    def apply(self, flight, now_s):
        if flight.datagram.sequence % self._n == 0:
            flight.drop = "every n-th"
''',
    "my_variant.py": '''
from dataclasses import dataclass
from cbmnet.protocols.endpoint import VARIANTS, data_datagram, expect_send
from cbmnet.protocols.variants.fire_and_forget import FireAndForget

@dataclass(frozen=True)
class TwiceConfig:
    copies: int = 2

@VARIANTS.register("twice", TwiceConfig)
class Twice(FireAndForget):
    """Sends n copies and hopes."""
    def __init__(self, config):
        super().__init__(config)
        self._copies = config.copies
    def command(self, command, now):
        for attempt in range(1, self._copies + 1):
            self.outgoing.append(data_datagram(expect_send(command), attempt))
''',
    "my_belief.py": '''
from cbmnet.states.belief import BELIEFS
from cbmnet.states.beliefs.fixed_prior import FixedPrior

@BELIEFS.register("paranoid")
class Paranoid(FixedPrior):
    """Sees an attack in everything."""
    def probability(self, now_s):
        return 0.99
''',
    "my_metric.py": '''
from cbmnet.metrics.metric import METRICS
from cbmnet.records import Drop

@METRICS.register("lost")
class Lost:
    """Datagrams lost in one run."""
    kind = "mean"
    wants = (Drop,)
    def start(self, facts):
        self._count = 0
    def feed(self, record):
        self._count += 1
    def result(self, ended_s):
        return self._count
''',
}

STUDY = """
[study]
horizon = "20d"
metrics = ["lost", "peak_rung", "duplicates_rejected"]
[channel]
hops = 1
loss = 0.0
stages = [{ stage = "every-nth", n = 3 }]
[protocol]
variant = "twice"
copies = 3
[activities.exercise]
rate = "1/d"
[states.blue]
belief = { rule = "paranoid" }
[states.red]
"""

ENTRY_POINTS = """
[cbmnet.stages]
every-nth = my_stage
[cbmnet.variants]
twice = my_variant
[cbmnet.beliefs]
paranoid = my_belief
[cbmnet.metrics]
lost = my_metric
"""


SMALL = '[study]\nhorizon = "1d"\n[states.red]\n[states.blue]\n'
FAILING = '''
from dataclasses import dataclass
from cbmnet.channels.stage import STAGES

@dataclass(frozen=True)
class EveryNthConfig:
    pass

@STAGES.register("every-nth", EveryNthConfig)
class EveryNth:
    """Fails when a datagram comes."""
    def __init__(self, config, link):
        pass
    def apply(self, flight, now_s):
        raise KeyError("a")
'''


def installed_beside(
    path: Path, files: dict[str, str], entry_points: str, *arguments: str
) -> tuple[int, str, str]:
    """What cbmnet says with the package installed beside it: exit code, stdout, stderr."""
    info = path / "mine-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    for name, text in files.items():
        (path / name).write_text(text)
    code = f"import sys; sys.path.insert(0, {str(path)!r}); from cbmnet.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path, check=False)
    return done.returncode, done.stdout, done.stderr


def test_each_is_one_file(tmp_path: Path) -> None:
    """Installed beside cbmnet, the four are configured by name, validated and run like any other."""
    files, run = {**FILES, "study.toml": STUDY}, ("run", "study.toml", "--reps", "3", "--jobs", "1", "--json")
    code, said, wrong = installed_beside(tmp_path, files, ENTRY_POINTS, *run)
    assert code == 0, wrong
    metrics = json.loads(said)["points"][0]["metrics"]
    assert metrics["lost"]["mean"] > 0
    assert metrics["duplicates_rejected"]["mean"] > 0
    assert metrics["peak_rung"]["mean"] > 1
    code, _, wrong = installed_beside(tmp_path, files, ENTRY_POINTS, *run, "--set", "protocol.copies=many")
    assert code == 2
    assert "protocol.copies" in wrong


def test_a_package_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    """One line with the entry point and what went wrong, not a traceback of somebody else's code."""
    files = {"my_stage.py": "import nosuchmodule\n", "study.toml": SMALL}
    points = "[cbmnet.stages]\nevery-nth = my_stage\n"
    code, _, wrong = installed_beside(tmp_path, files, points, "check", "study.toml")
    assert code == 2, wrong
    assert "entry point every-nth = 'my_stage' cannot be loaded: ModuleNotFoundError" in wrong
    assert "Traceback" not in wrong


def test_check_says_when_the_first_run_fails(tmp_path: Path) -> None:
    """A study whose stage raises is not called good; the line says where it failed."""
    study = SMALL + '[channel]\nstages = [{ stage = "every-nth" }]\n'
    points = "[cbmnet.stages]\nevery-nth = my_stage\n"
    files = {"my_stage.py": FAILING, "study.toml": study}
    code, said, wrong = installed_beside(tmp_path, files, points, "check", "study.toml")
    assert code != 0
    assert "good" not in said
    assert "the first run fails" in wrong
    assert "KeyError" in wrong
    assert "Traceback" not in wrong
