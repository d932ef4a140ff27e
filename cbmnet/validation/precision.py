"""How many trials a case takes where nobody says it: as many as bring every standard error to 1 %.

The default number of a case is enough at its default parameters (.4 %). At others a result may be rare or
its batches may differ more. Then the case runs again with as many trials as the error it had asks for: a
procedure of two stages (C. Stein, Annals of Mathematical Statistics 16, 1945), and of a third where the first
error was estimated too small. It stops at twenty times what it began with, and what would be
enough is told (`imprecise`).
"""

from collections.abc import Mapping
from math import ceil, log10
from typing import Any

from cbmnet.validation.case import Advance, Case, Results
from cbmnet.validation.trials import MOST, TooFewError

WISHED = 0.01
"""The largest standard error, as a share of the exact value."""
_AIM = 0.009  # the error is itself an estimate, good to some 5 % with 200 batches
MOST_TIMES = 20


def run_precisely(
    case: Case, parameters: Mapping[str, Any], jobs: int, advance: Advance
) -> tuple[dict[str, Any], Results]:
    """The parameters with the number of trials that it took, and the results.

    `parameters` has the number to begin with as `trials`. Raises TooFewError if even twenty times as many saw
    nothing of a result.
    """
    chosen = dict(parameters)
    most = min(MOST, MOST_TIMES * chosen["trials"])
    while True:
        try:
            results = case(chosen, jobs, advance)
            needed = max(imprecise(results).values(), default=0)
        except TooFewError:
            if chosen["trials"] == most:
                raise
            needed = most
        if not needed or chosen["trials"] == most:
            return chosen, results
        chosen["trials"] = min(most, needed)


def imprecise(results: Results) -> dict[str, int]:
    """The results with a standard error above 1 % of the exact value, and how many trials would do."""
    return {
        name: _round_up(o.n * (o.standard_error / (_AIM * o.exact)) ** 2)
        for name, o in results.items()
        if o.standard_error > WISHED * abs(o.exact) > 0.0
    }


def _round_up(count: float) -> int:
    """To two digits."""
    unit: int = 10 ** max(0, int(log10(count)) - 1)
    return ceil(count / unit) * unit
