"""Every member of every family keeps its family's contract, asked or not."""

import dataclasses
from typing import Any

import pytest

from cbmnet.channels.link import build_route
from cbmnet.channels.stage import STAGES
from cbmnet.cli.verb import VERBS
from cbmnet.datagram import Datagram, Label
from cbmnet.measures import ActivityClass
from cbmnet.metrics.measure import measure
from cbmnet.metrics.metric import METRICS
from cbmnet.protocols.endpoint import VARIANTS, LocalProtocolError, Malformed, Received, Send
from cbmnet.registry import Family
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.invariant import INVARIANTS
from cbmnet.states.belief import BELIEFS
from cbmnet.states.decision import DECISIONS
from cbmnet.states.evidence import World
from cbmnet.states.latency import Latency
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES

FAMILIES: list[Family[Any]] = [STAGES, VARIANTS, BELIEFS, DECISIONS, INVARIANTS, METRICS, CASES, VERBS]

# What a config needs beyond its defaults: an ordinary value for each field name.
ORDINARY = {
    "loss_prob": 0.3, "p_prob": 0.1, "r_prob": 0.3, "delay_s": 60.0, "duplicate_prob": 0.3,
    "corrupt_prob": 0.3, "mtbf_s": 3600.0, "mttr_s": 600.0, "rto_s": 10.0, "jitter_s": 20.0,
    "table_s": (10.0, 20.0, 90.0), "p13_prob": 0.1, "trace": "0010011", "windows_s": ((100.0, 400.0),),
    "groups": (("a",), ("b",)), "period_s": 100.0, "bytes_per_s": 2.0, "service_s": 15.0, "reorder_prob": 0.3,
    "misroute_prob": 0.3, "to": ("c",),
}  # fmt: skip
# What a config that leaves the choice between two ways of saying it needs in addition.
CHOSEN = {
    "gilbert-elliott": {"mean_loss_prob": 0.2, "mean_run": 3.0},
    "jamming": {"duty_prob": 0.3},
}


def config_of(family: Family[Any], name: str) -> Any:
    config = family[name].config
    needed = [f.name for f in dataclasses.fields(config) if f.default is dataclasses.MISSING]
    return config(**{field: ORDINARY[field] for field in needed}, **CHOSEN.get(name, {}))


def members(family: Family[Any]) -> list[str]:
    return family.names()


@pytest.mark.parametrize(("family", "name"), [(f, n) for f in FAMILIES for n in f.names()])
def test_a_member_has_a_frozen_config_and_says_what_it_is(family: Family[Any], name: str) -> None:
    """Each member's config is a frozen dataclass, and the member has a docstring."""
    member = family[name]
    assert dataclasses.is_dataclass(member.config)
    assert member.config.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert (member.make.__doc__ or "").strip()


@pytest.mark.parametrize("name", members(STAGES))
def test_a_stage_keeps_what_it_was_given(name: str) -> None:
    """No flight vanishes or goes back in time; a drop has a reason; the same labels meet the same fate."""

    def fly() -> list[tuple[Any, ...]]:
        route = build_route("a", "b", [[(name, config_of(STAGES, name))]], Streams(5, 0))
        fates = []
        for number in range(300):
            sent = Datagram(bytes(range(50)), "b", *Label("notice", 1, 0, number))
            flights = route.carry(sent, 10.0 * number)
            assert flights
            assert flights[0].label.sequence == number
            for flight in flights:
                assert flight.at_s >= 10.0 * number
                assert flight.drop is None or flight.drop.strip()
                assert (flight.datagram.data == sent.data) != flight.corrupted
                fates.append((flight.label, flight.at_s, flight.drop, flight.datagram.data))
        return fates

    assert fly() == fly()


@pytest.mark.parametrize("name", members(VARIANTS))
class TestVariant:
    """Each variant, driven by hand over a perfect line and over rubbish."""

    def pair(self, name: str) -> tuple[Any, Any]:
        make = VARIANTS[name].make
        return make(config_of(VARIANTS, name)), make(config_of(VARIANTS, name))

    def test_it_delivers_over_a_perfect_line(self, name: str) -> None:
        """What is sent is received in order, once each if it is claimed, and both endpoints fall silent."""
        ends = dict(zip("ab", self.pair(name), strict=True))
        for number in range(1, 21):
            ends["a"].command(Send("b", b"%d" % number, "notice", 1, 0, number), 0.0)
        received, now = [], 0.0
        for _ in range(200):
            moved = False
            for me, other in ("ab", "ba"):
                for datagram in ends[me].datagrams_to_send():
                    ends[other].receive(datagram.data, me, now)
                    moved = True
                while (event := ends[me].next_event()) is not None:
                    if type(event) is Received:
                        received.append(int(event.data))
            now += 0.001
            if not moved:
                break
        first = list(dict.fromkeys(received))
        assert (received if "at-most-once" in ends["a"].claims else first) == list(range(1, 21))
        assert ends["a"].next_timer() is None is ends["b"].next_timer()

    def test_rubbish_is_an_event_not_an_exception(self, name: str) -> None:
        """Bytes that are no frame give Malformed and change nothing else."""
        end, _ = self.pair(name)
        for data in (
            b"",
            b"\xc1",
            b"\x96\x01\x00\x01\x01\x01\xc0",
            b"\x95" * 6,
            bytes(70000),
            b"\x96" + b"\xff" * 6,
        ):
            end.receive(data, "b", 0.0)
            assert type(end.next_event()) is Malformed
            assert end.next_event() is None
            assert end.datagrams_to_send() == []

    def test_an_early_timer_is_harmless(self, name: str) -> None:
        """`handle_timer` before anything is due does nothing."""
        end, _ = self.pair(name)
        end.command(Send("b", b"x", "notice", 1, 0, 1), 0.0)
        end.datagrams_to_send()
        end.handle_timer(0.5)
        assert end.datagrams_to_send() == []
        assert end.next_event() is None

    def test_a_wrong_command_is_the_callers_bug(self, name: str) -> None:
        """Anything but Send is a LocalProtocolError."""
        end, _ = self.pair(name)
        with pytest.raises(LocalProtocolError):
            end.command("send it", 0.0)


@pytest.mark.parametrize("name", members(BELIEFS))
def test_a_belief_is_always_a_probability(name: str) -> None:
    """It begins at the prior and stays in [0, 1] through activities, notices, signals and experiments."""
    kind = ActivityClass("exercise", 1e-5)
    world = World(1e-8, 1e-6, {"exercise": kind}, {"alarm": (4e-6, 1.6e-5)})
    rule = BELIEFS[name].make(config_of(BELIEFS, name), world, Latency([600.0, 1200.0]), 1e6)
    assert rule.probability(0.0) == pytest.approx(world.prior)
    for step in range(60):
        now = 3000.0 * step
        rule.activity(step, kind, now, 1.0)
        if step % 2:
            rule.notice(step, step % 4 == 1, now + 700.0)
        rule.signal("alarm", now + 800.0)
        rule.experiment((0.9, 0.5), now + 900.0, now + 950.0)
        assert 0.0 <= rule.probability(now + 1000.0) <= 1.0
        review = rule.next_review_s(now + 1000.0)
        assert review is None or review > now + 1000.0


@pytest.mark.parametrize("name", members(DECISIONS))
def test_a_decision_rule_rises_only_on_some_reason(name: str) -> None:
    """No rule rises when the belief never passed the threshold; every rule rises when it stayed above it."""
    rule = DECISIONS[name].make(config_of(DECISIONS, name))
    for at_deadline in (False, True):
        assert not rule.rises(0.1, 0.2, 0.3, at_deadline=at_deadline)
    assert rule.rises(0.9, 0.9, 0.3, at_deadline=not rule.closes_now(0.9, 0.0, 0.3))
    assert not rule.closes_now(0.2, 0.0, 0.3)


@pytest.mark.parametrize("name", members(METRICS))
def test_a_metric_measures_a_run_reproducibly(name: str) -> None:
    """The same run gives the same value, of the kind that the metric says."""
    states = {"blue": {"prior": 0.05}, "red": {"prior": 0.05, "type": "expansionist"}}
    data = {"name": "tense", "study": {"horizon": "10d"}, "states": states}
    config = RunConfig.model_validate(data)
    values = [measure(config, 3, 0, (name,)).values[name] for _ in range(2)]
    assert values[0] == values[1]
    kind = METRICS[name].make.kind
    assert kind == "pooled" or isinstance(values[0], bool if kind == "yes_no" else int | float | None)
