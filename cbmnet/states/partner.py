"""What a state is like apart from its rules, and what it keeps for each partner."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import TYPE_CHECKING

from cbmnet.states.conduct import IntentSource
from cbmnet.states.deliberation import Deliberation
from cbmnet.states.evidence import Answers, Pair
from cbmnet.states.latency import Latency
from cbmnet.states.outlook import Outlook
from cbmnet.units import DAY_S, HOUR_S

if TYPE_CHECKING:  # a partner is a state, and a state keeps partners
    from cbmnet.states.state import State


@dataclass(frozen=True, slots=True)
class Habits:
    """How a state behaves apart from its rules: answering, asking, empathy.

    `memory_s` is T_f: within it of a settled query another would carry no weight and is not sent.
    `empathy` discounts a partner's rise within `empathy_window_s` of one's own.
    """

    answers: Answers = field(default_factory=Answers)
    asks: bool = True
    decides: bool = True
    answer_deadline_s: float = HOUR_S
    memory_s: float = 14 * DAY_S
    empathy: float = 0.5
    empathy_window_s: float = 24 * HOUR_S


@dataclass(slots=True)
class Partner:
    """What a state keeps for one partner."""

    state: "State"
    intent: IntentSource
    outlook: Outlook
    two_way: Latency
    answers_random: Random
    bulletins: Mapping[str, Pair]
    deliberation: Deliberation | None = None
    activities: int = 0
    asked: set[int] = field(default_factory=set)
    query_table: dict[str, Pair] | None = None
    query_settled_s: float = -inf
