"""Same seed, same bytes; adding, reordering and stopping change nothing that they should not."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cbmnet.channels.stage import Flight
from cbmnet.datagram import Label
from cbmnet.recorder import Recorder
from cbmnet.records import Deliver, Drop, Duplicate, Send
from cbmnet.simulation.build import build, start
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import run
from cbmnet.simulation.timeline import plan
from cbmnet.simulation.trace import Trace, lines_of

# Bursts, copies, corruption, queues, outages, misorder: everything that a line can do, on two hops.
BUSY_HOPS = [
    {
        "loss": 0.05, "delay": "20m",
        "stages": [
            {"stage": "gilbert-elliott", "p": 0.05, "r": 0.3}, {"stage": "duplication", "duplicate": 0.1},
            {"stage": "corruption", "corrupt": 0.1}, {"stage": "queue", "service": "10m", "limit": 20},
            {"stage": "up-down", "mtbf": "2d", "mttr": "6h", "shared": "cable"},
        ],
    },
    {
        "loss": 0.02, "delay": "30m", "distribution": "exponential",
        "stages": [
            {"stage": "rate", "bytes": "1/s"}, {"stage": "jamming", "period": "5h", "on": "1h"},
            {"stage": "reordering", "reorder": 0.2, "gap": 2},
            {"stage": "scheduled-outage", "windows": [["1d", "30h"]]},
        ],
    },
]  # fmt: skip


def config_of(names: list[str], **more: Any) -> dict[str, Any]:
    return {
        "name": "busy",
        "study": {"horizon": "6d", "invariants": ["nothing-before-its-cause"]},
        "channel": {"hop": BUSY_HOPS},
        "protocol": {"variant": "stop-and-wait", "rto": "4h", "max_sends": 3},
        "heartbeat": {"period": "1h"},
        "activities": {"exercise": {"rate": "3/d"}},
        "states": {name: {"prior": 0.02, "believed_delivery": "learned"} for name in names},
        **more,
    }


def traced(config: dict[str, Any], seed: int = 5) -> list[str]:
    trace = Trace()
    tally = run(RunConfig.model_validate(config), seed, 0, [trace])
    return lines_of(trace.result(tally.ended_s))


def test_a_busy_run_has_everything_in_it() -> None:
    """The run that the other tests compare has every mishap in it; else they prove little."""
    records = [json.loads(line) for line in traced(config_of(["blue", "red"]))[1:-1]]
    reasons = Counter(r["reason"] for r in records if r["record"] == "Drop")
    assert {"loss", "burst loss", "outage", "jammed", "scheduled outage"} <= set(reasons), reasons
    kinds = Counter(r["record"] for r in records)
    assert min(kinds[k] for k in ("Duplicate", "Corrupt", "Deliver", "Transport", "Belief", "Timer")) > 5


def test_the_order_of_declaration_moves_nothing() -> None:
    """States, channels and activities may stand in any order: not one byte of the trace changes."""
    config = config_of(["blue", "green", "red"])
    config["activities"]["launch"] = {"rate": "1/d"}
    config["channels"] = {"blue>red": {"loss": 0.5}, "red>blue": {"loss": 0.4}}
    turned = json.loads(json.dumps(config))
    for key in ("states", "channels", "activities"):
        turned[key] = dict(reversed(list(config[key].items())))
    one, other = traced(config), traced(turned)
    assert one[1:-1] == other[1:-1]
    assert json.loads(one[-1]) == json.loads(other[-1])


def test_a_third_party_moves_no_draw_of_the_first_two() -> None:
    """What red and blue send each other, and what becomes of it, is the same with green beside them."""

    def between(names: list[str]) -> list[tuple[Any, ...]]:
        still = {"decides": False, "believed_delivery": 0.9}
        config = config_of(names, heartbeat={"period": "2h"})
        config["states"] = dict.fromkeys(names, still)
        found = []
        for line in traced(config)[1:-1]:
            r = json.loads(line)
            ends = {r.get("sender", r.get("actor")), r.get("receiver", r.get("toward"))}
            if r["record"] in ("Activity", "Send", "Drop", "Duplicate", "Corrupt", "Deliver") and ends == {
                "red",
                "blue",
            }:
                found.append(tuple(v for k, v in r.items() if k not in ("id", "cause")))
        return found

    alone, beside = between(["blue", "red"]), between(["blue", "green", "red"])
    assert len(alone) > 300
    assert alone == beside


@pytest.mark.parametrize("variant", ["fire-and-forget", "blind-copies"])
def test_what_is_lost_at_ten_percent_is_lost_at_twenty(variant: str) -> None:
    """Under Bernoulli loss, in a whole run with copies and delays: the labels lost are a subset."""
    lost = {}
    for loss in (0.1, 0.2):
        line = {"hops": 2, "loss": loss, "stages": [{"stage": "duplication", "duplicate": 0.1}]}
        config = config_of(["blue", "red"], channel=line, protocol={"variant": variant})
        config["states"] = {n: {"decides": False, "believed_delivery": 0.9} for n in ("blue", "red")}
        records = [json.loads(text) for text in traced(config)[1:-1]]
        lost[loss] = {(r["sender"], Label(*r["label"])) for r in records if r["record"] == "Drop"}
        sent = {(r["sender"], Label(*r["label"])) for r in records if r["record"] == "Send"}
        assert len(sent) > 200
    sent_copies = {key for key in lost[0.1] if key[1].copy == 0}
    assert sent_copies <= lost[0.2]
    assert len(lost[0.2]) > len(lost[0.1]) > 10


@pytest.mark.parametrize("signature", ["mac", "ed25519"])
def test_processes_and_hash_seeds_agree(tmp_path: Path, signature: str) -> None:
    """Two processes with other PYTHONHASHSEEDs write the same bytes."""
    file = tmp_path / "busy.json"
    data = {k: v for k, v in config_of(["blue", "red"]).items() if k != "name"}
    file.write_text(json.dumps({**data, "crypto": {"signature": signature}}))
    command = [sys.executable, "-m", "cbmnet", "replay", str(file), "--check", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["identical"] is True
    assert json.loads(told["last"])["records"] > 1000


class Census:
    """Counts, for each way, what set out, was added, arrived and was lost."""

    wants = (Send, Duplicate, Drop, Deliver)

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, type]] = Counter()

    def feed(self, record: Any) -> None:
        self.counts[record.sender, record.receiver, type(record)] += 1


def test_nothing_is_created_or_destroyed_at_any_stop() -> None:
    """Sent + added = arrived + lost + under way, for every link at every stop, with queues and outages.

    What is under way is counted in the clock's own queue, not derived.
    """
    config = RunConfig.model_validate(config_of(["blue", "green", "red"]))
    census = Census()
    sim = build(config, 5, 0, Recorder([census]))
    start(sim)
    plan(sim)
    most = 0
    for stop_s in range(1800, 6 * 86400, 5413):
        sim.env.run(until=float(stop_s))
        under_way = Counter((f.route.source, f.route.target) for f in sim.env.pending(Flight))
        most = max(most, *under_way.values()) if under_way else most
        for a, b in [(a, b) for a in sim.hosts for b in sim.hosts if a != b]:
            here = {kind: census.counts[a, b, kind] for kind in Census.wants}
            gone = here[Deliver] + here[Drop] + under_way[a, b]
            assert here[Send] + here[Duplicate] == gone, (stop_s, a, b, here, under_way[a, b])
    assert most > 3
    assert min(census.counts[a, b, Drop] for a in sim.hosts for b in sim.hosts if a != b) > 20
