"""The four-state stage: mean loss and mean run of losses, from the matrix of its transitions.

States 1 and 2 deliver, 3 and 4 lose. 1 goes to 3 (p13) or 4 (p14), 2 to 3 (p23), 3 to 1 (p31) or 2 (p32), 4
always back to 1 (netem(8), `loss state`; the source of the model is named in the stage). The stationary
shares solve pi P = pi; a run begins where 1 or 2 goes to 3 or 4.
"""

# ruff: noqa: PLC0415 (numpy loads late)

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cbmnet.channels.stages.four_state import FourStateConfig
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.loss_runs import check_runs, exact_runs, losses, outcomes
from cbmnet.validation.trials import Row, Trials, check_probs, rows_of, twenty_stays

_LOSES = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class FourStateCase(Trials):
    """The five transitions per message; a trial is a message."""

    trials: int = 1_000_000
    p13: float = 0.15
    p31: float = 0.4
    p32: float = 0.2
    p23: float = 0.5
    p14: float = 0.05

    def __post_init__(self) -> None:
        check_probs(p13=self.p13, p31=self.p31, p32=self.p32, p23=self.p23, p14=self.p14)
        self.stage()
        check_runs(self.exact()[1])
        self.check_trials()

    @property
    def span(self) -> int:
        """Twenty stays in the state that is left most slowly; and five bursts, broken ones among them.

        Losses alone, in state 4, come one by one: few of them are a small share, and no reason to wait.
        """
        one, _, three, _ = self._shares()[1]
        stays = twenty_stays(self.p13 + self.p14, self.p31, self.p23 if self.p32 else 1.0)
        return max(stays, twenty_stays(4.0 * one * self.p13, 4.0 * three * self.p32, 1.0))

    def stage(self) -> FourStateConfig:
        """The config of the stage."""
        return FourStateConfig(self.p13, self.p31, self.p32, self.p23, self.p14)

    def exact(self) -> tuple[float, float]:
        """Loss, and how often a run begins; from state 1 on, so that states never met do not count."""
        loss, begins = exact_runs(*self._shares(), _LOSES)
        return float(loss), float(begins)

    def _shares(self) -> tuple[list[list[float]], list[float]]:
        """The transitions, and the share of each state."""
        import numpy as np

        p13, p31, p32, p23, p14 = self.p13, self.p31, self.p32, self.p23, self.p14
        matrix = np.array([
            [1 - p13 - p14, 0, p13, p14], [0, 1 - p23, p23, 0], [p31, p32, 1 - p31 - p32, 0], [1, 0, 0, 0],
        ])  # fmt: skip
        met = np.linalg.matrix_power(matrix + np.eye(4), 4)[0] > 0.0
        balance = np.vstack([(matrix.T - np.eye(4))[:, met], np.ones(met.sum())])
        shares = np.zeros(4)
        shares[met] = np.linalg.lstsq(balance, np.array([0.0, 0, 0, 0, 1]), rcond=None)[0]
        return matrix.tolist(), shares.tolist()


@CASES.register("four-state", FourStateCase)
def four_state(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Bursts of four states, netem's: loss, and the mean run of losses."""
    chosen = FourStateCase(**parameters)
    return outcomes(chosen, chosen.exact(), rows_of(_run, chosen, jobs, advance))


def _run(chosen: FourStateCase, size: int, streams: Streams) -> list[Row]:
    return losses(chosen, ("four-state", chosen.stage()), size, streams)
