"""Two protocols with a real bug each, and the one with which they are right."""

from dataclasses import dataclass
from typing import Any

from cbmnet.datagram import Datagram
from cbmnet.protocols.endpoint import (
    DATA,
    LINK_ACK,
    Acknowledged,
    EndpointBase,
    Received,
    decode_frame,
    encode_frame,
    expect_send,
)


@dataclass(frozen=True)
class NumberedConfig:
    """`modulus` of the numbers on the wire (0: they never wrap), `window` of messages under way."""

    rto_s: float = 2.5
    modulus: int = 0
    window: int = 1


class Numbered(EndpointBase):
    """A window of numbered messages, accepted in any order and once each, if the numbers do not wrap.

    With modulus 2 and a window of 1 it is the alternating-bit protocol (Bartlett, Scantlebury and Wilkinson
    1969), which is right on a line that keeps order and wrong where a copy can come late. With a window of
    more than half the modulus it mistakes a repetition for a new message as soon as acknowledgements are
    lost.
    """

    def __init__(self, config: NumberedConfig) -> None:
        super().__init__()
        self._config = config
        self._sent: dict[int, tuple[Any, float, int]] = {}
        self._waiting: list[Any] = []
        self._acks, self._expected = 0, 1
        self._held: set[int] = set()

    def command(self, command: Any, now: float) -> None:
        self._waiting.append(expect_send(command))
        self._fill(now)

    def receive(self, data: bytes, peer: str, now: float) -> None:
        _, type_, stream, number, attempt, envelope = decode_frame(data)
        if type_ == DATA:
            self._acks += 1
            frame = encode_frame(LINK_ACK, stream, number, attempt, None)
            self.outgoing.append(Datagram(frame, peer, "link-ack", stream, 0, self._acks))
            self._accept(number, peer, envelope)
        else:
            self._acknowledged(number, peer, now)

    def handle_timer(self, now: float) -> None:
        for number, (send, due, attempt) in sorted(self._sent.items()):
            if due <= now:
                self._transmit(number, send, attempt + 1, now)

    def next_timer(self) -> float | None:
        return min((due for _, due, _ in self._sent.values()), default=None)

    def _fill(self, now: float) -> None:
        # Nothing beyond the window of the oldest that is still under way.
        while self._waiting and self._waiting[0].sequence < self._oldest() + self._config.window:
            send = self._waiting.pop(0)
            self._transmit(send.sequence, send, 1, now)

    def _oldest(self) -> int:
        return min(self._sent, default=self._waiting[0].sequence)

    def _transmit(self, number: int, send: Any, attempt: int, now: float) -> None:
        self._sent[number] = send, now + self._config.rto_s, attempt
        self.outgoing.append(self.datagram_of(send, attempt))

    def datagram_of(self, send: Any, attempt: int = 1) -> Datagram:
        frame = encode_frame(DATA, send.stream, self._wire(send.sequence), attempt, send.data)
        return Datagram(frame, send.peer, send.kind, send.stream, 0, send.sequence, attempt)

    def _acknowledged(self, wire: int, peer: str, now: float) -> None:
        number = next((n for n in sorted(self._sent) if self._wire(n) == wire), None)
        if number is None:
            return
        send, _, attempt = self._sent.pop(number)
        self.events.append(Acknowledged(peer, send.stream, number, attempt))
        self._fill(now)

    def _accept(self, wire: int, peer: str, envelope: Any) -> None:
        numbers = range(self._expected, self._expected + self._config.window)
        number = next((n for n in numbers if self._wire(n) == wire and n not in self._held), None)
        if number is None:
            return
        self._held.add(number)
        self.events.append(Received(peer, envelope))
        while self._expected in self._held:
            self._held.remove(self._expected)
            self._expected += 1

    def _wire(self, number: int) -> int:
        return number % self._config.modulus if self._config.modulus else number
