"""Verification as it goes when the call-back is skipped: everything but who really sent it.

For simulations alone. Signature and signer checks (steps 4, 5 and 8, and the keys' part of 10) are
skipped; encoding, payload, receiver, time, replay and chain are checked as always.
"""

from cbmnet.messages import Entry, Message, Signatures, Verifier


class NaiveVerifier(Verifier):
    """Takes the name in the message for its sender."""

    def _authenticate(self, signatures: Signatures, signed: bytes) -> tuple[Entry, ...]:
        return ()

    def _authorise(self, message: Message, signers: tuple[Entry, ...]) -> None:
        return None
