"""The interface of a belief rule: what one state thinks of one partner's intent.

A rule is told what was seen, what arrived and what the experiments gave; it answers with the
probability that the partner prepares an attack. It reads no clock: `now_s` comes in, never earlier than
before. It looks at the partner's words only through what verification let pass.
"""

from typing import Any, Protocol

from cbmnet.measures import ActivityClass
from cbmnet.registry import Family
from cbmnet.states.evidence import Pair, World
from cbmnet.states.latency import Latency


class BeliefRule(Protocol):
    """One belief about one partner."""

    def probability(self, now_s: float) -> float:
        """P(the partner prepares an attack | all that is known now)."""

    def activity(self, key: int, seen: ActivityClass, start_s: float, delivery_prob: float) -> None:
        """An activity was seen; `delivery_prob` is the believed delivery, frozen for this activity."""

    def notice(self, key: int, contradicted: bool, arrived_s: float) -> None:
        """The notice of an activity that was seen arrived then, perhaps before the activity was seen."""

    def signal(self, name: str, at_s: float, weight: float = 1.0) -> None:
        """A mark of `World.signals` happened; a weight below 1 discounts it (empathy)."""

    def experiment(self, outcome: Pair, at_s: float, now_s: float) -> None:
        """An experiment about the intent at `at_s` was settled now, with P(outcome | benign, | attack)."""

    def next_review_s(self, now_s: float) -> float | None:
        """When silence alone will next have changed the belief noticeably, or None."""


class BeliefMaker(Protocol):
    """How the registry builds a rule: its own config, the observer's world model and latency, the ttl."""

    def __call__(self, config: Any, world: World, latency: Latency, ttl_s: float) -> BeliefRule:
        """One belief about one partner."""


BELIEFS: Family[BeliefMaker] = Family("beliefs", "cbmnet.states.beliefs")
