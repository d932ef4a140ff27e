"""The desk: a message has arrived, and may still be refused or not passed on to those who must act.

It sits between endpoint and state, so link acknowledgements and wire heartbeats never reach it. One draw
per message, never per attempt: asking the same clerk twice does not make two clerks.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cbmnet.datagram import Label
from cbmnet.streams import FIRST_WORD, SECOND_WORD, LinkDraws, unit

REFUSED, NOT_FORWARDED = "refused", "not forwarded"


@dataclass(frozen=True, slots=True)
class DeskConfig:
    """`forward_prob`: what is passed on at all; refusal grows with the state's own rung, up to .9.

    The refusal numbers of crises (.02 + .08 a rung) are a choice without an anchor; the default is a
    desk that does its work.
    """

    forward_prob: float = 1.0
    refusal_prob: float = 0.0
    refusal_per_rung_prob: float = 0.0


class Desk:
    """One state's desk; `draws` gives the draws of each sender, so no two senders share a fate."""

    __slots__ = ("_by_sender", "_config", "_draws")

    def __init__(self, config: DeskConfig, draws: Callable[[str], LinkDraws]) -> None:
        self._config, self._draws = config, draws
        self._by_sender: dict[str, LinkDraws] = {}

    def judge(self, sender: str, label: Label, rung: int) -> str | None:
        """None if the message is passed on, else why it is not; `rung` is the state's own."""
        config, draws = self._config, self._by_sender.get(sender)
        if draws is None:
            draws = self._by_sender[sender] = self._draws(sender)
        words = draws.words(label)
        if unit(words[SECOND_WORD]) < min(0.9, config.refusal_prob + config.refusal_per_rung_prob * rung):
            return REFUSED
        return None if unit(words[FIRST_WORD]) < config.forward_prob else NOT_FORWARDED
