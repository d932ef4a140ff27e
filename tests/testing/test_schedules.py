"""Random schedules, shrinking, replay files, the decorator and its plugin."""

import json
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from cbmnet.channels.faults import Fault
from cbmnet.errors import ConfigError, LocalProtocolError, SimulationError
from cbmnet.protocols.endpoint import VARIANTS, Acknowledged
from cbmnet.simulation.invariant import INVARIANTS, InvariantError
from cbmnet.testing import (
    Datagrams,
    Delay,
    Drop,
    EndpointPair,
    ProtocolTest,
    ProtocolTestError,
    Replay,
    Risk,
    fault_schedules,
    protocol_test,
    shrink,
)
from cbmnet.testing.replay_file import load, save
from tests.testing.buggy import Numbered, NumberedConfig

PROMISES = ("at-most-once", "acknowledged-was-delivered", "nothing-before-its-cause")
ALTERNATING, WRAPPING, RIGHT = (
    NumberedConfig(modulus=2),
    NumberedConfig(modulus=4, window=3),
    NumberedConfig(window=3),
)
SCHEDULES = 10_000 if os.environ.get("CBMNET_SOAK") else 1_000


def test_of(config: NumberedConfig, **options: Any) -> ProtocolTest:
    make = partial(EndpointPair, partial(Numbered, config), invariants=PROMISES)

    def it_keeps_its_promises(pair: EndpointPair) -> None:
        if config is RIGHT:
            assert sorted(pair.accepted["a", "b"]) == sorted(pair.sent["a", "b"])

    found: ProtocolTest = protocol_test(make, messages=8, **options)(it_keeps_its_promises).protocol_test  # type: ignore[attr-defined]
    return found


test_of.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("config", [ALTERNATING, WRAPPING], ids=["alternating bit", "wrapping window"])
@pytest.mark.parametrize("seed", range(5))
def test_a_bug_is_found_shrunk_saved_and_replayed(config: NumberedConfig, seed: int, tmp_path: Path) -> None:
    """From each of 5 seeds: at most 2 faults are left, the file runs again, and fails as it did."""
    test = test_of(config)
    with pytest.raises(ProtocolTestError) as caught:
        test.check(seeds=200, corpus=tmp_path, first_seed=1000 * seed)
    replay, file = caught.value.replay, caught.value.file
    assert 1 <= len(replay.faults) <= 2
    assert file is not None
    assert load(file) == replay
    assert test.fails(load(file).faults)
    assert f"cbmnet replay {file}" in str(caught.value)
    for number in range(len(replay.faults)):
        assert not test.fails(replay.faults[:number] + replay.faults[number + 1 :])


def test_a_right_variant_passes_every_schedule() -> None:
    """1,000 random schedules (soak: 10,000) find nothing in the one whose numbers do not wrap."""
    assert test_of(RIGHT).check(seeds=SCHEDULES) == SCHEDULES


def test_the_list_does_what_was_drawn() -> None:
    """The faults that were written down do to a new run exactly what the draws did to the first."""
    test = test_of(RIGHT, risk=Risk(0.2, 0.2, 0.2))
    for seed in range(20):
        faults, error = test.explore(seed)
        assert error is None
        one, other = test.run(faults), test.run(faults)
        assert one.events == other.events
        assert len(faults) > 0
        assert test.explore(seed)[0] == faults


def test_the_corpus_is_tried_first(tmp_path: Path) -> None:
    """A saved schedule fails again before any seed is tried, and passes once the bug is mended."""
    with pytest.raises(ProtocolTestError) as caught:
        test_of(ALTERNATING).check(seeds=200, corpus=tmp_path)
    with pytest.raises(ProtocolTestError) as again:
        test_of(ALTERNATING).check(seeds=1, corpus=tmp_path)
    assert again.value.file == caught.value.file
    assert test_of(RIGHT).check(seeds=1, corpus=tmp_path) == 2


def test_shrinking_leaves_nothing_that_does_not_matter() -> None:
    """Of 40 faults the two that fail only together are left, and their times are made round."""
    every: tuple[Fault, ...] = tuple(Delay(Datagrams("a>b", sequence=k), 3.217) for k in range(40))

    def fails(faults: tuple[Fault, ...]) -> bool:
        return {5, 29} <= {f.at.sequence for f in faults if isinstance(f, Delay) and f.by_s > 2.5}

    shrunk = shrink(every, fails)
    assert shrunk.faults == (
        Delay(Datagrams("a>b", sequence=5), 3.0), Delay(Datagrams("a>b", sequence=29), 3.0),
    )  # fmt: skip
    assert shrunk.runs < 200


def test_shrinking_needs_something_that_fails() -> None:
    """A schedule that passes cannot be shrunk."""
    with pytest.raises(ValueError, match="does not fail"):
        shrink((Drop(Datagrams("a>b")),), lambda faults: False)


class Counting(Numbered):
    """An endpoint that is not deterministic: every one differs from the one before."""

    made = 0

    def __init__(self, config: NumberedConfig) -> None:
        Counting.made += 1
        # Two runs without faults, which must be alike, and the first with some, have two each.
        super().__init__(ALTERNATING if Counting.made <= 6 else RIGHT)


def test_a_test_that_is_not_deterministic_is_told() -> None:
    """When the list of faults does not fail as the run did, something else decides: that is said."""
    make = partial(EndpointPair, partial(Counting, RIGHT), invariants=PROMISES)
    script = test_of(RIGHT).script
    test = ProtocolTest(make, lambda pair: None, script, Risk(0.3, 0.3, 0.3))
    found = 0
    for seed in range(20):
        Counting.made = 0
        try:
            test.check(seeds=1, first_seed=seed)
        except AssertionError as error:
            found += "not deterministic" in str(error)
    assert found > 0


class Random(Numbered):
    """An endpoint that leaves out a message now and then, by a draw that no schedule explains."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(RIGHT)
        self._draw = draw

    def command(self, command: object, now: float) -> None:
        if self._draw.random() < 0.8:
            super().command(command, now)


def test_what_draws_at_random_is_told_before_any_schedule_is_tried(tmp_path: Path) -> None:
    """Two runs without faults that differ: nothing is shrunk to an empty list and saved."""
    draw = random.Random(1)
    script = test_of(RIGHT).script
    test = ProtocolTest(partial(EndpointPair, partial(Random, draw)), lambda pair: None, script, name="t")
    with pytest.raises(AssertionError, match=r"t: two runs without faults differ, first in .*draw at random"):
        test.check(corpus=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_shrunk_schedule_that_gives_two_runs_is_not_saved(tmp_path: Path) -> None:
    """What is alike without faults may draw where something is lost; that is no counterexample."""

    class Hesitant(Numbered):
        def handle_timer(self, now: float) -> None:
            super().handle_timer(now)
            self._sent = {n: (send, due + draw.random(), k) for n, (send, due, k) in self._sent.items()}

    def body(pair: Any) -> None:
        assert pair.now < 9.0

    draw = random.Random(1)
    test = ProtocolTest(
        partial(EndpointPair, partial(Hesitant, RIGHT)), body, test_of(RIGHT).script, name="t"
    )
    with pytest.raises(AssertionError, match=r"t: two runs under one schedule differ, first in"):
        test.check(corpus=tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(fault_schedules(kinds=("notice", "link-ack"), nodes=("a", "b")))
@settings(max_examples=60, deadline=None)
def test_hypothesis_finds_nothing_in_the_right_one(faults: tuple[Fault, ...]) -> None:
    """Its schedules are ones that the network takes; under each the promises are kept."""
    pair = EndpointPair(partial(Numbered, RIGHT), invariants=PROMISES, faults=faults)
    for _ in range(6):
        pair.send("a", "b")
    pair.drive()
    assert sorted(pair.accepted["a", "b"]) == sorted(pair.sent["a", "b"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no", "not JSON"),
        ("[]", "cbmnet_replay: must be 1"),
        ('{"cbmnet_replay": 2}', "cbmnet_replay: must be 1"),
        ('{"cbmnet_replay": 1, "more": 1}', "more: unknown key"),
        ('{"cbmnet_replay": 1, "test": "t", "seed": "x"}', "seed: must be int"),
        (
            '{"cbmnet_replay": 1, "test": "t", "seed": 1, "failure": "", "faults": [1]}',
            "[0]: Expected `object`",
        ),
    ],
)
def test_a_bad_replay_file_is_one_clear_error(text: str, says: str, tmp_path: Path) -> None:
    """File, key, and what is allowed."""
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert says in str(caught.value)


USERS_TEST = '''
from functools import partial
from cbmnet.testing import EndpointPair, protocol_test
from tests.testing.buggy import Numbered, NumberedConfig

PROMISES = ("at-most-once",)

def pair(**options):
    return EndpointPair(partial(Numbered, NumberedConfig(modulus=MODULUS)), invariants=PROMISES, **options)

@protocol_test(pair, messages=8)
def test_mine(pair):
    """Nothing arrives twice."""
    assert len(pair.events["a"]) >= 0
'''
ROOT = Path(__file__).parents[2]


def python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)


def pytest_on(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = ["pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder)]
    return python(folder, *command, *options, str(folder))


def cbmnet(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return python(folder, "cbmnet", *arguments)


def test_a_users_test_runs_under_pytest_and_is_replayed(tmp_path: Path) -> None:
    """Seeds from the command line; the failure names seed, faults and the line to type; typed, it fails."""
    file = tmp_path / "test_it.py"
    file.write_text(USERS_TEST.replace("MODULUS", "2"))
    done = pytest_on(tmp_path, "--cbmnet-seeds", "200")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "shrunk to 1 in" in done.stdout
    (saved,) = (tmp_path / "corpus").glob("test_mine-*.json")
    assert json.loads(saved.read_text())["test"] == "test_it.py::test_mine"
    again = cbmnet(tmp_path, "replay", str(saved))
    assert again.returncode == 1
    assert "invariant at-most-once" in again.stdout
    assert "✕" in again.stdout or "duplicate" in again.stdout or "delay" in again.stdout
    file.write_text(USERS_TEST.replace("MODULUS", "0"))
    assert cbmnet(tmp_path, "replay", str(saved)).returncode == 0
    assert pytest_on(tmp_path).returncode == 0


WRONG = """
from functools import partial
from cbmnet.protocols.variants.stop_and_wait import StopAndWait, StopAndWaitConfig
from cbmnet.testing import EndpointPair
make = partial(StopAndWait, StopAndWaitConfig(rto_s=2.5))
def test_wrong():
    EndpointPair(make, {options})
"""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('invariants=["at-most-twice"]', 'no "at-most-twice"; there are'),
        ('faults=[{"at": {"link": "a>c"}, "do": "drop"}]', "no such link; there are a>b, b>a"),
        ('faults=[{"at": {"link": "a>b"}, "do": "dropp"}]', "allowed are drop, delay,"),
    ],
)
def test_what_cannot_be_is_told_at_the_line_of_the_test(tmp_path: Path, options: str, said: str) -> None:
    """Pytest shows the call and the error, and nothing of how the network is made."""
    (tmp_path / "test_it.py").write_text(WRONG.replace("{options}", options))
    told = pytest_on(tmp_path).stdout
    assert said in told
    assert f"EndpointPair(make, {options})" in told
    assert "cbmnet/testing" not in told
    assert "cbmnet/channels" not in told


def test_a_replay_of_a_test_that_is_gone_is_one_clear_error(tmp_path: Path) -> None:
    """Exit code 2, and the name that is missing."""
    saved = save(Replay("test_gone.py::test_it", 1, "", (Drop(Datagrams("a>b")),)), tmp_path)
    done = cbmnet(tmp_path, "replay", str(saved))
    assert done.returncode == 2
    assert "test_gone.py" in done.stderr
    assert "Traceback" not in done.stderr


FAULTS = """[
  {"at": {"link": "norway>russia", "kind": "notice"}, "do": "delay", "by_s": 86400},
  {"at": {"node": "russia", "time_s": 60}, "do": "set-clock", "offset_s": -5, "drift": 0.001},
  {"at": {"node": "norway", "time_s": 40000}, "do": "crash", "for_s": 60, "loses_state": true}
]"""


def test_a_list_of_faults_is_done_to_a_study(tmp_path: Path) -> None:
    """Each fault of the list happens in the run; without a study, or with a wrong one, one clear line."""
    file = tmp_path / "faults.json"
    file.write_text(FAULTS)
    study = ["--study", str(ROOT / "sims/episodes/norway-1995.toml")]
    done = cbmnet(tmp_path, "replay", str(file), *study, "--json")
    assert done.returncode == 0, done.stderr
    shown = cbmnet(tmp_path, "replay", str(file), *study).stdout
    assert "norway-1995, run 0, seed 7" in shown.splitlines()[0]
    assert shown.splitlines()[0].endswith(", 3 faults")
    assert "notice 1.1, still under way at the end" in shown
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r["offset_s"] for r in records if r.get("record") == "ClockSet"] == [-5.0]
    assert done.stderr == ""
    assert cbmnet(tmp_path, "replay", str(file), *study, "--check").stdout.startswith("identical")
    bare = cbmnet(tmp_path, "replay", str(file))
    assert bare.returncode == 2
    assert "--study" in bare.stderr
    file.write_text(FAULTS.replace("norway>russia", "norway>france").replace("40000", "1e9"))
    wrong = cbmnet(tmp_path, "replay", str(file), *study)
    assert wrong.returncode == 2
    assert f"{file}  [0].at.link" in wrong.stderr
    assert "after the end" in wrong.stderr
    assert "2 faults" in wrong.stderr


def test_faults_that_do_nothing_are_told(tmp_path: Path) -> None:
    """Each by its number and with its reason, on standard error: the trace, on the other, stays whole."""
    file, there = tmp_path / "faults.json", {"link": "norway>russia", "kind": "notice"}
    places = [
        there | {"sequence": 77}, there | {"stream": 1}, there | {"attempt": 9}, there | {"copy": 7},
        {"link": "russia>norway", "kind": "notice"}, there | {"sequence": 1},
    ]  # fmt: skip
    file.write_text(json.dumps([{"at": place, "do": "drop"} for place in places]))
    study = [str(file), "--study", str(ROOT / "sims/episodes/norway-1995.toml")]
    done = cbmnet(tmp_path, "replay", *study, "--json")
    assert done.returncode == 0
    assert cbmnet(tmp_path, "replay", *study).stderr == done.stderr
    told = [line.removeprefix("fault ").split(": ")[0] for line in done.stderr.splitlines()]
    assert told == [f"[{n}] did nothing" for n in (0, 2, 3, 4, 5)]
    assert done.stderr.count("no such datagram was sent") == 4
    assert "[5] did nothing: an earlier fault of the list decided" in done.stderr
    assert all(json.loads(line) for line in done.stdout.splitlines())
    assert cbmnet(tmp_path, "replay", *study, "--check").stderr == done.stderr
    dead = cbmnet(tmp_path, "replay", *study, "--set", "channel.loss=1.0").stderr
    assert "[1] did nothing: the line lost it before" in dead


def test_a_fault_that_a_study_refuses_is_placed_in_its_list(tmp_path: Path) -> None:
    """By the file and the number in it, not by the override that carries it."""
    file = tmp_path / "faults.json"
    good = {"at": {"link": "norway>russia", "kind": "notice"}, "do": "drop"}
    file.write_text(json.dumps([good, {"at": {"link": "russia>norway", "kind": "notise"}, "do": "drop"}]))
    wrong = cbmnet(tmp_path, "replay", str(file), "--study", str(ROOT / "sims/episodes/norway-1995.toml"))
    assert wrong.returncode == 2
    assert f"{file}  [1].at.kind" in wrong.stderr
    assert "--set" not in wrong.stderr


def test_a_replay_whose_faults_do_nothing_says_so(tmp_path: Path) -> None:
    """ "Holds" alone would be a false comfort after numbers or kinds were changed."""
    file = tmp_path / "test_it.py"
    file.write_text(USERS_TEST.replace("MODULUS", "2"))
    pytest_on(tmp_path, "--cbmnet-seeds", "200")
    (saved,) = (tmp_path / "corpus").glob("test_mine-*.json")
    assert "did nothing" not in cbmnet(tmp_path, "replay", str(saved)).stderr
    content = json.loads(saved.read_text())
    for fault in content["faults"]:
        fault["at"]["kind"] = "notise"
    saved.write_text(json.dumps(content))
    done = cbmnet(tmp_path, "replay", str(saved))
    assert done.returncode == 0
    assert "[0] did nothing: no such datagram was sent" in done.stderr


def test_another_failure_is_not_shrunk_to() -> None:
    """Two losses give the bug, one gives something else: what is left still shows the bug."""

    def body(pair: EndpointPair) -> None:
        lost = sum(isinstance(fault, Drop) for fault in pair.faults)
        if lost >= 2:
            raise ValueError("the bug")
        assert lost == 0, "something else"

    make = partial(EndpointPair, partial(Numbered, RIGHT))
    test = ProtocolTest(make, body, test_of(RIGHT).script)
    two = tuple(Drop(Datagrams("a>b", sequence=k, attempt=1)) for k in (1, 2, 3))
    with pytest.raises(ProtocolTestError, match="ValueError: the bug") as caught:
        raise test._shrunk(0, two, ValueError("the bug"), None)
    assert len(caught.value.replay.faults) == 2


def test_messages_that_begin_alike_are_told_apart() -> None:
    """Long data are named by a digest of all of it."""
    pair = EndpointPair(partial(Numbered, RIGHT), invariants=("at-most-once",))
    for end in (b"1", b"2"):
        pair.send("a", "b", b"x" * 40 + end)
    pair.drive()
    assert len(pair.accepted["a", "b"]) == 2


def test_an_invariant_with_its_config_and_one_that_could_never_fail() -> None:
    """What never arrives is told when all is silent; an invariant that nothing feeds is refused."""
    healed = INVARIANTS["delivered-after-healing"].config(within_s=5.0)
    pair = EndpointPair(
        partial(VARIANTS["fire-and-forget"].make, None), invariants=[("delivered-after-healing", healed)],
        faults=[Drop(Datagrams("a>b"))],
    )  # fmt: skip
    pair.send("a", "b")
    with pytest.raises(InvariantError, match="has not reached b"):
        pair.drive()
    with pytest.raises(LocalProtocolError, match="belief-agrees needs records of Sample"):
        EndpointPair(partial(Numbered, RIGHT), invariants=["belief-agrees"])


def test_a_pytest_failure_is_a_failure_like_any_other() -> None:
    """`pytest.fail` in a protocol test is found, shrunk and told with its seed."""

    def body(pair: EndpointPair) -> None:
        if any(type(event) is Acknowledged and event.attempts > 1 for event in pair.events["a"]):
            pytest.fail("so it is")

    test = ProtocolTest(partial(EndpointPair, partial(Numbered, RIGHT)), body, test_of(RIGHT).script)
    with pytest.raises(ProtocolTestError, match=r"seed \d+ fails.*so it is") as caught:
        test.check(seeds=20)
    assert len(caught.value.replay.faults) == 1


def test_what_fails_without_any_fault_is_shown_as_it_is(tmp_path: Path) -> None:
    """An error of the test itself is no failure of the protocol: its own exception, a note, nothing saved."""

    def body(pair: EndpointPair) -> None:
        assert pair.acepted  # type: ignore[attr-defined]

    test = ProtocolTest(
        partial(EndpointPair, partial(Numbered, RIGHT)), body, test_of(RIGHT).script, name="t.py::t"
    )
    with pytest.raises(AttributeError, match="acepted") as caught:
        test.check(seeds=5, corpus=tmp_path)
    assert caught.value.__notes__ == ["t.py::t fails without any fault; no schedule was tried."]
    assert list(tmp_path.iterdir()) == []


def test_a_saved_schedule_that_cannot_happen_is_no_failure(tmp_path: Path) -> None:
    """A link that is not there is told with the file and the fault, and not as what the protocol did."""
    test = test_of(RIGHT)
    file = save(Replay(test.name, 3, "so it was", (Drop(Datagrams("a>b")), Drop(Datagrams("a>c")))), tmp_path)
    with pytest.raises(ConfigError) as caught:
        test.check(seeds=1, corpus=tmp_path)
    assert str(caught.value).startswith(f"{file}  faults[1]")
    assert "a>c" in str(caught.value)


def test_shrinking_passes_over_schedules_that_cannot_happen(tmp_path: Path) -> None:
    """Two losses that differ by their streams alone are one without them, which is no failure."""

    def script(pair: EndpointPair) -> None:
        for stream in (1, 2):
            pair.send("a", "b", b"stream %d" % stream, stream=stream)

    def body(pair: EndpointPair) -> None:
        assert pair.accepted

    make = partial(EndpointPair, partial(VARIANTS["fire-and-forget"].make, None))
    test = ProtocolTest(make, body, script, Risk(0.4, 0.0, 0.0), name="t.py::both")
    with pytest.raises(ProtocolTestError) as caught:
        test.check(seeds=100, corpus=tmp_path)
    assert len(caught.value.replay.faults) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_protocol_that_fails_by_a_config_error_is_shrunk_like_any_other() -> None:
    """Only a schedule that cannot happen is none; what the endpoints raise is their failure."""

    def body(pair: EndpointPair) -> None:
        if len(pair.accepted.get(("a", "b"), [])) < len(pair.sent["a", "b"]):
            raise ConfigError([])

    make = partial(EndpointPair, partial(VARIANTS["fire-and-forget"].make, None))
    test = ProtocolTest(make, body, test_of(RIGHT).script, Risk(0.4, 0.0, 0.0))
    with pytest.raises(ProtocolTestError) as caught:
        test.check(seeds=20)
    assert len(caught.value.replay.faults) == 1


def test_faults_may_be_given_as_they_are_printed() -> None:
    """The list that a failing test prints can be pasted into another; a wrong one is one clear error."""
    faults: tuple[Fault, ...] = (Drop(Datagrams("a>b", sequence=1)), Delay(Datagrams("b>a"), 2.0))
    told = str(ProtocolTestError(Replay("t.py::t", 3, "so it was", faults), None, 1, 2))
    printed = told[told.index("[") : told.rindex("]") + 1]
    for given_ in (printed, printed.encode(), json.loads(printed), faults):
        assert EndpointPair(partial(Numbered, RIGHT), faults=given_).faults == faults
    with pytest.raises(ConfigError, match="faults"):
        EndpointPair(partial(Numbered, RIGHT), faults='[{"do":"lose"}]')
    with pytest.raises(ConfigError, match="faults"):
        EndpointPair(partial(Numbered, RIGHT), faults=[{"do": "lose"}])


def test_a_network_that_never_falls_silent_is_told_in_seconds() -> None:
    """Found after 20,000 instants, with hundreds of faults, and shrunk to the one or two that began it."""

    class Stubborn(Numbered):
        """Acknowledges each message once, and sends until it is acknowledged."""

        def receive(self, data: bytes, peer: str, now: float) -> None:
            waiting = len(self.outgoing)
            heard = len(self.events)
            super().receive(data, peer, now)
            if len(self.events) == heard:  # a repeated message
                while len(self.outgoing) > waiting:
                    self.outgoing.pop()

    make = partial(EndpointPair, partial(Stubborn, NumberedConfig()))
    test: ProtocolTest = protocol_test(make, messages=3)(lambda pair: None).protocol_test  # type: ignore[attr-defined]
    with pytest.raises(ProtocolTestError, match="still busy after 20000 steps") as caught:
        test.check(seeds=20)
    assert 1 <= len(caught.value.replay.faults) <= 2


def test_attempts_that_no_label_can_hold_are_told() -> None:
    """What is lost for ever and sent for ever ends in a clear error, not in one of the draws."""
    make = partial(Numbered, NumberedConfig())
    pair = EndpointPair(make, faults='[{"do":"drop","at":{"link":"a>b","kind":"notice","sequence":1}}]')
    pair.send("a", "b")
    with pytest.raises(
        SimulationError, match=r"a \(Numbered\): sends notice/1/0/1#65536.0 at .* up to 65535"
    ):
        pair.drive()


def test_a_saved_file_that_is_of_another_test_by_its_name_is_told(tmp_path: Path) -> None:
    """A misspelt test in a file would otherwise never be tried again, and nobody would know."""
    test = test_of(RIGHT)
    file = save(Replay(test.name, 3, "so it was", (Drop(Datagrams("a>b")),)), tmp_path)
    file.write_text(file.read_text().replace("it_keeps_its_promises", "it_keps_its_promises"))
    with pytest.raises(ConfigError, match="by its name the file is of it_keeps_its_promises"):
        test.check(seeds=1, corpus=tmp_path)


class Holder:
    def method(self, pair: EndpointPair) -> None:
        return None


def test_a_method_is_refused_when_it_is_decorated() -> None:
    """With a sentence, not with an error at run time."""
    with pytest.raises(TypeError, match="is a function, not a method"):
        protocol_test(EndpointPair)(Holder.method)
