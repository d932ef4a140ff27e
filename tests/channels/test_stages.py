"""Each stage does what its formula says, on its own reserved words."""

from math import exp, log, sqrt
from statistics import fmean, median, pstdev

import pytest

from cbmnet.channels.link import Link, Route, build_route
from cbmnet.channels.stage import Flight
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.corruption import CorruptionConfig, flip_bit
from cbmnet.channels.stages.duplication import DuplicationConfig
from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.channels.stages.gilbert_elliott import GilbertElliottConfig
from cbmnet.channels.stages.lognormal import LognormalConfig
from cbmnet.channels.stages.up_down import UpDownConfig
from cbmnet.datagram import Datagram, Label
from cbmnet.streams import Streams


def route(*stages: tuple[str, object], hops: int = 1) -> Route:
    return build_route("a", "b", [list(stages)] * hops, Streams(3, 0))


def fly(route: Route, n: int, data: bytes = b"0123456789", step_s: float = 0.0) -> list[Flight]:
    labels = (Label("notice", 1, 0, number) for number in range(1, n + 1))
    return [f for k, label in enumerate(labels) for f in route.carry(Datagram(data, "b", *label), k * step_s)]


def test_bernoulli_loses_its_share() -> None:
    """Loss .063 of 20,000 within 4 standard errors."""
    lost = sum(f.drop == "loss" for f in fly(route(("bernoulli", BernoulliConfig(0.063))), 20_000))
    assert abs(lost / 20_000 - 0.063) < 4 * sqrt(0.063 * 0.937 / 20_000)


def test_gilbert_elliott_has_its_mean_loss_and_run() -> None:
    """p .02, r .2, loss .01 and .6: mean loss .063636, mean run of losses 1.71308 (MODEL formulas)."""
    config = GilbertElliottConfig(0.02, 0.2, 0.01, 0.6)
    losses = [f.drop is not None for f in fly(route(("gilbert-elliott", config)), 200_000)]
    runs = [len(run) for run in "".join("x" if lost else " " for lost in losses).split()]
    # Batches of 2,000 flights carry the correlation of bursts.
    batches = [fmean(losses[k : k + 2000]) for k in range(0, 200_000, 2000)]
    assert abs(fmean(losses) - 0.063636) < 4 * pstdev(batches) / sqrt(len(batches))
    assert abs(fmean(runs) - 1.71308) < 4 * pstdev(runs) / sqrt(len(runs))


@pytest.mark.parametrize("mean_s", [10.0, 3600.0])
def test_exponential_has_its_mean_and_median(mean_s: float) -> None:
    """The mean is the parameter, the median ln 2 of it, within 4 standard errors."""
    times = [f.at_s for f in fly(route(("exponential", ExponentialConfig(mean_s))), 20_000)]
    assert abs(fmean(times) - mean_s) < 4 * mean_s / sqrt(20_000)
    assert abs(median(times) - mean_s * log(2)) < 4 * mean_s / sqrt(20_000)


def test_lognormal_has_its_median_and_sigma() -> None:
    """The median is the parameter and the logarithms spread by sigma."""
    times = [f.at_s for f in fly(route(("lognormal", LognormalConfig(1200.0, 0.5))), 20_000)]
    logs = [log(t / 1200.0) for t in times]
    assert abs(fmean(logs)) < 4 * 0.5 / sqrt(20_000)
    assert abs(pstdev(logs) - 0.5) < 4 * 0.5 / sqrt(2 * 20_000)


def test_constant_delay_adds_up_over_hops() -> None:
    """Three hops of 20 s take 60 s."""
    assert {f.at_s for f in fly(route(("constant", ConstantConfig(20.0)), hops=3), 10)} == {60.0}


def test_hops_draw_apart() -> None:
    """Two hops of loss .1 deliver .81, which they would not if they shared their draws."""
    delivered = sum(f.drop is None for f in fly(route(("bernoulli", BernoulliConfig(0.1)), hops=2), 20_000))
    assert abs(delivered / 20_000 - 0.81) < 4 * sqrt(0.81 * 0.19 / 20_000)


def test_copies_have_fates_of_their_own() -> None:
    """A quarter more flights come of duplication .25, and copies are lost independently of their twins."""
    stages = (("duplication", DuplicationConfig(0.25)), ("bernoulli", BernoulliConfig(0.5)))
    flights = fly(route(*stages), 20_000)
    assert abs(len(flights) / 20_000 - 1.25) < 4 * sqrt(0.25 * 0.75 / 20_000)
    by_number: dict[int, list[bool]] = {}
    for f in flights:
        by_number.setdefault(f.label.sequence, []).append(f.drop is None)
    pairs = [fate for fate in by_number.values() if len(fate) == 2]
    same = sum(a == b for a, b in pairs)
    assert abs(same / len(pairs) - 0.5) < 4 * 0.5 / sqrt(len(pairs))


def test_corruption_flips_exactly_one_bit() -> None:
    """A corrupted flight differs from what was sent in one bit, evenly placed."""
    flights = [f for f in fly(route(("corruption", CorruptionConfig(0.5))), 4000) if f.corrupted]
    original = int.from_bytes(b"0123456789", "big")
    flipped = [int.from_bytes(f.datagram.data, "big") ^ original for f in flights]
    assert all(x.bit_count() == 1 for x in flipped)
    assert abs(fmean(x.bit_length() for x in flipped) - 40.5) < 4 * 23.1 / sqrt(len(flipped))
    assert flip_bit(b"\x00", 0) == b"\x80"


def test_up_down_is_down_its_share_in_spells_of_its_mean() -> None:
    """Up 9 h and down 1 h on average: a tenth of the time lost, in outages of about an hour."""
    line = route(("up-down", UpDownConfig(9 * 3600.0, 3600.0)))
    down = [f.drop == "outage" for f in fly(line, 200_000, step_s=60.0)]
    spells = [len(s) for s in "".join("x" if d else " " for d in down).split()]
    assert abs(fmean(spells) - 60.5) < 4 * pstdev(spells) / sqrt(len(spells))
    assert abs(fmean(down) - 0.1) < 4 * 0.1 * sqrt(2 * 0.9 / len(spells))


def test_an_outage_does_not_depend_on_who_asked_before() -> None:
    """The state of a line at a time is the same whether or not anyone asked about other times."""
    asked, fresh = (route(("up-down", UpDownConfig(3600.0, 3600.0))).links[0].stages[0] for _ in range(2))
    for at_s in range(0, 10**6, 777):
        asked.is_up(at_s)
    assert [asked.is_up(t) for t in (5e5, 1e3, 9e5)] == [fresh.is_up(t) for t in (5e5, 1e3, 9e5)]


@pytest.mark.parametrize("config", [GilbertElliottConfig(0.0, 0.2), UpDownConfig(1e12, 1.0)])
def test_a_line_without_faults_loses_nothing(config: object) -> None:
    """The limit of no faults is a clean line."""
    kind = "gilbert-elliott" if isinstance(config, GilbertElliottConfig) else "up-down"
    assert all(f.drop is None for f in fly(route((kind, config)), 1000))


def test_delay_follows_the_same_draw_at_every_mean() -> None:
    """Twice the mean delays every flight exactly twice as long: common random numbers across delays."""
    short, long = (
        [f.at_s for f in fly(route(("exponential", ExponentialConfig(mean))), 100)] for mean in (10.0, 20.0)
    )
    assert long == pytest.approx([2 * t for t in short])
    assert exp(-max(short) / 10.0) > 0


def test_two_stages_of_one_kind_on_a_hop_draw_apart() -> None:
    """Loss .5 and then loss .5 again deliver a quarter, and two delays are not the same delay twice."""
    twice = route(("bernoulli", BernoulliConfig(0.5)), ("bernoulli", BernoulliConfig(0.5)))
    delivered = sum(f.drop is None for f in fly(twice, 20_000))
    assert abs(delivered / 20_000 - 0.25) < 4 * sqrt(0.25 * 0.75 / 20_000)
    once = [f.at_s for f in fly(route(("exponential", ExponentialConfig(10.0))), 200)]
    both = [f.at_s for f in fly(route(*[("exponential", ExponentialConfig(10.0))] * 2), 200)]
    assert both != pytest.approx([2 * t for t in once])
    assert all(b > a for a, b in zip(once, both, strict=True))


def test_adding_a_second_stage_moves_no_draw_of_the_first() -> None:
    """What the first loss stage loses is lost whatever comes behind it."""
    first = {f.label for f in fly(route(("bernoulli", BernoulliConfig(0.3))), 500) if f.drop}
    both = {f.label for f in fly(route(*[("bernoulli", BernoulliConfig(0.3))] * 2), 500) if f.drop}
    assert first < both


def test_no_two_copies_share_a_label() -> None:
    """Over three duplicating hops every copy of a datagram has a label of its own."""
    flights = fly(route(("duplication", DuplicationConfig(0.6)), hops=3), 200)
    labels = [f.label for f in flights]
    assert len(set(labels)) == len(labels) > 600


def test_transit_is_what_it_would_take_without_loss() -> None:
    """A link that loses everything has the same transit times as one that loses nothing."""
    times = []
    for loss in (0.0, 1.0):
        line = route(("bernoulli", BernoulliConfig(loss)), ("lognormal", LognormalConfig(600.0)), hops=2)
        probes = (Datagram(b"x", "b", *Label("notice", 1, 0, n)) for n in range(50))
        times.append([line.transit_s(probe) for probe in probes])
    assert times[0] == times[1]
    assert min(times[0]) > 0.0


class _LosesAll:
    """Loses every flight."""

    def apply(self, flight: Flight, now_s: float) -> None:
        flight.drop = "loss"


class _DelaysTheLiving:
    """Spends time only on what is not lost yet, as a stage from elsewhere may."""

    def apply(self, flight: Flight, now_s: float) -> None:
        flight.at_s += 0.0 if flight.drop else 7.0


def test_transit_undoes_losses_before_the_next_stage() -> None:
    """A stage that ignores lost flights still says how long it would have taken."""
    link = Link("a>b/0", [_LosesAll(), _DelaysTheLiving()], Streams(1, 0).link("a>b/0"))
    assert Route("a", "b", [link]).transit_s(Datagram(b"x", "b", *Label("notice", 1, 0, 1))) == 7.0


def test_copies_of_copies_keep_numbers_of_their_own_or_are_told() -> None:
    """Fifteen stages may copy; a sixteenth has no number left."""
    stages = [("duplication", DuplicationConfig(0.0))] * 14 + [("duplication", DuplicationConfig(1.0))]
    route = build_route("a", "b", [stages], Streams(1, 0))
    assert len({flight.label for flight in route.carry(Datagram(b"x", "b", "n", 1, 0, 1), 0.0)}) == 2
    flight = Flight(Datagram(b"x", "b", "n", 1, 0, 1), 0.0, route)
    labels = {flight.duplicate().label for _ in range(15)}
    assert len(labels) == 15
    with pytest.raises(ValueError, match="more than 15 times copied"):
        flight.duplicate()


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_two_corruptions_of_a_hop_do_not_undo_each_other(share: float) -> None:
    """Each draws its own bit: both at once leave a datagram whole as seldom as two bits are the same."""
    data, count = bytes(24), 4000
    specs = [("corruption", CorruptionConfig(share)), ("corruption", CorruptionConfig(share))]
    route = build_route("a", "b", [specs], Streams(1, 0))
    arrived = [
        route.carry(Datagram(data, "b", "notice", 1, 0, k), 0.0)[0].datagram.data for k in range(count)
    ]
    whole = sum(one == data for one in arrived) / count
    expected = (1.0 - share) ** 2 + share**2 / (8 * len(data))
    assert abs(whole - expected) < 4.0 * (expected * (1.0 - expected) / count) ** 0.5
