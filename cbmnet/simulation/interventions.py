"""What is done to messages and parties from outside: `[[faults]]` and `[[adversary]]` of a config."""

from math import inf
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cbmnet.channels import faults as data
from cbmnet.channels.adversary import Rule, Verdict
from cbmnet.simulation.fields import Duration, FiniteFloat, Flag, PositiveDuration, Probability, WholeNumber
from cbmnet.simulation.part import Part
from cbmnet.simulation.words import Problem, errors_at

Number = Annotated[WholeNumber, Field(ge=1)]


class DatagramsPart(Part):
    """`at = { link = "a>b", ... }`: what is left out stands for any."""

    link: Annotated[str, Field(pattern="^[^>]+>[^>]+$", description='"from>to"')]
    kind: str | None = None
    stream: WholeNumber | None = None
    epoch: WholeNumber | None = None
    sequence: WholeNumber | None = None
    attempt: Number | None = None
    copy_: WholeNumber | None = Field(default=None, alias="copy")

    def datagrams(self) -> data.Datagrams:
        """The same as data."""
        return data.Datagrams(
            self.link, self.kind, self.stream, self.epoch, self.sequence, self.attempt, self.copy_
        )


class NodePart(Part):
    """`at = { node = "a", time = "3h" }`."""

    node: str
    time: Duration

    def moment(self) -> data.Node:
        """The same as data."""
        return data.Node(self.node, self.time)


class DropPart(Part):
    """The datagram is lost."""

    do: Literal["drop"]
    at: DatagramsPart

    def fault(self) -> data.Fault:
        """The same as data."""
        return data.Drop(self.at.datagrams())


class DelayPart(Part):
    """It arrives later."""

    do: Literal["delay"]
    at: DatagramsPart
    by: PositiveDuration

    def fault(self) -> data.Fault:
        """The same as data."""
        return data.Delay(self.at.datagrams(), self.by)


class DuplicatePart(Part):
    """It arrives, and once more later."""

    do: Literal["duplicate"]
    at: DatagramsPart
    after: Duration

    def fault(self) -> data.Fault:
        """The same as data."""
        return data.Duplicate(self.at.datagrams(), self.after)


class CorruptPart(Part):
    """One bit of it flips."""

    do: Literal["corrupt"]
    at: DatagramsPart
    bit: WholeNumber = 0

    def fault(self) -> data.Fault:
        """The same as data."""
        return data.Corrupt(self.at.datagrams(), self.bit)


class CrashPart(Part):
    """The party goes down, and comes back with its state or without it."""

    do: Literal["crash"]
    at: NodePart
    for_: PositiveDuration = Field(alias="for")
    loses_state: Flag = False

    def fault(self) -> data.Fault:
        """The same as data."""
        return data.Crash(self.at.moment(), self.for_, self.loses_state)


class PausePart(Part):
    """The party stands still; what arrives waits."""

    do: Literal["pause"]
    at: NodePart
    for_: PositiveDuration = Field(alias="for")

    def fault(self) -> data.Fault:
        """The same as data."""
        return data.Pause(self.at.moment(), self.for_)


class SetClockPart(Part):
    """The party's clock jumps ahead or behind, and gains so many seconds a second from then on."""

    do: Literal["set-clock"]
    at: NodePart
    ahead: Duration = 0.0
    behind: Duration = 0.0
    gains: Annotated[FiniteFloat, Field(gt=-1.0)] = 0.0

    def fault(self) -> data.Fault:
        """The same as data."""
        return data.SetClock(self.at.moment(), self.ahead - self.behind, self.gains)


FaultPart = Annotated[
    DropPart | DelayPart | DuplicatePart | CorruptPart | CrashPart | PausePart | SetClockPart,
    Field(discriminator="do"),
]


_NEEDS = {"delay": ("by",), "hold": ("release",), "rewrite-time": ("by",)}
_TAKES: dict[str, tuple[str, ...]] = {
    "duplicate": ("after",), "replay": ("after",), "forge": ("after", "keys"), "rewrite-time": ("keys",),
}  # fmt: skip


class AdversaryPart(Part):
    """`[[adversary]]`: a rule. The first of a link that fits a datagram decides.

    `sees` are links ("a>b") or parties, whose every link it then sees. `does` is its verdict; "delay" and
    "rewrite-time" take `by`, "duplicate", "replay" and "forge" take `after`, "hold" takes `release`. `keys`
    are parties whose keys it holds.
    """

    sees: Annotated[tuple[str, ...], Field(min_length=1)]
    does: Verdict
    kinds: tuple[str, ...] = ()
    from_: Duration = Field(default=0.0, alias="from")
    until: PositiveDuration | None = None
    share: Probability = 1.0
    by: Duration = 0.0
    after: Duration = 0.0
    release: Duration = 0.0
    keys: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> Self:
        problems = [
            Problem((key,), f'is missing; "{self.does}" needs it', shows=False)
            for key in _NEEDS.get(self.does, ())
            if key not in self.model_fields_set
        ]
        problems += [
            Problem((key,), f'means nothing to "{self.does}"; leave it out', shows=False)
            for key in ("by", "after", "release", "keys")
            if key in self.model_fields_set
            and key not in (*_NEEDS.get(self.does, ()), *_TAKES.get(self.does, ()))
        ]
        if "by" in _NEEDS.get(self.does, ()) and "by" in self.model_fields_set and self.by == 0.0:
            problems.append(Problem(("by",), "must be longer than 0", shows=False))
        if self.does == "hold" and "release" in self.model_fields_set and self.release <= self.from_:
            problems.append(Problem(("release",), "is not after from; nothing would be held", shows=False))
        if self.until is not None and self.until <= self.from_:
            problems.append(Problem(("until",), "is not after from; the rule would never hold", shows=False))
        if problems:
            raise errors_at("adversary", problems)
        return self

    def links(self, parties: "list[str]") -> frozenset[str]:
        """Every link that it sees, of those between these parties."""
        pairs = [(a, b) for a in parties for b in parties if a != b]
        return frozenset(
            f"{a}>{b}" for a, b in pairs if f"{a}>{b}" in self.sees or a in self.sees or b in self.sees
        )

    def rule(self, parties: "list[str]") -> Rule:
        """The rule as the channel takes it."""
        return Rule(
            self.does, self.links(parties), frozenset(self.kinds), self.from_,
            inf if self.until is None else self.until, self.share, self.by, self.after, self.release,
            frozenset(self.keys),
        )  # fmt: skip
