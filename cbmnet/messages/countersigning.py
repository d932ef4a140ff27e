"""Further signatures under a message that is sealed already: a second officer signs later, or elsewhere.

The message id covers what is said and not who signed it, so it stays what it was; a receiver that has
accepted the message takes the new envelope for Replayed, with the same id.
"""

from collections.abc import Container

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.body import decode_slow
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import (
    HARD_MAX_WIRE_BYTES,
    MAX_SIGNATURES,
    Frame,
    Signatures,
    read_frame_slow,
    write_frame,
)
from cbmnet.messages.keys import Signer
from cbmnet.messages.kinds import BUILTIN, ENROLMENT, TRUST_STORE
from cbmnet.messages.pae import signing_prefix

NEVER_COUNTERSIGNED = frozenset({TRUST_STORE, ENROLMENT})
COUNTERSIGNED = BUILTIN - NEVER_COUNTERSIGNED


def countersign(wire: bytes, signer: Signer, realm: str, *, allowed: Container[str] = COUNTERSIGNED) -> bytes:
    """The envelope with one more signature; that of the same key is replaced.

    Only messages, of a payload type in `allowed`: a trust store or a request for enrolment is never signed
    by mistake. Read the message before you sign it: this checks its form alone. Raises SignedMessageError for
    bytes that are no such envelope, LocalProtocolError for a ninth signature.
    """
    ptype, body, signatures = _read(wire)
    if ptype in NEVER_COUNTERSIGNED or ptype not in allowed:
        raise SignedMessageError(Code.UNKNOWN_TYPE, f"payload type {ptype!r} is not countersigned here")
    if ptype in BUILTIN:
        decode_slow(body)  # nobody signs what nobody can read
    signed = b"%b%d %b" % (signing_prefix(ptype, realm), len(body), body)
    return _write(ptype, body, dict(signatures) | {signer.kid: signer.sign(signed)})


def merge(wire: bytes, other: bytes) -> bytes:
    """One envelope with the signatures of two envelopes of one message, however they were gathered.

    Where both have a signature of one key, the first's is kept. Raises SignedMessageError for bytes that are
    no envelope, LocalProtocolError if they do not say the same.
    """
    ptype, body, signatures = _read(wire)
    other_ptype, other_body, more = _read(other)
    if (ptype, body) != (other_ptype, other_body):
        raise LocalProtocolError("the two envelopes do not say the same")
    return _write(ptype, body, dict(more) | dict(signatures))


def signatures_of(wire: bytes) -> Signatures:
    """The pairs of key id (16 bytes) and signature of an envelope, unverified; SignedMessageError if none."""
    return _read(wire)[2]


def _read(wire: bytes) -> Frame:
    if len(wire) > HARD_MAX_WIRE_BYTES:
        raise SignedMessageError(Code.TOO_LARGE, f"{len(wire)} bytes, at most {HARD_MAX_WIRE_BYTES} allowed")
    return read_frame_slow(wire, None)  # to sign beside others asks for no allow-list


def _write(ptype: str, body: bytes, signatures: dict[bytes, bytes]) -> bytes:
    if len(signatures) > MAX_SIGNATURES:
        raise LocalProtocolError(f"a message has at most {MAX_SIGNATURES} signatures")
    return write_frame(ptype, body, sorted(signatures.items()))
