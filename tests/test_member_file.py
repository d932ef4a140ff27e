"""A study may bring members of its own in files beside it; what cannot be used is told in one line."""

import json
import subprocess
import sys

import pytest

from cbmnet.cli import main
from cbmnet.errors import RegistryError
from cbmnet.experiments.design import load_design
from cbmnet.member_file import load_file
from cbmnet.protocols.endpoint import VARIANTS

TWICE = '''
from dataclasses import dataclass
from number import COPIES
from cbmnet.protocols.endpoint import VARIANTS, data_datagram, expect_send
from cbmnet.protocols.variants.fire_and_forget import FireAndForget

@dataclass(frozen=True)
class {name}Config:
    copies: int = COPIES

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
def folder(tmp_path, request):
    """A study with a variant of its own beside it, named after the test: what one registers, others see."""
    variant = "v" + request.node.name.encode().hex()[-24:]
    (tmp_path / "number.py").write_text("COPIES = 3\n")
    (tmp_path / "mine.py").write_text(TWICE.format(variant=variant, name="Mine"))
    (tmp_path / "study.toml").write_text(STUDY.format(variant=variant))
    return tmp_path


@pytest.fixture(autouse=True)
def _no_number():
    yield
    sys.modules.pop("number", None)


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
    """In two processes, with a sibling imported; what arrives comes three times, and is rejected twice."""
    done = cbmnet("run", "study.toml", "--jobs", "2", "-o", "out", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (folder / "out" / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 8
    assert all(row["values"]["duplicates_rejected"] > row["sealed"] > 0 for row in rows)


def test_a_results_folder_holds_the_file_it_was_made_with(folder):
    """It repeats its runs by its own copies, also when the files beside the study are gone."""
    text = (folder / "study.toml").read_text().replace('["mine.py"]', '["number.py", "mine.py"]')
    (folder / "study.toml").write_text(text)
    assert cbmnet("run", "study.toml", "-o", "out", cwd=folder).returncode == 0
    (folder / "mine.py").unlink()
    (folder / "number.py").unlink()
    done = cbmnet("replay", "out", "--check", cwd=folder)
    assert done.stdout.startswith("identical:"), done.stderr


def test_a_changed_file_is_loaded_anew_and_makes_another_study(folder):
    """In one process: the new default is in force, and the hash of the study is another."""
    first = load_design(folder / "study.toml")
    assert first.points[0].config.protocol.config.copies == 3
    before = first.hash
    (folder / "mine.py").write_text((folder / "mine.py").read_text().replace("int = COPIES", "int = 5"))
    second = load_design(folder / "study.toml")
    assert second.points[0].config.protocol.config.copies == 5
    assert second.hash != before


def test_the_same_file_is_run_but_once(folder):
    """Also from another folder, as from results: the class stays the same object."""
    load_file(folder / "mine.py")
    name = next(name for name in VARIANTS.names() if name in (folder / "mine.py").read_text())
    made = VARIANTS[name].make
    (folder / "copy").mkdir()
    (folder / "copy" / "mine.py").write_text((folder / "mine.py").read_text())
    load_file(folder / "mine.py")
    load_file(folder / "copy" / "mine.py")
    assert VARIANTS[name].make is made


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x =\n", "line 1: invalid syntax"),
        ("\n\nraise KeyError('a')\n", "line 3: KeyError: 'a'"),
        ("import sys\nsys.exit(3)\n", "line 2: SystemExit: 3"),
        (
            TWICE.format(variant="stop-and-wait", name="Mine"),
            'line 11: variants: "stop-and-wait" is registered twice',
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


def test_what_was_registered_before_the_fault_is_taken_back(folder):
    """A file that fails in its last line leaves no member."""
    (folder / "mine.py").write_text(
        TWICE.format(variant="half-done", name="Mine") + "\nraise ValueError(1)\n"
    )
    with pytest.raises(RegistryError, match="ValueError: 1"):
        load_file(folder / "mine.py")
    assert "half-done" not in VARIANTS.names()


@pytest.mark.parametrize("name", ["/etc/mine.py", "../mine.py", "mine.txt", "sub\\mine.py"])
def test_a_file_lies_in_the_folder_of_the_study_or_below(folder, capsys, name):
    """Else results could not hold it under its name."""
    text = (folder / "study.toml").read_text().replace('"mine.py"', json.dumps(name))
    (folder / "study.toml").write_text(text)
    assert "must be a Python file in the folder of the study or below" in refusal(
        capsys, "check", folder / "study.toml"
    )


def test_a_node_serves_a_variant_from_a_file(folder):
    """`cbmnet node --load`; a name that is not there is told with the nearest one."""
    (folder / "mine.py").write_text(
        (folder / "mine.py").read_text().replace("from number import COPIES", "COPIES = 3")
    )
    variant = "v" + b"test_a_node_serves_a_variant_from_a_file".hex()[-24:]
    done = subprocess.run(
        [sys.executable, "-m", "cbmnet", "node", variant, "--load", "mine.py"], input="", capture_output=True,
        text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    wrong = cbmnet("node", "stop-and-wiat", cwd=folder)
    assert wrong.returncode == 2
    assert 'Did you mean "stop-and-wait"?' in wrong.stderr
    missing = cbmnet("node", variant, "--load", "other.py", cwd=folder)
    assert missing.returncode == 2
    assert "node: --load other.py: cannot be read" in missing.stderr
