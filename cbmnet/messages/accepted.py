"""What a verifier gives: a message with who signed it, and what accepting it changes."""

from hashlib import sha256
from typing import NamedTuple

from cbmnet.messages.guard import Change, Gap
from cbmnet.messages.message import Message
from cbmnet.messages.trust import Entry


class Accepted(NamedTuple):
    """A message that passed every step.

    `signers` are the entries of the known keys that signed, by kid; `id` is SHA-256(M), 32 bytes; `gap`
    is the first and last sequence missing before it, or None; `change` must be stored, and applied to
    the guard, before the message is acted on.
    """

    message: Message
    signers: tuple[Entry, ...]
    id: bytes
    gap: Gap | None
    change: Change


class Attributed(NamedTuple):
    """A message, the entries of the known keys that signed it, and all that they signed (M)."""

    message: Message
    signers: tuple[Entry, ...]
    signed: bytes

    @property
    def id(self) -> bytes:
        """The id of the message, SHA-256(M), 32 bytes."""
        return sha256(self.signed).digest()
