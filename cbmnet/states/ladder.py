"""The escalation ladder: eleven rungs, how sure one must be to rise, and how long there is to decide.

Rungs, deadlines and thresholds are choices without an anchor; 10 is central war and absorbing.
"""

from dataclasses import dataclass

from cbmnet.units import DAY_S, HOUR_S, MINUTE_S

TOP_RUNG = 10
RUNG_NAMES = (
    "normal", "protest, heightened watch", "envoy recalled, warning", "show of force", "partial mobilisation",
    "forces on alert, channels cut", "limited clash", "conventional war", "nuclear alert, confrontation",
    "limited nuclear use", "central war",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ladder:
    """`query_prob` opens a decision; `rise_prob` and `deadline_s` are indexed by the present rung.

    `rise_prob` is C_fp / (C_fp + C_fn), from the costs of the two errors. A state falls one rung after
    its beliefs have stayed under half of `rise_prob` for `cool_s`.
    """

    query_prob: float = 0.1
    rise_prob: tuple[float, ...] = (0.3, 0.3, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9, 0.9)
    deadline_s: tuple[float, ...] = (
        *(72 * HOUR_S,) * 3, *(24 * HOUR_S,) * 3, *(1 * HOUR_S,) * 2, *(10 * MINUTE_S,) * 2,
    )  # fmt: skip
    cool_s: float = 7 * DAY_S

    def __post_init__(self) -> None:
        if len(self.rise_prob) != TOP_RUNG or len(self.deadline_s) != TOP_RUNG:
            raise ValueError("rise and deadline need one value for each of the rungs 0 to 9")
