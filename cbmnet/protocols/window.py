"""What the two sliding-window variants share: lines, admission to the window, pace, and the receiver's place.

A line, one per peer and stream, has its messages in flight from the *base*, the lowest that is neither
acknowledged nor given up, and the rest waiting. At most `window` sequences from the base are in flight. The
sequences of a line's commands go up by one from the first; a higher epoch begins anew, and waits until the
epoch before it is through. Every data frame says how far it is from the base at its sending (16 bits of its
mark), and from that the receiver learns where a stream begins, also if its first frame is lost, and what it
need not wait for any more, because the sender gave up on it.

`pace_s` is the least time between two data frames to one peer: a sender that knows the rate of its line sets
it to the time of a frame, and nothing queues below it. Repeated frames go before new ones.
"""

from abc import abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.protocols.endpoint import AT_MOST_ONCE, IN_ORDER, OR_GAVE_UP, expect_send
from cbmnet.protocols.events import Acknowledged, GaveUp
from cbmnet.protocols.frame import DATA, LINK_ACK, Frame, Send, marked_datagram, read_mark
from cbmnet.protocols.machine import Machine, Table, step
from cbmnet.protocols.retry import MAX_SENDS, offsets_of

MAX_WINDOW = 1023  # times 64 sends it leaves every transmission of a message its own number of 16 bits
FRESH, UNDER_WAY, DUE, ACKNOWLEDGED, GIVEN_UP = "fresh", "under way", "due again", "acknowledged", "given up"
SENT, ACK, TIMEOUT, GIVE_UP = "sent", "ack", "timeout", "give up"


@dataclass(frozen=True)
class WindowConfig:
    """`rto_s`: how long a frame waits, from its sending, for its acknowledgement; above the round trip."""

    rto_s: float
    window: int = 8
    max_sends: int = 5
    pace_s: float = 0.0

    def __post_init__(self) -> None:
        if not (self.rto_s > 0.0 and self.pace_s >= 0.0):
            raise ValueError("needs rto longer than 0 and pace not negative")
        if not (1 <= self.window <= MAX_WINDOW and 1 <= self.max_sends <= MAX_SENDS):
            raise ValueError(f"needs a window of 1 to {MAX_WINDOW} and 1 to {MAX_SENDS} max_sends")


class InFlight:
    """A message in the window: its state, how often it was sent, when last, and how often it timed out."""

    __slots__ = ("send", "sends", "sent_s", "state", "timeouts")

    def __init__(self, send: Send) -> None:
        self.send, self.state = send, FRESH
        self.sends = self.timeouts = 0
        self.sent_s = 0.0


class SendLine:
    """The sender's side of one (peer, stream): `flights` begins at the base, `due` holds what goes again."""

    __slots__ = ("due", "flights", "last", "peer", "sent", "stream", "waiting")

    def __init__(self, peer: str, stream: int) -> None:
        self.peer, self.stream = peer, stream
        self.flights: deque[InFlight] = deque()
        self.due: deque[InFlight] = deque()
        self.waiting: deque[Send] = deque()
        self.last: Send | None = None  # the last that was commanded
        self.sent = (0, -1)  # epoch and sequence of the last that was sent


class Port:
    """The way out to one peer: its lines, and from when on the next data frame may leave."""

    __slots__ = ("free_s", "lines")

    def __init__(self) -> None:
        self.free_s = float("-inf")
        self.lines: deque[SendLine] = deque()


class ReceiveLine:
    """The receiver's side of one (peer, stream): `expected` is the sequence that is handed up next."""

    __slots__ = ("epoch", "expected")

    def __init__(self, epoch: int, expected: int) -> None:
        self.epoch, self.expected = epoch, expected


R = TypeVar("R", bound=ReceiveLine)
Key = tuple[str, int, int]
_PACE = -1  # the stream of a port's timer


class Windowed(Machine[Key], Generic[R]):
    """Everything but when frames go again, and what the receiver does with frames that come too early."""

    claims = frozenset({AT_MOST_ONCE, IN_ORDER, OR_GAVE_UP})
    speaks = (DATA, LINK_ACK)
    table: ClassVar[Table]

    def __init__(self, config: WindowConfig) -> None:
        super().__init__()
        self.config = config
        self._ports: dict[str, Port] = {}
        self._send_lines: dict[tuple[str, int], SendLine] = {}
        self.receive_lines: dict[tuple[str, int], R] = {}

    def command(self, command: object, now: float) -> None:
        """Queues the message; LocalProtocolError if its sequence does not follow the one before."""
        send = expect_send(command)
        line = self._send_lines.get((send.peer, send.stream)) or self._open(send)
        _check_follows(line.last, send)
        line.last = send
        line.waiting.append(send)
        self.pump(send.peer, now)

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """When each attempt leaves, counted from the first, if no acknowledgement comes."""
        return offsets_of([self.config.rto_s] * self.config.max_sends)

    def pump(self, peer: str, now: float) -> None:
        """Sends to the peer what window and pace allow; repeated frames first, lines in turn."""
        port = self._ports[peer]
        pace_s = self.config.pace_s
        if port.free_s > now and (port.free_s > now + pace_s or (peer, _PACE, 0) not in self.timers):
            # Only after a jump back of the clock is this so far away, or not waited for.
            port.free_s = min(port.free_s, now + pace_s)
            self.timers.set((peer, _PACE, 0), port.free_s)
        while port.free_s <= now and (found := self._next_flight(port)) is not None:
            self._transmit(*found, now)
            if pace_s:
                port.free_s = now + pace_s
                self.timers.set((peer, _PACE, 0), port.free_s)

    def expire(self, key: Key, now: float) -> None:
        """A port is free again, or a frame is out of time."""
        peer, stream, sequence = key
        if stream != _PACE:
            self.time_out(self._send_lines[peer, stream], sequence, now)
        self.pump(peer, now)

    def take(self, frame: Frame, peer: str, now: float) -> None:
        """Data go to the receiver's side, acknowledgements to the sender's."""
        _, _, stream, sequence, mark, envelope = frame
        epoch, ahead, _ = read_mark(mark)
        if envelope is not None:
            if ahead > sequence:
                raise RemoteProtocolError(f"frame {sequence} says that its base lies {ahead} before it")
            self.arrive(frame, peer, now)
            return
        line = self._send_lines.get((peer, stream))
        if line is None or (epoch, sequence) > line.sent:
            raise RemoteProtocolError(f"acknowledges {sequence}, which was never sent")
        if line.flights and line.flights[0].send.epoch == epoch:
            self.acknowledge(line, sequence, now)
            self.pump(peer, now)

    def move(self, flight: InFlight, event: str) -> None:
        """The flight's next state."""
        flight.state = step(self.table, flight.state, event, LocalProtocolError)

    def finish(self, line: SendLine, flight: InFlight, event: str) -> None:
        """Acknowledged, or given up."""
        self.move(flight, event)
        said = Acknowledged if event == ACK else GaveUp
        self.events.append(said(line.peer, line.stream, flight.send.sequence, flight.sends))

    @abstractmethod
    def started(self, line: SendLine, flight: InFlight, now: float) -> None:
        """A frame has just left: sets its timer."""

    @abstractmethod
    def time_out(self, line: SendLine, sequence: int, now: float) -> None:
        """The timer of a frame has expired."""

    @abstractmethod
    def acknowledge(self, line: SendLine, sequence: int, now: float) -> None:
        """An acknowledgement of the epoch in flight came."""

    @abstractmethod
    def arrive(self, frame: Frame, peer: str, now: float) -> None:
        """A data frame came."""

    def _open(self, send: Send) -> SendLine:
        line = self._send_lines[send.peer, send.stream] = SendLine(send.peer, send.stream)
        self._ports.setdefault(send.peer, Port()).lines.append(line)
        return line

    def _next_flight(self, port: Port) -> tuple[SendLine, InFlight] | None:
        for choose in (self._again, self._fresh):
            for line in port.lines:
                flight = choose(line)
                if flight is not None:
                    port.lines.remove(line)
                    port.lines.append(line)
                    return line, flight
        return None

    def _again(self, line: SendLine) -> InFlight | None:
        while line.due:
            flight = line.due.popleft()
            if flight.state == DUE:
                return flight
        return None

    def _fresh(self, line: SendLine) -> InFlight | None:
        flights, waiting = line.flights, line.waiting
        if not waiting or len(flights) >= self.config.window:
            return None
        if flights and flights[0].send.epoch != waiting[0].epoch:
            return None
        flight = InFlight(waiting.popleft())
        flights.append(flight)
        line.sent = flight.send.epoch, flight.send.sequence
        return flight

    def _transmit(self, line: SendLine, flight: InFlight, now: float) -> None:
        self.move(flight, SENT)
        flight.sends += 1
        flight.sent_s = now
        ahead = flight.send.sequence - line.flights[0].send.sequence
        self.outgoing.append(marked_datagram(flight.send, flight.sends, ahead))
        self.started(line, flight, now)


def _check_follows(last: Send | None, send: Send) -> None:
    if last is None or send.epoch > last.epoch:
        return
    if (send.epoch, send.sequence) != (last.epoch, last.sequence + 1):
        raise LocalProtocolError(
            f"stream {send.stream} to {send.peer}: sequence {send.sequence} of epoch {send.epoch} does not "
            f"follow {last.sequence} of epoch {last.epoch}"
        )
