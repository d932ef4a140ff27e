"""Selective repeat: a window of frames under way, each acknowledged and repeated by itself.

Guarantees order per stream, each message at most once, and that it is delivered or given up. With wide
windows every frame that is not lost brings a message: efficiency 1 - p. Sequences on the wire are the
message's own and never wrap, so the classic fault of windows beyond half the number space cannot arise.

Cannot tell a lost frame from a lost acknowledgement: GaveUp is indefinite. An acknowledgement says that the
peer's endpoint has the message and will hand it up in order; it is an unsigned hint. The receiver keeps at
most `window` messages per peer and stream, and remembers the last 1,024 sequences below them, which it
acknowledges again when they come again; older ones it ignores.
"""

from collections import Counter
from dataclasses import dataclass

from cbmnet.protocols.endpoint import VARIANTS
from cbmnet.protocols.events import Received
from cbmnet.protocols.frame import Frame, echo_datagram, read_mark
from cbmnet.protocols.recent import SPAN
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
    Key,
    ReceiveLine,
    SendLine,
    WindowConfig,
    Windowed,
)

# Theory of operation. A message enters the window FRESH, is UNDER_WAY when sent, and has a timer of its own
# from each sending. On expiry it is DUE again and goes before any new frame, or after `max_sends` sends is
# GIVEN_UP. It may be acknowledged while DUE (the acknowledgement was late, not lost), and again when it is
# settled but still within the window, behind an older one that is not.
#
# The receiver acknowledges each frame within its window, keeps it, and hands up what is in order. A gap
# closes by the missing frame; by the sender's base, which has passed what was given up; or, where no further
# frame tells of that, by itself after `hold_s`. What was passed over so is never acknowledged any more: its
# sender gives it up.
NEXT = {
    FRESH: {SENT: UNDER_WAY},
    UNDER_WAY: {ACK: ACKNOWLEDGED, TIMEOUT: DUE, GIVE_UP: GIVEN_UP},
    DUE: {SENT: UNDER_WAY, ACK: ACKNOWLEDGED},
    ACKNOWLEDGED: {ACK: ACKNOWLEDGED},
    GIVEN_UP: {ACK: GIVEN_UP},
}
_HOLD = -2  # the stream of a receiver's timer, whose own is in the place of the sequence


@dataclass(frozen=True)
class SelectiveRepeatConfig(WindowConfig):
    """`hold_s`: how long a gap holds up what came after it; 0 is max_sends timeouts, all a sender takes."""

    hold_s: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.hold_s >= 0.0:
            raise ValueError("needs hold not negative")

    @property
    def longest_gap_s(self) -> float:
        """How long a gap is kept open, in seconds."""
        return self.hold_s or self.max_sends * self.rto_s


class _Place(ReceiveLine):
    """`held` came before its turn; `gap` is the sequence that the timer waits for.

    `echoes` counts the acknowledgements of what came, by sequence and attempt.
    """

    __slots__ = ("echoes", "gap", "held")

    def __init__(self, epoch: int, expected: int) -> None:
        super().__init__(epoch, expected)
        self.gap = expected
        self.held: dict[int, bytes] = {}
        self.echoes: dict[int, Counter[int]] = {}


@VARIANTS.register("selective-repeat", SelectiveRepeatConfig)
class SelectiveRepeat(Windowed[_Place]):
    """Repeats only what is missing; the receiver puts it in order."""

    table = NEXT
    config: SelectiveRepeatConfig

    def started(self, line: SendLine, flight: InFlight, now: float) -> None:
        """Every frame has a timer."""
        self.timers.set((line.peer, line.stream, flight.send.sequence), now + self.config.rto_s)

    def expire(self, key: Key, now: float) -> None:
        """As for any window; or a gap has been open for too long."""
        peer, stream, sequence = key
        if stream != _HOLD:
            super().expire(key, now)
            return
        place = self.receive_lines[peer, sequence]
        self._skip_to(peer, place, min(place.held))
        self._watch_gap(peer, sequence, place, now)

    def time_out(self, line: SendLine, sequence: int, now: float) -> None:
        """The frame goes again, or is given up."""
        flight = line.flights[sequence - line.flights[0].send.sequence]
        if flight.sends >= self.config.max_sends:
            self._settle(line, flight, GIVE_UP)
        else:
            self.move(flight, TIMEOUT)
            line.due.append(flight)

    def acknowledge(self, line: SendLine, sequence: int, now: float) -> None:
        """Settles this one frame."""
        place = sequence - line.flights[0].send.sequence
        if 0 <= place < len(line.flights):
            flight = line.flights[place]
            if flight.state in (ACKNOWLEDGED, GIVEN_UP):
                self.move(flight, ACK)
            else:
                self._settle(line, flight, ACK)

    def _settle(self, line: SendLine, flight: InFlight, event: str) -> None:
        self.timers.clear((line.peer, line.stream, flight.send.sequence))
        self.finish(line, flight, event)
        flights = line.flights
        while flights and flights[0].state in (ACKNOWLEDGED, GIVEN_UP):
            flights.popleft()

    def arrive(self, frame: Frame, peer: str, now: float) -> None:
        """Keeps and acknowledges what is within the window, and hands up what is in order."""
        _, _, stream, sequence, mark, envelope = frame
        epoch, ahead, attempt = read_mark(mark)
        place = self._place(peer, stream, epoch, sequence - ahead)
        if place is None:
            return
        if place.expected <= sequence < place.expected + self.config.window:
            assert envelope is not None
            place.held.setdefault(sequence, envelope)
            place.echoes.setdefault(sequence, Counter())
        echoes = place.echoes.get(sequence)
        if echoes is not None:  # else beyond the window, passed over, or too old to know
            self.outgoing.append(echo_datagram(peer, stream, sequence, mark, echoes[attempt]))
            echoes[attempt] += 1
        self._skip_to(peer, place, place.expected)
        self._watch_gap(peer, stream, place, now)

    def _place(self, peer: str, stream: int, epoch: int, base: int) -> _Place | None:
        place = self.receive_lines.get((peer, stream))
        if place is None or epoch > place.epoch:
            if place is not None and place.held:  # acknowledged, so it must be handed up
                self._skip_to(peer, place, max(place.held) + 1)
            place = self.receive_lines[peer, stream] = _Place(epoch, base)
            self.timers.clear((peer, _HOLD, stream))
        elif epoch < place.epoch:
            return None
        elif base > place.expected:
            self._skip_to(peer, place, base)
        return place

    def _skip_to(self, peer: str, place: _Place, sequence: int) -> None:
        """Hands up what is held below this sequence, and from there on what is in order."""
        held, before = place.held, place.expected
        for early in sorted(number for number in held if number < sequence):
            self.events.append(Received(peer, held.pop(early)))
        place.expected = max(sequence, before)
        while place.expected in held:
            self.events.append(Received(peer, held.pop(place.expected)))
            place.expected += 1
        if place.expected != before:
            self._forget(place, before)

    def _forget(self, place: _Place, before: int) -> None:
        for number in range(before - SPAN, min(place.expected - SPAN, before + self.config.window)):
            place.echoes.pop(number, None)

    def _watch_gap(self, peer: str, stream: int, place: _Place, now: float) -> None:
        key = (peer, _HOLD, stream)
        if not place.held:
            self.timers.clear(key)
        elif place.gap != place.expected or key not in self.timers:
            self.timers.set(key, now + self.config.longest_gap_s)
        place.gap = place.expected
