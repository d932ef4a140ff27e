"""Relay: store and forward through a third party, with custody passed from hop to hop.

A message to anybody goes to the relay `via`, which acknowledges it, keeps it, and repeats it to the
destination until that acknowledges it or `hold_s` is over. With `via` empty, or to `via` itself, messages go
directly.

What the sender learns is custody: `InCustody` says that the relay has the message, not that it was or will be
delivered, and the sender is not told what became of it. The destination learns the origin from the relay: it
is the relay's claim, and only the signature of the envelope proves it; only `via` may make such claims. Every
acknowledgement is an unsigned hint. A relay can read, keep back, delay and repeat what it carries.

Each hop hands on a message at most once: it remembers the last 1,024 of each origin, destination and stream
(recent.py). A relay keeps at most `capacity` messages under way; when full it does not acknowledge.
"""

from collections import Counter
from dataclasses import dataclass
from math import inf
from zlib import crc32

from msgspec import MsgspecError, Struct
from msgspec.msgpack import Decoder, Encoder

from cbmnet.datagram import Datagram
from cbmnet.errors import LocalProtocolError, RemoteProtocolError
from cbmnet.protocols.endpoint import AT_MOST_ONCE, VARIANTS, expect_send
from cbmnet.protocols.events import Acknowledged, GaveUp, InCustody, Received, Undelivered
from cbmnet.protocols.frame import (
    ACK_KIND,
    DATA,
    LINK_ACK,
    MAX_FRAME_BYTES,
    Frame,
    Send,
    echo_datagram,
    encode_frame,
    mark_of,
    read_mark,
)
from cbmnet.protocols.machine import Machine, step
from cbmnet.protocols.recent import Recent
from cbmnet.protocols.retry import RetryConfig, offsets_of

# Theory of operation. A parcel is what one end has on its way over one hop: its own message to the relay, or
# a message in custody to the destination. It is UNDER_WAY until acknowledged, and then DONE; or LEFT, by its
# origin after `max_sends`, by a relay when `hold_s` is over. An acknowledgement of what is not under way is
# late and changes nothing.
#
# What comes is NEW once, and then TAKEN: handed up, or into custody; what comes again is only acknowledged. A
# relay that is full leaves it NEW, and so without an acknowledgement: its origin asks again.
UNDER_WAY, DONE, LEFT = "under way", "done", "left"
NEW, TAKEN = "new", "taken"
ACK, TIMEOUT, GIVE_UP, COMES, FULL = "ack", "timeout", "give up", "data", "full"
NEXT = {
    UNDER_WAY: {ACK: DONE, TIMEOUT: UNDER_WAY, GIVE_UP: LEFT},
    DONE: {},
    LEFT: {},
    NEW: {COMES: TAKEN, FULL: NEW},
    TAKEN: {COMES: TAKEN},
}
MAX_NAMES = 0xFFFF


@dataclass(frozen=True)
class RelayConfig(RetryConfig):
    """`rto_s`: first timeout of a hop. A relay goes on with its last timeout until `hold_s` is over.

    `via`: the relay of what this party sends, empty for none. `serves`: the destinations for which this party
    takes messages into custody, empty for none; it must have a line to each.
    """

    via: str = ""
    serves: tuple[str, ...] = ()
    hold_s: float = 86400.0
    capacity: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.hold_s > 0.0 and self.capacity >= 1):
            raise ValueError("needs hold longer than 0 and a capacity of at least 1")


class Cover(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a data frame carries. An empty origin is who sends the frame, an empty destination who gets it."""

    origin: str
    destination: str
    data: bytes


_pack = Encoder().encode
_unpack = Decoder(Cover).decode
_Key = tuple[str, int, int, int, int]  # hop, stream, epoch, sequence, number of the name


class _Parcel:
    """One message on one hop; `kind` is its label's, `until_s` the end of custody."""

    __slots__ = ("cover", "hop", "key", "kind", "sends", "state", "until_s")

    def __init__(self, key: _Key, kind: str, cover: Cover, until_s: float) -> None:
        self.key, self.hop, self.kind, self.cover, self.until_s = key, key[0], kind, cover, until_s
        self.state, self.sends = UNDER_WAY, 0

    @property
    def in_custody(self) -> bool:
        """Whether it is another's message."""
        return self.cover.origin != ""


class _Arrival:
    """A message that came: whether it was taken, and how often each attempt was acknowledged."""

    __slots__ = ("echoes", "state")

    def __init__(self) -> None:
        self.state, self.echoes = NEW, Counter[int]()


@VARIANTS.register("relay", RelayConfig)
class Relay(Machine[_Key]):
    """Origin, relay and destination in one; `me` is this party's name, so that a relay needs no relay.

    Labels of what goes through a relay tell its messages apart by the further name: kind "notice>b" on the
    hop to the relay, "relayed<a" on the hop from it, and their acknowledgements "link-ack>b" and
    "link-ack<a".
    """

    claims = frozenset({AT_MOST_ONCE})
    speaks = (DATA, LINK_ACK)

    def __init__(self, config: RelayConfig, me: str = "") -> None:
        super().__init__()
        self._config, self.me = config, me
        self._rtos_s = config.rtos_s
        self._parcels: dict[_Key, _Parcel] = {}
        self._held = 0
        self._numbers: dict[str, int] = {"": 0}  # of names; on the wire only
        self._recent: dict[tuple[str, str, str, int], Recent[_Arrival]] = {}

    def command(self, command: object, now: float) -> None:
        """Sends by the relay or directly; LocalProtocolError for a number that is under way."""
        send, via = expect_send(command), self._config.via
        direct = via in ("", send.peer, self.me)
        far = "" if direct else send.peer
        kind = f"{send.kind}>{far}" if far else send.kind
        hop = send.peer if direct else via
        key = hop, send.stream, send.epoch, send.sequence, self._number(far)
        if key in self._parcels:
            raise LocalProtocolError(
                f"{send.peer}: {send.stream}/{send.epoch}/{send.sequence} is under way already"
            )
        _check_size(send)
        self._dispatch(_Parcel(key, kind, Cover("", far, send.data), inf), now)

    def expire(self, key: _Key, now: float) -> None:
        """Sends the parcel again, or leaves it."""
        parcel = self._parcels[key]
        over = now >= parcel.until_s if parcel.in_custody else parcel.sends >= len(self._rtos_s)
        if not over:
            parcel.state = step(NEXT, parcel.state, TIMEOUT, LocalProtocolError)
            self._dispatch(parcel, now)
        else:
            self._finish(parcel, GIVE_UP)

    def take(self, frame: Frame, peer: str, now: float) -> None:
        """Data are handed up or taken into custody; an acknowledgement ends a parcel."""
        _, _, stream, sequence, mark, envelope = frame
        epoch, number, attempt = read_mark(mark)
        if envelope is None:
            parcel = self._parcels.get((peer, stream, epoch, sequence, number))
            if parcel is not None:
                self._finish(parcel, ACK)
            return
        cover = self._open(envelope, peer)
        way = peer, cover.origin, cover.destination, stream
        arrival = self._recent.setdefault(way, Recent(_Arrival)).recall(epoch, sequence)
        if arrival is None:  # too old to know
            return
        if arrival.state == NEW and not self._accept(arrival, cover, peer, frame, now):
            return
        kind = _told(ACK_KIND, cover)
        self.outgoing.append(echo_datagram(peer, stream, sequence, mark, arrival.echoes[attempt], kind))
        arrival.echoes[attempt] += 1

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """When each attempt of the first hop leaves, if no acknowledgement comes."""
        return offsets_of(self._rtos_s)

    def _open(self, envelope: bytes, peer: str) -> Cover:
        try:
            cover = _unpack(envelope)
        except (MsgspecError, UnicodeDecodeError) as error:
            raise RemoteProtocolError(f"no relay's cover: {error}") from error
        if cover.origin and (cover.destination or peer != self._config.via):
            raise RemoteProtocolError(f"{peer} claims that this comes from {cover.origin!r}")
        if cover.destination and (cover.destination not in self._config.serves or cover.destination == peer):
            raise RemoteProtocolError(f"{peer} asks to pass on to {cover.destination!r}, which is not served")
        return cover

    def _accept(self, arrival: _Arrival, cover: Cover, peer: str, frame: Frame, now: float) -> bool:
        """Whether a new message was handed up or taken into custody."""
        _, _, stream, sequence, mark, _ = frame
        full = bool(cover.destination) and self._held >= self._config.capacity
        arrival.state = step(NEXT, arrival.state, FULL if full else COMES, RemoteProtocolError)
        if full:
            self.events.append(Undelivered(peer, cover.destination, stream, sequence, "full"))
        elif cover.destination:
            self._held += 1
            key = cover.destination, stream, read_mark(mark)[0], sequence, self._number(peer)
            onward = Cover(peer, "", cover.data)
            self._dispatch(_Parcel(key, _told("relayed", onward), onward, now + self._config.hold_s), now)
        else:
            self.events.append(Received(cover.origin or peer, cover.data))
        return not full

    def _number(self, name: str) -> int:
        """What stands for a name in a mark. It is the name's own, so that it outlives a lost memory."""
        known = self._numbers.get(name)
        if known is not None:
            return known
        if len(self._numbers) > MAX_NAMES:
            raise LocalProtocolError(f"more than {MAX_NAMES} parties beyond a relay")
        number, taken = crc32(name.encode()) & MAX_NAMES, set(self._numbers.values())
        while number in taken:  # two names with one number: seldom, and then in the order of their first use
            number = (number + 1) & MAX_NAMES
        self._numbers[name] = number
        return number

    def _dispatch(self, parcel: _Parcel, now: float) -> None:
        self._parcels[parcel.key] = parcel
        due_s = now + self._rtos_s[min(parcel.sends, len(self._rtos_s) - 1)]
        self.timers.set(parcel.key, min(due_s, parcel.until_s))
        parcel.sends += 1
        hop, stream, epoch, sequence, number = parcel.key
        mark = mark_of(epoch, number, parcel.sends)
        frame = encode_frame(DATA, stream, sequence, mark, _pack(parcel.cover))
        label = parcel.kind, stream, epoch, sequence, parcel.sends & 0xFFFF
        self.outgoing.append(Datagram(frame, hop, *label))

    def _finish(self, parcel: _Parcel, event: str) -> None:
        parcel.state = step(NEXT, parcel.state, event, LocalProtocolError)
        hop, stream, _, sequence, _ = parcel.key
        del self._parcels[parcel.key]
        self.timers.clear(parcel.key)
        far = parcel.cover.destination
        if parcel.in_custody:
            self._held -= 1
            if event == GIVE_UP:
                why = "not acknowledged while held"
                self.events.append(Undelivered(parcel.cover.origin, hop, stream, sequence, why))
        elif event == GIVE_UP:
            self.events.append(GaveUp(far or hop, stream, sequence, parcel.sends))
        elif far:
            self.events.append(InCustody(far, hop, stream, sequence, parcel.sends))
        else:
            self.events.append(Acknowledged(hop, stream, sequence, parcel.sends))


def _told(kind: str, cover: Cover) -> str:
    """The kind of a label, with the further name that its frame carries."""
    if cover.destination:
        return f"{kind}>{cover.destination}"
    return f"{kind}<{cover.origin}" if cover.origin else kind


def _check_size(send: Send) -> None:
    # A cover takes two names of up to 64 characters and a few bytes; what fills a frame has no room for it.
    room = MAX_FRAME_BYTES - 256
    if len(send.data) > room:
        raise LocalProtocolError(f"{len(send.data)} bytes to {send.peer}; a relay carries at most {room}")
