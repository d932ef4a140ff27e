"""What states do that others may fear, what was seen of it, and what was said about it."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ActivityClass:
    """A kind of activity, with its rates and its notice habits.

    `rate_per_s` holds while the actor is benign; `rho` times as much while it prepares an attack.
    `seen_prob` is the chance that a partner sees one. Notice probabilities (`honest` for a benign
    actor, `deceptive` for an attacker) and contradiction probabilities (the notice understates what
    is done) are indexed by intent. `lead_s` is how long before the start a notice is due.
    """

    name: str
    rate_per_s: float
    rho: float = 3.0
    seen_prob: float = 0.9
    notifiable: bool = True
    notice_prob: tuple[float, float] = (0.98, 0.2)
    contradiction_prob: tuple[float, float] = (0.02, 0.5)
    lead_s: float = 0.0
    deadline_s: float | None = None
    rung: int | None = None

    def actual_rate_per_s(self, intent: int) -> float:
        """Activities a second by an actor with this intent (0 benign, 1 attack)."""
        return self.rate_per_s * (self.rho if intent else 1.0)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one partner saw of an activity: who, which, what class, how large, and since when."""

    actor: str
    activity: int
    activity_class: str
    size: int
    start_s: float


@dataclass(frozen=True, slots=True)
class Notice:
    """What an accepted notification said of an activity."""

    actor: str
    activity: int
    activity_class: str
    size: int
    start_s: float


class Verdict(StrEnum):
    """What a verification agent concludes about a notice."""

    CONSISTENT = "consistent"
    CONTRADICTED = "contradicted"
    UNSEEN = "unseen"
