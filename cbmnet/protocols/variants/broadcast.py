"""Broadcast: one message to many peers, each with its own acknowledgement and retransmission.

Each peer gets a message at most once, and gets it or is among the unknown. `Settled` ends a broadcast: it
names those from whom an acknowledgement came, and those of whom nothing is known. It is no agreement: an
acknowledgement is an unsigned hint, the unknown may well have the message, and no peer learns who else has
it.

The receiver remembers the last 1,024 messages of each peer and stream (recent.py).
"""

from collections import Counter
from dataclasses import dataclass

from cbmnet.errors import LocalProtocolError
from cbmnet.protocols.endpoint import AT_MOST_ONCE, OR_GAVE_UP, VARIANTS, check_frame, expect_send
from cbmnet.protocols.events import Acknowledged, Broadcast, GaveUp, Received, Settled
from cbmnet.protocols.frame import DATA, LINK_ACK, Frame, Send, echo_datagram, marked_datagram, read_mark
from cbmnet.protocols.machine import Machine, step
from cbmnet.protocols.recent import Recent
from cbmnet.protocols.retry import RetryConfig, offsets_of

# Theory of operation. Toward each peer a message is OPEN until acknowledged, or UNKNOWN after `max_sends`
# timeouts; the broadcast is settled when none is OPEN. What is settled is forgotten, so a later
# acknowledgement finds nothing and changes nothing: no key leads out.
OPEN, ACKNOWLEDGED, UNKNOWN = "open", "acknowledged", "unknown"
ACK, TIMEOUT, GIVE_UP = "ack", "timeout", "give up"
NEXT = {
    OPEN: {ACK: ACKNOWLEDGED, TIMEOUT: OPEN, GIVE_UP: UNKNOWN},
    ACKNOWLEDGED: {},
    UNKNOWN: {},
}


@dataclass(frozen=True)
class BroadcastConfig(RetryConfig):
    """`rto_s`: first retransmission timeout toward each peer."""


class _Leg:
    """One message toward one peer."""

    __slots__ = ("broadcast", "send", "sends", "state")

    def __init__(self, send: Send, broadcast: "list[_Leg]") -> None:
        self.send, self.broadcast = send, broadcast
        self.state, self.sends = OPEN, 0


Key = tuple[str, int, int, int]


@VARIANTS.register("broadcast", BroadcastConfig)
class BroadcastToMany(Machine[Key]):
    """Takes `Broadcast`, and `Send` as a broadcast to one."""

    claims = frozenset({AT_MOST_ONCE, OR_GAVE_UP})
    speaks = (DATA, LINK_ACK)

    def __init__(self, config: BroadcastConfig) -> None:
        super().__init__()
        self._rtos_s = config.rtos_s
        self._legs: dict[Key, _Leg] = {}
        self._recent: dict[tuple[str, int], Recent[Counter[int]]] = {}

    def command(self, command: object, now: float) -> None:
        """Sends to every peer; LocalProtocolError for a wrong command, or a number that is under way."""
        sends = _sends_of(command)
        if known := [send.peer for send in sends if _key(send) in self._legs]:
            raise LocalProtocolError(f"this number is under way to {', '.join(known)}")
        broadcast: list[_Leg] = []
        broadcast.extend(_Leg(send, broadcast) for send in sends)
        for leg in broadcast:
            self._legs[_key(leg.send)] = leg
            self._transmit(leg, now)

    def expire(self, key: Key, now: float) -> None:
        """Sends again to this peer, or counts it among the unknown."""
        leg = self._legs[key]
        if leg.sends < len(self._rtos_s):
            leg.state = step(NEXT, leg.state, TIMEOUT, LocalProtocolError)
            self._transmit(leg, now)
        else:
            self._finish(leg, GIVE_UP)

    def take(self, frame: Frame, peer: str, now: float) -> None:
        """Data are acknowledged, and handed up the first time; an acknowledgement settles its leg."""
        _, _, stream, sequence, mark, envelope = frame
        epoch, _, attempt = read_mark(mark)
        if envelope is None:
            leg = self._legs.get((peer, stream, epoch, sequence))
            if leg is not None:
                self._finish(leg, ACK)
            return
        recent = self._recent.setdefault((peer, stream), Recent(Counter))
        echoes = recent.recall(epoch, sequence)
        if echoes is None:  # too old to know
            return
        if not echoes:
            self.events.append(Received(peer, envelope))
        self.outgoing.append(echo_datagram(peer, stream, sequence, mark, echoes[attempt]))
        echoes[attempt] += 1

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """When each attempt leaves, counted from the first, if no acknowledgement comes."""
        return offsets_of(self._rtos_s)

    def _transmit(self, leg: _Leg, now: float) -> None:
        self.timers.set(_key(leg.send), now + self._rtos_s[leg.sends])
        leg.sends += 1
        self.outgoing.append(marked_datagram(leg.send, leg.sends))

    def _finish(self, leg: _Leg, event: str) -> None:
        send, key = leg.send, _key(leg.send)
        leg.state = step(NEXT, leg.state, event, LocalProtocolError)
        del self._legs[key]
        self.timers.clear(key)
        said = Acknowledged if event == ACK else GaveUp
        self.events.append(said(send.peer, send.stream, send.sequence, leg.sends))
        if not any(other.state == OPEN for other in leg.broadcast):
            known, unknown = (_peers(leg.broadcast, state) for state in (ACKNOWLEDGED, UNKNOWN))
            self.events.append(Settled(send.stream, send.epoch, send.sequence, known, unknown))


def _sends_of(command: object) -> list[Send]:
    if type(command) is Send:
        return [expect_send(command)]
    if type(command) is not Broadcast:
        raise LocalProtocolError(f"broadcast takes Broadcast or Send, not {type(command).__name__}")
    peers = command.peers
    if not peers or len(set(peers)) < len(peers):
        raise LocalProtocolError(f"a broadcast needs peers, each once, not {', '.join(peers) or 'none'}")
    check_frame(command)
    rest = command.data, command.kind, command.stream, command.epoch, command.sequence
    return [Send(peer, *rest) for peer in peers]


def _key(send: Send) -> Key:
    return send.peer, send.stream, send.epoch, send.sequence


def _peers(legs: list[_Leg], state: str) -> tuple[str, ...]:
    return tuple(leg.send.peer for leg in legs if leg.state == state)
