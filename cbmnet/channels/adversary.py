"""An adversary on the line: rules with a position and a verdict.

A rule sees the links that are its position, and of what passes there the kinds, times and share that it
names. The first rule of a link that fits a datagram decides; a rule "pass" so makes an exception. The
adversary stands behind the last hop: what is lost before, it never sees. What it does to bytes needs an art
(`Arts`), which knows frames and envelopes; without a key of the sender's nothing that it makes can pass
strict verification.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, Protocol

from msgspec.structs import replace

from cbmnet.channels.stage import Flight
from cbmnet.channels.stages.corruption import flip_bit
from cbmnet.datagram import Datagram
from cbmnet.streams import FIRST_WORD, SECOND_WORD, LinkDraws, unit

Verdict = Literal["pass", "drop", "delay", "duplicate", "corrupt", "hold", "replay", "forge", "rewrite-time"]


@dataclass(frozen=True)
class Rule:
    """What is done to whom. Times are seconds; `kinds` empty means any.

    Through a relay a kind bears a further name ("notice>south"); the kind alone stands for all of these.

    `by_s` is how much later a delayed datagram arrives, or by how much a rewritten message is made younger;
    `after_s` how much later a copy, a replay or a forgery comes; `release_s` when all that was held is let
    go. `keys` are the parties whose keys it holds.
    """

    does: Verdict
    links: frozenset[str]
    kinds: frozenset[str] = frozenset()
    from_s: float = 0.0
    until_s: float = inf
    share_prob: float = 1.0
    by_s: float = 0.0
    after_s: float = 0.0
    release_s: float = 0.0
    keys: frozenset[str] = frozenset()

    def fits(self, flight: Flight) -> bool:
        """Whether the flight is one that it decides on, but for the draw."""
        if not self.from_s <= flight.at_s < self.until_s:
            return False
        kind = flight.datagram.kind
        return not self.kinds or kind in self.kinds or base_kind(kind) in self.kinds


def base_kind(kind: str) -> str:
    """The kind alone: through a relay it bears a further name, "notice>south"."""
    return kind.replace("<", ">").partition(">")[0]


class Arts(Protocol):
    """What takes knowledge of frames and envelopes. None where the bytes are not of a form it knows."""

    def replayed(self, datagram: Datagram, number: int) -> Datagram | None:
        """The envelope that was recorded, in a fresh frame."""

    def forged(self, datagram: Datagram, number: int, at_s: float, keys: frozenset[str]) -> Datagram | None:
        """A message in the sender's name, signed with its key if that is held."""

    def redated(self, datagram: Datagram, by_s: float, keys: frozenset[str]) -> Datagram | None:
        """The message with its times moved, signed anew if the key is held, else with its old signature."""


class Adversary:
    """Where it stands on one link; all its eyes number what they make from one `count`."""

    __slots__ = ("_acts", "_arts", "_count", "_draws", "_rules")

    def __init__(
        self, rules: Iterable[Rule], link: str, draws: LinkDraws, arts: Arts, count: Callable[[], int]
    ) -> None:
        self._rules: Sequence[Rule] = [rule for rule in rules if link in rule.links]
        self._draws, self._arts, self._count = draws, arts, count
        self._acts: dict[str, Callable[[Rule, Flight], Flight | None]] = {
            "drop": self._drop, "delay": self._delay, "duplicate": self._duplicate,
            "corrupt": self._corrupt, "hold": self._hold, "replay": self._replay, "forge": self._forge,
            "rewrite-time": self._rewrite_time,
        }  # fmt: skip

    @property
    def sees(self) -> bool:
        """Whether any rule has this link as its position."""
        return bool(self._rules)

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Does what the first rule that fits says; gives what it adds to the line."""
        if flight.drop is not None:  # by a fault, which stands before it
            return None
        words = b""
        for number, rule in enumerate(self._rules):
            if not rule.fits(flight):
                continue
            if rule.share_prob < 1.0:
                words = self._draws.more_words(flight.label, f"rule/{number}")
                if unit(words[FIRST_WORD]) >= rule.share_prob:
                    continue
            return None if rule.does == "pass" else self._acts[rule.does](rule, flight)
        return None

    def _drop(self, rule: Rule, flight: Flight) -> None:
        flight.drop = "adversary"

    def _delay(self, rule: Rule, flight: Flight) -> None:
        flight.at_s += rule.by_s

    def _hold(self, rule: Rule, flight: Flight) -> None:
        flight.at_s = max(flight.at_s, rule.release_s)

    def _duplicate(self, rule: Rule, flight: Flight) -> Flight:
        copy = flight.duplicate()
        copy.at_s += rule.after_s
        return copy

    def _corrupt(self, rule: Rule, flight: Flight) -> None:
        data = flight.datagram.data
        words = self._draws.more_words(flight.label, "bit")
        bit = int.from_bytes(words[SECOND_WORD])
        flight.datagram = replace(flight.datagram, data=flip_bit(data, bit))
        flight.corrupted = True

    def _replay(self, rule: Rule, flight: Flight) -> Flight | None:
        return self._add(rule, flight, self._arts.replayed(flight.datagram, self._count()), forged=False)

    def _forge(self, rule: Rule, flight: Flight) -> Flight | None:
        made = self._arts.forged(flight.datagram, self._count(), flight.at_s + rule.after_s, rule.keys)
        return self._add(rule, flight, made, forged=True)

    def _rewrite_time(self, rule: Rule, flight: Flight) -> None:
        made = self._arts.redated(flight.datagram, rule.by_s, rule.keys)
        if made is not None:
            flight.datagram, flight.forged = made, True

    @staticmethod
    def _add(rule: Rule, flight: Flight, made: Datagram | None, *, forged: bool) -> Flight | None:
        if made is None:
            return None
        more = flight.duplicate()
        more.datagram = replace(made, copy=more.datagram.copy)
        more.at_s += rule.after_s
        more.forged = forged
        return more
