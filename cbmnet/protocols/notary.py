"""A notary whose receipts are envelopes: messages of the kind `ack` that refer to the id of what came.

The id is the SHA-256 of all that was signed (the wire specification), so a receipt binds its signer to one
message of one sender, and keeps its worth: an old receipt played back says only what it always said.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from cbmnet.messages import (
    Accepted,
    Attributed,
    Code,
    Sealed,
    Sender,
    SignedMessageError,
    Verifier,
    ptype_of,
)
from cbmnet.protocols.endpoint import party_of
from cbmnet.protocols.recent import SPAN

FIRST_STREAM = 0xF000
_MS = 1000.0
_RECEIPT = ptype_of("ack")


class EnvelopeNotary:
    """Signs with `sender`, judges by `verifier`, whose trust store must know our own key too.

    Receipts to each peer have a stream of their own, since a stream has one set of receivers: from
    `first_stream` on, in the order in which peers are first answered. They are good for `ttl_s`. A receipt
    needs the right to the kind `ack` in the trust store.
    """

    def __init__(
        self, sender: Sender, verifier: Verifier, *, ttl_s: float, first_stream: int = FIRST_STREAM
    ) -> None:
        self._sender, self._verifier = sender, verifier
        self._ttl_ms, self._first_stream = round(ttl_s * _MS), first_stream
        self._streams: dict[str, int] = {}
        self._expected: dict[bytes, bytes] = {}

    def expect(self, sealed: Sealed) -> None:
        """Tells of an envelope that we are about to send: its id need not be worked out again at its receipt.

        The last 1,024 that wait for one are remembered. Nothing depends on it but time.
        """
        remember(self._expected, sealed.wire, sealed.id)

    def receipt(self, peer: str, data: bytes, now: float) -> bytes | None:
        """A receipt for an authentic envelope of the peer's to us; None for anything else."""
        party = party_of(peer)
        said = self._said_by(party, data)
        if said is None or self._sender.name not in said.message.receivers:
            return None
        return self._receipt_for(party, said.id, now)

    def check(self, peer: str, receipt: bytes, data: bytes, now: float) -> bool:
        """Whether the peer signed, for us, that it has this envelope, which we sent."""
        said = self._said_by(party_of(peer), receipt)
        if said is None:
            return False
        message = said.message
        if message.ptype != _RECEIPT or self._sender.name not in message.receivers:
            return False
        try:
            ours = self._expected.pop(data, None) or self._verifier.id_of(data)
        except SignedMessageError:  # what we sent is no envelope
            return False
        return bool(message.payload["refers_to"] == ours)

    def _receipt_for(self, party: str, id_: bytes, now: float) -> bytes:
        streams = self._streams
        stream = streams.get(party) or streams.setdefault(party, self._first_stream + len(streams))
        payload, now_ms = {"refers_to": id_}, round(now * _MS)
        sender, ttl_ms = self._sender, self._ttl_ms
        return sender.seal("ack", (party,), payload, stream=stream, now_ms=now_ms, ttl_ms=ttl_ms).wire

    def _said_by(self, party: str, data: bytes) -> Attributed | None:
        try:
            said = self._verifier.attribute(data)
        except SignedMessageError:
            return None
        return said if said.message.sender == party else None


class AcceptingNotary(EnvelopeNotary):
    """Signs only for what its verifier accepts in full, so that no message need be verified twice.

    `on_judged` is told what was accepted, or the refusal, before the receipt goes out. An exact duplicate of
    what was accepted has the same receipt again, since the first may have been lost. Receipts themselves are
    only attributed: an old one says what it always said. The variant tells of the same bytes as Received.
    """

    def __init__(
        self,
        sender: Sender,
        verifier: Verifier,
        on_judged: Callable[[Accepted | SignedMessageError], None],
        *,
        ttl_s: float,
        first_stream: int = FIRST_STREAM,
    ) -> None:
        super().__init__(sender, verifier, ttl_s=ttl_s, first_stream=first_stream)
        self._on_judged = on_judged
        self._given: dict[tuple[str, bytes], bytes] = {}  # by party and the SHA-256 of what it is for

    def receipt(self, peer: str, data: bytes, now: float) -> bytes | None:
        """A receipt for an envelope of the peer's that is accepted now or was before; None for others."""
        party = party_of(peer)
        try:
            accepted = self._verifier.accept(data, round(now * _MS))
        except SignedMessageError as error:
            self._on_judged(error)
            if error.code != Code.DUPLICATE:
                return None
            return self._given.get((party, sha256(data).digest())) or super().receipt(peer, data, now)
        self._on_judged(accepted)
        if accepted.message.sender != party:
            return None
        receipt = self._receipt_for(party, accepted.id, now)
        remember(self._given, (party, accepted.change.digest), receipt)
        return receipt


K = TypeVar("K")


def remember(kept: dict[K, bytes], key: K, value: bytes) -> None:
    """Keeps the last 1,024."""
    kept[key] = value
    if len(kept) > SPAN:
        del kept[next(iter(kept))]
