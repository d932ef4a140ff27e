"""k of n: a copy over each of n routes; handed up once k equal copies have come by k different routes.

With independent loss p on every route a message is handed up with the binomial tail
sum over i >= k of C(n, i) (1 - p)^i p^(n - i); 3 of 5 at p = .3: .83692. Where the routes share a common
outage, or one burst meets several copies, it is less.

Protects from fewer than k routes that lie: whoever forges on k - 1 of them gets nothing handed up, however
much he sends, and n - k routes may be silent without harm. It knows no acknowledgement: the sender never
learns what became of a message. Which route a copy came by is told by the driver, not by the frame.

Each message is handed up at most once. Of every peer's every route the last `capacity` copies that wait for
others are kept, none longer than `hold_s`, so a route that floods crowds out its own copies alone; of what
was handed up, the last 1,024 of each peer and stream are remembered (recent.py).
"""

from collections import OrderedDict
from dataclasses import dataclass
from math import inf

from cbmnet.errors import RemoteProtocolError
from cbmnet.protocols.endpoint import (
    AT_MOST_ONCE,
    VARIANTS,
    expect_send,
    party_of,
    route_of,
    way,
)
from cbmnet.protocols.events import Received
from cbmnet.protocols.frame import DATA, Frame, Send, marked_datagram, read_mark
from cbmnet.protocols.machine import Machine, step
from cbmnet.protocols.recent import Recent

# Theory of operation. A message is COUNTING from its first copy. The first copy that a route brings of a
# message is that route's vote, further ones are ignored, and votes count together only if equal byte for
# byte. The k-th equal vote has it HANDED_UP; what comes later changes nothing. Copies that wait for too long
# are dropped when the next one comes by their route, so there is no timer.
COUNTING, HANDED_UP = "counting", "handed up"
COPY, KTH_COPY = "copy", "k-th equal copy"
NEXT = {COUNTING: {COPY: COUNTING, KTH_COPY: HANDED_UP}, HANDED_UP: {COPY: HANDED_UP}}
MAX_ROUTES = 64


@dataclass(frozen=True)
class KOfNConfig:
    """`k` equal copies of `n`; a copy waits for others at most `hold_s`, with `capacity` of its route."""

    k: int = 1
    n: int = 1
    hold_s: float = 86400.0
    capacity: int = 1024

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n <= MAX_ROUTES:
            raise ValueError(f"needs 1 <= k <= n <= {MAX_ROUTES}")
        if not (self.hold_s > 0.0 and self.capacity >= 1):
            raise ValueError("needs hold longer than 0 and a capacity of at least 1")


_Number = tuple[int, int, int]  # stream, epoch, sequence
_Votes = OrderedDict[_Number, tuple[bytes, float]]


@VARIANTS.register("k-of-n", KOfNConfig)
class KOfN(Machine[str]):
    """Sends a copy by each route; counts what comes by each."""

    claims = frozenset({AT_MOST_ONCE})
    speaks = (DATA,)

    def __init__(self, config: KOfNConfig) -> None:
        super().__init__()
        self._config = config
        self._votes: dict[tuple[str, int], _Votes] = {}
        self._handed_up: dict[tuple[str, int], Recent[bool]] = {}
        self._latest_s = -inf  # votes do not grow younger when a clock is set back

    def command(self, command: object, now: float) -> None:
        """Sends one copy by every route; the copy of route r is attempt r + 1."""
        send = expect_send(command)
        rest = send.data, send.kind, send.stream, send.epoch, send.sequence
        for route in range(self._config.n):
            self.outgoing.append(marked_datagram(Send(way(send.peer, route), *rest), route + 1))

    def take(self, frame: Frame, peer: str, now: float) -> None:
        """Counts a copy, and hands up the message with the k-th that is equal."""
        _, _, stream, sequence, mark, envelope = frame
        assert envelope is not None
        epoch, _, _ = read_mark(mark)
        party, route, number = party_of(peer), route_of(peer), (stream, epoch, sequence)
        if route >= self._config.n:
            raise RemoteProtocolError(f"a copy by route {route} of {self._config.n}")
        recent = self._handed_up.setdefault((party, stream), Recent(bool))
        if not recent.is_new(epoch, sequence):
            step(NEXT, HANDED_UP, COPY, RemoteProtocolError)
            return
        now = self._latest_s = max(self._latest_s, now)
        self._vote(self._votes.setdefault((party, route), OrderedDict()), number, envelope, now)
        event = KTH_COPY if self._equal(party, number, envelope, now) >= self._config.k else COPY
        if step(NEXT, COUNTING, event, RemoteProtocolError) == HANDED_UP:
            recent.recall(epoch, sequence)
            self._forget(party, number)
            self.events.append(Received(party, envelope))

    def attempt_offsets_s(self) -> tuple[float, ...]:
        """All copies leave at once, as one attempt: a message is there with its k-th copy, not its first."""
        return (0.0,)

    def _vote(self, votes: _Votes, number: _Number, envelope: bytes, now: float) -> None:
        while votes and now - next(iter(votes.values()))[1] > self._config.hold_s:
            votes.popitem(last=False)
        votes.setdefault(number, (envelope, now))
        if len(votes) > self._config.capacity:
            votes.popitem(last=False)

    def _equal(self, party: str, number: _Number, envelope: bytes, now: float) -> int:
        """How many routes have brought this envelope under this number, and not too long ago."""
        routes = (self._votes.get((party, route)) for route in range(self._config.n))
        found = [votes[number] for votes in routes if votes and number in votes]
        return sum(vote == envelope and now - at_s <= self._config.hold_s for vote, at_s in found)

    def _forget(self, party: str, number: _Number) -> None:
        for route in range(self._config.n):
            self._votes.get((party, route), OrderedDict()).pop(number, None)
