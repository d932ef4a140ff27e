"""One run is measured: metrics that say nothing usable, and two datagrams under one label, are told."""

import pytest

from cbmnet.cli import main
from cbmnet.experiments.design import load_design
from cbmnet.member_file import use

METRIC = '''
from cbmnet.metrics.metric import METRICS
from cbmnet.records import Drop

@METRICS.register("mine")
class Mine:
    """A metric of one's own."""
    kind = "mean"
    wants = (Drop,)
    def start(self, facts):
        pass
    def feed(self, record):
        pass
    def result(self, ended_s):
        return 1
'''
SAME_LABEL = '''
from cbmnet.protocols.endpoint import VARIANTS, data_datagram, expect_send
from cbmnet.protocols.variants.fire_and_forget import FireAndForget

@VARIANTS.register("mine")
class Mine(FireAndForget):
    """Sends two copies under one label."""
    def command(self, command, now):
        for _ in range(2):
            self.outgoing.append(data_datagram(expect_send(command), 1))
'''
STUDY = """
[study]
horizon = "20d"
load = ["mine.py"]
replications = 4
{metrics}
[activities.exercise]
rate = "1/d"
{more}
[states.red]
[states.blue]
"""


@pytest.fixture(autouse=True)
def _nothing_loaded():
    yield
    use([])


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """What a verb says of a study with this file beside it, and its exit code."""

    def tell(verb, code, *options, metrics='metrics = ["mine"]', more=""):
        (tmp_path / "mine.py").write_text(code)
        (tmp_path / "study.toml").write_text(STUDY.format(metrics=metrics, more=more))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["cbmnet", verb, "study.toml", *options])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().err

    return tell


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "return 1",
            'return "many"',
            "gave 'many'; one of kind mean gives a finite number or None",
        ),
        ("return 1", 'return float("nan")', "metric mine gave nan; one of kind mean gives"),
        ("return 1", "return [1]", "metric mine gave [1]; one of kind mean gives"),
        ("return 1", "return 1 / 0", "ZeroDivisionError: division by zero (mine.py:15)"),
        ('"mean"', '"average"', "metric mine: kind is 'average'; it must be one of mean, yes_no, pooled"),
        ('    kind = "mean"\n', "", "metric mine: kind is None; it must be one of"),
        ('"mean"', '"yes_no"', "metric mine gave 1; one of kind yes_no gives True, False or None"),
        ('"mean"', '"pooled"', "metric mine: a pooled metric has a function `pool`"),
        ("wants = (Drop,)", "wants = (int,)", "metric mine: wants is (<class 'int'>,); it must be a tuple"),
        ("wants = (Drop,)", "wants = Drop", "it must be a tuple of record classes"),
        (
            "    def start(self",
            "    def __init__(self):\n        x\n    def start(self",
            "NameError: name 'x' is",
        ),
    ],
)
def test_a_metric_that_says_nothing_usable_is_told(told, tmp_path, old, new, said):
    """By `check` before anything is lost, and by `run`, whose folder holds the rows with the error."""
    assert old in METRIC
    code, error = told("check", METRIC.replace(old, new))
    assert (code, "Traceback" in error) == (2, False)
    assert said in error
    code, error = told("run", METRIC.replace(old, new), "-o", "out", "--jobs", "1")
    assert (code, "Traceback" in error) == (1, False)
    assert said in error
    assert len((tmp_path / "out" / "rows.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("kind", "value"), [("mean", None), ("mean", 2.5), ("mean", 3), ("yes_no", True), ("yes_no", None)]
)
def test_a_good_metric_is_good(tmp_path, kind, value):
    """Whatever is of its kind, None included."""
    from cbmnet.metrics.measure import measure

    (tmp_path / "mine.py").write_text(
        METRIC.replace('"mean"', f'"{kind}"').replace("return 1", f"return {value}")
    )
    (tmp_path / "study.toml").write_text(STUDY.format(metrics='metrics = ["mine"]', more=""))
    design = load_design(tmp_path / "study.toml")
    assert measure(design.points[0].config, 1, 0, ["mine"]).values == {"mine": value}


@pytest.mark.parametrize("verb", ["check", "run", "probe"])
def test_two_datagrams_under_one_label_are_told(told, verb):
    """Both would be lost together or arrive together, and a probe would call a doubtful line good."""
    options = ["-o", "out", "--jobs", "1"] if verb == "run" else []
    code, error = told(verb, SAME_LABEL, *options, metrics="", more='[protocol]\nvariant = "mine"')
    assert code in (1, 2)
    assert "each transmission has a label of its own" in error


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            METRIC.replace('register("mine")', "register(int)"),
            "register(name, config) begins with a name, not with",
        ),
        (METRIC.replace('register("mine")', 'register("mine", dict)'), "which is no dataclass"),
    ],
)
def test_a_member_is_registered_with_a_name_and_a_dataclass(told, code, said):
    """What would be a traceback at the first use is one line, with the line of the file."""
    exit_code, error = told("check", code)
    assert exit_code == 2
    assert "mine.py" in error
    assert "line 5: metrics: " in error
    assert said in error


def test_a_stage_that_cannot_be_made_is_one_line_for_a_probe(told):
    """As for a run: its type, what it says, and where."""
    stage = METRIC.replace("METRICS", "STAGES").replace("metrics.metric", "channels.stage")
    code, error = told("probe", stage, metrics="", more='[channel]\nhops = 1\nstages = [{ stage = "mine" }]')
    assert code == 2
    assert "takes no arguments" in error
    assert error.count("\n") == 1


def test_a_metric_without_any_value_is_told(tmp_path, monkeypatch, capsys):
    """Not a column that is missing without a word."""
    (tmp_path / "mine.py").write_text(METRIC.replace("return 1", "return None"))
    (tmp_path / "study.toml").write_text(STUDY.format(metrics='metrics = ["mine", "peak_rung"]', more=""))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["cbmnet", "run", "study.toml", "-o", "out", "--jobs", "1"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "No run has a value of mine." in told
    assert "peak_rung" in told
