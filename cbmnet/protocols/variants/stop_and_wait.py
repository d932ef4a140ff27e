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

from cbmnet.datagram import Datagram, Label
from cbmnet.errors import RemoteProtocolError
from cbmnet.protocols.endpoint import (
    ACK_KIND,
    DATA,
    LINK_ACK,
    VARIANTS,
    Acknowledged,
    EndpointBase,
    GaveUp,
    Malformed,
    Received,
    Send,
    data_datagram,
    decode_frame,
    encode_frame,
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
    """The state of one (peer, stream): the head under way, its attempt, and what waits behind it."""

    __slots__ = ("attempt", "deadline", "head", "waiting")

    def __init__(self) -> None:
        self.head: Send | None = None
        self.attempt = 0
        self.deadline = 0.0
        self.waiting: deque[Send] = deque()


@VARIANTS.register("stop-and-wait", StopAndWaitConfig)
class StopAndWait(EndpointBase):
    """Acknowledges every data frame, repeats its own until acknowledged or out of attempts."""

    def __init__(self, config: StopAndWaitConfig) -> None:
        super().__init__()
        self._config = config
        self._lines: dict[tuple[str, int], Line] = {}
        self._timers: list[tuple[float, str, int]] = []
        self._last_acknowledged: dict[tuple[str, int], tuple[int, int, int]] = {}

    def command(self, command: object, now: float) -> None:
        """Queues the message behind those of its peer and stream."""
        send = expect_send(command)
        line = self._lines.setdefault((send.peer, send.stream), Line())
        if line.head is None:
            line.head, line.attempt = send, 0
            self._transmit(line, now)
        else:
            line.waiting.append(send)

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Data is acknowledged and handed up; an acknowledgement frees its line."""
        try:
            type_, stream, sequence, attempt, envelope = decode_frame(data)
        except RemoteProtocolError as error:
            self._events.append(Malformed(peer, str(error)))
            return
        if type_ == DATA and envelope is not None:
            self._acknowledge(peer, stream, sequence, attempt)
            self._events.append(Received(peer, envelope))
        else:
            self._acknowledged(peer, stream, sequence, now)

    def handle_timer(self, now: float) -> None:
        """Repeats or gives up on every head whose timeout has passed."""
        while (due := self.next_timer()) is not None and due <= now:
            _, peer, stream = heappop(self._timers)
            line = self._lines[peer, stream]
            if line.attempt < self._config.max_sends:
                self._transmit(line, now)
            else:
                self._finish(line, GaveUp, now)

    def next_timer(self) -> float | None:
        """The earliest timeout still awaited; stale entries are dropped on the way."""
        timers = self._timers
        while timers:
            deadline, peer, stream = timers[0]
            line = self._lines[peer, stream]
            if line.head is not None and line.deadline == deadline:
                return deadline
            heappop(timers)
        return None

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """When each attempt leaves, counted from the first, if no acknowledgement comes."""
        offsets, at_s, config = [], 0.0, self._config
        for attempt in range(config.max_sends):
            offsets.append(at_s)
            at_s += config.rto_s * config.backoff**attempt
        return tuple(offsets)

    def _transmit(self, line: Line, now: float) -> None:
        send = line.head
        assert send is not None
        line.attempt += 1
        line.deadline = now + self._config.rto_s * self._config.backoff ** (line.attempt - 1)
        heappush(self._timers, (line.deadline, send.peer, send.stream))
        self._outgoing.append(data_datagram(send, line.attempt))

    def _acknowledge(self, peer: str, stream: int, sequence: int, attempt: int) -> None:
        # Acknowledgements of one attempt that came twice need fates of their own. They are counted in
        # steps of 256, since a duplicating channel numbers its copies by ones.
        last = self._last_acknowledged.get((peer, stream))
        again = last is not None and last[0] == sequence and last[1] == attempt
        copy = last[2] + 256 & 0xFFFF if again and last is not None else 0
        self._last_acknowledged[peer, stream] = (sequence, attempt, copy)
        data = encode_frame(LINK_ACK, stream, sequence, attempt, None)
        self._outgoing.append(Datagram(data, peer, Label(ACK_KIND, stream, 0, sequence, attempt, copy)))

    def _acknowledged(self, peer: str, stream: int, sequence: int, now: float) -> None:
        line = self._lines.get((peer, stream))
        if line is not None and line.head is not None and line.head.sequence == sequence:
            self._finish(line, Acknowledged, now)

    def _finish(self, line: Line, event: type[Acknowledged] | type[GaveUp], now: float) -> None:
        send = line.head
        assert send is not None
        self._events.append(event(send.peer, send.stream, send.sequence, line.attempt))
        line.head, line.attempt = None, 0
        if line.waiting:
            line.head = line.waiting.popleft()
            self._transmit(line, now)
