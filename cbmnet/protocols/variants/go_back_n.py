"""Go-back-N: a window of frames under way, one timer for the oldest, no memory at the receiver.

Guarantees order per stream, each message at most once, and that it is delivered or given up. With frame time
1 (`pace_s`), propagation a each way (2a whole), no acknowledgement lost, a window of 1 + 2a and a timeout a
hair above 1 + 2a, a loss costs the frame and the 2a behind it: efficiency (1 - p)/(1 + 2ap).

Cannot tell a lost frame from a lost acknowledgement: GaveUp is indefinite. An acknowledgement says that the
peer's endpoint handed the message up; it is an unsigned hint. The receiver keeps one number per peer and
stream (window.py says how it learns it), and an old epoch's frames are ignored once a new one has begun.
"""

from dataclasses import dataclass

from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.protocols.events import Received
from cbmnet.protocols.frame import LINK_ACK, Frame, answer_datagram, read_mark
from cbmnet.protocols.window import (
    ACK,
    ACKNOWLEDGED,
    DUE,
    FRESH,
    GIVE_UP,
    GIVEN_UP,
    SENT,
    TIMEOUT,
    UNDER_WAY,
    InFlight,
    ReceiveLine,
    SendLine,
    WindowConfig,
    Windowed,
)

# Theory of operation. A message enters the window FRESH and is UNDER_WAY when sent. Only the oldest has a
# timer, counted from its own last sending. On its expiry everything in the window is DUE again, in order; a
# frame that is DUE may be acknowledged before its turn comes (the acknowledgement was late, not lost). After
# `max_sends` timeouts the oldest is GIVEN_UP, and the others go again. An acknowledgement is cumulative: it
# settles all up to its number. The receiver takes the frame it expects and answers any other with the number
# of the last one in order, so what is settled is never asked about again: no key leads out of it.
NEXT = {
    FRESH: {SENT: UNDER_WAY},
    UNDER_WAY: {ACK: ACKNOWLEDGED, TIMEOUT: DUE, GIVE_UP: GIVEN_UP},
    DUE: {SENT: UNDER_WAY, ACK: ACKNOWLEDGED, TIMEOUT: DUE},
    ACKNOWLEDGED: {},
    GIVEN_UP: {},
}


@dataclass(frozen=True)
class GoBackNConfig(WindowConfig):
    """`max_sends`: how often a message is sent as the oldest of its window."""


class _Place(ReceiveLine):
    """`answers` counts the acknowledgements with the present number."""

    __slots__ = ("answers",)

    def __init__(self, epoch: int, expected: int) -> None:
        super().__init__(epoch, expected)
        self.answers = 0


@VARIANTS.register("go-back-n", GoBackNConfig)
class GoBackN(Windowed[_Place]):
    """Repeats the whole window from the oldest frame on; accepts only what comes in order."""

    table = NEXT

    def started(self, line: SendLine, flight: InFlight, now: float) -> None:
        """The oldest has the timer."""
        if flight is line.flights[0]:
            self.timers.set((line.peer, line.stream, 0), now + self.config.rto_s)

    def time_out(self, line: SendLine, sequence: int, now: float) -> None:
        """Goes back to the oldest, or gives up on it and goes back to the next."""
        oldest = line.flights[0]
        oldest.timeouts += 1
        if oldest.timeouts >= self.config.max_sends:
            self.finish(line, line.flights.popleft(), GIVE_UP)
        for flight in line.flights:
            self.move(flight, TIMEOUT)
        line.due.clear()
        line.due.extend(line.flights)

    def acknowledge(self, line: SendLine, sequence: int, now: float) -> None:
        """Settles all up to this number; the new oldest has the timer, from its own sending."""
        flights, key = line.flights, (line.peer, line.stream, 0)
        if flights[0].send.sequence > sequence:
            return
        while flights and flights[0].send.sequence <= sequence:
            self.finish(line, flights.popleft(), ACK)
        if flights and flights[0].state == UNDER_WAY:
            self.timers.set(key, flights[0].sent_s + self.config.rto_s)
        else:
            self.timers.clear(key)

    def arrive(self, frame: Frame, peer: str, now: float) -> None:
        """Hands up the frame that is expected; says in any case how far it has come."""
        _, _, stream, sequence, mark, envelope = frame
        epoch, ahead, _ = read_mark(mark)
        place = self._place(peer, stream, epoch, sequence - ahead)
        if place is None:
            return
        if sequence == place.expected:
            assert envelope is not None
            self.events.append(Received(peer, envelope))
            place.expected, place.answers = sequence + 1, 0
        if place.expected:  # with nothing yet of a stream that begins at 0 there is no number to say
            place.answers += 1
            last = place.expected - 1
            self.outgoing.append(answer_datagram(LINK_ACK, peer, stream, last, mark, place.answers))

    def _place(self, peer: str, stream: int, epoch: int, base: int) -> _Place | None:
        place = self.receive_lines.get((peer, stream))
        if place is None or epoch > place.epoch:
            place = self.receive_lines[peer, stream] = _Place(epoch, base)
        elif epoch < place.epoch:
            return None
        elif base > place.expected:
            place.expected, place.answers = base, 0
        return place
