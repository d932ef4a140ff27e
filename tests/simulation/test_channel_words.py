"""A channel said hop by hop or in netem's words: what is built, what is refused, what is believed of it."""

from typing import Any

import pytest

from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.errors import ConfigError
from cbmnet.experiments.design import design_from
from cbmnet.simulation.config import ChannelPart, RunConfig
from cbmnet.simulation.faults import validated
from cbmnet.simulation.source import source_from_text
from cbmnet.simulation.worlds import configured_latency, hops, named_latency

GOOD = """name = "x"
[study]
horizon = "5d"
[states.a]
[states.b]
"""


def faults(text: str) -> list[str]:
    try:
        validated(RunConfig, source_from_text(GOOD + text, "x.toml"))
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []


def channel(**keys: Any) -> ChannelPart:
    return ChannelPart.model_validate(keys)


def latency(variant: str = "fire-and-forget", **keys: Any) -> Any:
    data = {"name": "x", "study": {"horizon": "5d"}, "states": {"a": {}, "b": {}}}
    protocol = {"variant": variant} | ({"rto": "1s"} if variant == "stop-and-wait" else {})
    config = RunConfig.model_validate(data | {"protocol": protocol})
    return configured_latency(channel(**keys), config.protocol)


def test_netems_words_replace_loss_and_delay() -> None:
    """Each of the hops has the stages of the words, after the further ones, and no default loss or delay."""
    said = channel(netem="delay 2s loss 10%", stages=[{"stage": "duplication", "duplicate": 0.1}])
    kinds = [[kind for kind, _ in hop] for hop in hops(said)]
    assert kinds == [["duplication", "bernoulli", "constant"]] * 2
    assert hops(said)[0][1:] == [("bernoulli", BernoulliConfig(0.1)), ("constant", ConstantConfig(2.0))]


def test_each_hop_may_be_of_its_own_kind() -> None:
    """A cable and then a clerk; what a hop does not say is the usual default."""
    cable = {"loss": 0.0, "delay": "1s", "distribution": "constant"}
    said = channel(hop=[cable, {"distribution": "exponential"}, {"netem": "delay 3s"}])
    assert hops(said) == [
        [("constant", ConstantConfig(1.0))],
        [("bernoulli", BernoulliConfig(0.02)), ("exponential", ExponentialConfig(1200.0))],
        [("constant", ConstantConfig(3.0))],
    ]


def test_queues_wait_for_what_is_not_lost_and_reordering_follows_the_delay() -> None:
    """Wherever they stand among the further stages, they take effect where they make sense."""
    further = [
        {"stage": "reordering", "reorder": 0.1}, {"stage": "rate", "bytes": "9/s"},
        {"stage": "duplication", "duplicate": 0.1},
    ]  # fmt: skip
    (kinds,) = [[kind for kind, _ in hop] for hop in hops(channel(hops=1, stages=further))]
    assert kinds == ["duplication", "bernoulli", "rate", "lognormal", "reordering"]


FAULTS = [
    (
        "[channel]\nnetem = 'delay 1s los 1%'",
        'channel.netem = "delay 1s los 1%": no word "los"; there are delay',
    ),
    ("[channel]\nnetem = 'loss 1% 25%'", "deprecated by netem's own manual"),
    ("[channel]\nnetem = 3", "channel.netem = 3: must be text"),
    ("[channel]\nloss = 0.1\nnetem = 'delay 1s'", "x.toml:7  channel.loss: netem says loss and delay"),
    ("[channel]\nhops = 3\n[[channel.hop]]\nloss = 0.1", "channel.hops: each [[channel.hop]] says this"),
    ("[channel]\nsigma = 1.0\n[[channel.hop]]\nloss = 0.1", "channel.sigma: each [[channel.hop]] says this"),
    ("[[channel.hop]]\ndelay = '1s'\nnetem = 'delay 1s'", "x.toml:7  channel.hop.0.delay: netem says loss"),
    ("[[channel.hop]]\nhops = 2", "channel.hop.0.hops: unknown key"),
    ("[[channel.hop]]\nroutes = 2", "channel.hop.0.routes: unknown key"),
    ("[channel]\nroutes = 9", "channel.routes = 9: must be from 1 to 8."),
    ("[channel]\nroutes = 0", "channel.routes = 0: must be from 1 to 8."),
    ("[channel]\ndistribution = 'gama'", 'Did you mean "gamma"?'),
    ("[channels.'a>b']\nnetem = 'x'", 'channels."a>b".netem = "x": no word "x"'),
    (
        "[states.c]\nbelieved_latency = {stage = 'rate', bytes = '1/s'}",
        "must be a stage that delays: constant, empirical, exponential, gamma, lognormal, pareto, "
        "truncated-normal, uniform",
    ),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_channel_is_said_in_one_way(text: str, said: str) -> None:
    """One fault, on its line, that says what to leave out or what is allowed."""
    (fault,) = faults(text)
    assert said in fault


def test_as_many_hops_as_there_may_be() -> None:
    """Eight tables are good and nine are not."""
    assert faults("[[channel.hop]]\n" * 8) == []
    (fault,) = faults("[[channel.hop]]\n" * 9)
    assert fault.endswith("must have at most 8 entries; it has 9.")


@pytest.mark.parametrize(
    ("general", "particular", "expected"),
    [
        ("loss = 0.3\ndelay = '1h'", "netem = 'delay 1s'", [["constant"]] * 2),
        ("netem = 'delay 1s'", "loss = 0.3", [["bernoulli", "lognormal"]] * 2),
        ("hops = 3\nloss = 0.3", "hop = [{netem = 'delay 1s'}]", [["constant"]]),
        ("hop = [{netem = 'delay 1s'}]", "hops = 1", [["bernoulli", "lognormal"]]),
    ],
)
def test_a_named_link_may_say_it_in_the_other_way(
    general: str, particular: str, expected: list[list[str]]
) -> None:
    """What `[channel]` says does not stand in the way of what `[channels."a>b"]` says instead."""
    text = f"{GOOD}[channel]\n{general}\n[channels.'a>b']\n{particular}\n"
    config = design_from(source_from_text(text, "x.toml")).points[0].config
    assert [[kind for kind, _ in hop] for hop in hops(config.channels["a>b"])] == expected


@pytest.mark.parametrize(("kind", "mean_s"), [("gamma", 60.0), ("pareto", 60.0)])
def test_further_distributions_have_the_delay_as_their_mean(kind: str, mean_s: float) -> None:
    """Two thirds of the table's time lies where a gamma or a Pareto of that mean has it."""
    table = latency(hops=1, loss=0.0, delay="60s", distribution=kind)
    median_s = {"gamma": 30.0 * 1.678347, "pareto": 40.0 * 2 ** (1 / 3)}[kind]
    assert table.quantile(0.5) == pytest.approx(median_s, rel=0.05)
    assert mean_s == 60.0


@pytest.mark.parametrize("variant", ["fire-and-forget", "stop-and-wait"])
@pytest.mark.parametrize(
    "queue",
    [{"stage": "rate", "bytes": "0.1/s"}, {"stage": "queue", "service": "10s", "distribution": "constant"}],
)
def test_the_believed_latency_is_that_of_an_idle_line(variant: str, queue: dict[str, Any]) -> None:
    """A probe waits for no other probe: 10 s of service, with and without retransmission."""
    table = latency(variant, hops=1, loss=0.2, delay="0s", distribution="constant", stages=[queue])
    assert table.quantile(0.0) == 10.0
    assert table.quantile(0.7) == 10.0
    assert table.quantile(1.0) < 100.0


def test_the_believed_latency_of_a_line_that_holds_knows_its_outages() -> None:
    """Up 3 h and down 1 h: three quarters of the probes pass at once, the others wait an hour on average."""
    held = {"stage": "up-down", "mtbf": "3h", "mttr": "1h", "hold": True}
    for variant in ("fire-and-forget", "stop-and-wait"):
        table = latency(variant, hops=1, loss=0.0, delay="0s", distribution="constant", stages=[held])
        assert table.arrived_by(0.0) == pytest.approx(0.75, abs=4 * (0.1875 / 4096) ** 0.5)
        assert table.arrived_by(3600.0) == pytest.approx(1 - 0.25 * 0.36788, abs=4 * (0.084 / 4096) ** 0.5)


def test_a_named_latency_forgets_the_probe_before() -> None:
    """A delay that keeps the order is believed as it is for one message alone."""
    from cbmnet.channels.stages.exponential import ExponentialConfig as Config

    kept, free = (named_latency("exponential", Config(60.0, keep_order=k)) for k in (True, False))
    assert [kept.quantile(q) for q in (0.1, 0.5, 0.9)] == [free.quantile(q) for q in (0.1, 0.5, 0.9)]
