"""The two generals: m messages in a chain, each sent once its like has come, each lost with probability p.

Who sends the last message acts once it had the one before it (with m = 1 at once); the other acts once it
got the last. They disagree iff the last is sent and lost: p (1 - p)^(m - 1), above 0 for every finite m; all
arrive with (1 - p)^m. (E. A. Akkoyunlu, K. Ekanadham, R. V. Huber, Some constraints and tradeoffs in the
design of network communications, SOSP 1975; J. Gray, Notes on Data Base Operating Systems, 1978.)
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
class TwoGeneralsCase(Trials):
    """`loss` of each of the `messages`; a trial is a chain."""

    trials: int = 700_000
    loss: float = 0.3
    messages: int = 3

    def __post_init__(self) -> None:
        check_probs(loss=self.loss)
        if not 1 <= self.messages <= MAX_DEPTH:
            raise ValueError(f"messages must be from 1 to {MAX_DEPTH}")
        self.check_trials()


@CASES.register("two-generals", TwoGeneralsCase)
def two_generals(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """A finite chain of messages: how often the two ends disagree, and how often all arrive."""
    chosen = TwoGeneralsCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    kept = 1.0 - chosen.loss
    return {
        "disagree": ratio(chosen, chosen.loss * kept ** (chosen.messages - 1), rows, 1),
        "all_delivered": ratio(chosen, kept**chosen.messages, rows, 2),
    }


def _run(chosen: TwoGeneralsCase, size: int, streams: Streams) -> list[Row]:
    """Chains, those in which one alone acts, and those in which the last message came."""
    m = chosen.messages
    last_even, last_odd = m - m % 2, m - 1 + m % 2
    seen = deepest(m, chosen.loss, size, streams)
    acts = [(even == last_even, odd == last_odd) for even, odd in zip(*seen, strict=True)]
    return [
        (
            stop - start,
            sum(first != second for first, second in acts[start:stop]),
            sum(first and second for first, second in acts[start:stop]),
        )
        for start, stop in chosen.batches(size)
    ]
