"""Faults and adversaries in a run: each does what its table says, and nothing passes that should not."""

from pathlib import Path
from typing import Any

import pytest

from cbmnet.channels.stage import ASTRAY
from cbmnet.errors import ConfigError, SimulationError
from cbmnet.experiments.design import load_design
from cbmnet.metrics.measure import measure
from cbmnet.reports.diagram import read_trace
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import run
from cbmnet.simulation.trace import Trace

INVARIANTS = ("at-most-once", "nothing-before-its-cause")
SILENT = {"base": "0/d"}


def config_of(**more: Any) -> dict[str, Any]:
    """Red announces one exercise to blue after an hour; a message takes ten minutes and none is lost."""
    act = {"time": "1h", "event": "activity", "actor": "red", "toward": "blue", "class": "exercise"}
    return {
        "name": "one-notice",
        "study": {"horizon": "1d", "invariants": INVARIANTS},
        "channel": {"hops": 1, "loss": 0.0, "delay": "10m", "distribution": "constant"},
        "activities": {"exercise": {"rate": "0.000001/d"}},
        "signals": dict.fromkeys(("alarm", "severe_warning", "hostile_message"), SILENT),
        "states": {"red": {"decides": False}, "blue": {"decides": False}},
        "at": [act],
        **more,
    }


def records(config: dict[str, Any]) -> list[dict[str, Any]]:
    trace = Trace()
    run(RunConfig.model_validate(config), 1, 0, [trace])
    return read_trace(trace.result(0.0))


def told(config: dict[str, Any], *kinds: str) -> list[tuple[str, float, Any]]:
    keys = {"Drop": "reason", "Accept": "kind", "Reject": "code", "Deliver": "forged", "Corrupt": "kind",
            "Duplicate": "kind", "Crash": "fresh", "Pause": "still", "Transport": "event"}  # fmt: skip
    return [(r["record"], r["at_s"], r[keys[r["record"]]]) for r in records(config) if r["record"] in kinds]


def adversary(does: str, **more: Any) -> dict[str, Any]:
    return config_of(adversary=[{"sees": ["red>blue"], "does": does, **more}])


def test_without_an_adversary_the_notice_is_accepted() -> None:
    """Ten minutes after its sending."""
    assert told(config_of(), "Drop", "Accept", "Reject") == [("Accept", 4200.0, "notice")]


@pytest.mark.parametrize(
    ("does", "more", "what"),
    [
        ("drop", {}, [("Drop", 3600.0, "adversary")]),
        ("pass", {}, [("Accept", 4200.0, "notice")]),
        ("delay", {"by": "20m"}, [("Accept", 5400.0, "notice")]),
        ("hold", {"release": "5h"}, [("Accept", 18000.0, "notice")]),
        ("duplicate", {"after": "1h"}, [("Accept", 4200.0, "notice"), ("Reject", 7800.0, "Duplicate")]),
        ("replay", {"after": "2h"}, [("Accept", 4200.0, "notice"), ("Reject", 11400.0, "Duplicate")]),
        ("forge", {"after": "3h"}, [("Accept", 4200.0, "notice"), ("Reject", 15000.0, "BadSignature")]),
        ("rewrite-time", {"by": "5m"}, [("Reject", 4200.0, "BadSignature")]),
        ("drop", {"kinds": ["query"]}, [("Accept", 4200.0, "notice")]),
        ("drop", {"until": "1h"}, [("Accept", 4200.0, "notice")]),
        ("drop", {"from": "2h"}, [("Accept", 4200.0, "notice")]),
        ("drop", {"share": 0.0}, [("Accept", 4200.0, "notice")]),
        ("drop", {"sees": ["blue>red"]}, [("Accept", 4200.0, "notice")]),
        ("drop", {"sees": ["blue"]}, [("Drop", 3600.0, "adversary")]),
    ],
)
def test_a_verdict_does_what_it_says(does: str, more: dict[str, Any], what: Any) -> None:
    """To what it sees, of the kinds and at the times that it names; nothing of its own making passes."""
    assert told(adversary(does, **more), "Drop", "Accept", "Reject") == what


def test_corrupted_bytes_are_refused_by_whoever_finds_out() -> None:
    """A flipped bit breaks the frame or the signature; it never passes."""
    for seed in range(5):
        config = config_of(adversary=[{"sees": ["red"], "does": "corrupt", "from": f"{seed}m"}])
        trace = Trace()
        run(RunConfig.model_validate(config), seed, 0, [trace])
        kinds = [record["record"] for record in read_trace(trace.result(0.0))]
        assert "Accept" not in kinds
        assert "Corrupt" in kinds or "Deliver" in kinds


def test_the_first_rule_that_fits_decides() -> None:
    """A rule "pass" makes an exception to the rule behind it."""
    rules = [{"sees": ["red"], "does": "pass", "kinds": ["notice"]}, {"sees": ["red"], "does": "drop"}]
    assert told(config_of(adversary=rules), "Drop", "Accept") == [("Accept", 4200.0, "notice")]
    assert told(config_of(adversary=rules[::-1]), "Drop", "Accept") == [("Drop", 3600.0, "adversary")]


def test_a_share_is_drawn_by_label() -> None:
    """Half of forty notices are lost, and the same ones whatever else the adversary does to others."""
    acts = [
        {"time": f"{k}m", "event": "activity", "actor": "red", "toward": "blue", "class": "exercise"}
        for k in range(1, 41)
    ]
    half = {"sees": ["red>blue"], "does": "drop", "share": 0.5}
    one = records(config_of(at=acts, adversary=[half]))
    two = records(config_of(at=acts, adversary=[half, {"sees": ["blue>red"], "does": "drop"}]))
    lost = [r["label"] for r in one if r["record"] == "Drop"]
    assert 10 <= len(lost) <= 30
    assert [r["label"] for r in two if r["record"] == "Drop"] == lost


@pytest.mark.parametrize("does", ["forge", "rewrite-time"])
def test_with_a_stolen_key_a_forgery_passes_and_violates_the_invariant(does: str) -> None:
    """The adversary holds no key unless the scenario says so; then what it makes is accepted, and told."""
    moved = {"by": "5m"} if does == "rewrite-time" else {}
    rule = {"sees": ["red>blue"], "does": does, "keys": ["red"], **moved}
    config = config_of(adversary=[rule])
    accepted = [kind for _, _, kind in told(config, "Accept")]
    assert ("leader-text" if does == "forge" else "notice") in accepted
    config["study"]["invariants"] = ("no-forgery-accepted",)
    row = measure(RunConfig.model_validate(config), 1, 0, ("forgeries_accepted",))
    assert row.error is not None
    assert "no-forgery-accepted" in row.error
    clean = adversary(does, **moved)
    clean["study"]["invariants"] = ("no-forgery-accepted",)
    assert measure(RunConfig.model_validate(clean), 1, 0, ("forgeries_accepted",)).error is None


SHARED = """[channel]
stages = [{ stage = "up-down", mtbf = "1d", mttr = "2h", shared = "cable" }]
[channels."red>blue"]
stages = [{ stage = "up-down", mtbf = "2d", mttr = "2h", shared = "cable", hold = true }]"""
NODE = {"node": "blue", "time": "65m"}
LINK = {"link": "red>blue", "kind": "notice"}


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ({"at": LINK, "do": "drop"}, [("Drop", 3600.0, "fault")]),
        ({"at": LINK, "do": "delay", "by": "1h"}, [("Accept", 7800.0, "notice")]),
        ({"at": LINK, "do": "duplicate", "after": "1m"},
         [("Accept", 4200.0, "notice"), ("Reject", 4260.0, "Duplicate")]),
        ({"at": NODE, "do": "crash", "for": "10m"}, [("Drop", 4200.0, "receiver down")]),
        ({"at": NODE, "do": "pause", "for": "10m"}, [("Accept", 4500.0, "notice")]),
        ({"at": NODE, "do": "set-clock", "behind": "30m"}, [("Reject", 4200.0, "FromFuture")]),
        ({"at": NODE, "do": "set-clock", "ahead": "40d"}, [("Reject", 4200.0, "Expired")]),
    ],
)  # fmt: skip
def test_a_fault_of_the_config_does_what_it_says(fault: dict[str, Any], what: Any) -> None:
    """The same faults as in the testing kit, with units; a wrong clock refuses what is fresh."""
    assert told(config_of(faults=[fault]), "Drop", "Accept", "Reject") == what


@pytest.mark.parametrize(("event", "what"), [
    ({"event": "pause", "party": "blue", "for": "10m"}, ("Accept", 4500.0, "notice")),
    ({"event": "clock", "party": "blue", "behind": "30m"}, ("Reject", 4200.0, "FromFuture")),
])  # fmt: skip
def test_the_script_knows_pauses_and_clocks(event: dict[str, Any], what: Any) -> None:
    """As it knows crashes."""
    script = [*config_of()["at"], {"time": "65m", **event}]
    assert told(config_of(at=script), "Accept", "Reject") == [what]


def test_a_state_that_lost_its_memory_refuses_what_was_said_before() -> None:
    """It comes back in a later epoch, heard by its peer; what was on its way, and an old copy, are TooOld."""
    late = {"at": LINK, "do": "duplicate", "after": "3h"}
    crash = {"at": {"node": "blue", "time": "2h"}, "do": "crash", "for": "10m", "loses_state": True}
    again = {"time": "5h", "event": "activity", "actor": "blue", "toward": "red", "class": "exercise"}
    config = config_of(faults=[late, crash], at=[*config_of()["at"], again], heartbeat={"period": "1h"})
    # The heartbeat of 2:00 arrives as it comes back, the copy of the notice at 4:10.
    refused = [("Reject", 7800.0, "TooOld"), ("Reject", 15000.0, "TooOld")]
    assert told(config, "Reject") == refused
    assert ("Accept", 18600.0, "notice") in told(config, "Accept")


def test_a_learned_belief_goes_on_after_a_loss_of_memory() -> None:
    """Heartbeats due before the return are not counted as missed: the estimate begins anew at the return."""
    crash = {"at": {"node": "blue", "time": "10h"}, "do": "crash", "for": "10m", "loses_state": True}
    config = config_of(faults=[crash], heartbeat={"period": "1h"})
    config["states"]["blue"]["believed_delivery"] = "learned"
    samples = [r for r in records(config) if r["record"] == "Sample" and r["observer"] == "blue"]
    assert samples[-1]["delivery"] > 0.9


STAGE = "[channel]\nstages = ["


def test_a_misrouted_message_is_refused_by_whom_it_comes_to() -> None:
    """Its signed receiver is another: NotReceiver at green, and nothing at blue."""
    stages = [{"stage": "misrouting", "misroute": 1.0, "to": ["green"]}]
    config = config_of(channel={"hops": 1, "stages": stages, "delay": "10m", "distribution": "constant"})
    config["states"]["green"] = {"decides": False}
    said = [(r["record"], r["receiver"], r.get("reason") or r.get("code")) for r in records(config)
            if r["record"] in ("Drop", "Reject", "Accept")]  # fmt: skip
    assert said == [("Drop", "blue", "misrouted to green"), ("Reject", "green", "NotReceiver")]
    config["study"] = {"horizon": "1d"}  # a trace alone, which tells labels in a shorter way
    labels = [r["label"] for r in records(config) if r["record"] in ("Send", "Drop", "Deliver")]
    assert [label[-1] for label in labels] == [0, 0, ASTRAY]


@pytest.mark.parametrize("wrong", [{"ahead": "10s"}, {"behind": "10s"}, {"ahead": "0.5s"}])
def test_a_clock_that_is_good_enough_to_verify_teaches_no_false_silence(wrong: dict[str, str]) -> None:
    """Over a line that loses nothing both ends go on believing so, whichever way red's clock is wrong."""
    fault = {"at": {"node": "red", "time": "1m"}, "do": "set-clock", **wrong}
    config = config_of(faults=[fault], heartbeat={"period": "1h"})
    for state in config["states"].values():
        state["believed_delivery"] = "learned"
    samples = [r for r in records(config) if r["record"] == "Sample"]
    assert min(r["delivery"] for r in samples if r["at_s"] > 20 * 3600.0) > 0.9


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[faults]]\nat = { link = "red>green" }\ndo = "drop"', "x.toml:6  faults.0"),
        ('[[faults]]\nat = { link = "red" }\ndo = "drop"', "faults.0.at.link"),
        ('[[faults]]\nat = { link = "red>blue" }\ndo = "eat"', "faults.0"),
        ('[[faults]]\nat = { node = "red", time = "3d" }\ndo = "pause"\nfor = "1h"', "after the end"),
        ('[[faults]]\nat = { link = "red>blue" }\ndo = "delay"\nby = 3', "say the unit"),
        ('[[adversary]]\nsees = ["green"]\ndoes = "drop"', "no such link or party; there are blue, red"),
        ('[[adversary]]\nsees = ["red"]\ndoes = "hold"', "adversary.0.release: is missing"),
        ('[[adversary]]\nsees = ["red"]\ndoes = "drop"\nby = "1h"', 'means nothing to "drop"'),
        ('[[adversary]]\nsees = ["red"]\ndoes = "drop"\nfrom = "2h"\nuntil = "1h"', "is not after from"),
        ('[[adversary]]\nsees = ["red"]\ndoes = "eat"', 'adversary.0.does = "eat"'),
        ('[[adversary]]\nsees = ["red"]\ndoes = "forge"\nkeys = ["green"]', "adversary.0.keys"),
        ('[[faults]]\nat = { link = "red>blue", kind = "notise" }\ndo = "drop"', "faults.0.at.kind"),
        ('[[adversary]]\nsees = ["red"]\ndoes = "drop"\nkinds = ["notise"]', "no such kind of message"),
        (
            STAGE + '{ stage = "partition", groups = [["red"], ["blau"]] }]',
            "no such party; there are blue, red",
        ),
        (STAGE + '{ stage = "misrouting", misroute = 0.1, to = ["green"] }]', "channel.stages.0.to"),
        (STAGE + '{ stage = "partition", groups = [["red"], ["blue"]], start = "9d" }]', "would never begin"),
        (STAGE + '{ stage = "scheduled-outage", windows = [["9d", "10d"]] }]', "after the end, 1d"),
        ('[[adversary]]\nsees = ["red"]\ndoes = "drop"\nfrom = "9d"', "adversary.0.from"),
        (SHARED, '"cable" has other times on another link'),
        ('[protocol]\nvariant = "relay"\nvia = "green"\nrto = "1m"', "protocol.via"),
        ('[protocol]\nvariant = "k-of-n"\nk = 2\nn = 3', "channel.routes = 1"),
    ],
)
def test_what_cannot_be_is_one_clear_fault(text: str, says: str, tmp_path: Path) -> None:
    """With the line of the file, the key and what is allowed."""
    file = tmp_path / "x.toml"
    file.write_text(f'[study]\nhorizon = "1d"\n[states.red]\n[states.blue]\n\n{text}\n')
    with pytest.raises(ConfigError) as caught:
        load_design(file, ())
    assert len(caught.value.faults) == 1, caught.value
    assert says in str(caught.value)


def test_a_spinning_run_is_told_with_its_seed() -> None:
    """A config may say how many steps there may be at one instant; the error names variant, time and seed."""
    config = config_of()
    config["study"]["max_steps_at_once"] = 1
    config["heartbeat"] = {"period": "1h"}
    with pytest.raises(
        SimulationError, match=r"one-notice, seed 1, run 0, \d+\.\d+ s: .*more than 1 steps at"
    ):
        run(RunConfig.model_validate(config), 1, 0)


@pytest.mark.parametrize(
    ("protocol", "channel"),
    [
        ({"variant": "k-of-n", "k": 2, "n": 3}, {"routes": 3}),
        ({"variant": "relay", "via": "swiss", "rto": "1h"}, {}),
    ],
)
def test_ways_and_relays_work_in_a_run(protocol: dict[str, Any], channel: dict[str, Any]) -> None:
    """Three routes side by side, of which two must agree; or a third state that passes messages on."""
    config = config_of(protocol=protocol)
    config["channel"] |= channel
    config["states"]["swiss"] = {"decides": False}
    accepted = told(config, "Accept")
    assert [kind for _, _, kind in accepted] == ["notice"]
    senders = {r["sender"] for r in records(config) if r["record"] == "Send"}
    assert senders >= ({"red", "swiss", "blue"} if protocol["variant"] == "relay" else {"red"})


@pytest.mark.parametrize("does", ["duplicate", "replay", "forge", "delay", "drop", "corrupt", "hold", "pass"])
def test_what_a_fault_has_lost_the_adversary_never_sees(does: str) -> None:
    """Nothing is copied, forged or told of it again: the loss is the fault's."""
    more = {"delay": {"by": "1m"}, "hold": {"release": "5h"}}.get(does, {})
    rule = {"sees": ["red>blue"], "does": does, "kinds": ["notice"], **more}
    config = config_of(faults=[{"at": LINK, "do": "drop"}], adversary=[rule])
    assert told(config, "Drop", "Accept", "Reject", "Duplicate") == [("Drop", 3600.0, "fault")]


def test_a_rule_for_a_kind_meets_it_through_a_relay_too() -> None:
    """There the kind bears the name of whom it is for; the whole name is a kind as well."""
    for kinds in (["notice"], ["notice>blue"]):
        config = config_of(
            protocol={"variant": "relay", "via": "hub", "rto": "1h", "max_sends": 1},
            adversary=[{"sees": ["red>hub"], "does": "drop", "kinds": kinds}],
        )
        config["states"] = {**config["states"], "hub": {"decides": False}}
        seen = told(config, "Drop", "Accept")
        assert ("Drop", 3600.0, "adversary") in seen
        assert all(record != "Accept" for record, *_ in seen)


def test_a_scripted_outage_cuts_every_route_of_its_link() -> None:
    """With five routes as with one nothing arrives, the other way and other parties are not touched."""
    out = {"event": "outage", "from": "red", "to": "blue", "time": "0s", "for": "1d"}
    act = {"time": "1h", "event": "activity", "actor": "red", "class": "exercise"}
    config = config_of(at=[out, act | {"toward": "blue"}, act | {"toward": "green"}])
    config["channel"]["routes"] = 5
    config["protocol"] = {"variant": "k-of-n", "k": 3, "n": 5, "hold": "1h"}
    config["states"] = {**config["states"], "green": {"decides": False}}
    ends = [r for r in records(config) if r["record"] in ("Drop", "Deliver")]
    assert [r["reason"] for r in ends if r["receiver"] == "blue"] == ["outage"] * 5
    assert [r["record"] for r in ends if r["receiver"] == "green"] == ["Deliver"] * 5


def test_a_wrong_clock_moves_no_measured_transit() -> None:
    """Both clocks an hour behind: the line is as it was, and so are its transit and its delivery."""
    acts = [
        {"time": f"{hour}h", "event": "activity", "actor": "red", "toward": "blue", "class": "exercise"}
        for hour in (2, 4, 20)
    ]
    out = {"event": "outage", "from": "red", "to": "blue", "time": "19h", "for": "5h"}
    clocks = [{"event": "clock", "party": name, "time": "90m", "behind": "0s"} for name in ("red", "blue")]
    values = []
    for behind in ("0s", "1h"):
        config = config_of(at=[*(clock | {"behind": behind} for clock in clocks), *acts, out])
        row = measure(RunConfig.model_validate(config), 1, 0, ("delivery", "transit_s"))
        assert row.error is None
        values.append(dict(row.values))
    assert values[0] == values[1]
    assert values[0] == {"delivery": pytest.approx(2 / 3), "transit_s": 600.0}
