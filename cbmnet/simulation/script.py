"""The scripted timeline of a config: what each `[[at]]` may say."""

from typing import Annotated, Literal

from pydantic import Field

from cbmnet.simulation.fields import Count, Duration, FiniteFloat, Flag, PositiveDuration, WholeNumber
from cbmnet.simulation.part import Part


class Scripted(Part):
    """`[[at]]`: something that happens at a set time."""

    time: Duration


class ActivityAt(Scripted):
    """An activity of `actor` toward `toward`; `notice = false` withholds its notice."""

    event: Literal["activity"]
    actor: str
    toward: str
    class_: str = Field(alias="class")
    size: Count = 20000
    notice: Flag = True
    seen: Flag = True
    contradicts: Flag = False


class IntentAt(Scripted):
    """The true intent of `actor` toward `toward` becomes 0 or 1."""

    event: Literal["intent"]
    actor: str
    toward: str
    intent: Annotated[WholeNumber, Field(le=1)]


class AttackAt(Scripted):
    """`actor` attacks `toward`; the run ends."""

    event: Literal["attack"]
    actor: str
    toward: str


class WithholdAt(Scripted):
    """`actor` gives no notices for a while."""

    event: Literal["withhold"]
    actor: str
    for_: PositiveDuration = Field(alias="for")


class OutageAt(Scripted):
    """The link from `from` to `to` carries nothing for a while."""

    event: Literal["outage"]
    from_: str = Field(alias="from")
    to: str
    for_: PositiveDuration = Field(alias="for")


class ForgeryAt(Scripted):
    """An impostor sends `to` a message in the name of `claims`, without any of its keys."""

    event: Literal["forgery"]
    claims: str
    to: str
    forges: Literal["hostile-text", "reassurance"] = "hostile-text"


class CrashAt(Scripted):
    """The endpoint of `party` is down for a while; it keeps its stored state, or loses it."""

    event: Literal["crash"]
    party: str
    for_: PositiveDuration = Field(alias="for")
    loses_state: Flag = False


class PauseAt(Scripted):
    """The endpoint of `party` stands still for a while; what arrives waits."""

    event: Literal["pause"]
    party: str
    for_: PositiveDuration = Field(alias="for")


class ClockAt(Scripted):
    """The clock of `party` jumps ahead or behind, and gains so many seconds a second from then on."""

    event: Literal["clock"]
    party: str
    ahead: Duration = 0.0
    behind: Duration = 0.0
    gains: Annotated[FiniteFloat, Field(gt=-1.0)] = 0.0


class SignalAt(Scripted):
    """The sensors of `observer` report something about `about`."""

    event: Literal["signal"]
    observer: str
    about: str
    signal: Literal["alarm", "severe_warning"] = "alarm"


class BulletinAt(Scripted):
    """The monitor tells `to` that what `about` is said to do or say is so, or is not."""

    event: Literal["bulletin"]
    about: str
    to: str
    confirms: Flag = True


Timeline = Annotated[
    ActivityAt
    | IntentAt
    | AttackAt
    | WithholdAt
    | OutageAt
    | ForgeryAt
    | CrashAt
    | PauseAt
    | ClockAt
    | SignalAt
    | BulletinAt,
    Field(discriminator="event"),
]
