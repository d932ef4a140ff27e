"""Waits for the deadline and judges by the belief at the close."""

from cbmnet.registry import NoConfig
from cbmnet.states.decision import DECISIONS


@DECISIONS.register("at_close")
class AtClose:
    """Waits for the deadline and judges by the belief at the close."""

    def __init__(self, config: NoConfig) -> None:
        pass

    def closes_now(self, probability: float, highest_before: float, rise_prob: float) -> bool:
        """Never before the deadline."""
        return False

    def rises(self, at_close: float, highest: float, rise_prob: float, *, at_deadline: bool) -> bool:
        """Judges by the belief at the close."""
        return at_close > rise_prob
