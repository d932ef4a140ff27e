"""Signing a trust document, and opening one against what is trusted already (section Trust store).

Its signatures must reach the threshold of the roots of the document before it, or at the first time of the
roots that were handed over in person; where it names other roots or another threshold, also its own, so
that nobody can lock out or be locked in unseen. Nothing of the body is read before that.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.authenticator import key_check
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import Signatures, read_frame_slow, write_frame
from cbmnet.messages.keys import Signer
from cbmnet.messages.kinds import TRUST_STORE
from cbmnet.messages.pae import signing_prefix
from cbmnet.messages.reader import refuse
from cbmnet.messages.trust import ACTIVE, STATUSES, SUPERSEDED
from cbmnet.messages.trust_body import DOCUMENT_LIMITS, MAX_DOCUMENT_BYTES, decode_document, encode_document
from cbmnet.messages.trust_document import Root, Roots, TrustDocument, check_roots

MAX_DOCUMENT_SIGNATURES = 128  # 64 roots and 64 that take their place


def sign_document(document: TrustDocument, signers: Sequence[Signer], realm: str) -> bytes:
    """The signed document as bytes; further roots may add theirs with `countersign_document`."""
    body = encode_document(document)
    decode_document(body)  # nothing is signed that nobody could open
    return _wire(body, {signer.kid: signer.sign(_signed(body, realm)) for signer in signers})


def countersign_document(wire: bytes, signer: Signer, realm: str) -> bytes:
    """The document with one more signature; raises SignedMessageError if it is none."""
    _, body, signatures = _read_frame(wire)
    return _wire(body, dict(signatures) | {signer.kid: signer.sign(_signed(body, realm))})


def open_document(
    wire: bytes, realm: str, trusted: TrustDocument | Roots, *, least_version: int = 1
) -> TrustDocument:
    """The document, if `trusted` vouches for it: the document before it or, at the first time, the roots.

    `least_version` is the version below which nothing is taken, for a caller that keeps a counter beside
    the store. Raises SignedMessageError: a code of the Malformed kind, UnknownKey, BadSignature,
    AlgorithmUnavailable, ThresholdNotMet, StoreRollback, or BadTrustStore for its content. The same
    document again is no rollback.
    """
    check_roots(trusted.roots, trusted.threshold)
    _, body, signatures = _read_frame(wire)
    signed = _signed(body, realm)
    _check_signed(signatures, signed, trusted.roots, trusted.threshold)
    document = decode_document(body)
    if set(document.roots) != set(trusted.roots) or document.threshold != trusted.threshold:
        _check_signed(signatures, signed, document.roots, document.threshold)
    least = least_version
    if isinstance(trusted, TrustDocument) and body != encode_document(trusted):
        least = max(least, trusted.version + 1)
    if document.version < least:
        refuse(Code.STORE_ROLLBACK, f"version {document.version}, at least {least} is due")
    if isinstance(trusted, TrustDocument):
        _check_nothing_lifted(trusted, document)
    return document


def _check_nothing_lifted(before: TrustDocument, after: TrustDocument) -> None:
    """What was taken from a key stays taken: no status is lifted, no time of revocation put off.

    Nor may a revoked key be left out, for a later version could then enter it as if it were new.
    """
    now = {entry.kid: entry for entry in after.entries}
    for old in before.entries:
        entry = now.get(old.kid)
        if entry is None:
            if old.status == ACTIVE:
                continue
            raise SignedMessageError(
                Code.STORE_ROLLBACK, f"key {old.kid.hex()} was {old.status}, and is left out", old.kid
            )
        lifted = STATUSES.index(entry.status) < STATUSES.index(old.status)
        put_off = old.status == entry.status == SUPERSEDED and (
            (entry.revoked_at_ms or 0) > (old.revoked_at_ms or 0)
        )
        if lifted or put_off:
            raise SignedMessageError(
                Code.STORE_ROLLBACK,
                f"key {entry.kid.hex()} was {old.status}, and would hold for more",
                entry.kid,
            )


def open_own_document(wire: bytes, realm: str) -> TrustDocument:
    """The document as its own roots vouch for it: for a file that is trusted because of where it lies.

    Raises what `open_document` does but StoreRollback.
    """
    document = decode_document(body_of(wire))
    return open_document(wire, realm, Roots(document.roots, document.threshold))


def body_of(wire: bytes) -> bytes:
    """The body of a document's envelope, whoever signed it; raises SignedMessageError if it is none."""
    return _read_frame(wire)[1]


def document_id(wire: bytes, realm: str) -> bytes:
    """SHA-256 of what is signed, 32 bytes: what roots compare by telephone before they sign."""
    _, body, _ = _read_frame(wire)
    return sha256(_signed(body, realm)).digest()


def _signed(body: bytes, realm: str) -> bytes:
    return b"%b%d %b" % (signing_prefix(TRUST_STORE, realm), len(body), body)


def _read_frame(wire: bytes) -> tuple[str, bytes, Signatures]:
    if len(wire) > MAX_DOCUMENT_BYTES:
        refuse(Code.TOO_LARGE, f"{len(wire)} bytes, at most {MAX_DOCUMENT_BYTES} allowed")
    return read_frame_slow(wire, (TRUST_STORE,), DOCUMENT_LIMITS, MAX_DOCUMENT_SIGNATURES)


def _wire(body: bytes, signatures: Mapping[bytes, bytes]) -> bytes:
    if not 1 <= len(signatures) <= MAX_DOCUMENT_SIGNATURES:
        raise LocalProtocolError(f"a trust document needs 1 to {MAX_DOCUMENT_SIGNATURES} signatures")
    wire = write_frame(TRUST_STORE, body, sorted(signatures.items()))
    if len(wire) > MAX_DOCUMENT_BYTES:
        raise LocalProtocolError(
            f"a trust document of {len(wire)} bytes, at most {MAX_DOCUMENT_BYTES} allowed"
        )
    return wire


def _check_signed(signatures: Signatures, signed: bytes, roots: Sequence[Root], threshold: int) -> None:
    keys = {root.kid: root for root in roots}
    known = [(keys[kid], signature) for kid, signature in signatures if kid in keys]
    if not known:
        refuse(Code.UNKNOWN_KEY, "no signature is by a trusted root")
    for root, signature in known:
        check = key_check(root.algorithm, root.public_key)
        if check is None:
            raise SignedMessageError(
                Code.ALGORITHM_UNAVAILABLE, f"algorithm {root.algorithm} cannot be used here", root.kid
            )
        if not check(signature, signed):
            raise SignedMessageError(Code.BAD_SIGNATURE, "a root's signature does not verify", root.kid)
    if len(known) < threshold:
        refuse(Code.THRESHOLD_NOT_MET, f"signed by {len(known)} of the {threshold} roots that are needed")
