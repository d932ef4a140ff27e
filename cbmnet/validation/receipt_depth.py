"""Receipts to depth k: k transmissions in a chain, the message the first, each lost with probability e.

The chain completes with (1 - e)^k. Whoever sent a transmission that is answered and hears nothing asks
whether its partner lacks it: it was lost with e, and the answer with (1 - e) e, so the partner lacks it with
e/(e + (1 - e) e) = 1/(2 - e), more than one half, at every depth (A. Rubinstein, The Electronic Mail Game,
American Economic Review 79, 1989). Counted are both ends of every chain that wait for an answer in vain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cbmnet.protocols.variants.receipts import MAX_DEPTH
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.chains import deepest
from cbmnet.validation.trials import Row, Trials, check_probs, ratio, rows_of


@dataclass(frozen=True)
class ReceiptsCase(Trials):
    """`loss` of each transmission, and the `depth` of the chain; a trial is a chain."""

    trials: int = 250_000
    loss: float = 0.2
    depth: int = 3

    def __post_init__(self) -> None:
        check_probs(loss=self.loss)
        if not 1 <= self.depth <= MAX_DEPTH:
            raise ValueError(f"depth must be from 1 to {MAX_DEPTH}")
        self.check_trials()


@CASES.register("receipts", ReceiptsCase)
def receipts(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Receipts of receipts: how often a chain completes, and what silence says."""
    chosen = ReceiptsCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    results = {"complete": ratio(chosen, (1.0 - chosen.loss) ** chosen.depth, rows, 1)}
    if chosen.depth > 1 and chosen.loss:  # else nobody waits in vain
        lacks = 1.0 / (2.0 - chosen.loss)
        results["partner_lacks_last"] = ratio(chosen, lacks, rows, 3, 2, "of those who wait in vain")
    return results


def _run(chosen: ReceiptsCase, size: int, streams: Streams) -> list[Row]:
    """Chains, those complete, ends that wait in vain, and those of them whose partner lacks their last."""
    seen = list(zip(*deepest(chosen.depth, chosen.loss, size, streams), strict=True))
    return [_row(seen[start:stop], chosen.depth) for start, stop in chosen.batches(size)]


def _row(seen: list[tuple[int, int]], depth: int) -> Row:
    complete = silent = lacking = 0
    for even, odd in seen:
        complete += max(even, odd) == depth
        if even + 1 < depth:  # the sender of the message always sent one more than it saw
            silent += 1
            lacking += odd < even + 1
        if odd > 0 and odd + 1 < depth:
            silent += 1
            lacking += even < odd + 1
    return len(seen), complete, silent, lacking
