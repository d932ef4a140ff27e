"""Stop and wait whose timeout is learned from the round trips to the peer, by RFC 6298.

Guarantees and cannot do what stop-and-wait does; besides, a peer whose round trip grows faster than the
estimate gets needless repeats, which the verification above drops.
"""

from dataclasses import dataclass
from heapq import heappush

from cbmnet.protocols.endpoint import VARIANTS, Acknowledged, GaveUp, Send, data_datagram
from cbmnet.protocols.frame import marked_datagram
from cbmnet.protocols.retry import MAX_SENDS
from cbmnet.protocols.round_trip import RoundTrip, RoundTripConfig
from cbmnet.protocols.variants.stop_and_wait import Line, StopAndWait, StopAndWaitConfig


@dataclass(frozen=True)
class StopAndWaitAdaptiveConfig(RoundTripConfig):
    """What RFC 6298 leaves open, and how often a message is sent at most."""

    max_sends: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.max_sends <= MAX_SENDS:
            raise ValueError(f"needs 1 to {MAX_SENDS} max_sends")


# Theory of operation. Lines go through the states of stop-and-wait (its table). What is added is one estimate
# a peer, shared by its streams. Each acknowledgement echoes the attempt it answers, so its round trip is that
# attempt's own, also after retransmissions: the ambiguity for which Karn's algorithm leaves those out
# (section 3) does not arise, as it does not with TCP's timestamps. A timeout doubles the RTO of the peer
# (5.5), once for all that was sent before it; it stays so, also for the next message, until a round trip is
# measured again.


class TimedLine(Line):
    """A line that knows when each attempt at its head left, in seconds."""

    __slots__ = ("sent_s",)

    def __init__(self) -> None:
        super().__init__()
        self.sent_s: list[float] = []


@VARIANTS.register("stop-and-wait-adaptive", StopAndWaitAdaptiveConfig)
class StopAndWaitAdaptive(StopAndWait):
    """Stop and wait that measures its round trips."""

    _new_line = TimedLine

    def __init__(self, config: StopAndWaitAdaptiveConfig) -> None:
        super().__init__(StopAndWaitConfig(config.initial_rto_s, 2.0, config.max_sends))
        self._config = config
        self._rtos_s = [min(rto_s, config.max_rto_s) for rto_s in self._rtos_s]
        self._round_trips: dict[str, RoundTrip] = {}

    def round_trip(self, peer: str) -> RoundTrip:
        """What has been learned of the round trip to this peer."""
        if peer not in self._round_trips:
            self._round_trips[peer] = RoundTrip(self._config)
        return self._round_trips[peer]

    def _transmit(self, line: Line, send: Send, now: float) -> None:
        assert isinstance(line, TimedLine)
        if line.attempt:
            self.round_trip(send.peer).timed_out(line.sent_s[-1], now)
        else:
            line.sent_s.clear()
        line.sent_s.append(now)
        line.attempt += 1
        line.deadline = now + self.round_trip(send.peer).rto_s
        self._timer_count += 1
        heappush(self._timers, (line.deadline, self._timer_count, line))
        made = marked_datagram if send.epoch else data_datagram
        self.outgoing.append(made(send, line.attempt))

    def _finish(
        self, line: Line, send: Send, event: type[Acknowledged] | type[GaveUp], now: float, attempt: int = 0
    ) -> None:
        assert isinstance(line, TimedLine)
        if event is GaveUp:
            self.round_trip(send.peer).timed_out(line.sent_s[-1], now)
        elif 1 <= attempt <= len(line.sent_s):  # nothing else was sent: an echo of it measures nothing
            self.round_trip(send.peer).measured(now - line.sent_s[attempt - 1])
        super()._finish(line, send, event, now, attempt)
