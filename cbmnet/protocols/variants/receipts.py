"""Receipts to depth k: the message, its acknowledgement, the acknowledgement of that, and so on.

Rubinstein's electronic mail game (The Electronic Mail Game: Strategic Behavior under "Almost Common
Knowledge", American Economic Review 79, 1989) with an end: k transmissions, the message being the first,
none of them repeated. With loss e each way the chain completes with (1 - e)^k, .81 at k = 2 and e = .1.

What it tells is a depth, never certainty: who has seen depth d knows that all below it arrived, and does not
know whether its own answer did. However large k, the two ends differ about the last transmission with
positive probability, and with m transmissions in a chain the two generals disagree with p(1 - p)^(m - 1).

With a notary receipts are signed and so evidence: each refers to the very bytes it answers. One that the
notary does not accept, or that is not signed at all, is told as Forged and counts for nothing. Without a
notary they are unsigned hints.

A message is handed up at most once. An endpoint remembers its last 1,024 chains as their sender, and of each
peer and stream the last 1,024 as their receiver (recent.py).
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.protocols.endpoint import AT_MOST_ONCE, VARIANTS, expect_send
from cbmnet.protocols.events import Forged, Receipted, Received
from cbmnet.protocols.frame import (
    DATA,
    RECEIPT,
    Frame,
    answer_datagram,
    mark_of,
    marked_datagram,
    read_mark,
)
from cbmnet.protocols.machine import Machine, step
from cbmnet.protocols.recent import SPAN, Recent

# Theory of operation. A chain has two ends. The sender of the message sends the odd depths and sees the even
# ones, the receiver the other way round; a receipt tells its depth in its mark. An end is AWAITING the
# receipt two above what it saw last (the sender first awaits 2, the receiver, who saw 1, awaits 3), and
# answers it by the next depth. The last receipt it can see makes its part of the chain COMPLETE. Receipts of
# depths it has seen are repeats, and are ignored. One that skips a depth answers what was never sent, so it
# has no key: it is the peer's error.
NEW, AWAITING, COMPLETE = "new", "awaiting a receipt", "complete"
FIRST, NEXT_ONE, LAST, REPEAT, SKIP = (
    "message",
    "next receipt",
    "last receipt",
    "repeat",
    "receipt out of turn",
)
NEXT = {
    NEW: {FIRST: AWAITING, LAST: COMPLETE},
    AWAITING: {NEXT_ONE: AWAITING, LAST: COMPLETE, REPEAT: AWAITING},
    COMPLETE: {REPEAT: COMPLETE},
}
MAX_DEPTH = 64


@dataclass(frozen=True)
class ReceiptsConfig:
    """`depth`: transmissions in the chain, the message included; 1 is fire and forget."""

    depth: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.depth <= MAX_DEPTH:
            raise ValueError(f"needs a depth of 1 to {MAX_DEPTH}")


class Notary(Protocol):
    """Signs receipts for what came, and checks those for what was sent."""

    def receipt(self, peer: str, data: bytes, now: float) -> bytes | None:
        """A signed receipt to the peer for these bytes of its; None if they deserve none."""

    def check(self, peer: str, receipt: bytes, data: bytes, now: float) -> bool:
        """Whether this is the peer's receipt for these bytes of ours."""


class _Chain(Struct, gc=False):
    """One end of a chain: the depth it saw last, and the bytes it sent last, while an answer may come.

    They are empty if it sends unsigned receipts.
    """

    state: str = NEW
    seen: int = 0
    sent: bytes = b""


@VARIANTS.register("receipts", ReceiptsConfig)
class Receipts(Machine[str]):
    """Answers each transmission once, up to the last; `notary` signs and checks what is answered."""

    claims = frozenset({AT_MOST_ONCE})
    speaks = (DATA, RECEIPT)

    def __init__(self, config: ReceiptsConfig, notary: Notary | None = None) -> None:
        super().__init__()
        self._depth, self._notary = config.depth, notary
        self._after_sending = step(NEXT, NEW, self._kind(0, FIRST), LocalProtocolError)
        self._after_message = step(NEXT, NEW, self._kind(1, FIRST), RemoteProtocolError)
        self._mine: OrderedDict[tuple[str, int, int, int], _Chain] = OrderedDict()
        self._theirs: dict[tuple[str, int], Recent[_Chain]] = {}

    def command(self, command: object, now: float) -> None:
        """Sends the message; LocalProtocolError for a number whose chain is still remembered."""
        send = expect_send(command)
        key = send.peer, send.stream, send.epoch, send.sequence
        if key in self._mine:
            raise LocalProtocolError(
                f"{send.peer}: {send.stream}/{send.epoch}/{send.sequence} was sent before"
            )
        awaits = self._after_sending == AWAITING
        self._mine[key] = _Chain(self._after_sending, 0, send.data if awaits else b"")
        if len(self._mine) > SPAN:
            self._mine.popitem(last=False)
        self.outgoing.append(marked_datagram(send, 1, 1))

    def take(self, frame: Frame, peer: str, now: float) -> None:
        """The message begins a chain at this end; a receipt takes it two depths on."""
        _, type_, stream, sequence, mark, _ = frame
        epoch, depth, _ = read_mark(mark)
        if type_ == DATA:
            recent = self._theirs.get((peer, stream))
            if recent is None:
                recent = self._theirs[peer, stream] = Recent(_Chain)
            chain = recent.recall(epoch, sequence)
            if chain is not None:  # else too old to know
                self._begin(chain, peer, frame, epoch, now)
            return
        if not 2 <= depth <= self._depth:
            raise RemoteProtocolError(f"receipt of depth {depth}, of at most {self._depth}")
        chain = self._chain(peer, stream, epoch, sequence, depth)
        if chain is not None:
            self._go_on(chain, peer, frame, epoch, depth, now)

    def next_timer(self) -> float | None:
        """None: nothing is ever due."""
        return None

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """Nothing is repeated."""
        return (0.0,)

    def _chain(self, peer: str, stream: int, epoch: int, sequence: int, depth: int) -> _Chain | None:
        if depth % 2 == 0:
            return self._mine.get((peer, stream, epoch, sequence))
        recent = self._theirs.get((peer, stream))
        return recent.find(epoch, sequence) if recent is not None else None

    def _kind(self, seen: int, event: str) -> str:
        """The event that takes an end to this depth: the last, if no deeper one can come."""
        return event if seen + 2 <= self._depth else LAST

    def _begin(self, chain: _Chain, peer: str, frame: Frame, epoch: int, now: float) -> None:
        _, _, stream, sequence, _, data = frame
        assert data is not None  # else it would be no frame
        if chain.state != NEW:
            chain.state = step(NEXT, chain.state, REPEAT, RemoteProtocolError)
            return
        chain.state, chain.seen = self._after_message, 1
        self.events.append(Received(peer, data))
        if self._depth > 1:
            self._answer(chain, peer, stream, epoch, sequence, data, now)

    def _go_on(self, chain: _Chain, peer: str, frame: Frame, epoch: int, depth: int, now: float) -> None:
        _, _, stream, sequence, _, receipt = frame
        if depth <= chain.seen:
            chain.state = step(NEXT, chain.state, REPEAT, RemoteProtocolError)
            return
        event = self._kind(depth, NEXT_ONE) if depth == chain.seen + 2 else SKIP
        after, notary = step(NEXT, chain.state, event, RemoteProtocolError), self._notary
        if notary is not None and (receipt is None or not notary.check(peer, receipt, chain.sent, now)):
            self.events.append(Forged(peer, stream, sequence, depth))
            return
        chain.state, chain.seen = after, depth
        if after == COMPLETE:
            chain.sent = b""  # nothing will be checked against it: repeats are ignored
        self.events.append(Receipted(peer, stream, sequence, depth, notary is not None))
        if depth < self._depth:
            self._answer(chain, peer, stream, epoch, sequence, receipt or b"", now)

    def _answer(
        self, chain: _Chain, peer: str, stream: int, epoch: int, sequence: int, came: bytes, now: float
    ) -> None:
        receipt, notary = None, self._notary
        if notary is not None:
            receipt = notary.receipt(peer, came, now)
            if receipt is None:  # the peer would take an unsigned one for forged
                return
            if chain.state == AWAITING:
                chain.sent = receipt
        depth = chain.seen + 1
        mark = mark_of(epoch, depth, 1)
        self.outgoing.append(answer_datagram(RECEIPT, peer, stream, sequence, mark, depth, receipt))
