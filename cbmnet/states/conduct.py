"""What a state really does toward one partner: its hidden intent, and sources of events that depend on it.

A source proposes events at its highest rate and keeps each with the share that its present rate is of
that. Every proposal takes the same number of draws from the source's own stream, so another intent, or
another partner, moves no later draw.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Protocol

from cbmnet.states.evidence import Pair

_DETAILS = 5  # uniforms that come with every proposal, used or not


class EventSource(Protocol):
    """Something that happens next at `at_s` (infinity: never)."""

    at_s: float

    def fire(self) -> None:
        """Does what is due at `at_s` and sets the next time."""


class ThinnedSource:
    """Events at rate `rates_per_s[intent]`; each calls `act` with its uniforms."""

    __slots__ = ("_act", "_intent", "_peak", "_random", "_rates", "at_s")

    def __init__(
        self,
        rates_per_s: Pair,
        random: Random,
        intent: Callable[[], int],
        act: Callable[[tuple[float, ...]], None],
    ) -> None:
        self._rates, self._random, self._intent, self._act = rates_per_s, random, intent, act
        self._peak = max(rates_per_s)
        self.at_s = random.expovariate(self._peak) if self._peak > 0.0 else inf

    def fire(self) -> None:
        """Keeps or drops the proposal and draws the next."""
        kept = self._random.random() * self._peak < self._rates[self._intent()]
        details = tuple(self._random.random() for _ in range(_DETAILS))
        self.at_s += self._random.expovariate(self._peak)
        if kept:
            self._act(details)


@dataclass(frozen=True, slots=True)
class IntentConfig:
    """The true course of intent: hazards per second, P(an end is an attack), P(preparing at the start).

    A security seeker has onset 0. The expansionist's .01 a day and the attack share .5 are choices
    without an anchor.
    """

    onset_per_s: float = 0.0
    end_per_s: float = 0.0
    attack_prob: float = 0.0
    start_prob: float = 0.0


class IntentSource:
    """The hidden intent toward one partner, 0 benign or 1 preparing; calls `changed` at each switch.

    `changed(intent, attacks)`: `attacks` is true when a preparation ends in an attack.
    """

    __slots__ = ("_changed", "_config", "_random", "at_s", "intent")

    def __init__(self, config: IntentConfig, random: Random, changed: Callable[[int, bool], None]) -> None:
        self._config, self._random, self._changed = config, random, changed
        self.intent = int(random.random() < config.start_prob)
        self.at_s = self._stay_s()

    def fire(self) -> None:
        """Switches the intent at its time."""
        attacks = self.intent == 1 and self._random.random() < self._config.attack_prob
        self.intent = 1 - self.intent
        self.at_s += self._stay_s()
        self._changed(self.intent, attacks)

    def set(self, intent: int, now_s: float) -> None:
        """A scripted change; the hazards go on from here."""
        self.intent = intent
        self.at_s = now_s + self._stay_s()
        self._changed(intent, False)

    def _stay_s(self) -> float:
        rate = self._config.end_per_s if self.intent else self._config.onset_per_s
        return self._random.expovariate(rate) if rate > 0.0 else inf
