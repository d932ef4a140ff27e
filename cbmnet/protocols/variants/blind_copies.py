"""Blind copies: every message n times, at once or spaced, and never acknowledged.

With independent loss p a message arrives at least once with probability 1 - p^n. In a burst neighbouring
copies share their fate, which is what the spacing is for. The sender never learns what became of a message,
and the receiver hands up every copy: the verification above drops all but the first.
"""

from dataclasses import dataclass

from cbmnet.errors import LocalProtocolError
from cbmnet.protocols.endpoint import VARIANTS, Received, Send, data_datagram, expect_send
from cbmnet.protocols.frame import DATA, Frame
from cbmnet.protocols.machine import Machine, step


@dataclass(frozen=True)
class BlindCopiesConfig:
    """`spacing_s`: time from one copy to the next; 0 sends all at once."""

    copies: int = 3
    spacing_s: float = 0.0

    def __post_init__(self) -> None:
        if not (1 <= self.copies <= 64 and self.spacing_s >= 0.0):
            raise ValueError("needs 1 to 64 copies and a spacing that is not negative")


# Theory of operation. A message is COPYING until its last copy has left; nothing that arrives has any
# influence on it. What is not COPYING has no timer, so a timer for it would be our own bug.
COPYING, GONE = "copying", "gone"
COPY, LAST_COPY = "copy", "last copy"
NEXT = {COPYING: {COPY: COPYING, LAST_COPY: GONE}, GONE: {}}


class _Message:
    __slots__ = ("copies", "send", "state")

    def __init__(self, send: Send) -> None:
        self.send, self.copies, self.state = send, 0, COPYING


@VARIANTS.register("blind-copies", BlindCopiesConfig)
class BlindCopies(Machine[_Message]):
    """Sends every message n times and hopes; the copies are attempts 1 to n."""

    speaks = (DATA,)

    def __init__(self, config: BlindCopiesConfig) -> None:
        super().__init__()
        self._copies, self._spacing_s = config.copies, config.spacing_s

    def command(self, command: object, now: float) -> None:
        """Sends the first copy, and at no spacing all of them."""
        self.expire(_Message(expect_send(command)), now)

    def expire(self, key: _Message, now: float) -> None:
        """Sends the next copy."""
        while key.state == COPYING:
            key.copies += 1
            event = COPY if key.copies < self._copies else LAST_COPY
            key.state = step(NEXT, key.state, event, LocalProtocolError)
            self.outgoing.append(data_datagram(key.send, key.copies))
            if self._spacing_s:
                break
        if key.state == COPYING:
            self.timers.set(key, now + self._spacing_s)

    def take(self, frame: Frame, peer: str, now: float) -> None:
        """Hands up every copy."""
        envelope = frame[5]
        assert envelope is not None
        self.events.append(Received(peer, envelope))

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """When each copy leaves, counted from the first."""
        return tuple(copy * self._spacing_s for copy in range(self._copies))
