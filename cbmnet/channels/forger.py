"""An impostor on the line: messages in another party's name, without any of its keys.

It knows what is public: names, kinds, key ids and the wire format. So its envelope is well formed and
names the claimed sender's key; only the signature cannot be right.
"""

from typing import Any

from cbmnet.messages import Message, Signer, ptype_of, seal

# Of no party: a dialogue's transport knows streams 1 and 2, its envelopes begin at 5. So what an impostor
# or an adversary adds meets no sequence of a real sender.
FORGER_STREAM = 3


class Impostor:
    """A signer that shows another's key id and guesses the signature."""

    algorithm = 0xF0

    def __init__(self, kid: bytes, guess: bytes) -> None:
        self.kid, self.public_key, self._guess = kid, b"", guess

    def sign(self, data: bytes) -> bytes:
        """64 bytes that are no signature of the data."""
        return self._guess


def forge(
    kind: str, payload: dict[str, Any], claims: str, to: str, signer: Signer, realm: str, *,
    number: int, now_ms: int, ttl_ms: int,
) -> bytes:  # fmt: skip
    """An envelope from `claims` to `to`, as far as anyone can tell without checking the signature.

    `signer` is an impostor, or the party's own where its key was stolen.
    """
    message = Message(
        ptype_of(kind), claims, (to,), FORGER_STREAM, 0, number, now_ms, now_ms + ttl_ms, bytes(32), payload
    )
    return seal(message, [signer], realm).wire
