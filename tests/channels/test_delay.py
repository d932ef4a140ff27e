"""Delays: each has the distribution it names, by inversion, with and without the common options."""

from dataclasses import replace
from itertools import pairwise
from math import exp, expm1, inf, log, sqrt
from statistics import NormalDist, fmean, pstdev
from typing import Any

import pytest
from scipy import stats

from cbmnet.channels.delay import DelayOptions
from cbmnet.channels.gamma_quantile import gamma_quantile
from cbmnet.channels.stage import STAGES, WORD_DELAY, Flight
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.empirical import EmpiricalConfig
from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.channels.stages.gamma import GammaConfig
from cbmnet.channels.stages.lognormal import LognormalConfig
from cbmnet.channels.stages.pareto import ParetoConfig
from cbmnet.channels.stages.truncated_normal import TruncatedNormalConfig
from cbmnet.channels.stages.uniform import UniformConfig
from cbmnet.datagram import Datagram, Label

from .lines import fly, line, route, stage

N = 20_000
NORMAL = NormalDist()

# Kind, config, mean and standard deviation, from the textbook formulas.
_A, _PHI = -0.5, NORMAL.pdf(0.5) / (1 - NORMAL.cdf(-0.5))
MOMENTS: list[tuple[str, Any, float, float]] = [
    ("uniform", UniformConfig(10.0, 4.0), 10.0, 4.0 / sqrt(3.0)),
    ("exponential", ExponentialConfig(7.0), 7.0, 7.0),
    ("gamma", GammaConfig(10.0, 4.0), 10.0, 5.0),
    ("gamma", GammaConfig(10.0, 0.5), 10.0, 10.0 * sqrt(2.0)),
    ("pareto", ParetoConfig(10.0, 4.0), 10.0, 10.0 / sqrt(8.0)),
    ("truncated-normal", TruncatedNormalConfig(1.0, 2.0), 1 + 2 * _PHI, 2 * sqrt(1 + _A * _PHI - _PHI**2)),
    ("empirical", EmpiricalConfig((4.0, 1.0, 1.0, 10.0), steps=True), 4.0, sqrt(13.5)),
    ("empirical", EmpiricalConfig((6.0, 2.0)), 4.0, 4.0 / sqrt(12.0)),
    ("lognormal", LognormalConfig(10.0, 0.5), 10.0 * exp(0.125), 10.0 * exp(0.125) * sqrt(exp(0.25) - 1.0)),
]  # fmt: skip

# The same distributions as SciPy has them.
SCIPY: list[tuple[str, Any, Any]] = [
    ("uniform", UniformConfig(10.0, 4.0), stats.uniform(6.0, 8.0)),
    ("exponential", ExponentialConfig(7.0), stats.expon(scale=7.0)),
    ("gamma", GammaConfig(10.0, 2.5), stats.gamma(2.5, scale=4.0)),
    ("pareto", ParetoConfig(10.0, 3.0), stats.pareto(3.0, scale=20.0 / 3.0)),
    ("pareto", ParetoConfig(12.0, 3.0, offset_s=2.0), stats.pareto(3.0, loc=2.0, scale=20.0 / 3.0)),
    ("truncated-normal", TruncatedNormalConfig(1.0, 2.0), stats.truncnorm(-0.5, inf, 1.0, 2.0)),
    ("truncated-normal", TruncatedNormalConfig(5.0, 2.0, 1.0, 6.0), stats.truncnorm(-2.0, 0.5, 5.0, 2.0)),
    ("truncated-normal", TruncatedNormalConfig(1.0, 1.0, 5.0), stats.truncnorm(4.0, inf, 1.0, 1.0)),
    ("lognormal", LognormalConfig(10.0, 0.7), stats.lognorm(0.7, scale=10.0)),
]

# The same kind with a smaller and a larger parameter.
RISING: list[tuple[str, Any, Any]] = [
    ("constant", ConstantConfig(1.0), ConstantConfig(2.0)),
    ("uniform", UniformConfig(5.0, 2.0), UniformConfig(6.0, 2.0)),
    ("exponential", ExponentialConfig(1.0), ExponentialConfig(2.0)),
    ("gamma", GammaConfig(1.0), GammaConfig(1.5)),
    ("lognormal", LognormalConfig(1.0), LognormalConfig(1.1)),
    ("pareto", ParetoConfig(1.0), ParetoConfig(1.2)),
    ("truncated-normal", TruncatedNormalConfig(1.0, 1.0), TruncatedNormalConfig(1.2, 1.0)),
    ("empirical", EmpiricalConfig((1.0, 5.0)), EmpiricalConfig((2.0, 5.5))),
]


def times(kind: str, config: Any, n: int = N) -> list[float]:
    return [f.at_s for f in fly(route((kind, config)), n)]


def name(case: Any) -> str:
    return case if isinstance(case, str) else ""


@pytest.mark.parametrize(("kind", "config", "mean", "deviation"), MOMENTS, ids=name)
def test_a_delay_has_its_mean_and_spread(kind: str, config: Any, mean: float, deviation: float) -> None:
    """Of 20,000 flights, the mean within 4 standard errors and the standard deviation within a twelfth."""
    found = times(kind, config)
    assert abs(fmean(found) - mean) < 4 * deviation / sqrt(N)
    assert pstdev(found) == pytest.approx(deviation, rel=1 / 12)


@pytest.mark.parametrize(("kind", "config", "known"), SCIPY, ids=name)
def test_a_delay_has_its_quantiles(kind: str, config: Any, known: Any) -> None:
    """The inverse agrees with SciPy's to nine digits, in both tails."""
    quantile_s = stage((kind, config)).quantile_s  # type: ignore[attr-defined]
    for share in (1e-6, 0.01, 0.25, 0.5, 0.75, 0.99, 1 - 1e-6):
        assert quantile_s(share) == pytest.approx(float(known.ppf(share)), rel=1e-9)


@pytest.mark.parametrize("shape", [0.1, 0.3, 0.99, 1.0, 2.0, 3.7, 50.0, 1000.0])
def test_the_gamma_quantile_is_scipys(shape: float) -> None:
    """To ten digits from the least share to the greatest, wherever a number can hold it."""
    for share in (2.0**-53, 1e-9, 1e-3, 0.1, 0.37, 0.5, 0.9, 0.999, 1 - 1e-9, 1 - 2.0**-53):
        assert gamma_quantile(shape, share) == pytest.approx(float(stats.gamma.ppf(share, shape)), rel=1e-10)
    assert gamma_quantile(shape, 0.0) == 0.0


def test_every_delay_is_covered_here() -> None:
    """A delay stage that is added has to be added to these tables too."""
    delays = {n for n in STAGES.names() if issubclass(STAGES[n].config, DelayOptions)}
    assert {kind for kind, *_ in RISING} == delays
    assert {kind for kind, *_ in MOMENTS} == delays - {"constant"}


@pytest.mark.parametrize(("kind", "low", "high"), RISING, ids=name)
@pytest.mark.parametrize("options", [{}, {"correlation": 0.6}, {"keep_order": True}])
def test_a_larger_parameter_delays_the_same_flights_longer(
    kind: str, low: Any, high: Any, options: dict[str, Any]
) -> None:
    """Common random numbers: not one of 500 flights is faster on the slower line."""
    short, long = (times(kind, replace(config, **options), 500) for config in (low, high))
    assert all(a < b for a, b in zip(short, long, strict=True))


@pytest.mark.parametrize(("kind", "config", "_"), RISING, ids=name)
@pytest.mark.parametrize("word", [bytes(8), b"\xff" * 8])
@pytest.mark.parametrize("rho", [0.0, 0.999])
def test_the_extreme_words_give_finite_delays(
    kind: str, config: Any, _: Any, word: bytes, rho: float
) -> None:
    """The least and the greatest uniform there are: a time, never an error; also along a correlated chain."""
    of = stage((kind, replace(config, correlation=rho)))
    for number in range(50):
        flight = Flight(Datagram(b"x", "b", *Label("n", 1, 0, number)), 0.0, line(of), word * 8)
        assert flight.words[WORD_DELAY] == word
        of.apply(flight, 0.0)
        assert 0.0 <= flight.at_s < inf


@pytest.mark.parametrize("rho", [0.8, -0.5])
def test_correlation_is_that_of_the_copula(rho: float) -> None:
    """The normal scores of 20,000 delays have lag-1 correlation rho, within 4 standard errors."""
    found = times("exponential", ExponentialConfig(5.0, correlation=rho))
    scores = [NORMAL.inv_cdf(-expm1(-t / 5.0)) for t in found]
    lag = fmean(a * b for a, b in pairwise(scores))
    # Bartlett 1946: the variance of a lag-1 correlation of an AR(1) is (1 - rho^2)/n; here the mean and the
    # variance are known rather than estimated, which adds that of the variance.
    error = sqrt((1 - rho**2) / N + rho**2 * 2 * (1 + rho**2) / (1 - rho**2) / N)
    assert abs(lag - rho) < 4 * error


def test_correlation_keeps_the_distribution() -> None:
    """At every tenth delay of a chain with rho .5, nearly independent, Kolmogorov's distance is ordinary."""
    found = times("gamma", GammaConfig(10.0, 2.0, correlation=0.5))[::10]
    distance = stats.kstest(found, stats.gamma(2.0, scale=5.0).cdf)
    assert distance.pvalue > 1e-4
    assert pstdev(found) == pytest.approx(10.0 / sqrt(2.0), rel=0.1)


def test_the_first_delay_of_a_chain_is_stationary() -> None:
    """Over 2,000 seeds the first delay has the mean of the distribution."""
    config = ExponentialConfig(1.0, correlation=0.95)
    firsts = [fly(route(("exponential", config), seed=s), 1)[0].at_s for s in range(2000)]
    assert abs(fmean(firsts) - 1.0) < 4 / sqrt(2000)


def test_kept_order_is_never_broken() -> None:
    """Of 5,000 messages a second apart with delays of a minute, none overtakes; without the option, many."""
    plain = [f.at_s for f in fly(route(("exponential", ExponentialConfig(60.0))), 5000, step_s=1.0)]
    kept = [
        f.at_s
        for f in fly(route(("exponential", ExponentialConfig(60.0, keep_order=True))), 5000, step_s=1.0)
    ]
    assert sum(b < a for a, b in pairwise(plain)) > 1000
    assert all(a <= b for a, b in pairwise(kept))
    high = 0.0
    for alone, with_order in zip(plain, kept, strict=True):
        high = max(high, alone)
        assert with_order == high


def test_the_lost_hold_nobody_back() -> None:
    """A message that never arrives has nothing to be overtaken: where most are lost, the rest is free."""
    kept = ("exponential", ExponentialConfig(60.0, keep_order=True))
    flights = fly(route(("bernoulli", BernoulliConfig(0.9)), kept), 3000, step_s=1.0)
    alone = fly(route(("exponential", ExponentialConfig(60.0))), 3000, step_s=1.0)
    high = 0.0
    for flight, free in zip(flights, alone, strict=True):
        if flight.drop is None:
            high = max(high, free.at_s)
            assert flight.at_s == high


def test_what_earlier_flights_left_can_be_forgotten() -> None:
    """After `forget` a flight is as fast as the first one was."""
    of: Any = stage(("exponential", ExponentialConfig(60.0, keep_order=True, correlation=0.9)))
    one = line(of)
    first = fly(one, 1)[0].at_s
    fly(one, 500)
    assert fly(one, 1)[0].at_s > first
    of.forget()
    assert fly(one, 1)[0].at_s == first


def test_options_alone_make_a_stage_depend_on_others() -> None:
    """Without options the plain stage is made and needs no order; with one, it says that it does."""
    plain = stage(("constant", ConstantConfig(1.0)))
    assert type(plain).__name__ == "Constant"
    assert not getattr(plain, "ordered", False)
    for options in ({"correlation": 0.1}, {"keep_order": True}):
        assert stage(("constant", ConstantConfig(1.0, **options))).ordered  # type: ignore[attr-defined]


def test_a_table_is_read_linearly_or_in_steps() -> None:
    """Linear: any time between least and greatest; steps: the values alone, each as often."""
    linear, steps = EmpiricalConfig((9.0, 1.0, 3.0)), EmpiricalConfig((9.0, 1.0, 3.0), steps=True)
    at = stage(("empirical", linear)).quantile_s  # type: ignore[attr-defined]
    assert [at(s) for s in (0.0, 0.25, 0.5, 0.75)] == [1.0, 2.0, 3.0, 6.0]
    found = times("empirical", steps, 3000)
    assert {*found} == {1.0, 3.0, 9.0}
    assert abs(found.count(3.0) / 3000 - 1 / 3) < 4 * sqrt(2 / 9 / 3000)


def test_what_netem_sends_at_once_is_clipped_not_left_out() -> None:
    """Clipped at 0 a normal delay of 1 and jitter 1 is 0 for Phi(-1) of all; truncated it never is."""
    clipped = times("truncated-normal", TruncatedNormalConfig(1.0, 1.0, clipped=True))
    share = NORMAL.cdf(-1.0)
    assert abs(clipped.count(0.0) / N - share) < 4 * sqrt(share * (1 - share) / N)
    assert 0.0 not in times("truncated-normal", TruncatedNormalConfig(1.0, 1.0))
    assert min(times("uniform", UniformConfig(1.0, 2.0), 500)) == 0.0
    cut = times("pareto", ParetoConfig(1.0, 3.0, offset_s=-0.5, high_s=2.0))
    assert max(cut) == 2.0
    assert cut.count(2.0) / N == pytest.approx(1 / 2.5**3, rel=0.1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ConstantConfig(1.0, correlation=1.0), "correlation must be above -1 and below 1"),
        (lambda: UniformConfig(1.0, -1.0), "jitter must be at least 0"),
        (lambda: GammaConfig(1.0, 0.0), "shape must be from 0.1 to 1000"),
        (lambda: ParetoConfig(1.0, 1.0), "shape must be above 1"),
        (lambda: ParetoConfig(1.0, 2.0, offset_s=2.0), "at least offset"),
        (lambda: ParetoConfig(1.0, high_s=0.0), "high must be longer than the least delay, 0.666667"),
        (lambda: ParetoConfig(10.0, 3.0, 5.0, 8.0), "high must be longer than the least delay, 8.33333"),
        (lambda: TruncatedNormalConfig(1.0, 0.0), "jitter longer than 0"),
        (lambda: TruncatedNormalConfig(1.0, 1.0, 3.0, 2.0), "low must be at least 0 and below high"),
        (lambda: TruncatedNormalConfig(1.0, 1.0, 50.0), "next to nothing"),
        (lambda: EmpiricalConfig(()), "at least one delay"),
        (lambda: EmpiricalConfig((1.0, -1.0)), "no delay below 0"),
        (lambda: LognormalConfig(1.0, 11.0), "sigma must be from 0 to 10"),
    ],
)
def test_a_delay_that_is_none_is_refused(make: Any, said: str) -> None:
    """One sentence with what is allowed."""
    with pytest.raises(ValueError, match=said):
        make()


def test_the_median_of_a_pareto_is_its_formula() -> None:
    """m 2^(1/shape), with m = mean (shape - 1)/shape."""
    at = stage(("pareto", ParetoConfig(10.0, 2.5))).quantile_s  # type: ignore[attr-defined]
    assert at(0.5) == pytest.approx(6.0 * exp(log(2.0) / 2.5))
