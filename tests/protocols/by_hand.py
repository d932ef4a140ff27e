"""Endpoints driven by hand: what the tests of variants share."""

from collections.abc import Callable, Sequence
from typing import Any

from cbmnet.datagram import Datagram
from cbmnet.protocols.endpoint import (
    VARIANTS,
    Endpoint,
    Malformed,
    Received,
    Send,
    decode_frame,
    party_of,
    route_of,
    way,
)


def made(name: str, **config: Any) -> Any:
    """An endpoint of this variant."""
    member = VARIANTS[name]
    return member.make(member.config(**config))


def note(sequence: int, peer: str = "b", *, epoch: int = 0, stream: int = 1, data: bytes = b"") -> Send:
    """The command for message number `sequence`, whose bytes are its number."""
    return Send(peer, data or b"%d" % sequence, "notice", stream, epoch, sequence)


def loaded(name: str, count: int, **config: Any) -> Any:
    """An endpoint with messages 1 to `count` commanded at 0."""
    a = made(name, **{"rto_s": 5.0} | config)
    for number in range(1, count + 1):
        a.command(note(number), 0.0)
    return a


def said(end: Endpoint) -> list[Any]:
    """All events, drained."""
    events = []
    while (event := end.next_event()) is not None:
        events.append(event)
    return events


def told(end: Endpoint, kind: type) -> list[Any]:
    """The events of one kind; the others are lost."""
    return [event for event in said(end) if type(event) is kind]


def heard(end: Endpoint) -> list[int]:
    """The numbers handed up; any other event is an error here."""
    events = said(end)
    assert all(type(event) is Received for event in events), events
    return [int(event.data) for event in events]


def give(datagrams: Sequence[Datagram], end: Endpoint, source: str, now: float) -> None:
    """Hands datagrams to an endpoint, in this order, by the routes they took."""
    for datagram in datagrams:
        end.receive(datagram.data, way(source, route_of(datagram.peer)), now)


def numbers(datagrams: Sequence[Datagram]) -> list[tuple[str, int, int]]:
    """Kind, sequence and attempt of each."""
    return [(d.kind, d.sequence, d.attempt) for d in datagrams]


def complain(end: Endpoint, data: bytes, peer: str = "b") -> str:
    """What an endpoint says of bytes that must be Malformed and change nothing."""
    end.receive(data, peer, 0.0)
    (event,) = said(end)
    assert type(event) is Malformed
    assert end.datagrams_to_send() == []
    return event.detail


Keeps = Callable[[str, Datagram], bool]


def talk(ends: dict[str, Any], until: float, keeps: Keeps = lambda me, d: True, delay_s: float = 1.0) -> Any:
    """Drives endpoints over lines of one delay that lose what `keeps` says; returns all events by party.

    Time goes from one arrival or timer to the next; arrivals come before timers of the same time.
    """
    events: dict[str, list[Any]] = {me: [] for me in ends}
    under_way: list[tuple[float, int, Datagram, str]] = []
    now, count = 0.0, 0
    while True:
        for me, end in ends.items():
            for datagram in end.datagrams_to_send():
                count += 1
                if keeps(me, datagram):
                    under_way.append((now + delay_s, count, datagram, me))
            events[me] += said(end)
        times = [t for end in ends.values() if (t := end.next_timer()) is not None]
        times += [arrival[0] for arrival in under_way[:1]]
        if not times or min(times) > until:
            return events
        now = max(now, min(times))
        if under_way and under_way[0][0] <= now:
            _, _, datagram, me = under_way.pop(0)
            ends[party_of(datagram.peer)].receive(datagram.data, way(me, route_of(datagram.peer)), now)
        else:
            for end in ends.values():
                end.handle_timer(now)


def frame_of(datagram: Datagram) -> Any:
    """The frame within."""
    return decode_frame(datagram.data)
