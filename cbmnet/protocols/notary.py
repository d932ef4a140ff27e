"""A notary whose receipts are envelopes: messages of the kind `ack` that refer to the id of what came.

The id is the SHA-256 of all that was signed (the wire specification), so a receipt binds its signer to one
message of one sender, and keeps its worth: an old receipt played back says only what it always said.
"""

from cbmnet.messages import Attributed, Sender, SignedMessageError, Verifier
from cbmnet.protocols.endpoint import party_of

FIRST_STREAM = 0xF000
_MS = 1000.0


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

    def receipt(self, peer: str, data: bytes, now: float) -> bytes | None:
        """A receipt for an authentic envelope of the peer's to us; None for anything else."""
        party = party_of(peer)
        said = self._said_by(party, data)
        if said is None or self._sender.name not in said.message.receivers:
            return None
        stream = self._streams.setdefault(party, self._first_stream + len(self._streams))
        sealed = self._sender.seal(
            "ack",
            (party,),
            {"refers_to": said.id},
            stream=stream,
            now_ms=round(now * _MS),
            ttl_ms=self._ttl_ms,
        )
        return sealed.wire

    def check(self, peer: str, receipt: bytes, data: bytes, now: float) -> bool:
        """Whether the peer signed, for us, that it has this envelope of ours."""
        said, ours = self._said_by(party_of(peer), receipt), self._said_by(self._sender.name, data)
        if said is None or ours is None or said.message.kind != "ack":
            return False
        to_us = self._sender.name in said.message.receivers
        return to_us and said.message.payload["refers_to"] == ours.id

    def _said_by(self, party: str, data: bytes) -> Attributed | None:
        try:
            said = self._verifier.attribute(data)
        except SignedMessageError:
            return None
        return said if said.message.sender == party else None
