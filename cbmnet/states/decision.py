"""The interface of a decision rule: when an open decision closes, and whether the state then rises."""

from typing import Any, Protocol

from cbmnet.registry import Family


class DecisionRule(Protocol):
    """One way to decide about a partner; probabilities are P(attack)."""

    def closes_now(self, probability: float, highest_before: float, rise_prob: float) -> bool:
        """Whether an open decision closes before its deadline; `highest_before` is 0 at a fresh opening."""

    def rises(self, at_close: float, highest: float, rise_prob: float, *, at_deadline: bool) -> bool:
        """Whether the state rises: from the belief at the close, the highest since the opening, and whether
        the deadline closed it."""


class DecisionMaker(Protocol):
    """How the registry builds a rule: its own config."""

    def __call__(self, config: Any) -> DecisionRule:
        """One way to decide about one partner."""


DECISIONS: Family[DecisionMaker] = Family("decisions", "cbmnet.states.decisions")
