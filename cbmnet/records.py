"""The records that observers of a run are told: what happened, when, and because of which record.

The trace writes them as they are, so their names and those of their fields are its format.
"""

from msgspec import Struct

from cbmnet.datagram import Label


class Record(Struct, frozen=True, gc=False, tag_field="record", tag=True):
    """What every record says: the simulated time, its own number and the number of its cause (0: none)."""

    at_s: float
    id: int
    cause: int


class Activity(Record, frozen=True):
    """A state did something that its partner may fear; `noticed` says whether it gave notice."""

    actor: str
    toward: str
    activity: int
    activity_class: str
    size: int
    intent: int
    noticed: bool
    seen: bool


class Intent(Record, frozen=True):
    """The true intent of `actor` toward `toward` changed: 1 prepares an attack, 0 does not."""

    actor: str
    toward: str
    intent: int


class Attack(Record, frozen=True):
    """A preparation ended in an attack; `missed` if the target was not alarmed in the day before."""

    actor: str
    toward: str
    probability: float
    missed: bool


class Seal(Record, frozen=True):
    """A message was sealed and handed to the transport; `message` is its id, as hex.

    `stream` and `sequence` are those by which the transport knows it.
    """

    sender: str
    receiver: str
    kind: str
    message: str
    stream: int = 0
    sequence: int = 0


class Send(Record, frozen=True):
    """A datagram left an endpoint; `label` names it."""

    sender: str
    receiver: str
    kind: str
    label: Label


class Drop(Record, frozen=True):
    """A datagram was lost on hop `hop` (from 0), and why; `at_s` is when it was sent."""

    sender: str
    receiver: str
    kind: str
    label: Label
    hop: int
    reason: str


class Duplicate(Record, frozen=True):
    """A datagram became one more on its way; `label` names the copy, `at_s` is when it was sent."""

    sender: str
    receiver: str
    kind: str
    label: Label


class Corrupt(Record, frozen=True):
    """Bits of a datagram flipped on its way; `at_s` is when it was sent."""

    sender: str
    receiver: str
    kind: str
    label: Label


class Timer(Record, frozen=True):
    """A timer of a party's endpoint was due."""

    party: str


class Deliver(Record, frozen=True):
    """Bytes reached an endpoint, maybe corrupted on the way."""

    sender: str
    receiver: str
    kind: str
    label: Label
    corrupted: bool
    forged: bool


class Wire(Record, frozen=True):
    """The bytes of a datagram, for captures: `cause` is the Send, Drop or Deliver that they belong to.

    `way` is "sent", "lost", "arrived", "corrupted" (arrived, but not as they were sent) or "forged" (arrived,
    and nobody of this name sent them). It is not in the trace, which would grow tenfold.
    """

    sender: str
    receiver: str
    label: Label
    data: bytes
    way: str


class Accept(Record, frozen=True):
    """An accepted message passed the desk; `transit_s` is its age by the time that it says itself.

    So a wrong clock of its sender shows in it.
    """

    receiver: str
    sender: str
    kind: str
    message: str
    transit_s: float


class Reject(Record, frozen=True):
    """Verification refused bytes, with its stable code."""

    receiver: str
    peer: str
    code: str


class Stop(Record, frozen=True):
    """An accepted message stopped at the receiver's desk."""

    receiver: str
    sender: str
    kind: str
    reason: str


class Transport(Record, frozen=True):
    """What a variant learned of its own sending: acknowledged, gave up, malformed."""

    party: str
    peer: str
    event: str
    stream: int
    sequence: int
    attempts: int


class Verdict(Record, frozen=True):
    """A verification agent's word on a notice, with its reason."""

    agent: str
    actor: str
    activity: int
    verdict: str
    reason: str


class Signal(Record, frozen=True):
    """An observer's sensors or partners gave a mark that is no activity: alarm, warning, hostile text."""

    observer: str
    about: str
    signal: str


class Observed(Record, frozen=True):
    """An observer saw an activity."""

    observer: str
    actor: str
    activity: int
    activity_class: str


class Answer(Record, frozen=True):
    """A query was settled."""

    asker: str
    peer: str
    outcome: str


class Belief(Record, frozen=True):
    """An observer's belief about a partner after something moved it; `delivery` is the believed rate."""

    observer: str
    about: str
    probability: float
    delivery: float


class Decision(Record, frozen=True):
    """A decision about a partner opened, or closed with what came of it; P had to pass the `threshold`."""

    decider: str
    about: str
    phase: str
    probability: float
    closes_s: float
    threshold: float


class Rung(Record, frozen=True):
    """A state's rung changed; `about` is the partner it was about, `intent` that partner's true one."""

    actor: str
    about: str
    before: int
    after: int
    intent: int


class Crash(Record, frozen=True):
    """A state's endpoint went down, or came back; `fresh` if it came back without its state."""

    party: str
    down: bool
    fresh: bool = False


class Pause(Record, frozen=True):
    """A state's endpoint stood still, or went on: what arrived meanwhile waited."""

    party: str
    still: bool


class ClockSet(Record, frozen=True):
    """A party's clock jumped by `offset_s`, and gains `drift` seconds a second from now on."""

    party: str
    offset_s: float
    drift: float


class Sample(Record, frozen=True):
    """The fixed sampling grid: belief about a partner beside that partner's true intent."""

    observer: str
    about: str
    probability: float
    intent: int
    delivery: float


RECORDS: tuple[type[Record], ...] = (
    Activity, Intent, Attack, Seal, Send, Drop, Duplicate, Corrupt, Timer, Deliver, Accept, Reject, Stop,
    Transport, Verdict, Signal, Observed, Answer, Belief, Decision, Rung, Crash, Pause, ClockSet, Sample,
)  # fmt: skip
