"""The records that observers of a run are told: what happened, when, and because of which record.

Every record has the simulated time in seconds, its own number and the number of its cause (0: none).
They are named tuples; the trace writes them as they are, so their field names are its format.
"""

from typing import NamedTuple

from cbmnet.datagram import Label


class Activity(NamedTuple):
    """A state did something that its partner may fear; `noticed` says whether it gave notice."""

    at_s: float
    id: int
    cause: int
    actor: str
    toward: str
    activity: int
    activity_class: str
    size: int
    intent: int
    noticed: bool
    seen: bool


class Intent(NamedTuple):
    """The true intent of `actor` toward `toward` changed: 1 prepares an attack, 0 does not."""

    at_s: float
    id: int
    cause: int
    actor: str
    toward: str
    intent: int


class Attack(NamedTuple):
    """A preparation ended in an attack; `missed` if the target was not alarmed in the day before."""

    at_s: float
    id: int
    cause: int
    actor: str
    toward: str
    probability: float
    missed: bool


class Seal(NamedTuple):
    """A message was sealed and handed to the transport; `message` is its id, as hex.

    `stream` and `sequence` are those by which the transport knows it.
    """

    at_s: float
    id: int
    cause: int
    sender: str
    receiver: str
    kind: str
    message: str
    stream: int = 0
    sequence: int = 0


class Send(NamedTuple):
    """A datagram left an endpoint; `label` names it."""

    at_s: float
    id: int
    cause: int
    sender: str
    receiver: str
    kind: str
    label: Label


class Drop(NamedTuple):
    """A datagram was lost on hop `hop` (from 0), and why; `at_s` is when it was sent."""

    at_s: float
    id: int
    cause: int
    sender: str
    receiver: str
    kind: str
    label: Label
    hop: int
    reason: str


class Duplicate(NamedTuple):
    """A datagram became one more on its way; `label` names the copy, `at_s` is when it was sent."""

    at_s: float
    id: int
    cause: int
    sender: str
    receiver: str
    kind: str
    label: Label


class Corrupt(NamedTuple):
    """Bits of a datagram flipped on its way; `at_s` is when it was sent."""

    at_s: float
    id: int
    cause: int
    sender: str
    receiver: str
    kind: str
    label: Label


class Timer(NamedTuple):
    """A timer of a party's endpoint was due."""

    at_s: float
    id: int
    cause: int
    party: str


class Deliver(NamedTuple):
    """Bytes reached an endpoint, maybe corrupted on the way."""

    at_s: float
    id: int
    cause: int
    sender: str
    receiver: str
    kind: str
    label: Label
    corrupted: bool
    forged: bool


class Wire(NamedTuple):
    """The bytes of a datagram, for captures: `cause` is the Send, Drop or Deliver that they belong to.

    `way` is "sent", "lost", "arrived", "corrupted" (arrived, but not as they were sent) or "forged" (arrived,
    and nobody of this name sent them). It is not in the trace, which would grow tenfold.
    """

    at_s: float
    id: int
    cause: int
    sender: str
    receiver: str
    label: Label
    data: bytes
    way: str


class Accept(NamedTuple):
    """An accepted message passed the desk."""

    at_s: float
    id: int
    cause: int
    receiver: str
    sender: str
    kind: str
    message: str
    transit_s: float


class Reject(NamedTuple):
    """Verification refused bytes, with its stable code."""

    at_s: float
    id: int
    cause: int
    receiver: str
    peer: str
    code: str


class Stop(NamedTuple):
    """An accepted message stopped at the receiver's desk."""

    at_s: float
    id: int
    cause: int
    receiver: str
    sender: str
    kind: str
    reason: str


class Transport(NamedTuple):
    """What a variant learned of its own sending: acknowledged, gave up, malformed."""

    at_s: float
    id: int
    cause: int
    party: str
    peer: str
    event: str
    stream: int
    sequence: int
    attempts: int


class Verdict(NamedTuple):
    """A verification agent's word on a notice, with its reason."""

    at_s: float
    id: int
    cause: int
    agent: str
    actor: str
    activity: int
    verdict: str
    reason: str


class Signal(NamedTuple):
    """An observer's sensors or partners gave a mark that is no activity: alarm, warning, hostile text."""

    at_s: float
    id: int
    cause: int
    observer: str
    about: str
    signal: str


class Observed(NamedTuple):
    """An observer saw an activity."""

    at_s: float
    id: int
    cause: int
    observer: str
    actor: str
    activity: int
    activity_class: str


class Answer(NamedTuple):
    """A query was settled."""

    at_s: float
    id: int
    cause: int
    asker: str
    peer: str
    outcome: str


class Belief(NamedTuple):
    """An observer's belief about a partner after something moved it; `delivery` is the believed rate."""

    at_s: float
    id: int
    cause: int
    observer: str
    about: str
    probability: float
    delivery: float


class Decision(NamedTuple):
    """A decision about a partner opened, or closed with what came of it; P had to pass the `threshold`."""

    at_s: float
    id: int
    cause: int
    decider: str
    about: str
    phase: str
    probability: float
    closes_s: float
    threshold: float


class Rung(NamedTuple):
    """A state's rung changed; `about` is the partner it was about, `intent` that partner's true one."""

    at_s: float
    id: int
    cause: int
    actor: str
    about: str
    before: int
    after: int
    intent: int


class Crash(NamedTuple):
    """A state's endpoint went down, or came back; `fresh` if it came back without its state."""

    at_s: float
    id: int
    cause: int
    party: str
    down: bool
    fresh: bool = False


class Pause(NamedTuple):
    """A state's endpoint stood still, or went on: what arrived meanwhile waited."""

    at_s: float
    id: int
    cause: int
    party: str
    still: bool


class ClockSet(NamedTuple):
    """A party's clock jumped by `offset_s`, and gains `drift` seconds a second from now on."""

    at_s: float
    id: int
    cause: int
    party: str
    offset_s: float
    drift: float


class Sample(NamedTuple):
    """The fixed sampling grid: belief about a partner beside that partner's true intent."""

    at_s: float
    id: int
    cause: int
    observer: str
    about: str
    probability: float
    intent: int
    delivery: float


RECORDS: tuple[type, ...] = (
    Activity, Intent, Attack, Seal, Send, Drop, Duplicate, Corrupt, Timer, Deliver, Accept, Reject, Stop,
    Transport, Verdict, Signal, Observed, Answer, Belief, Decision, Rung, Crash, Pause, ClockSet, Sample,
)  # fmt: skip
