"""Two parties on the network in virtual time: what the channel and protocol cases run on.

The parts are those of any run: endpoints from the registry of variants, routes of stages from theirs, hosts
on a clock. A message's bytes are its number, from 0.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cbmnet.channels.link import Link, Route, StageSpec, build_route
from cbmnet.drivers.clock import Call, Clock
from cbmnet.drivers.simpy_driver import Host
from cbmnet.protocols.endpoint import VARIANTS, Send
from cbmnet.recorder import Recorder
from cbmnet.streams import Streams

OnEvent = Callable[[Any], None]
A, B = "a", "b"


def ignore(event: Any) -> None:
    """Takes an event that a case does not look at."""


class Pair:
    """Party a, which sends, and party b; each has an endpoint of the same variant and config."""

    def __init__(
        self, variant: str, config: Mapping[str, Any], on_a: OnEvent = ignore, on_b: OnEvent = ignore
    ) -> None:
        member, recorder = VARIANTS[variant], Recorder()
        settings = member.config(**config)
        self.clock = Clock()
        self.a = Host(self.clock, A, member.make(settings), on_a, recorder)
        self.b = Host(self.clock, B, member.make(settings), on_b, recorder)

    def join(self, streams: Streams, there: Sequence[StageSpec], back: Sequence[StageSpec] = ()) -> None:
        """A link each way, of these stages."""
        self.a.connect(build_route(A, B, [there], streams), self.b)
        self.b.connect(build_route(B, A, [back], streams), self.a)

    def join_by(self, route: str, to: str, link: Link) -> None:
        """A further way from a to b over this link."""
        self.a.connect(Route(route, to, [link]), self.b)

    def send(self, number: int) -> None:
        """Has a send message `number`."""
        self.a.command(message(number))

    def send_every(self, count: int, gap_s: Callable[[], float]) -> None:
        """Has a send so many messages, each its own gap after the one before; runs until all is quiet."""
        Source(self, count, gap_s)
        self.clock.run()


class Source:
    """Sends message after message on the clock."""

    def __init__(self, pair: Pair, count: int, gap_s: Callable[[], float]) -> None:
        self._pair, self._count, self._gap_s = pair, count, gap_s
        self._number, self._at_s = 0, gap_s()
        self._call = Call(self._send)
        pair.clock.at(self._at_s, self._call)

    def _send(self, _: Call) -> None:
        self._pair.a.command(message(self._number))
        self._number += 1
        if self._number < self._count:
            self._at_s += self._gap_s()
            self._pair.clock.at(self._at_s, self._call)


def message(number: int) -> Send:
    """The command for message `number`, from 0; sequences count from 1."""
    return Send(B, number.to_bytes(4), "notice", 1, 0, number + 1)


def number_of(data: bytes) -> int:
    """The number of a message, from its bytes."""
    return int.from_bytes(data)


def a_second() -> float:
    """A gap of one second."""
    return 1.0
