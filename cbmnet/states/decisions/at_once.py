"""Acts the moment the belief passes the threshold; time for an answer is not taken."""

from cbmnet.registry import NoConfig
from cbmnet.states.decision import DECISIONS


@DECISIONS.register("at_once")
class AtOnce:
    """Acts the moment the belief passes the threshold; time for an answer is not taken."""

    def __init__(self, config: NoConfig) -> None:
        pass

    def closes_now(self, probability: float, highest_before: float, rise_prob: float) -> bool:
        """As the belief crosses the threshold; one that stays above climbs no further by itself."""
        return highest_before <= rise_prob < probability

    def rises(self, at_close: float, highest: float, rise_prob: float, *, at_deadline: bool) -> bool:
        """On a crossing alone: a deadline that passes brings no news."""
        return at_close > rise_prob and not at_deadline
