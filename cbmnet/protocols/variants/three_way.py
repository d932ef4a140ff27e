"""Three-way: data, acknowledgement, confirmation; each repeated until the next one comes.

The sender repeats its data until acknowledged, and so learns that the receiver has the message. The receiver
repeats its acknowledgement until confirmed, and so learns that the sender knows. Each message is handed up at
most once, and is delivered or given up.

What it cannot do (the two generals): whoever sent last does not know whether that arrived. The sender never
learns that its confirmation came, so it never learns that the receiver knows that it knows; no fourth or
fifth message would end this. All three frames are unsigned hints.

An endpoint answers late frames about the last 1,024 messages it sent, and remembers the last 1,024 of each
peer and stream that it received (recent.py).
"""

from collections import OrderedDict
from dataclasses import dataclass

from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.protocols.endpoint import AT_MOST_ONCE, OR_GAVE_UP, VARIANTS, expect_send
from cbmnet.protocols.events import Acknowledged, Confirmed, GaveUp, Received, Unconfirmed
from cbmnet.protocols.frame import (
    CONFIRM,
    DATA,
    LINK_ACK,
    Frame,
    Send,
    answer_datagram,
    marked_datagram,
    read_mark,
)
from cbmnet.protocols.machine import Machine, step
from cbmnet.protocols.recent import SPAN, Recent
from cbmnet.protocols.retry import RetryConfig, offsets_of

# Theory of operation. Two machines, one at each end of a message.
#
# The sender's is TELLING until acknowledged. Every acknowledgement, also a repeated or a late one, is
# answered by a confirmation, since it shows that the peer lacks it. After `max_sends` the message is UNKNOWN;
# an acknowledgement that comes then still makes it KNOWN, and is told.
#
# The receiver's begins with the data, which are handed up. It is ANSWERING until confirmed, by the same
# timeouts; data that come again show that the acknowledgement was lost, and are answered at once. After
# `max_sends` it is UNCONFIRMED: it still answers data that come again, but does not repeat itself. A
# confirmation of what never came has no key: it is the peer's error.
TELLING, KNOWN, UNKNOWN = "telling", "known", "unknown"
NEW, ANSWERING, CONFIRMED, UNCONFIRMED = "new", "answering", "confirmed", "unconfirmed"
ACK, COMES, CONFIRMATION, TIMEOUT, GIVE_UP = "ack", "data", "confirmation", "timeout", "give up"
NEXT = {
    TELLING: {ACK: KNOWN, TIMEOUT: TELLING, GIVE_UP: UNKNOWN},
    KNOWN: {ACK: KNOWN},
    UNKNOWN: {ACK: KNOWN},
    NEW: {COMES: ANSWERING},
    ANSWERING: {COMES: ANSWERING, CONFIRMATION: CONFIRMED, TIMEOUT: ANSWERING, GIVE_UP: UNCONFIRMED},
    CONFIRMED: {COMES: CONFIRMED, CONFIRMATION: CONFIRMED},
    UNCONFIRMED: {COMES: UNCONFIRMED, CONFIRMATION: CONFIRMED},
}


@dataclass(frozen=True)
class ThreeWayConfig(RetryConfig):
    """`rto_s`: first timeout of data and of acknowledgements alike."""


class _Telling:
    """A message that this end sends."""

    __slots__ = ("confirmations", "send", "sends", "state")

    def __init__(self, send: Send) -> None:
        self.send, self.state = send, TELLING
        self.sends = self.confirmations = 0


class _Answering:
    """A message that came to this end; `answers` counts acknowledgements, `rounds` those by the timer."""

    __slots__ = ("answers", "mark", "peer", "rounds", "sequence", "state", "stream")

    def __init__(self) -> None:
        self.state, self.peer = NEW, ""
        self.stream = self.sequence = self.mark = self.answers = self.rounds = 0


@VARIANTS.register("three-way", ThreeWayConfig)
class ThreeWay(Machine["_Telling | _Answering"]):
    """Each end repeats itself until it hears the next one, and reports what it knows."""

    claims = frozenset({AT_MOST_ONCE, OR_GAVE_UP})
    speaks = (DATA, LINK_ACK, CONFIRM)

    def __init__(self, config: ThreeWayConfig) -> None:
        super().__init__()
        self._rtos_s = config.rtos_s
        self._open: dict[tuple[str, int, int, int], _Telling] = {}
        self._ended: OrderedDict[tuple[str, int, int, int], _Telling] = OrderedDict()
        self._recent: dict[tuple[str, int], Recent[_Answering]] = {}
        # Those that still wait for their confirmation, which a new epoch or a thousand others do not end.
        self._answering: dict[tuple[str, int, int, int], _Answering] = {}

    def command(self, command: object, now: float) -> None:
        """Sends the message; LocalProtocolError for a number that was used already."""
        send = expect_send(command)
        key = send.peer, send.stream, send.epoch, send.sequence
        if key in self._open or key in self._ended:
            raise LocalProtocolError(
                f"{send.peer}: {send.stream}/{send.epoch}/{send.sequence} was sent before"
            )
        telling = self._open[key] = _Telling(send)
        self._tell(telling, now)

    def expire(self, key: _Telling | _Answering, now: float) -> None:
        """Repeats data or acknowledgement, or gives up on it."""
        rounds = key.sends if isinstance(key, _Telling) else key.rounds
        again = rounds < len(self._rtos_s)
        key.state = step(NEXT, key.state, TIMEOUT if again else GIVE_UP, LocalProtocolError)
        if isinstance(key, _Telling):
            if again:
                self._tell(key, now)
            else:
                self._end(key, GaveUp)
        elif again:
            self._answer_by_time(key, now)
        else:
            del self._answering[key.peer, key.stream, key.mark >> 32, key.sequence]
            self.events.append(Unconfirmed(key.peer, key.stream, key.sequence, key.answers))

    def take(self, frame: Frame, peer: str, now: float) -> None:
        """Answers data by an acknowledgement, and that by a confirmation."""
        if frame[1] == DATA:
            self._data(frame, peer, now)
        elif frame[1] == LINK_ACK:
            self._acknowledged(frame, peer)
        else:
            self._confirmed(frame, peer)

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """When each attempt leaves, counted from the first, if no acknowledgement comes."""
        return offsets_of(self._rtos_s)

    def _tell(self, telling: _Telling, now: float) -> None:
        self.timers.set(telling, now + self._rtos_s[telling.sends])
        telling.sends += 1
        self.outgoing.append(marked_datagram(telling.send, telling.sends))

    def _end(self, telling: _Telling, said: type[Acknowledged] | type[GaveUp]) -> None:
        send = telling.send
        key = send.peer, send.stream, send.epoch, send.sequence
        self._open.pop(key, None)
        self._ended[key] = telling
        if len(self._ended) > SPAN:
            self._ended.popitem(last=False)
        self.events.append(said(send.peer, send.stream, send.sequence, telling.sends))

    def _acknowledged(self, frame: Frame, peer: str) -> None:
        _, _, stream, sequence, mark, _ = frame
        key = peer, stream, mark >> 32, sequence
        telling = self._open.get(key) or self._ended.get(key)
        if telling is None:  # longer ago than is remembered, or never
            return
        before, telling.state = telling.state, step(NEXT, telling.state, ACK, RemoteProtocolError)
        self.timers.clear(telling)
        telling.confirmations += 1
        self.outgoing.append(answer_datagram(CONFIRM, peer, stream, sequence, mark, telling.confirmations))
        if before != KNOWN:
            self._end(telling, Acknowledged)

    def _data(self, frame: Frame, peer: str, now: float) -> None:
        _, _, stream, sequence, mark, envelope = frame
        recent = self._recent.setdefault((peer, stream), Recent(_Answering))
        answering = recent.recall(mark >> 32, sequence)
        if answering is None:  # too old to know
            return
        before, answering.state = answering.state, step(NEXT, answering.state, COMES, RemoteProtocolError)
        if before == NEW:
            assert envelope is not None
            answering.peer, answering.stream, answering.sequence = peer, stream, sequence
            answering.mark = mark
            self._answering[peer, stream, mark >> 32, sequence] = answering
            self.events.append(Received(peer, envelope))
            self._answer_by_time(answering, now)
        elif before != CONFIRMED:
            self._answer(answering)

    def _answer_by_time(self, answering: _Answering, now: float) -> None:
        self.timers.set(answering, now + self._rtos_s[answering.rounds])
        answering.rounds += 1
        self._answer(answering)

    def _answer(self, answering: _Answering) -> None:
        a = answering
        a.answers += 1
        self.outgoing.append(answer_datagram(LINK_ACK, a.peer, a.stream, a.sequence, a.mark, a.answers))

    def _confirmed(self, frame: Frame, peer: str) -> None:
        _, _, stream, sequence, mark, _ = frame
        epoch, _, _ = read_mark(mark)
        recent = self._recent.get((peer, stream))
        answering = self._answering.pop((peer, stream, epoch, sequence), None)
        if answering is None and recent is not None:
            answering = recent.find(epoch, sequence)
        if answering is None:
            if recent is None or recent.is_new(epoch, sequence):
                step(NEXT, NEW, CONFIRMATION, RemoteProtocolError)
            return  # too old to know
        before, answering.state = (
            answering.state,
            step(NEXT, answering.state, CONFIRMATION, RemoteProtocolError),
        )
        self.timers.clear(answering)
        if before != CONFIRMED:
            self.events.append(Confirmed(peer, stream, sequence))
