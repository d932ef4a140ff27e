"""What one unannounced activity weighs, from the belief rule as it runs (MODEL.md, limiting cases).

ln[(1 - d q) / (1 - h q)] with h = .98, d = .2, rho = 1 and no delay: 0, .568, 1.94, 3.69 nats at believed
delivery 0, .5, .9, 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

from cbmnet.measures import ActivityClass
from cbmnet.states.belief import BELIEFS
from cbmnet.states.evidence import World
from cbmnet.states.latency import Latency
from cbmnet.validation.case import CASES, Advance, Outcome, Results


@dataclass(frozen=True)
class SilenceConfig:
    """`honest` and `deceptive` notice rates of the activity."""

    honest: float = 0.98
    deceptive: float = 0.2

    def __post_init__(self) -> None:
        if not (0.0 <= self.honest < 1.0 and 0.0 <= self.deceptive < 1.0):
            raise ValueError("honest and deceptive must be from 0 to below 1, or silence weighs without end")


@CASES.register("silence", SilenceConfig)
def silence(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """One activity, no notice, at four believed delivery rates."""
    config = SilenceConfig(**parameters)
    return {f"nats at {q}": _weight(config, q) for q in (0.0, 0.5, 0.9, 1.0)}


def _weight(config: SilenceConfig, delivery_prob: float) -> Outcome:
    notice_prob = (config.honest, config.deceptive)
    kind = ActivityClass("exercise", 1e-6, rho=1.0, notice_prob=notice_prob)
    world = World(1e-9, 1e-6, {"exercise": kind}, {})
    member = BELIEFS["independent"]
    rule = member.make(member.config(), world, Latency([0.0]), 1e9)
    before = rule.probability(0.0)
    rule.activity(1, kind, 0.0, delivery_prob)
    after = rule.probability(0.0)
    exact = log((1 - config.deceptive * delivery_prob) / (1 - config.honest * delivery_prob))
    return Outcome(exact, _log_odds(after) - _log_odds(before), 0.0, 1, limit=1e-9)


def _log_odds(probability: float) -> float:
    return log(probability / (1.0 - probability))
