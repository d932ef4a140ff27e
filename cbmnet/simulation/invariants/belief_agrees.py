"""Belief agrees with the truth at the end: a measured quantity, with a limit."""

from dataclasses import dataclass
from typing import Any

from cbmnet.records import Sample
from cbmnet.simulation.invariant import INVARIANTS


@dataclass(frozen=True)
class BeliefAgreesConfig:
    """The last sample of each belief may lie at most `limit_prob` from the partner's true intent."""

    limit_prob: float = 0.5


@INVARIANTS.register("belief-agrees", BeliefAgreesConfig)
class BeliefAgrees:
    """Looks at the last sample of each pair; `error` is the mean of their distances."""

    wants = (Sample,)

    def __init__(self, config: BeliefAgreesConfig) -> None:
        self._limit = config.limit_prob
        self._last: dict[tuple[str, str], Sample] = {}

    @property
    def error(self) -> float:
        """The mean distance of the last samples from the truth, 0 where there are none."""
        gaps = [abs(s.probability - s.intent) for s in self._last.values()]
        return sum(gaps) / len(gaps) if gaps else 0.0

    def feed(self, record: Any) -> None:
        """Keeps the last of each pair."""
        self._last[record.observer, record.about] = record

    def result(self, ended_s: float) -> str | None:
        """The first pair that is farther off than allowed."""
        for (observer, about), s in self._last.items():
            if abs(s.probability - s.intent) > self._limit:
                return f"{observer} holds P = {s.probability:.3g} about {about}, whose intent is {s.intent}"
        return None
