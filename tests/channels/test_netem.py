"""netem's words in and out: what they mean here, what goes back, and what tc itself takes."""

import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.channels.netem import parse_netem, to_netem
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.corruption import CorruptionConfig
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.channels.stages.four_state import FourStateConfig
from cbmnet.channels.stages.gilbert_elliott import GilbertElliottConfig
from cbmnet.channels.stages.pareto import ParetoConfig
from cbmnet.channels.stages.rate import RateConfig
from cbmnet.channels.stages.reordering import ReorderingConfig
from cbmnet.channels.stages.truncated_normal import TruncatedNormalConfig
from cbmnet.channels.stages.uniform import UniformConfig

from .lines import fly, route, stage

TC = shutil.which("tc")

EVERYTHING = (
    "delay 100ms 20ms distribution normal loss gemodel 1% 20% 90% 0.5% duplicate 1% corrupt 0.1% "
    "reorder 25% gap 5 rate 1mbit limit 1000"
)

MEANINGS: list[tuple[str, list[tuple[str, Any]]]] = [
    ("loss 1%", [("bernoulli", BernoulliConfig(0.01))]),
    ("loss random 1 0%", [("bernoulli", BernoulliConfig(0.01))]),
    ("drop 100%", [("bernoulli", BernoulliConfig(1.0))]),
    ("loss gemodel 10%", [("gilbert-elliott", GilbertElliottConfig(0.1, 0.9, 0.0, 1.0))]),
    ("loss gemodel 1% 20% 90% 0.5%", [("gilbert-elliott", GilbertElliottConfig(0.01, 0.2, 0.005, 0.9))]),
    ("loss state 25%", [("four-state", FourStateConfig(0.25, 0.75, 0.0, 1.0, 0.0))]),
    ("loss state 1% 20% 30% 40% 5%", [("four-state", FourStateConfig(0.01, 0.2, 0.3, 0.4, 0.05))]),
    ("delay 100ms", [("constant", ConstantConfig(0.1))]),
    ("latency 2s 0ms", [("constant", ConstantConfig(2.0))]),
    ("delay 100ms 20ms", [("uniform", UniformConfig(0.1, 0.02))]),
    ("delay 8us 4us 25%", [("uniform", UniformConfig(8 * 1e-6, 4 * 1e-6, correlation=0.25))]),
    (
        "delay 100ms 20ms distribution normal",
        [("truncated-normal", TruncatedNormalConfig(0.1, 0.02, clipped=True))],
    ),
    ("rate 8kbit", [("rate", RateConfig(1000.0, 0, 1000))]),
    ("rate 1kibps 20 limit 7", [("rate", RateConfig(1024.0, 20, 7))]),
    ("rate 8bit limit 4294967295", [("rate", RateConfig(1.0))]),
    (
        "reorder 25% delay 1s",
        [("constant", ConstantConfig(1.0)), ("reordering", ReorderingConfig(0.25, 1))],
    ),
]


@pytest.mark.parametrize(("words", "specs"), MEANINGS)
def test_words_become_stages(words: str, specs: list[tuple[str, Any]]) -> None:
    """Each clause of netem(8) with its defaults is the stage that does the same."""
    assert parse_netem(words) == specs


def test_stages_come_in_netems_order_of_effect() -> None:
    """However the words stand: duplicate, loss, corrupt, delay, rate, reorder."""
    kinds = [kind for kind, _ in parse_netem(EVERYTHING)]
    assert kinds == [
        "duplication", "gilbert-elliott", "corruption", "truncated-normal", "rate", "reordering"
    ]  # fmt: skip


@pytest.mark.parametrize("words", [EVERYTHING, *(words for words, _ in MEANINGS)])
def test_words_go_out_as_they_came_in(words: str) -> None:
    """The words written for what was read mean the same stages, and are written the same again."""
    specs = parse_netem(words)
    written = to_netem(specs)
    assert parse_netem(written) == specs
    assert to_netem(parse_netem(written)) == written


def test_the_table_of_netems_pareto() -> None:
    """Its least value is 2/3 of a jitter under the delay, its last 4 above: -5461 and 32767 of 8192."""
    ((kind, config),) = parse_netem("delay 100ms 30ms distribution pareto")
    quantile_s = stage((kind, config)).quantile_s  # type: ignore[attr-defined]
    assert quantile_s(0.0) == pytest.approx(0.1 - 0.03 * 5461 / 8192, rel=1e-4)
    assert quantile_s(0.9999) == pytest.approx(0.1 + 0.03 * 32767 / 8192, rel=1e-4)
    assert to_netem([(kind, config)]) == "delay 100ms 30ms distribution pareto"


BAD = [
    ("", "says nothing"),
    ("los 1%", 'no word "los"; there are delay, distribution, loss'),
    ("delay 100ms los 1%", 'no word "los"; there are delay, distribution, loss'),
    ("delay", '"delay" needs a time'),
    ("delay 100", "takes a time with its unit"),
    ("delay -1ms", "takes a time"),
    ("delay 1ms 1ms 10% 5", 'no word "5" after "delay"'),
    ("delay 1ms 2ms 100%", "correlation must be above -1 and below 1"),
    ("delay 1ms delay 2ms", '"delay" comes twice'),
    ("loss", '"loss" needs a percent'),
    ("loss 1% 25%", "deprecated by netem's own manual"),
    ("loss random 1% 25%", "deprecated by netem's own manual"),
    ("loss wild 1%", 'no word "wild" after "loss"; there are random, state, gemodel'),
    ("loss 101%", "takes a percent from 0 to 100"),
    ("loss gemodel", "needs p"),
    ("loss gemodel 0% 0%", "p and r cannot both be 0"),
    ("loss state 60% 0%", "p31 must be above 0"),
    ("loss state 1% 1% 1% 1% 1% 1%", 'no word "1%" after "loss state"'),
    ("loss 1% ecn", '"ecn" is not supported'),
    ("slot 1ms", '"slot" is not supported'),
    ("seed 7 loss 1%", '"seed" is not supported'),
    ("distribution normal", 'needs "delay" with a jitter'),
    ("delay 1ms distribution normal", 'needs "delay" with a jitter'),
    ("delay 1ms 1ms distribution paretonormal", 'no stage for "distribution paretonormal"'),
    ("delay 1ms 1ms distribution", "needs one of uniform, normal, pareto"),
    ("duplicate 1% 20%", "no stage with correlation"),
    ("corrupt 1% 20%", "no stage with correlation"),
    ("delay 1ms reorder 5% 50%", "no stage with correlation"),
    ("reorder 5%", 'needs "delay"'),
    ("delay 1ms gap 5", 'needs "reorder"'),
    ("delay 1ms reorder 5% gap 0", "gap must be at least 1"),
    ("limit 5", 'needs "rate"'),
    ("rate 1", "takes a rate with its unit"),
    ("rate 0bit", "more than 0 a second"),
    ("rate 1mbit -14", '"rate overhead" takes a whole number'),
    ("rate 5kbit 20 100 5", 'no word "100" after "rate"'),
    ("delay \u0661ms", "takes a time with its unit"),
    ("rate 1mbit limit 0", "limit must be at least 1"),
    ("rate 1mbit limit 4294967296", "takes a whole number up to 4294967295"),
]


@pytest.mark.parametrize(("words", "said"), BAD)
def test_a_word_that_means_nothing_here_is_one_clear_error(words: str, said: str) -> None:
    """It begins with netem, names the word and says what is allowed."""
    with pytest.raises(ValueError, match=r"^netem: ") as caught:
        parse_netem(words)
    assert said in str(caught.value)
    assert str(caught.value).count("netem: ") == 1


DELAY, BURST = ("constant", ConstantConfig(1.0)), ("bernoulli", BernoulliConfig(0.1))
UNWRITABLE: list[tuple[list[tuple[str, Any]], str]] = [
    ([("exponential", ExponentialConfig(1.0))], "nothing there does what exponential does"),
    ([DELAY, DELAY], 'constant is a second "delay"'),
    ([("constant", ConstantConfig(275.0))], "no delay above 274s"),
    ([("constant", ConstantConfig(1.0, keep_order=True))], "keeps the order"),
    ([("uniform", UniformConfig(1.0, 0.5, correlation=-0.5))], "no correlation of -0.5"),
    ([DELAY, ("reordering", ReorderingConfig(0.25)), ("rate", RateConfig(10.0))], "put reordering last"),
    ([DELAY, ("reordering", ReorderingConfig(0.25, 2**40))], "no number above 4294967295"),
    ([("rate", RateConfig(10.0, 2**40))], "no number above 4294967295"),
    ([("rate", RateConfig(10.0, 0, 2**32))], "no number above 4294967295"),
    ([("rate", RateConfig(1e300))], "1e+300 has more digits than are read there"),
    ([("bernoulli", BernoulliConfig(1.2345678901234e-30))], "has more digits than are read there"),
    ([("truncated-normal", TruncatedNormalConfig(1.0, 1.0))], "no bounds but 0"),
    ([("truncated-normal", TruncatedNormalConfig(9.0, 1.0, high_s=10.0))], "no bounds but 0"),
    ([("pareto", ParetoConfig(1.0))], "shape 3, offset"),
    ([("reordering", ReorderingConfig(0.1)), DELAY], "must stand before it"),
    ([("reordering", ReorderingConfig(0.1))], "must stand before it"),
    ([("rate", RateConfig(1.0)), ("uniform", UniformConfig(1.0, 0.5))], "after a delay that varies"),
]


@pytest.mark.parametrize(("specs", "said"), UNWRITABLE)
def test_what_netem_does_not_have_is_one_clear_error(specs: list[tuple[str, Any]], said: str) -> None:
    """Stages, settings and orders without an equivalent are named, never written as something near."""
    with pytest.raises(ValueError, match=r"^netem: ") as caught:
        to_netem(specs)
    assert said in str(caught.value)


def test_stages_of_ours_are_written_in_netems_words() -> None:
    """Loss, bits, copies and a queue before a constant delay, as a channel here has them."""
    specs = [
        ("gilbert-elliott", GilbertElliottConfig(mean_loss_prob=0.2, mean_run=4.0)),
        ("corruption", CorruptionConfig(0.001)),
        ("duplication", DuplicationConfig(0.01)),
        ("rate", RateConfig(1000.0)),
        DELAY,
    ]
    assert to_netem(specs) == (
        "delay 1000ms rate 8000bit limit 4294967295 loss gemodel 6.25% 25% 100% 0% corrupt 0.1% duplicate 1%"
    )


PERCENT = st.integers(0, 10_000).map(lambda k: k / 10_000)
SECONDS = st.integers(0, 273_000_000).map(lambda k: k * 1e-6)
JITTER = st.integers(1, 10_000_000).map(lambda k: k * 1e-6)
LOSSES = st.one_of(
    PERCENT.map(lambda p: ("bernoulli", BernoulliConfig(p))),
    st.tuples(PERCENT, PERCENT.filter(bool), PERCENT, PERCENT).map(
        lambda c: ("gilbert-elliott", GilbertElliottConfig(*c))
    ),
)
DELAYS = st.one_of(
    SECONDS.map(lambda s: ("constant", ConstantConfig(s))),
    st.tuples(SECONDS, JITTER).map(lambda c: ("uniform", UniformConfig(*c))),
    st.tuples(SECONDS, JITTER).map(lambda c: ("truncated-normal", TruncatedNormalConfig(*c, clipped=True))),
)
CHANNELS = st.tuples(
    st.none() | PERCENT.map(lambda p: ("duplication", DuplicationConfig(p))),
    st.none() | LOSSES,
    st.none() | PERCENT.map(lambda p: ("corruption", CorruptionConfig(p))),
    DELAYS,
    st.none()
    | st.builds(
        lambda r, o, n: ("rate", RateConfig(float(r), o, n)),
        st.integers(1, 10**10), st.integers(0, 100), st.none() | st.integers(1, 10**6),
    ),
    st.none() | st.builds(lambda p, g: ("reordering", ReorderingConfig(p, g)), PERCENT, st.integers(1, 50)),
).map(lambda parts: [part for part in parts if part is not None])  # fmt: skip


@given(CHANNELS)
def test_every_channel_that_can_be_written_reads_back(specs: list[tuple[str, Any]]) -> None:
    """Stages in netem's order come back equal, to the last digit of every number."""
    assert parse_netem(to_netem(specs)) == specs


@pytest.mark.skipif(TC is None, reason="tc (iproute2) is not on this machine")
@pytest.mark.parametrize(
    "words",
    [EVERYTHING, "delay 274s", *(words for words, _ in MEANINGS if "uniform" not in words)],
)
def test_tc_takes_what_is_written(words: str) -> None:
    """tc reads its words before it looks for the device, so a missing one shows that they are good."""
    assert _tc(to_netem(parse_netem(words))) == 'Cannot find device "no-such-dev"'


@pytest.mark.skipif(TC is None, reason="tc (iproute2) is not on this machine")
@pytest.mark.parametrize("words", ["loss wild 1%", "delay 275s", "reorder 5%", "limit 4294967296"])
def test_tc_refuses_what_is_refused_here(words: str) -> None:
    """The proof above can fail: tc does complain of words that are wrong."""
    assert "Cannot find device" not in _tc(words)


def _tc(words: str) -> str:
    assert TC is not None
    command = [TC, "qdisc", "add", "dev", "no-such-dev", "root", "netem", *words.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip()


def test_a_channel_in_netems_words_does_what_they_say() -> None:
    """Half lost and the rest a second late but for a fifth, of 10,000 messages."""
    flights = fly(route(*parse_netem("delay 1s loss 50% reorder 20%")), 10_000)
    arrived = [f.at_s for f in flights if f.drop is None]
    assert abs(len(arrived) / 10_000 - 0.5) < 4 * 0.005
    assert {*arrived} == {0.0, 1.0}
    assert abs(arrived.count(0.0) / len(arrived) - 0.2) < 4 * (0.16 / len(arrived)) ** 0.5


@pytest.mark.parametrize("behind", ["duplication", "bernoulli", "corruption"])
@pytest.mark.parametrize("slow", ["constant", "rate"])
def test_what_netem_does_first_is_not_written_behind_a_delay(behind: str, slow: str) -> None:
    """There copies and losses come before delay and rate, so that order alone can be put into its words."""
    made = {
        "duplication": DuplicationConfig(0.1), "bernoulli": BernoulliConfig(0.1),
        "corruption": CorruptionConfig(0.1), "constant": ConstantConfig(1.0), "rate": RateConfig(1e6),
    }  # fmt: skip
    assert to_netem([(behind, made[behind]), (slow, made[slow])])
    with pytest.raises(ValueError, match="comes before delay and rate there"):
        to_netem([(slow, made[slow]), (behind, made[behind])])
