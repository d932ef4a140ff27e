"""k of n copies: a message is handed up once k copies have come, each by a route of its own.

With independent loss on every route that is a binomial tail; 3 of 5 at .3: .83692. With `p` and `r` the n
ways share one bursty line (Gilbert-Elliott, nothing lost in the good state, all in the bad) and the copies
go over it one after the other, so that a burst meets several of them: 16 of 20 at p = .02, r = .1 is .72601,
against .76875 over independent lines of the same mean loss. The exact value is the distribution of losses in
n steps of the chain from its stationary state, step by step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, comb
from typing import Any

from cbmnet.channels.link import build_route
from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.gilbert_elliott import GilbertElliottConfig
from cbmnet.protocols.endpoint import way
from cbmnet.protocols.events import Received
from cbmnet.protocols.variants.k_of_n import MAX_ROUTES
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.line import A, B, Pair, a_second, number_of
from cbmnet.validation.trials import Row, Trials, check_probs, ratio, rows_of, twenty_stays


@dataclass(frozen=True)
class KOfNCase(Trials):
    """`k` of `n` at `loss`, or with `p` and `r` bursty at p/(p + r) instead; a trial is a message."""

    trials: int = 60_000
    k: int = 3
    n: int = 5
    loss: float = 0.3
    p: float = 0.0
    r: float = 0.0

    def __post_init__(self) -> None:
        check_probs(loss=self.loss, p=self.p, r=self.r)
        if not 1 <= self.k <= self.n <= MAX_ROUTES:
            raise ValueError(f"k and n must be 1 <= k <= n <= {MAX_ROUTES}")
        self.check_trials()

    @property
    def is_bursty(self) -> bool:
        """Whether the copies share one bursty line."""
        return self.p + self.r > 0.0

    @property
    def span(self) -> int:
        """The messages of twenty stays in the slower state of a bursty line."""
        return ceil(twenty_stays(self.p, self.r) / self.n) if self.is_bursty else 1

    def exact(self) -> float:
        """Probability that at least k copies come."""
        return (
            bursty(self.k, self.n, self.p, self.r) if self.is_bursty else binomial(self.k, self.n, self.loss)
        )


def binomial(k: int, n: int, loss: float) -> float:
    """At least k of n come, each lost by itself."""
    return sum(comb(n, i) * (1.0 - loss) ** i * loss ** (n - i) for i in range(k, n + 1))


def bursty(k: int, n: int, p: float, r: float) -> float:
    """At least k of n in a row come, lost in the bad state of a chain that starts stationary."""
    good, bad = [r / (p + r)] + [0.0] * n, [p / (p + r)] + [0.0] * n  # by losses so far
    for _ in range(n):
        lost = [0.0, *bad[:-1]]
        good, bad = (
            [x * (1.0 - p) + y * r for x, y in zip(good, lost, strict=True)],
            [x * p + y * (1.0 - r) for x, y in zip(good, lost, strict=True)],
        )
    return sum(good[: n - k + 1]) + sum(bad[: n - k + 1])


@CASES.register("k-of-n", KOfNCase)
def k_of_n(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """k of n copies, over lines of their own or in one burst: what is handed up."""
    chosen = KOfNCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    note = f"{chosen.n} lines of loss {chosen.loss:g}"
    if chosen.is_bursty:
        loss = chosen.p / (chosen.p + chosen.r)
        apart = binomial(chosen.k, chosen.n, loss)
        note = f"one bursty line of mean loss {loss:.4g}; {apart:.5f} over independent ones"
    return {"delivered": ratio(chosen, chosen.exact(), rows, 1, note=note)}


def _run(chosen: KOfNCase, size: int, streams: Streams) -> list[Row]:
    came = bytearray(size)

    def arrive(event: Received) -> None:
        came[number_of(event.data)] = 1

    pair = Pair("k-of-n", {"k": chosen.k, "n": chosen.n, "hold_s": 0.5}, on_b=arrive)
    _lay(pair, chosen, streams)
    pair.send_every(size, a_second)
    return [(stop - start, came.count(1, start, stop)) for start, stop in chosen.batches(size)]


def _lay(pair: Pair, chosen: KOfNCase, streams: Streams) -> None:
    """A line for each way, or one for all of them."""
    if chosen.is_bursty:
        stage = ("gilbert-elliott", GilbertElliottConfig(chosen.p, chosen.r))
        (shared,) = build_route(A, B, [[stage]], streams).links
    for number in range(chosen.n):
        here, there = way(A, number), way(B, number)
        if chosen.is_bursty:
            pair.join_by(here, there, shared)
        else:
            (own,) = build_route(here, there, [[("bernoulli", BernoulliConfig(chosen.loss))]], streams).links
            pair.join_by(here, there, own)
