"""Loss in bursts: chains and traces lose what their formulas say."""

from itertools import pairwise
from math import sqrt
from statistics import fmean, pstdev

import pytest

from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.four_state import FourStateConfig
from cbmnet.channels.stages.gilbert_elliott import GilbertElliottConfig
from cbmnet.channels.stages.loss_trace import LossTraceConfig

from .lines import fly, route, runs

CHAIN = FourStateConfig(0.03, 0.2, 0.3, 0.4, 0.02)


def agrees(found: list[float], expected: float, batch: int) -> bool:
    """Whether the mean of dependent values is within 4 standard errors, by batches."""
    batches = [fmean(found[k : k + batch]) for k in range(0, len(found), batch)]
    return abs(fmean(found) - expected) < 4 * pstdev(batches) / sqrt(len(batches))


def losses(kind: str, config: object, n: int) -> list[bool]:
    return [f.drop is not None for f in fly(route((kind, config)), n)]


def test_mean_loss_and_mean_run_make_the_chain() -> None:
    """Loss .2 in runs of 4 on average, of 200,000 flights; the chain is r = 1/4, p = .0625."""
    config = GilbertElliottConfig(mean_loss_prob=0.2, mean_run=4.0)
    assert (config.p, config.r) == (0.0625, 0.25)
    lost = losses("gilbert-elliott", config, 200_000)
    assert agrees(lost, 0.2, 2000)
    assert abs(fmean(runs(lost)) - 4.0) < 4 * sqrt(12.0) / sqrt(len(runs(lost)))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"p_prob": 0.1},
        {"mean_loss_prob": 0.1},
        {"p_prob": 0.1, "r_prob": 0.2, "mean_run": 2.0},
        {"p_prob": 0.1, "r_prob": 0.2, "mean_loss_prob": 0.1, "mean_run": 2.0},
    ],
)
def test_a_chain_is_said_in_one_of_two_ways(given: dict[str, float]) -> None:
    """Neither pair, both, or half of one is refused with what is allowed."""
    with pytest.raises(ValueError, match="either p and r, or mean_loss and mean_run"):
        GilbertElliottConfig(**given)


def test_a_mean_run_too_short_for_its_loss_is_refused() -> None:
    """Nine of ten lost cannot come in runs of 2: with p at its most, 1, a run of 9 is needed."""
    with pytest.raises(ValueError, match="mean_run must be at least 1 and at least mean_loss"):
        GilbertElliottConfig(mean_loss_prob=0.9, mean_run=2.0)
    assert GilbertElliottConfig(mean_loss_prob=0.9, mean_run=9.0).p == pytest.approx(1.0)
    with pytest.raises(ValueError, match="leave good_loss and bad_loss out"):
        GilbertElliottConfig(mean_loss_prob=0.1, mean_run=2.0, good_loss_prob=0.1)


def test_the_four_states_have_the_shares_that_balance() -> None:
    """What flows into a state flows out of it, for a chain with all five transitions."""
    one, two, three, four = CHAIN.stationary()
    assert one + two + three + four == pytest.approx(1.0)
    assert one * (0.03 + 0.02) == pytest.approx(three * 0.2 + four)
    assert two * 0.4 == pytest.approx(three * 0.3)
    assert three * (0.2 + 0.3) == pytest.approx(one * 0.03 + two * 0.4)
    assert four == pytest.approx(one * 0.02)


def test_four_states_lose_their_share_in_their_runs() -> None:
    """Loss pi3 + pi4 and mean run (pi3 + pi4)/(pi3 (p31 + p32) + pi4), of 200,000 flights."""
    _, _, three, four = CHAIN.stationary()
    lost = losses("four-state", CHAIN, 200_000)
    assert agrees(lost, three + four, 2000)
    lengths = runs(lost)
    assert abs(fmean(lengths) - (three + four) / (three * 0.5 + four)) < 4 * pstdev(lengths) / sqrt(
        len(lengths)
    )


def test_four_states_say_which_losses_came_alone() -> None:
    """The lone losses of state 4 and the burst losses of state 3 have their own reasons and shares."""
    drops = [f.drop for f in fly(route(("four-state", CHAIN)), 100_000)]
    _, _, three, four = CHAIN.stationary()
    assert agrees([d == "burst loss" for d in drops], three, 2000)
    assert agrees([d == "loss" for d in drops], four, 2000)
    assert set(drops) == {None, "loss", "burst loss"}


def test_p13_alone_is_bernoulli() -> None:
    """netem(8): p13 alone is independent loss, so what follows a loss is lost as often as anything else."""
    lost = losses("four-state", FourStateConfig(0.1), 100_000)
    after = [b for a, b in pairwise(lost) if a]
    assert agrees(lost, 0.1, 1)
    assert abs(fmean(after) - 0.1) < 4 * sqrt(0.09 / len(after))


def test_the_four_states_start_stationary() -> None:
    """Over 2,000 seeds the first flight is lost in the stationary share already."""
    lost = [
        fly(route(("four-state", FourStateConfig(0.2, 0.1, 0.2, 0.3, 0.1)), seed=s), 1)[0].drop is not None
        for s in range(2000)
    ]
    _, _, three, four = FourStateConfig(0.2, 0.1, 0.2, 0.3, 0.1).stationary()
    assert abs(fmean(lost) - three - four) < 4 * sqrt((three + four) * (1 - three - four) / 2000)


@pytest.mark.parametrize(
    "chain", [(0.6, 0.5, 0.0, 1.0, 0.5), (0.1, 0.8, 0.3), (0.1, 0.0, 0.5), (0.1, 0.5, 0.3, 0.0)]
)
def test_a_chain_that_is_none_is_refused(chain: tuple[float, ...]) -> None:
    """Probabilities beyond 1, and a burst or a state that is never left."""
    with pytest.raises(ValueError, match="must"):
        FourStateConfig(*chain)


def test_a_trace_is_replayed_as_recorded() -> None:
    """From its start, again after its end, or not again; text and numbers mean the same."""
    marks = [1, 0, 0, 1, 1]
    for trace in ("10011", (1, 0, 0, 1, 1)):
        assert losses("loss-trace", LossTraceConfig(trace, start=0), 15) == marks * 3
    assert losses("loss-trace", LossTraceConfig("10011", start=3), 4) == [1, 1, 1, 0]
    assert losses("loss-trace", LossTraceConfig("10011", start=0, repeat=False), 9) == [*marks, 0, 0, 0, 0]


def test_a_trace_without_a_start_begins_anywhere() -> None:
    """Over 400 seeds each of its four places is the beginning about as often."""
    firsts = [fly(route(("loss-trace", LossTraceConfig("0001")), seed=s), 1)[0].drop for s in range(400)]
    assert abs(sum(f is not None for f in firsts) / 400 - 0.25) < 4 * sqrt(0.25 * 0.75 / 400)


def test_a_chain_moves_on_with_flights_already_lost() -> None:
    """Loss before a chain changes nothing of what the chain loses: runs of different loss stay in step."""
    for kind, config in (("four-state", CHAIN), ("loss-trace", LossTraceConfig("0110100"))):
        alone = [f.drop for f in fly(route((kind, config)), 2000)]
        both = [f.drop for f in fly(route(("bernoulli", BernoulliConfig(0.5)), (kind, config)), 2000)]
        assert all(b in (a, "loss") for a, b in zip(alone, both, strict=True))
        assert both.count(None) < alone.count(None)


@pytest.mark.parametrize(
    ("trace", "start"), [("", None), ("0012", None), ((0, 2), None), ("01", 2), ("01", -1)]
)
def test_a_trace_that_is_none_is_refused(trace: str | tuple[int, ...], start: int | None) -> None:
    """Nothing but zeros and ones, and a start within."""
    with pytest.raises(ValueError, match="must be"):
        LossTraceConfig(trace, start=start)
