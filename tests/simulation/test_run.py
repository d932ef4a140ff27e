"""One run, end to end."""

import json
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from cbmnet.channels.stages import corruption
from cbmnet.datagram import Label
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import run

from .conftest import World


def records(lines: list[str], *kinds: str) -> list[dict[str, Any]]:
    parsed = [json.loads(line) for line in lines[1:-1]]
    return [r for r in parsed if r["record"] in kinds] if kinds else parsed


def decisions(lines: list[str]) -> list[tuple[Any, ...]]:
    return [
        tuple(value for key, value in r.items() if key not in ("id", "cause"))
        for r in records(lines, "Belief", "Decision", "Rung", "Answer", "Verdict")
    ]


def test_same_seed_same_bytes_other_seed_other_bytes(world: World) -> None:
    """A run is a function of config, seed and replication."""
    assert world.trace()[1] == world.trace()[1]
    assert world.trace()[1][1:] != world.trace(seed=2)[1][1:]
    assert world.trace()[1][1:] != world.trace(replication=1)[1][1:]


def test_every_envelope_was_really_sealed_and_really_verified(world: World) -> None:
    """Seals equal envelopes made; verifications equal distinct envelopes delivered; both are many."""
    for replication in range(5):
        tally, lines = world.trace(replication=replication)
        made = {r["message"] for r in records(lines, "Seal")}
        assert tally.sealed == len(records(lines, "Seal")) == len(made) > 50
        delivered = {
            (r["sender"], r["receiver"], *r["label"][:4])
            for r in records(lines, "Deliver")
            if r["kind"] != "link-ack"
        }
        assert tally.verified == len(delivered) > 50


def test_one_flipped_byte_changes_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sealed message with one byte changed on the way is refused, and the run takes another course."""
    from cbmnet.channels.link import Route

    _, before = world.trace()
    carry, flipped = Route.carry, []

    def flip_first_notice(self: Route, datagram: Any, now_s: float) -> Any:
        if datagram.label.kind == "notice" and not flipped:
            flipped.append(datagram.label)
            datagram = replace(datagram, data=corruption.flip_bit(datagram.data, 8 * len(datagram.data) - 1))
        return carry(self, datagram, now_s)

    monkeypatch.setattr(Route, "carry", flip_first_notice)
    tally, after = world.trace(channel__loss=0.0)
    monkeypatch.undo()
    _, clean = world.trace(channel__loss=0.0)
    assert flipped
    assert [r["code"] for r in records(after, "Reject")].count("BadSignature") == 1
    assert decisions(after) != decisions(clean)
    assert tally.forgeries_flagged == 1
    assert before


def test_ed25519_and_the_mac_decide_alike(world: World) -> None:
    """The signature changes bytes, never beliefs, decisions or rungs; also under corruption."""
    stages = [{"stage": "corruption", "corrupt": 0.1}, {"stage": "duplication", "duplicate": 0.1}]
    _, mac = world.trace(channel__stages=stages)
    _, ed25519 = world.trace(channel__stages=stages, crypto__signature="ed25519")
    assert decisions(mac) == decisions(ed25519) != []
    assert any(r["code"] == "BadSignature" for r in records(mac, "Reject"))


def test_strict_and_naive_runs_are_identical_without_forgery_and_corruption(world: World) -> None:
    """Signatures matter only with a forger (or noise): the traces agree in every record."""
    _, strict = world.trace()
    _, naive = world.trace(states__blue__verification="naive", states__red__verification="naive")
    assert records(strict) == records(naive)


def test_a_forged_ultimatum_is_believed_only_by_the_naive(world: World) -> None:
    """Strict verification refuses it with BadSignature; naive verification makes it a mark."""
    forgery = [{"time": "1d", "event": "forgery", "claims": "red", "to": "blue"}]
    tally, strict = world.trace(at=forgery)
    assert [r["code"] for r in records(strict, "Reject") if r["code"] == "BadSignature"] == ["BadSignature"]
    assert tally.forgeries_flagged == 1
    _, naive = world.trace(at=forgery, states__blue__verification="naive")
    hostile = [
        r for r in records(naive, "Signal") if r["signal"] == "hostile_message" and r["at_s"] == 86400.0
    ]
    assert len(hostile) == 1
    assert decisions(strict) == decisions(world.trace()[1])


def test_adding_a_third_state_moves_no_draw_of_the_first_two(world: World) -> None:
    """Activities, fates and beliefs between blue and red are the same with green at the table."""

    def between(lines: list[str]) -> list[tuple[Any, ...]]:
        kept = []
        for r in records(lines, "Activity", "Send", "Drop", "Deliver", "Signal"):
            names = {r.get(k) for k in ("actor", "toward", "sender", "receiver", "observer", "about")} - {
                None
            }
            if names == {"blue", "red"}:
                kept.append(tuple(v for k, v in r.items() if k not in ("id", "cause")))
        return kept

    quiet = {"decides": False}
    two = {"blue": {"prior": 0.05, **quiet}, "red": {"prior": 0.05, **quiet}}
    _, pair = world.trace(states=two)
    _, triad = world.trace(states={**two, "green": {"prior": 0.05, **quiet}})
    assert between(pair) == between(triad) != []


def test_the_order_of_declaration_does_not_matter(world: World) -> None:
    """States and activities in another order give the same records."""
    states = {"blue": {"prior": 0.05}, "red": {"prior": 0.02}}
    activities = {"exercise": {"rate": "1/d"}, "movement": {"rate": "0.5/d", "notifiable": False}}
    _, one = world.trace(states=states, activities=activities)
    _, two = world.trace(states=dict(reversed(states.items())), activities=dict(reversed(activities.items())))
    assert records(one) == records(two)


def test_causes_come_before_what_they_cause(world: World) -> None:
    """Every record names an earlier record, or none, as its cause, and times never go back."""
    _, lines = world.trace()
    found = records(lines)
    assert all(r["cause"] < r["id"] for r in found)
    assert [r["id"] for r in found] == list(range(1, len(found) + 1))
    assert all(a["at_s"] <= b["at_s"] for a, b in pairwise(found))


def test_every_sent_datagram_has_one_fate_or_is_under_way(world: World) -> None:
    """Conservation: sent plus copies = delivered + dropped + under way at the end, none of them negative."""
    _, lines = world.trace(channel__stages=[])
    sent = {r["id"] for r in records(lines, "Send")}
    ended = [r["cause"] for r in records(lines, "Deliver", "Drop")]
    assert set(ended) <= sent
    assert len(ended) == len(set(ended))
    assert len(sent) - len(ended) <= 8


def test_an_outage_in_the_script_loses_what_is_sent_in_it(world: World) -> None:
    """Between its start and its end nothing gets through in that direction, and only in that direction."""
    outage = [{"time": "2d", "event": "outage", "from": "blue", "to": "red", "for": "3d"}]
    _, lines = world.trace(at=outage)
    during = [
        r for r in records(lines, "Drop") if 2 * 86400 <= r["at_s"] < 5 * 86400 and r["sender"] == "blue"
    ]
    sent = [r for r in records(lines, "Send") if 2 * 86400 <= r["at_s"] < 5 * 86400 and r["sender"] == "blue"]
    assert len(during) == len(sent) > 5
    assert {r["reason"] for r in during} == {"outage"}


def test_a_withheld_notice_is_not_sent(world: World) -> None:
    """A state told to withhold announces nothing for that time."""
    _, lines = world.trace(at=[{"time": "1d", "event": "withhold", "actor": "blue", "for": "10d"}])
    within = [
        r for r in records(lines, "Activity") if r["actor"] == "blue" and 86400 < r["at_s"] < 11 * 86400
    ]
    assert within
    assert not any(r["noticed"] for r in within)


def test_a_scripted_attack_ends_the_run(world: World) -> None:
    """An attack is the last thing that happens, and says whether it was missed."""
    tally, lines = world.trace(at=[{"time": "3d", "event": "attack", "actor": "red", "toward": "blue"}])
    attack = records(lines, "Attack")
    assert tally.ended_s == attack[0]["at_s"] <= 3 * 86400
    assert isinstance(attack[0]["missed"], bool)


def test_a_desk_that_forwards_nothing_stops_notices_but_not_wire_heartbeats(world: World) -> None:
    """Wire tests pass below the desk: the learned delivery stays high while no notice is heard."""
    _, lines = world.trace(
        channel__loss=0.0, states__blue__desk={"forwards": 0.0}, states__red__type="seeker"
    )
    kinds = {r["kind"] for r in records(lines, "Accept") if r["receiver"] == "blue"}
    assert kinds == {"heartbeat"}
    last = [r for r in records(lines, "Sample") if r["observer"] == "blue"][-1]
    assert last["delivery"] > 0.9


def test_a_drill_that_reaches_the_desk_learns_that_it_does_not_forward(world: World) -> None:
    """With heartbeats answered behind the desk, the learned delivery falls toward nothing."""
    _, lines = world.trace(
        channel__loss=0.0,
        heartbeat__reaches="desk",
        states__blue__desk={"forwards": 0.0},
        states__red__type="seeker",
    )
    last = [r for r in records(lines, "Sample") if r["observer"] == "blue"][-1]
    assert last["delivery"] < 0.1


@pytest.mark.parametrize("template", ["pair", "triad", "episode"])
def test_a_template_runs(template: str) -> None:
    """What `cbmnet new` writes is a config that runs."""
    from importlib.resources import files

    from cbmnet.experiments.design import design_from
    from cbmnet.simulation.source import source_from_text

    text = files("cbmnet.cli").joinpath("templates", f"{template}.toml").read_text()
    config = design_from(source_from_text(text, f"{template}.toml")).points[0].config
    assert isinstance(config, RunConfig)
    assert run(config, 1, 0).sealed > 0


def test_a_query_without_an_answer_closes_no_decision(world: World) -> None:
    """On a dead line every decision waits for its deadline, however many queries went unanswered."""
    _, lines = world.trace(channel__loss=1.0, states__blue__believed_delivery=0.9)
    assert "none" in {r["outcome"] for r in records(lines, "Answer")}
    due: dict[tuple[str, str], float] = {}
    closed = 0
    for r in records(lines, "Decision"):
        pair = (r["decider"], r["about"])
        if r["phase"] == "open":
            due[pair] = r["closes_s"]
        else:
            assert r["at_s"] == pytest.approx(due[pair])
            closed += 1
    assert closed > 0


def test_what_is_sampled_when_changes_no_belief(world: World) -> None:
    """Samples at the same times are the same on a fine and on a coarse grid, with a monitor's late word."""
    found = []
    for step in ("1h", "1d"):
        _, lines = world.trace(
            study__sample_every=step,
            monitor={"delay": "30h"},
            protocol={"variant": "fire-and-forget"},
            states__red__type="seeker",
        )
        samples = {
            (r["at_s"], r["observer"]): r["probability"]
            for r in records(lines, "Sample")
            if r["at_s"] % 86400 == 0
        }
        found.append(samples)
    assert found[0].keys() == found[1].keys() != set()
    assert all(found[0][key] == pytest.approx(found[1][key], rel=1e-9) for key in found[0])


def test_corruption_never_ends_a_naive_run(world: World) -> None:
    """A flipped bit in a name or a number is heard and means nothing; no run fails."""
    naive = {"verification": "naive"}
    for replication in range(8):
        tally, _ = world.trace(
            replication=replication, channel__stages=[{"stage": "corruption", "corrupt": 0.5}],
            states={"blue": naive, "red": naive, "green": naive}, monitor={"coverage": 1.0},
        )  # fmt: skip
        assert tally.sealed > 0


def test_loss_does_not_shorten_the_believed_latency() -> None:
    """On a dead line a notice is awaited for as long as on a good one."""
    from cbmnet.simulation.config import ChannelPart, RunConfig
    from cbmnet.simulation.worlds import configured_latency

    from .conftest import WORLD

    protocol = RunConfig.model_validate({**WORLD, "protocol": {"variant": "fire-and-forget"}}).protocol
    tables = [
        configured_latency(ChannelPart.model_validate({"loss": loss, "delay": "24h"}), protocol)
        for loss in (0.0, 0.9, 1.0)
    ]
    quantiles = [[table.quantile(q) for q in (0.1, 0.5, 0.9)] for table in tables]
    assert quantiles[0] == quantiles[1] == quantiles[2]
    assert quantiles[0][0] > 86400.0


def test_a_query_is_weighed_by_both_directions() -> None:
    """A slow way there makes an answer in time as unlikely as a slow way back."""
    from cbmnet.states.latency import Latency

    fast, slow = Latency([60.0] * 100), Latency([float(k) for k in range(0, 8000, 80)])
    assert fast.there_and_back(slow).arrived_by(3600.0) == pytest.approx(0.45, abs=0.02)
    assert slow.there_and_back(fast).arrived_by(3600.0) == pytest.approx(0.45, abs=0.02)
    assert slow.there_and_back(slow).arrived_by(8000.0) == pytest.approx(0.5, abs=0.02)


def test_partners_do_not_share_their_fate_at_a_desk(world: World) -> None:
    """Half of the drills pass a desk, and not the same half of every partner's."""
    half = {"desk": {"forwards": 0.5}}
    _, lines = world.trace(
        channel={"hops": 1, "loss": 0.0}, protocol={"variant": "fire-and-forget"},
        heartbeat={"period": "1h", "reaches": "desk"}, states={"blue": half, "red": {}, "green": {}},
    )  # fmt: skip
    labels = {r["id"]: Label(*r["label"]) for r in records(lines, "Deliver")}
    stopped: dict[str, set[Label]] = {"red": set(), "green": set()}
    for r in records(lines, "Stop"):
        if r["receiver"] == "blue" and r["kind"] == "heartbeat":
            stopped[r["sender"]].add(labels[r["cause"]])
    assert len(stopped["red"]) > 100 < len(stopped["green"])
    assert len(stopped["red"] & stopped["green"]) < 0.7 * len(stopped["red"])
