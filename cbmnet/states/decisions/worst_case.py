"""Waits for the deadline and judges by the most alarming moment since the opening."""

from cbmnet.registry import NoConfig
from cbmnet.states.decision import DECISIONS


@DECISIONS.register("worst_case")
class WorstCase:
    """Waits for the deadline and judges by the most alarming moment since the opening."""

    def __init__(self, config: NoConfig) -> None:
        pass

    def closes_now(self, probability: float, highest_before: float, rise_prob: float) -> bool:
        """Never before the deadline."""
        return False

    def rises(self, at_close: float, highest: float, rise_prob: float, *, at_deadline: bool) -> bool:
        """Judges by the highest belief since the opening."""
        return highest > rise_prob
