"""A study may bring members of its own in files beside it; what cannot be used is told in one line."""

import json
import subprocess
import sys

import pytest

from cbmnet.cli import main
from cbmnet.errors import RegistryError
from cbmnet.experiments.design import load_design
from cbmnet.experiments.execution import execute
from cbmnet.experiments.store import save
from cbmnet.member_file import read_file, use
from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.validation.case import CASES

TWICE = '''
from dataclasses import dataclass
from cbmnet.protocols.endpoint import VARIANTS, data_datagram, expect_send
from cbmnet.protocols.variants.fire_and_forget import FireAndForget

@dataclass(frozen=True)
class {name}Config:
    copies: int = 3

@VARIANTS.register("{variant}", {name}Config)
class {name}(FireAndForget):
    """Sends n copies and hopes."""
    def __init__(self, config):
        super().__init__(config)
        self._copies = config.copies
    def command(self, command, now):
        for attempt in range(1, self._copies + 1):
            self.outgoing.append(data_datagram(expect_send(command), attempt))
'''
STUDY = """
[study]
horizon = "20d"
load = ["mine.py"]
replications = 8
metrics = ["duplicates_rejected", "peak_rung"]
[channel]
hops = 1
loss = 0.0
[protocol]
variant = "{variant}"
[activities.exercise]
rate = "1/d"
[states.blue]
[states.red]
"""


@pytest.fixture
def folder(tmp_path):
    """A study with a variant of its own beside it."""
    (tmp_path / "mine.py").write_text(TWICE.format(variant="mine", name="Mine"))
    (tmp_path / "study.toml").write_text(STUDY.format(variant="mine"))
    return tmp_path


@pytest.fixture(autouse=True)
def _nothing_loaded():
    yield
    use([])


def edited(folder, old, new, file="mine.py"):
    """Puts `new` in the place of `old` in a file."""
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))


def copies(design):
    return design.points[0].config.protocol.config.copies


def cbmnet(*arguments, cwd):
    command = [sys.executable, "-m", "cbmnet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def refusal(capsys, *arguments):
    """What `cbmnet` says on its way to exit code 2."""
    sys.argv = ["cbmnet", *map(str, arguments)]
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_study_runs_with_a_variant_from_a_file_beside_it(folder):
    """In two processes; what arrives comes three times, and is rejected twice."""
    done = cbmnet("run", "study.toml", "--jobs", "2", "-o", "out", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (folder / "out" / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 8
    assert all(row["values"]["duplicates_rejected"] > row["sealed"] > 0 for row in rows)


def test_a_results_folder_holds_the_file_it_was_made_with(folder):
    """It repeats its runs by its own copy, also when the file beside the study is gone."""
    assert cbmnet("run", "study.toml", "-o", "out", cwd=folder).returncode == 0
    (folder / "mine.py").unlink()
    done = cbmnet("replay", "out", "--check", cwd=folder)
    assert done.stdout.startswith("identical:"), done.stderr


def test_a_changed_file_makes_another_study(folder):
    """In one process: the new default is in force; the hash is another, also where no key shows a change."""
    first = load_design(folder / "study.toml")
    edited(folder, "int = 3", "int = 5")
    second = load_design(folder / "study.toml")
    assert (copies(first), copies(second)) == (3, 5)
    edited(folder, "and hopes", "and prays")
    third = load_design(folder / "study.toml")
    assert len({first.hash, second.hash, third.hash}) == 3


def test_a_design_keeps_the_code_that_it_was_read_with(folder, tmp_path):
    """Edited meanwhile, or gone: the old code runs, gives the old results, and is what is saved."""
    design = load_design(folder / "study.toml", ["study.replications=2"])
    before = execute(design, 2, 1, 1, lambda _: None)
    code, hash_ = (folder / "mine.py").read_bytes(), design.hash
    edited(folder, "range(1, self._copies + 1)", "range(1, 2)")
    load_design(folder / "study.toml")
    (folder / "mine.py").unlink()
    for jobs in (1, 2):
        rows = execute(design, 2, 1, jobs, lambda _: None)
        assert [row.values for row in rows] == [row.values for row in before]
        assert not any(row.error for row in rows)
    save(tmp_path / "out", design, before, {"points": [{"point": {}, "metrics": {}}]})
    assert (tmp_path / "out" / "mine.py").read_bytes() == code
    assert design.hash == hash_


def test_a_study_that_loads_nothing_knows_nothing_of_what_others_loaded(folder, tmp_path):
    """Nor does one whose file of the same name lies elsewhere: each has its own."""
    there = VARIANTS.names()
    load_design(folder / "study.toml")
    assert VARIANTS.names() == sorted([*there, "mine"])
    plain = tmp_path / "plain.toml"
    plain.write_text(STUDY.format(variant="fire-and-forget").replace('load = ["mine.py"]', ""))
    load_design(plain)
    assert VARIANTS.names() == there
    (tmp_path / "other").mkdir()
    for name in ("mine.py", "study.toml"):
        (tmp_path / "other" / name).write_text((folder / name).read_text())
    edited(tmp_path / "other", "int = 3", "int = 7")
    designs = [load_design(place / "study.toml") for place in (folder, tmp_path / "other", folder)]
    assert [copies(design) for design in designs] == [3, 7, 3]


def test_what_is_shipped_stays_when_a_file_goes(folder):
    """Also of a family that the file is the first to import."""
    use_cases = """
import sys
from pathlib import Path
from cbmnet.member_file import read_file, use
use([read_file(Path("mine.py"))])
use([])
from cbmnet.validation.case import CASES
print(len(CASES.names()))
"""
    (folder / "mine.py").write_text("from cbmnet.validation.case import CASES\n")
    done = subprocess.run(
        [sys.executable, "-c", use_cases], capture_output=True, text=True, cwd=folder, check=True
    )
    assert int(done.stdout) == len(CASES.names())


def test_the_same_code_is_run_but_once(folder):
    """Also from another folder, as from results: the class stays the same object."""
    use([read_file(folder / "mine.py")])
    made = VARIANTS["mine"].make
    (folder / "copy").mkdir()
    (folder / "copy" / "mine.py").write_text((folder / "mine.py").read_text())
    use([])
    use([read_file(folder / "copy" / "mine.py")])
    assert VARIANTS["mine"].make is made


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x =\n", "line 1: invalid syntax"),
        ("\n\nraise KeyError('a')\n", "line 3: KeyError: 'a'"),
        ("import sys\nsys.exit(3)\n", "line 2: SystemExit: 3"),
        ("raise ValueError('a\\nb')\n", "line 1: ValueError: a b."),
        ("import beside\n", "; a loaded file stands alone: what it imports must be installed"),
        (
            TWICE.format(variant="stop-and-wait", name="Mine"),
            'line 10: variants: "stop-and-wait" is registered twice',
        ),
        (b"\xff\n", "unicode error"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line_and_leaves_nothing(folder, capsys, code, said):
    """One fault at the key that names it; afterwards the families have what they had."""
    before = VARIANTS.names(), VARIANTS["stop-and-wait"].make
    (folder / "mine.py").write_bytes(code.encode() if isinstance(code, str) else code)
    told = refusal(capsys, "check", folder / "study.toml")
    assert 'study.toml:4  study.load.0 = "mine.py": ' in told
    assert said in told
    assert "1 fault, nothing was run." in told
    assert before == (VARIANTS.names(), VARIANTS["stop-and-wait"].make)


def test_each_bad_file_is_told_at_its_own_place(folder, capsys):
    """A good one between two bad ones, and one after them, are no faults."""
    for name in ("bad", "worse"):
        (folder / f"{name}.py").write_text(f"raise ValueError('{name}')\n")
    (folder / "other.py").write_text(TWICE.format(variant="other", name="Other"))
    edited(folder, '["mine.py"]', '["bad.py", "mine.py", "worse.py", "other.py"]', "study.toml")
    told = refusal(capsys, "check", folder / "study.toml").splitlines()
    assert len(told) == 3
    assert 'study.load.0 = "bad.py": line 1: ValueError: bad.' in told[0]
    assert 'study.load.2 = "worse.py": line 1: ValueError: worse.' in told[1]


def test_what_was_registered_before_the_fault_is_taken_back(folder):
    """A file that fails in its last line leaves no member."""
    (folder / "mine.py").write_text(
        TWICE.format(variant="half-done", name="Mine") + "\nraise ValueError(1)\n"
    )
    with pytest.raises(RegistryError, match="ValueError: 1"):
        use([read_file(folder / "mine.py")])
    assert "half-done" not in VARIANTS.names()


def test_two_files_of_one_name_cannot_both_be_used(folder):
    """Each alone can, in any order; what one has taken is told of the other, and nothing is left."""
    there = VARIANTS.names()
    (folder / "other.py").write_text(TWICE.format(variant="mine", name="Other"))
    one, other = (read_file(folder / name) for name in ("mine.py", "other.py"))
    use([one])
    use([other])
    with pytest.raises(RegistryError, match='"mine" is registered twice'):
        use([one, other])
    use([])
    assert VARIANTS.names() == there


def test_what_a_file_prints_is_no_line_of_a_verb(folder):
    """It goes to standard error."""
    (folder / "mine.py").write_text('print("hello")\n' + (folder / "mine.py").read_text())
    done = cbmnet("check", "study.toml", "--json", cwd=folder)
    assert json.loads(done.stdout)
    assert done.stderr.startswith("hello")


@pytest.mark.parametrize(
    "name",
    [
        "/etc/mine.py",
        "../mine.py",
        "mine.txt",
        "sub\\mine.py",
        "a\0.py",
        "rows.jsonl/mine.py",
        ".py",
        "a b.py",
    ],
)
def test_a_file_lies_in_the_folder_of_the_study_or_below(folder, capsys, name):
    """Else results could not hold it under its name."""
    text = (folder / "study.toml").read_text().replace('"mine.py"', json.dumps(name))
    (folder / "study.toml").write_text(text)
    assert "must be a Python file in the folder of the study or below" in refusal(
        capsys, "check", folder / "study.toml"
    )


def test_a_node_serves_a_variant_from_a_file(folder):
    """`cbmnet node --load`; a name that is not there is told with the nearest one."""
    done = subprocess.run(
        [sys.executable, "-m", "cbmnet", "node", "mine", "--load", "mine.py"], input="", capture_output=True,
        text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    wrong = cbmnet("node", "stop-and-wiat", cwd=folder)
    assert wrong.returncode == 2
    assert 'Did you mean "stop-and-wait"?' in wrong.stderr
    missing = cbmnet("node", "mine", "--load", "other.py", cwd=folder)
    assert missing.returncode == 2
    assert "node: --load other.py: cannot be read" in missing.stderr


BAD_STAGE = '''
from dataclasses import dataclass
from cbmnet.channels.stage import STAGES

@dataclass(frozen=True)
class WrongConfig:
    what: str = "int"

@STAGES.register("wrong", WrongConfig)
class Wrong:
    """Does what no stage may."""
    def __init__(self, config, link):
        self.what = config.what
    def apply(self, flight, now_s):
        if self.what == "int":
            return 5
        if self.what == "inf":
            flight.at_s = float("inf")
        if self.what == "empty":
            flight.drop = ""
        if self.what == "exit":
            raise SystemExit(3)
'''


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("int", "study, seed 1, run 0, before it begins: stop-and-wait: the channel, tried with a datagram "
                "of its own: hop 0, stage 0 (wrong): returned 5"),
        ("inf", "hop 0, stage 0 (wrong): moved a flight from 0.0 s to inf s; it is a finite number"),
        ("empty", "stage 0 (wrong): gave the reason '' for a loss; a reason is text"),
        ("exit", "begins: a variant, a stage or an observer ends the program (SystemExit: 3 (wrong.py:"),
    ],
)  # fmt: skip
def test_a_stage_that_answers_with_nonsense_is_named_in_a_run(folder, what, said):
    """With the study, the seed, the variant and the place in the channel, never a link that is not there."""
    edited(folder, 'variant = "mine"', 'variant = "stop-and-wait"\nrto = "2h"', "study.toml")
    (folder / "wrong.py").write_text(BAD_STAGE)
    edited(folder, '["mine.py"]', '["mine.py", "wrong.py"]', "study.toml")
    edited(folder, "loss = 0.0", f'stages = [{{ stage = "wrong", what = "{what}" }}]', "study.toml")
    done = cbmnet("run", "study.toml", "--jobs", "1", "-o", "out", cwd=folder)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split()), done.stderr
    assert "probe>target" not in done.stderr


def test_a_metric_that_fails_is_named(folder):
    """Its name, its file and its line, also where the event loop raised a copy of what went wrong."""
    metric = (
        "\nfrom cbmnet.metrics.metric import METRICS\nfrom cbmnet.records import Drop, Seal\n"
        + '''
@METRICS.register("broken")
class Broken:
    """Looks for what is not there."""
    kind, wants = "mean", (Seal,)
    def start(self, facts): pass
    def feed(self, record): return record.nothing
    def result(self, ended_s): return 0
'''
    )
    (folder / "mine.py").write_text(TWICE.format(variant="mine", name="Mine") + metric)
    edited(folder, '"peak_rung"', '"broken"', "study.toml")
    done = cbmnet("run", "study.toml", "--jobs", "1", "-o", "out", cwd=folder)
    assert done.returncode == 1
    assert "metric broken: AttributeError: 'Seal' object has no attribute 'nothing' (mine.py:" in " ".join(
        done.stderr.split()
    )


OWN_KIND = """
from cbmnet.datagram import Datagram
from cbmnet.protocols.endpoint import VARIANTS, expect_send
from cbmnet.protocols.variants.fire_and_forget import FireAndForget

@VARIANTS.register("mine")
class Mine(FireAndForget):
    '''Has a kind of its own.'''
    KNOWN = {}
    def command(self, command, now):
        super().command(command, now)
        if REMEMBERS:
            seen = self.KNOWN[command.peer] = self.KNOWN.get(command.peer, 0) + 1
            if seen % 2:
                self.outgoing.pop()
        send = expect_send(command)
        self.outgoing.append(Datagram(b"x", send.peer, "hint", send.stream, send.epoch, send.sequence))
"""


def test_a_fault_may_name_a_kind_of_the_variants_own(folder):
    """One that it has is met; one that it has not is a warning, as any fault that meets nothing."""
    (folder / "mine.py").write_text(OWN_KIND.replace("REMEMBERS", "False"))
    study = (folder / "study.toml").read_text()
    for kind, warned in (("hint", False), ("hunt", True)):
        fault = f'[[faults]]\nat = {{ link = "blue>red", kind = "{kind}", sequence = 1 }}\ndo = "drop"\n'
        (folder / "study.toml").write_text(study + fault)
        done = cbmnet("check", "study.toml", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert ("no such datagram was sent" in done.stdout) == warned, done.stdout


def test_what_outlives_a_run_is_found_by_check(folder):
    """A dict in the body of a class makes a run depend on those before it in its process."""
    (folder / "mine.py").write_text(OWN_KIND.replace("REMEMBERS", "True"))
    done = cbmnet("check", "study.toml", cwd=folder)
    assert done.returncode == 2
    assert "the first run gives another result after the second: something outlives a run" in done.stderr


def test_a_config_that_can_change_is_refused(folder):
    """By its name, where it is registered: it could not be told apart from another."""
    edited(folder, "@dataclass(frozen=True)", "@dataclass")
    done = cbmnet("check", "study.toml", cwd=folder)
    assert done.returncode == 2
    assert (
        'variants: "mine": its config MineConfig is not frozen; write @dataclass(frozen=True)' in done.stderr
    )
