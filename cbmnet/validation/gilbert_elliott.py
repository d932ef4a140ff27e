"""The Gilbert-Elliott stage: mean loss and mean run of losses (Gilbert 1960, Elliott 1963).

With pi = p/(p + r) the share of the bad state, loss is (1 - pi) e_good + pi e_bad. A run begins where a
message is lost after one that was not, so the mean run is the loss over the sum over states s, t of pi_s (1
- e_s) P_st e_t; with e_good = 0 and e_bad = 1 that is 1/r. p = .02, r = .2, e = (.01, .6): loss .063636,
mean run 1.71308.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cbmnet.channels.stages.gilbert_elliott import GilbertElliottConfig
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.loss_runs import check_runs, exact_runs, losses, outcomes
from cbmnet.validation.trials import Row, Trials, check_probs, rows_of, twenty_stays


@dataclass(frozen=True)
class GilbertElliottCase(Trials):
    """Good to bad `p`, bad to good `r`, loss in either; a trial is a message."""

    trials: int = 1_000_000
    p: float = 0.2
    r: float = 0.4
    e_good: float = 0.1
    e_bad: float = 0.8

    def __post_init__(self) -> None:
        check_probs(p=self.p, r=self.r, e_good=self.e_good, e_bad=self.e_bad)
        if self.p + self.r == 0.0:
            raise ValueError("p and r cannot both be 0: the chain would never leave its first state")
        check_runs(self.exact()[1])
        self.check_trials()

    @property
    def span(self) -> int:
        """Twenty stays in the slower state: few visits to a rare one would tell nothing of their spread."""
        return twenty_stays(self.p, self.r)

    def exact(self) -> tuple[float, float]:
        """Loss, and how often a run begins."""
        p, r = self.p, self.r
        return exact_runs([[1 - p, p], [r, 1 - r]], [r / (p + r), p / (p + r)], [self.e_good, self.e_bad])


@CASES.register("gilbert-elliott", GilbertElliottCase)
def gilbert_elliott(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Bursts of two states: loss, and the mean run of losses."""
    chosen = GilbertElliottCase(**parameters)
    return outcomes(chosen, chosen.exact(), rows_of(_run, chosen, jobs, advance))


def _run(chosen: GilbertElliottCase, size: int, streams: Streams) -> list[Row]:
    config = GilbertElliottConfig(chosen.p, chosen.r, chosen.e_good, chosen.e_bad)
    return losses(chosen, ("gilbert-elliott", config), size, streams)
