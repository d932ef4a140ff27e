"""Messages that overtake each other: one every s, each with an independent delay of mean 1.

Two definitions. `reordered`: a message is overtaken by the very next one, so its delay exceeds the next
one's by more than s; e^-s/2 for exponential delays, (2 - s)^2/8 up to s = 2 for uniform ones from 0 to 2.
`reordered_rfc4737`: a message arrives after any that was sent later (type-P-reordered, RFC 4737, section
3.3). For exponential delays, with q = e^-s, that is 1 - sum over m >= 0 of (q^(m(m+1)/2) -
q^((m+1)(m+2)/2))/(m+1): given its delay x between ms and (m+1)s no later one is ahead with probability
product over j <= m of e^-(x - js). For uniform delays the same product, over 1 - (x - js)/2, is integrated
piece by piece; it is a polynomial there.
"""

# ruff: noqa: PLC0415 (numpy loads late)

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, exp
from typing import Any

from cbmnet.channels.link import StageSpec
from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.channels.stages.uniform import UniformConfig
from cbmnet.protocols.events import Received
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.line import Pair, number_of
from cbmnet.validation.trials import Row, Trials, ratio, rows_of

DISTRIBUTIONS = ("exponential", "uniform")
_LONGEST = {"exponential": 30.0, "uniform": 2.0}  # a delay that is exceeded with less than 1e-13, or never
_NODES = 32  # exact for pieces of degree up to 63; further factors are all but constant


@dataclass(frozen=True)
class ReorderCase(Trials):
    """`spacing` in mean delays; `distribution`: exponential or uniform (1 +- 1); a trial is a message."""

    trials: int = 400_000
    spacing: float = 0.5
    distribution: str = "exponential"

    def __post_init__(self) -> None:
        if not 0.01 <= self.spacing <= 20.0:
            raise ValueError(f"spacing must be from .01 to 20, not {self.spacing:g}")
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(f'distribution must be exponential or uniform, not "{self.distribution}"')
        self.check_trials()

    @property
    def span(self) -> int:
        """The messages of twenty mean delays."""
        return ceil(20.0 / self.spacing)

    def stage(self) -> StageSpec:
        """The delay."""
        if self.distribution == "exponential":
            return "exponential", ExponentialConfig(1.0)
        return "uniform", UniformConfig(1.0, 1.0)

    def exact(self) -> tuple[float, float]:
        """Overtaken by the next, and reordered in the sense of RFC 4737."""
        if self.distribution == "exponential":
            return exp(-self.spacing) / 2.0, _late_exponential(self.spacing)
        return max(0.0, 2.0 - self.spacing) ** 2 / 8.0, _late_uniform(self.spacing)


def _late_exponential(spacing: float) -> float:
    powers = [exp(-spacing * m * (m + 1) / 2.0) for m in range(ceil(40.0 / spacing) + 2)]
    return 1.0 - sum((powers[m] - powers[m + 1]) / (m + 1) for m in range(len(powers) - 1))


def _late_uniform(spacing: float) -> float:
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    first = 0.0
    for piece in range(ceil(2.0 / spacing)):
        low, high = piece * spacing, min(2.0, (piece + 1) * spacing)
        x = low + (nodes + 1.0) / 2.0 * (high - low)
        later = spacing * np.arange(1, piece + 1)
        ahead_of_all = np.prod(1.0 - (x[:, None] - later) / 2.0, axis=1)
        first += float(weights @ ahead_of_all) * (high - low) / 4.0
    return 1.0 - first


@CASES.register("reorder", ReorderCase)
def reorder(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Independent delays: messages overtaken by the next one, and by any later one (RFC 4737)."""
    chosen = ReorderCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    by_next, by_any = chosen.exact()
    return {
        "reordered": ratio(chosen, by_next, rows, 1, note="overtaken by the next one sent"),
        "reordered_rfc4737": ratio(chosen, by_any, rows, 2, note="arrived after any one sent later"),
    }


def _run(chosen: ReorderCase, size: int, streams: Streams) -> list[Row]:
    """So many messages go behind the last as could overtake it."""
    sent = size + ceil(_LONGEST[chosen.distribution] / chosen.spacing) + 1
    here, by_next, late = bytearray(sent + 1), bytearray(sent), bytearray(sent)
    newest = -1

    def arrive(event: Received) -> None:
        nonlocal newest
        number = number_of(event.data)
        here[number] = 1
        if number > newest:
            newest = number
        else:
            late[number] = 1
            by_next[number] = here[number + 1]

    pair = Pair("fire-and-forget", {}, on_b=arrive)
    pair.join(streams, [chosen.stage()])
    pair.send_every(sent, lambda: chosen.spacing)
    return [
        (stop - start, by_next.count(1, start, stop), late.count(1, start, stop))
        for start, stop in chosen.batches(size)
    ]
