"""Where misperception comes from: the CORP decomposition of the Brier score over all runs.

Miscalibration is error about the channel (or the prior); discrimination is what the channel did not
lose; uncertainty is the world's. Score = miscalibration - discrimination + uncertainty. Intervals by
bootstrap over whole runs, because samples of one run share their fate.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Sample
from cbmnet.simulation.run import Facts
from cbmnet.statistics import Interval, corp_intervals

RESAMPLES = 200
_SEED = 20260101  # of the bootstrap alone; results are the same for the same runs


@METRICS.register("decomposition")
class Decomposition:
    """Keeps belief and truth of every sample; the decomposition is made over all runs."""

    kind: Literal["pooled"] = "pooled"
    wants: tuple[type, ...] = (Sample,)

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._probabilities: list[float] = []
        self._intents: list[int] = []

    def feed(self, record: Any) -> None:
        """Keeps one sample."""
        self._probabilities.append(record.probability)
        self._intents.append(record.intent)

    def result(self, ended_s: float) -> tuple[list[float], list[int]]:
        """All samples of the run."""
        return self._probabilities, self._intents

    @staticmethod
    def pool(values: Sequence[Any], level: float) -> Mapping[str, Interval]:
        """Miscalibration, discrimination, uncertainty and score, with run-clustered intervals."""
        kept = [value for value in values if value[0]]
        if not kept:
            return {}
        probabilities, intents = [v[0] for v in kept], [v[1] for v in kept]
        return corp_intervals(probabilities, intents, level, RESAMPLES, _SEED)
