"""A pulsed jammer: on for a part of each period, and what is sent meanwhile is mostly lost.

The jammer that saves its power by alternating sleep and noise is among the four of W. Xu, W. Trappe,
Y. Zhang, T. Wood, The feasibility of launching and detecting jamming attacks in wireless networks (MobiHoc
2005). Its phase is drawn evenly, so it is on with probability duty at any time, and mean loss is duty x loss.
"""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, WORD_JAM, Flight, LinkContext
from cbmnet.streams import threshold


@dataclass(frozen=True)
class JammingConfig:
    """`period_s`; of it either the share `duty_prob` or the time `on_s` is jammed; `loss_prob` meanwhile.

    Links that name the same `shared` jammer, with the same settings, are jammed at the same times.
    """

    period_s: float
    duty_prob: float | None = None
    on_s: float | None = None
    loss_prob: float = 1.0
    shared: str = ""

    def __post_init__(self) -> None:
        if self.period_s <= 0.0:
            raise ValueError("period must be longer than 0")
        if (self.duty_prob is None) == (self.on_s is None):
            raise ValueError("give either duty, a share of the period, or on, a time")
        if not 0.0 <= self.jammed_s <= self.period_s:
            raise ValueError("on must be from 0 to period, and duty from 0 to 1")

    @property
    def jammed_s(self) -> float:
        """How long the jammer is on in each period."""
        return self.on_s if self.on_s is not None else (self.duty_prob or 0.0) * self.period_s


@STAGES.register("jamming", JammingConfig)
class Jamming:
    """Loses what enters while the jammer is on, each with its own draw."""

    instant = True
    uses = (WORD_JAM,)
    __slots__ = ("_limit", "_on_s", "_period_s", "_phase_s")

    def __init__(self, config: JammingConfig, link: LinkContext) -> None:
        purpose = f"jamming/{config.shared}" if config.shared else "jamming"
        random = (link.shared if config.shared else link.generator)(purpose)
        self._period_s, self._on_s = config.period_s, config.jammed_s
        self._phase_s = random.random() * config.period_s
        self._limit = threshold(config.loss_prob)

    def is_on(self, at_s: float) -> bool:
        """Whether the jammer is on then."""
        return (at_s + self._phase_s) % self._period_s < self._on_s

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Drops a flight that meets the noise and does not get through it."""
        if flight.drop is None and flight.words[WORD_JAM] < self._limit and self.is_on(flight.at_s):
            flight.drop = "jammed"
        return None
