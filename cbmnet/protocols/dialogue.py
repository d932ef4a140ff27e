"""The dialogue layer: what parties say to each other, over any variant.

An endpoint above a transport endpoint. It seals what it sends and hands up what its judge accepted:
notices, cancellations, queries with their answers or deadlines, refusals, leader texts, and heartbeats
with the delivery rate they teach. The desk stands between it and the state: link acknowledgements and
wire heartbeats are handled below the desk, everything else needs to be passed on.

Streams. A wire stream has one fixed set of receivers, so each peer has two: talk and heartbeats. Labels
carry the purpose alone; a further party moves no draw between the first two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from msgspec import Struct

from cbmnet.datagram import Label
from cbmnet.errors import LocalProtocolError
from cbmnet.messages import Accepted, Message, Sealed, Sender, SignedMessageError
from cbmnet.protocols.endpoint import Endpoint, EndpointBase, Received, Send
from cbmnet.protocols.heartbeat import DeliveryEstimate, HeartbeatConfig

TALK, HEARTBEAT = 1, 2
_PURPOSES = 4  # wire stream = peer number * 4 + purpose
_MS = 1000.0


class Say(Struct, frozen=True):
    """Command: seal a message of this kind and send it to the peer."""

    peer: str
    kind: str
    payload: dict[str, Any]


class Ask(Struct, frozen=True):
    """Command: a query about an activity (0: none), to be answered within `deadline_s` from now."""

    peer: str
    activity: int
    question: str
    deadline_s: float


class Sent(Struct, frozen=True):
    """Event: a message was sealed and handed to the transport; `purpose` is its stream there."""

    peer: str
    id: bytes
    message: Message
    purpose: int


class Heard(Struct, frozen=True):
    """Event: an accepted message passed the desk."""

    peer: str
    id: bytes
    message: Message


class Refused(Struct, frozen=True):
    """Event: an accepted message stopped at our desk, with the reason."""

    peer: str
    message: Message
    reason: str


class Rejected(Struct, frozen=True):
    """Event: bytes that the judge did not accept, with the stable error code."""

    peer: str
    code: str
    detail: str


class Answered(Struct, frozen=True):
    """Event: a query was settled: "benign", "other" (a refusal included), or "none" by its deadline."""

    peer: str
    query: bytes
    activity: int
    outcome: str


class Late(Struct, frozen=True):
    """Event: an answer after its deadline; recorded, not used."""

    peer: str
    query: bytes


@dataclass(slots=True)
class OpenQuery:
    """A query that waits for its answer."""

    peer: str
    activity: int
    deadline_s: float


Judge = Callable[[bytes, int], Accepted]
DeskRule = Callable[[str, Label], str | None]


class Dialogue(EndpointBase):
    """One party's endpoint toward all its peers; `since_s` is when it begins to live."""

    def __init__(
        self,
        sender: Sender,
        judge: Judge,
        transport: Endpoint,
        peers: Mapping[str, DeliveryEstimate | None],
        heartbeat: HeartbeatConfig,
        *,
        ttl_s: float,
        desk: DeskRule,
        since_s: float = 0.0,
    ) -> None:
        super().__init__()
        self.sealed = 0
        self._sender, self._judge, self.transport = sender, judge, transport
        self._numbers = {peer: number for number, peer in enumerate(sorted(peers), start=1)}
        self._estimates = dict(peers)
        self._heartbeat, self._ttl_ms, self._desk = heartbeat, round(ttl_s * _MS), desk
        self._queries: dict[bytes, OpenQuery] = {}
        period_s = heartbeat.period_s
        self._beats = 0 if period_s is None else int(since_s // period_s)
        self._beat_s = inf if period_s is None else (self._beats + 1) * period_s

    @property
    def epoch(self) -> int:
        """The epoch in which it seals."""
        return self._sender.epoch

    def command(self, command: Any, now: float) -> None:
        """Takes `Say` or `Ask`."""
        if type(command) is Say:
            self._say(command, TALK, now)
        elif type(command) is Ask:
            deadline_ms = round((now + command.deadline_s) * _MS)
            payload = {"activity": command.activity, "deadline_ms": deadline_ms, "question": command.question}
            sealed = self._say(Say(command.peer, "query", payload), TALK, now)
            self._queries[sealed.id] = OpenQuery(command.peer, command.activity, now + command.deadline_s)
        else:
            raise LocalProtocolError(f"the dialogue takes Say or Ask, not {type(command).__name__}")

    def receive(self, data: bytes, peer: str, now: float) -> None:
        """Gives bytes to the transport, and what it hands up to the judge."""
        self.transport.receive(data, peer, now)
        self._lift(now)

    def handle_timer(self, now: float) -> None:
        """Heartbeats due, retransmissions due, deadlines of queries that passed."""
        period_s = self._heartbeat.period_s
        if period_s is not None and self._beat_s <= now:
            self._beats = max(self._beats + 1, int(now // period_s))  # what it slept through is over
            self._beat_s = (self._beats + 1) * period_s
            for peer in self._numbers:
                self._say(Say(peer, "heartbeat", {"count": self._beats}), HEARTBEAT, now)
        self.transport.handle_timer(now)
        self._lift(now)
        if self._queries:
            for query, open_ in [item for item in self._queries.items() if item[1].deadline_s <= now]:
                self._answered(query, open_, "none")

    def next_timer(self) -> float | None:
        """The earliest of the next heartbeat, the transport's timer and the open deadlines."""
        earliest, transport_s = self._beat_s, self.transport.next_timer()
        if transport_s is not None and not transport_s >= earliest:  # nan goes on, and is told above
            earliest = transport_s
        for query in self._queries.values():
            earliest = min(earliest, query.deadline_s)
        return None if earliest == inf else earliest

    def delivery_prob(self, peer: str, now: float) -> float:
        """The delivery from this peer as its heartbeats teach it; 1/2 before the first."""
        estimate = self._estimates[peer]
        if estimate is None:
            raise LocalProtocolError(f"no heartbeats are due from {peer}")
        return estimate.delivery_prob(now)

    def _say(self, say: Say, purpose: int, now: float) -> Sealed:
        stream = self._numbers[say.peer] * _PURPOSES + purpose
        sealed = self._sender.seal(
            say.kind, (say.peer,), say.payload, stream=stream, now_ms=round(now * _MS), ttl_ms=self._ttl_ms
        )
        self.sealed += 1
        message = sealed.message
        send = Send(say.peer, sealed.wire, say.kind, purpose, message.epoch, message.sequence)
        self.transport.command(send, now)
        self.outgoing.extend(self.transport.datagrams_to_send())
        self.events.append(Sent(say.peer, sealed.id, message, purpose))
        return sealed

    def _lift(self, now: float) -> None:
        self.outgoing.extend(self.transport.datagrams_to_send())
        while (event := self.transport.next_event()) is not None:
            if type(event) is Received:
                if type(event.data) is not bytes:
                    raise TypeError(f"Received with data of type {type(event.data).__name__}; they are bytes")
                self._judge_bytes(event, now)
            else:
                self.events.append(event)

    def _judge_bytes(self, event: Received, now: float) -> None:
        try:
            accepted = self._judge(event.data, round(now * _MS))
        except SignedMessageError as error:
            self.events.append(Rejected(event.peer, error.code, error.detail))
            return
        message = accepted.message
        if message.kind == "heartbeat":
            self._heard_beat(event.peer, accepted, now)
        elif (reason := self._stopped(message)) is not None:
            self._turn_away(event.peer, accepted, reason, now)
        else:
            self._hear(event.peer, accepted, now)

    def _stopped(self, message: Message) -> str | None:
        purpose = message.stream % _PURPOSES
        return self._desk(message.sender, Label(message.kind, purpose, message.epoch, message.sequence))

    def _heard_beat(self, peer: str, accepted: Accepted, now: float) -> None:
        # Whoever signed it counts, not whose line it came by: a relay of others' heartbeats hides nothing.
        message = accepted.message
        estimate = self._estimates.get(message.sender)
        if self._heartbeat.reaches == "desk" and (reason := self._stopped(message)) is not None:
            self.events.append(Refused(peer, message, reason))
            return
        if estimate is not None:
            estimate.arrived(message.payload["count"], now)
        self.events.append(Heard(peer, accepted.id, message))

    def _turn_away(self, peer: str, accepted: Accepted, reason: str, now: float) -> None:
        self.events.append(Refused(peer, accepted.message, reason))
        if accepted.message.kind == "query" and reason == "refused":
            self._say(Say(peer, "refusal", {"reason": reason, "refers_to": accepted.id}), TALK, now)

    def _hear(self, peer: str, accepted: Accepted, now: float) -> None:
        message = accepted.message
        self.events.append(Heard(peer, accepted.id, message))
        if message.kind not in ("clarification", "refusal"):
            return
        query = message.payload["query" if message.kind == "clarification" else "refers_to"]
        open_ = self._queries.get(query)
        if open_ is None or open_.peer != message.sender or now > open_.deadline_s:
            self.events.append(Late(peer, query))
        else:
            self._answered(query, open_, "benign" if message.payload.get("benign") else "other")

    def _answered(self, query: bytes, open_: OpenQuery, outcome: str) -> None:
        del self._queries[query]
        self.events.append(Answered(open_.peer, query, open_.activity, outcome))
