"""Trials in fixed chunks of fixed batches, so that no result depends on the number of processes.

The trials of a case are dealt to 20 chunks. Each is a run of its own, with its own streams (chunk k is
replication k of the seed), and reports up to 10 batches in a row. A result is a ratio of sums over all
batches, for example losses a message; its standard error is that of the ratio over the 20 to 200 batches
(batch means: A. M. Law, Simulation Modeling and Analysis, 2015). That is honest where neighbouring trials
depend on each other, as long as a batch is long against that dependence: its `span` says how long.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import ceil, fsum, sqrt
from typing import Any

from cbmnet.errors import SimulationError
from cbmnet.streams import Streams
from cbmnet.validation.case import Advance, Outcome

CHUNKS, BATCHES = 20, 10
LEAST = CHUNKS * BATCHES
MOST = 10**8
_ROUNDING = 1e-12  # of exact values that are computed


class TooFewError(SimulationError):
    """What a result is a share of did not come up at all in these trials."""


Row = tuple[float, ...]
"""The sums of one batch; what each column is, its case knows."""
Run = Callable[[Any, int, Streams], list[Row]]
"""One chunk: the case's config, how many trials, and the chunk's streams."""


@dataclass(frozen=True, kw_only=True)
class Trials:
    """How many `trials` (what one is, the case says), and the `seed` of their draws."""

    trials: int = LEAST
    seed: int = 1

    @property
    def span(self) -> int:
        """The least number of trials a batch, long against what ties one trial to the next."""
        return 1

    @property
    def lowest(self) -> int:
        """The fewest trials: a batch for each chunk, and 200 in all."""
        return max(LEAST, CHUNKS * self.span)

    def check_trials(self) -> None:
        """Raises ValueError for too few or too many trials."""
        if self.lowest > MOST:
            raise ValueError(f"these parameters ask for more trials than the {MOST} that are taken at most")
        if not self.lowest <= self.trials <= MOST:
            raise ValueError(f"trials must be from {self.lowest} to {MOST} here, not {self.trials}")

    def batches(self, size: int) -> Iterator[tuple[int, int]]:
        """The spans of the batches of a chunk of so many trials."""
        return spans(size, max(1, min(BATCHES, size // self.span)))


def check_probs(**named: float) -> None:
    """Raises ValueError for what is no probability."""
    for name, value in named.items():
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} must be from 0 to 1, not {value:g}")


def twenty_stays(*rates: float) -> int:
    """Steps in twenty stays in the state that is left most slowly; rates are a step's, 0 for never.

    More than may be taken are not counted.
    """
    return ceil(min(20.0 / max(min(rate for rate in rates if rate > 0.0), 1e-100), MOST + 1.0))


def spans(count: int, parts: int) -> Iterator[tuple[int, int]]:
    """Cuts 0 to `count` into that many spans, equal but for one."""
    edges = [count * k // parts for k in range(parts + 1)]
    return pairwise(edges)


def rows_of(run: Run, chosen: Trials, jobs: int, advance: Advance) -> list[Row]:
    """The batches of all chunks, in order."""
    sizes = [stop - start for start, stop in spans(chosen.trials, CHUNKS)]
    work = partial(_chunk, run, chosen)
    if jobs == 1:
        return _gather(map(work, range(CHUNKS), sizes), advance)
    with ProcessPoolExecutor(min(jobs, CHUNKS)) as pool:
        return _gather(pool.map(work, range(CHUNKS), sizes), advance)


def _chunk(run: Run, chosen: Trials, number: int, size: int) -> list[Row]:
    return run(chosen, size, Streams(chosen.seed, number))


def _gather(chunks: Iterable[list[Row]], advance: Advance) -> list[Row]:
    rows: list[Row] = []
    for done, chunk in enumerate(chunks, start=1):
        rows += chunk
        advance(f"{done} of {CHUNKS} parts")
    return rows


def ratio(chosen: Trials, exact: float, rows: list[Row], of: int, per: int = 0, note: str = "") -> Outcome:
    """Column `of` over column `per`, all batches together, beside the exact value.

    Where no batch differs from another their spread tells nothing; the error is then that of one event more
    or less. TooFewError if column `per` is 0 throughout.
    """
    total, over = fsum(row[of] for row in rows), fsum(row[per] for row in rows)
    if not over:
        raise TooFewError(f"nothing to measure came up in {chosen.trials} trials; take more (-n)")
    value, n = total / over, len(rows)
    error = sqrt(fsum((row[of] - value * row[per]) ** 2 for row in rows) * n / (n - 1)) / over
    if not error and abs(value - exact) > _ROUNDING:
        error = 1.0 / over
    return Outcome(exact, value, error, chosen.trials, note=note)
