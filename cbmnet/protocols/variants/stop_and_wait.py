"""Stop and wait: one message under way per peer and stream, repeated until acknowledged.

With `backoff` 1 the timeout is fixed, with 2 it doubles (RFC 6298's rule 5.5). With data loss d and
acknowledgement loss a, q = (1 - d)(1 - a): sends (1 - (1 - q)^R)/q, delivered 1 - d^R, acknowledged
1 - (1 - q)^R, and the difference is delivered but believed failed.

Guarantees that a message is delivered at least once or given up; on a line that keeps order, also order per
stream among first arrivals. Duplicates are handed up: the verification above drops them. Cannot tell a lost
message from a lost acknowledgement: GaveUp is indefinite. An acknowledgement is an unsigned hint.
"""

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

from cbmnet.errors import RemoteProtocolError
from cbmnet.protocols.endpoint import (
    OR_GAVE_UP,
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
from cbmnet.protocols.frame import COPY_STEP, DATA, KINDS, LINK_ACK, marked_datagram
from cbmnet.protocols.recent import SPAN
from cbmnet.protocols.retry import RetryConfig, offsets_of


@dataclass(frozen=True)
class StopAndWaitConfig(RetryConfig):
    """`rto_s`: first retransmission timeout; it should exceed the round trip."""


# Theory of operation. A line, one per peer and stream, is IDLE or AWAITING the acknowledgement of its head
# message; further messages wait behind it. On expiry the head is sent again with the next timeout, at most
# `max_sends` times; then the line gives up on it. Acknowledged or given up, the head makes way for the next
# message, or leaves the line IDLE. An acknowledgement of anything but the head is stale and changes nothing.
# Data that arrive are answered in either state. IDLE has no timer: a timeout there would be our own bug.
#
# The state is in `Line.head`, since this is the path whose speed is measured (None is IDLE); a test walks the
# code along the table.
IDLE, AWAITING = "idle", "awaiting"
COMMAND, ACK_OF_HEAD, OTHER_ACK, DATA_COMES = "command", "ack of the head", "other ack", "data"
TIMEOUT, GIVE_UP, LAST_ACK, LAST_GIVE_UP = (
    "timeout",
    "give up",
    "ack of the head, none waits",
    "give up, none waits",
)
NEXT = {
    IDLE: {COMMAND: AWAITING, OTHER_ACK: IDLE, DATA_COMES: IDLE},
    AWAITING: {
        COMMAND: AWAITING,
        ACK_OF_HEAD: AWAITING,
        LAST_ACK: IDLE,
        OTHER_ACK: AWAITING,
        DATA_COMES: AWAITING,
        TIMEOUT: AWAITING,
        GIVE_UP: AWAITING,
        LAST_GIVE_UP: IDLE,
    },
}


class Line:
    """The state toward one (peer, stream): the head under way and what waits; the last acknowledged.

    `deadline` is infinite while nothing is under way. `answered` is the highest sequence that was
    acknowledged to the peer, `answered_attempt` the highest of its attempts, `repeats` how often others came.
    """

    __slots__ = ("answered", "answered_attempt", "attempt", "deadline", "head", "repeats", "waiting")

    def __init__(self) -> None:
        self.head: Send | None = None
        self.attempt = 0
        self.deadline = inf
        self.waiting: deque[Send] = deque()
        self.answered = self.answered_attempt = 0
        self.repeats: dict[tuple[int, int], int] = {}

    def count_again(self, sequence: int, attempt: int) -> int:
        """The copy number of an acknowledgement that may have been sent before: it needs a fate of its own.

        The last 1,024 of these are told apart.
        """
        repeats = self.repeats
        repeats[sequence, attempt] = count = repeats.pop((sequence, attempt), 0) + 1
        if len(repeats) > SPAN:
            del repeats[next(iter(repeats))]
        return count * COPY_STEP & 0xFFFF


@VARIANTS.register("stop-and-wait", StopAndWaitConfig)
class StopAndWait(EndpointBase):
    """Acknowledges every data frame, repeats its own until acknowledged or out of attempts."""

    claims = frozenset({OR_GAVE_UP})
    _new_line: type[Line] = Line

    def __init__(self, config: StopAndWaitConfig) -> None:
        super().__init__()
        self._rtos_s = config.rtos_s
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
            line = self._lines[peer, stream] = self._new_line()
        if line.head is None:
            line.head, line.attempt = send, 0
            self._transmit(line, send, now)
        else:
            line.waiting.append(send)

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Data is acknowledged and handed up; an acknowledgement frees its line."""
        try:
            _, type_, stream, sequence, attempt, envelope = decode_frame(data)
        except RemoteProtocolError as error:
            self.events.append(Malformed(peer, str(error)))
            return
        try:
            line = self._lines[peer, stream]
        except KeyError:
            line = self._lines[peer, stream] = self._new_line()
        if type_ == DATA:
            assert envelope is not None
            if sequence > line.answered or (sequence == line.answered and attempt > line.answered_attempt):
                line.answered, line.answered_attempt, copy = sequence, attempt, 0
            else:
                copy = line.count_again(sequence, attempt)
            self.outgoing.append(ack_datagram(peer, stream, sequence, attempt, copy))
            self.events.append(Received(peer, envelope))
        elif type_ != LINK_ACK:
            self.events.append(Malformed(peer, f"{KINDS[type_]} is no frame of this variant"))
        elif (head := line.head) is not None and head.sequence == sequence and head.epoch == attempt >> 32:
            self._finish(line, head, Acknowledged, now, attempt & 0xFFFF)

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
        return offsets_of(self._rtos_s)

    def _transmit(self, line: Line, send: Send, now: float) -> None:
        attempt = line.attempt
        line.deadline = deadline = now + self._rtos_s[attempt]
        line.attempt = attempt = attempt + 1
        self._timer_count = count = self._timer_count + 1
        heappush(self._timers, (deadline, count, line))
        # In epoch 0 the mark is the attempt; a later epoch in it keeps late acknowledgements apart.
        self.outgoing.append(marked_datagram(send, attempt) if send.epoch else data_datagram(send, attempt))

    def _finish(
        self, line: Line, send: Send, event: type[Acknowledged] | type[GaveUp], now: float, attempt: int = 0
    ) -> None:
        """The head is acknowledged, by the echo of this attempt, or given up; the next takes its place."""
        self.events.append(event(send.peer, send.stream, send.sequence, line.attempt))
        line.head, line.deadline = None, inf
        if line.waiting:
            line.head, line.attempt = line.waiting.popleft(), 0
            self._transmit(line, line.head, now)
