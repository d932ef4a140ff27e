"""Stop and wait with exponential backoff: one message under way per peer and stream.

Theory of operation. A stream is IDLE or AWAITING an acknowledgement of its head message. On expiry the
head is sent again with the timeout multiplied by `backoff` (2 is RFC 6298's rule 5.5; 1 keeps it fixed),
at most `max_sends` times; then the stream gives up on it and goes on with the next. With data loss d and
acknowledgement loss a, q = (1 - d)(1 - a): sends (1 - (1 - q)^R)/q, delivered 1 - d^R, acknowledged
1 - (1 - q)^R, and the difference is delivered but believed failed.

Guarantees order per stream among what is delivered; delivers at least once what it acknowledges.
Cannot tell a lost message from a lost acknowledgement: GaveUp is indefinite.
"""

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate
from math import inf

from cbmnet.errors import RemoteProtocolError
from cbmnet.protocols.endpoint import (
    VARIANTS,
    Acknowledged,
    EndpointBase,
    GaveUp,
    Malformed,
    Received,
    Send,
    ack_datagram,
    data_datagram,
    decode_frame,
    expect_send,
)


@dataclass(frozen=True)
class StopAndWaitConfig:
    """`rto_s`: first retransmission timeout; it should exceed the round trip."""

    rto_s: float
    backoff: float = 2.0  # RFC 6298 section 5.5: back off the timer by doubling it
    max_sends: int = 5

    def __post_init__(self) -> None:
        if not (self.rto_s > 0.0 and self.backoff >= 1.0 and 1 <= self.max_sends <= 64):
            raise ValueError("needs rto longer than 0, backoff of at least 1 and 1 to 64 max_sends")


class Line:
    """The state toward one (peer, stream): the head under way and what waits; the last acknowledged.

    `deadline` is infinite while nothing is under way. `answered` is the sequence that was last
    acknowledged to the peer, `answered_attempt` its attempt, `repeats` how often that attempt came again.
    """

    __slots__ = ("answered", "answered_attempt", "attempt", "deadline", "head", "repeats", "waiting")

    def __init__(self) -> None:
        self.head: Send | None = None
        self.attempt = 0
        self.deadline = inf
        self.waiting: deque[Send] = deque()
        self.answered = self.answered_attempt = 0
        self.repeats = 0


@VARIANTS.register("stop-and-wait", StopAndWaitConfig)
class StopAndWait(EndpointBase):
    """Acknowledges every data frame, repeats its own until acknowledged or out of attempts."""

    def __init__(self, config: StopAndWaitConfig) -> None:
        super().__init__()
        self._rtos_s = [config.rto_s * config.backoff**k for k in range(config.max_sends)]
        self._lines: dict[tuple[str, int], Line] = {}
        self._timers: list[tuple[float, int, Line]] = []
        self._timer_count = 0  # keeps equal deadlines in the order in which they were set

    def command(self, command: object, now: float) -> None:
        """Queues the message behind those of its peer and stream."""
        send = expect_send(command)
        peer, stream = send.peer, send.stream
        try:
            line = self._lines[peer, stream]
        except KeyError:
            line = self._lines[peer, stream] = Line()
        if line.head is None:
            line.head, line.attempt = send, 0
            self._transmit(line, send, now)
        else:
            line.waiting.append(send)

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Data is acknowledged and handed up; an acknowledgement frees its line."""
        try:
            _, _, stream, sequence, attempt, envelope = decode_frame(data)
        except RemoteProtocolError as error:
            self.events.append(Malformed(peer, str(error)))
            return
        try:
            line = self._lines[peer, stream]
        except KeyError:
            line = self._lines[peer, stream] = Line()
        if envelope is not None:
            # Acknowledgements of one attempt that came twice need fates of their own. They are counted in
            # steps of 256, since a duplicating channel numbers its copies by ones.
            again = line.answered_attempt == attempt and line.answered == sequence
            line.repeats = line.repeats + 256 & 0xFFFF if again else 0
            line.answered, line.answered_attempt = sequence, attempt
            self.outgoing.append(ack_datagram(peer, stream, sequence, attempt, line.repeats))
            self.events.append(Received(peer, envelope))
        elif (head := line.head) is not None and head.sequence == sequence:
            self._finish(line, head, Acknowledged, now)

    def handle_timer(self, now: float) -> None:
        """Repeats or gives up on every head whose timeout has passed."""
        while (due := self.next_timer()) is not None and due <= now:
            line = heappop(self._timers)[2]
            assert line.head is not None
            if line.attempt < len(self._rtos_s):
                self._transmit(line, line.head, now)
            else:
                self._finish(line, line.head, GaveUp, now)

    def next_timer(self) -> float | None:
        """The earliest timeout still awaited; stale entries are dropped on the way."""
        timers = self._timers
        while timers:
            deadline, _, line = timers[0]
            if line.deadline == deadline:
                return deadline
            heappop(timers)
        return None

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """When each attempt leaves, counted from the first, if no acknowledgement comes."""
        return tuple(accumulate(self._rtos_s[:-1], initial=0.0))

    def _transmit(self, line: Line, send: Send, now: float) -> None:
        attempt = line.attempt
        line.deadline = deadline = now + self._rtos_s[attempt]
        line.attempt = attempt = attempt + 1
        self._timer_count = count = self._timer_count + 1
        heappush(self._timers, (deadline, count, line))
        self.outgoing.append(data_datagram(send, attempt))

    def _finish(self, line: Line, send: Send, event: type[Acknowledged] | type[GaveUp], now: float) -> None:
        self.events.append(event(send.peer, send.stream, send.sequence, line.attempt))
        line.head, line.deadline = None, inf
        if line.waiting:
            line.head, line.attempt = line.waiting.popleft(), 0
            self._transmit(line, line.head, now)
