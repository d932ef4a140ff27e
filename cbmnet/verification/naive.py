"""Verification as it goes when the call-back is skipped: everything but who really sent it.

For simulations alone. Signature and signer checks (steps 4, 5 and 8, and the keys' part of 10) are
skipped; encoding, payload, receiver, time, replay and chain are checked as always.
"""

from typing import Any

from cbmnet.messages import Entry, Message, Signatures, Verifier
from cbmnet.messages.authenticator import Authenticator


class _Nobody(Authenticator):
    """Finds no signer, and no fault either."""

    def authenticate(self, signatures: Signatures, signed: bytes) -> tuple[Entry, ...]:
        return ()


class NaiveVerifier(Verifier):
    """Takes the name in the message for its sender."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.keys = _Nobody(self.realm, self.store, {})

    def _authorise(self, message: Message, signers: tuple[Entry, ...]) -> None:
        return None
