"""Detached signatures: an envelope about a file that stays where it is (section Framing, detached).

The signed body is `[bin of 32: SHA-256, uint: size in bytes]` of the file; everything around it is as
for a message. A payload type of its own keeps the two apart: no detached signature passes for a message,
nor the other way round, and a key must be allowed for it like for any other type. The signature says
nothing about the file's name, sender, receivers or time, and may be shown again: who needs those sends a
data-exchange message, which carries the same digest.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgpack

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.authenticator import Authenticator
from cbmnet.messages.body import U64
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import HARD_MAX_WIRE_BYTES, MAX_WIRE_BYTES, read_frame_slow, write_frame
from cbmnet.messages.keys import Signer
from cbmnet.messages.kinds import BUILTIN
from cbmnet.messages.message import ptype_of
from cbmnet.messages.pae import check_realm
from cbmnet.messages.reader import BODY_DEPTH, read_item, refuse, scan
from cbmnet.messages.sealing import checked_prefix, sign_all
from cbmnet.messages.trust import SUPERSEDED, Entry, TrustStore, persons_of

DETACHED = ptype_of("detached")
CHUNK_BYTES = 64 * 1024
MAX_FILE_BYTES = U64


class Readable(Protocol):
    """A binary stream: what `open(path, "rb")` gives."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        ...


class FileDigest(NamedTuple):
    """What stands for a file: its SHA-256 (32 bytes) and its size in bytes."""

    sha256: bytes
    size_bytes: int


class Attested(NamedTuple):
    """A file whose detached signature passed every check.

    `signers` are the entries of the known keys that signed, by kid; `id` is SHA-256(M), 32 bytes.
    """

    ptype: str
    digest: FileDigest
    signers: tuple[Entry, ...]
    id: bytes


def digest_file(stream: Readable) -> FileDigest:
    """The digest of a binary stream from where it stands to its end, read 64 KiB at a time.

    Raises LocalProtocolError for a stream that gives no bytes (a text file, or a non-blocking one), and
    lets the stream's own errors pass.
    """
    return _digest(stream, MAX_FILE_BYTES)


def _digest(stream: Readable, most: int) -> FileDigest:
    """Of the whole stream, or of one byte more than `most`."""
    state, size = sha256(), 0
    while True:
        wanted = max(0, min(CHUNK_BYTES, most + 1 - size))
        chunk = stream.read(wanted)
        if type(chunk) is not bytes:  # None, from a stream with nothing ready, would look like an end
            raise LocalProtocolError(f"a file to sign must give bytes, not {type(chunk).__name__}")
        if not chunk:
            return FileDigest(state.digest(), size)
        state.update(chunk)
        size += len(chunk)


def sign_detached(stream: Readable, signers: Sequence[Signer], realm: str, *, ptype: str = DETACHED) -> bytes:
    """The envelope that vouches for a file, about 0.2 KB with one Ed25519 signature.

    `ptype` is DETACHED (`application/vnd.cbmnet.detached.v1+msgpack`), or one of the deployment's own
    where different keys may sign different files. Raises LocalProtocolError for a stream, a signer, a
    realm or a payload type that cannot be, above all one that a built-in kind of message has.
    """
    _check_own((ptype,))
    body: bytes = msgpack.packb(digest_file(stream))
    signed = b"%b%d %b" % (checked_prefix(ptype, realm), len(body), body)
    return write_frame(ptype, body, sign_all(signers, signed))


class DetachedVerifier:
    """Checks detached signatures of files in one realm.

    `allowed` are the payload types that are taken, none of them a built-in kind of message; `secrets`
    maps a key id to the simulation secret behind it; `max_wire_bytes` limits the envelope (up to
    65,536), not the file. Raises LocalProtocolError for a setting that cannot be.
    """

    def __init__(
        self,
        realm: str,
        store: TrustStore,
        *,
        allowed: AbstractSet[str] = frozenset({DETACHED}),
        secrets: Mapping[bytes, bytes] | None = None,
        max_wire_bytes: int = MAX_WIRE_BYTES,
    ) -> None:
        _check_own(allowed)
        check_realm(realm)
        if not 0 < max_wire_bytes <= HARD_MAX_WIRE_BYTES:
            raise LocalProtocolError(f"max_wire_bytes must be 1 to {HARD_MAX_WIRE_BYTES}")
        self.realm, self._policies = realm, store.policies
        self._keys = Authenticator(realm, store, secrets or {})
        self._max_wire_bytes = max_wire_bytes
        self._prefixes = {ptype: checked_prefix(ptype, realm) for ptype in allowed}

    def check(self, wire: bytes, stream: Readable, now_ms: int, *, party: str | None = None) -> Attested:
        """The file's signers, or SignedMessageError with the code of the first rule broken.

        The rules are a message's, in its order: length, frame, payload type, kids, known keys, none
        compromised (KeyRevoked), algorithms, every signature by a known key, the body, whether each
        signer may sign this payload type, enough distinct persons; then the keys' times, and last the
        file, read no further than one byte past the signed size: another file is BadSignature. With
        `party`, every signer must also speak for it. There is no sender, receiver, sequence or time.

        So nothing shows when a signature was made, and whoever holds an old key can make one today as if
        of old. Each key is therefore judged at `now_ms` (Unix milliseconds), without skew: KeyNotYetValid
        before its validity, KeyExpired from its end, KeyRevoked once superseded. A detached signature
        lasts as long as its keys; an earlier `now_ms` is right only where something else proves that the
        signature was there by then, such as an accepted message that carries the same digest.
        """
        if len(wire) > self._max_wire_bytes:
            refuse(Code.TOO_LARGE, f"{len(wire)} bytes, at most {self._max_wire_bytes} allowed")
        ptype, body, signatures = read_frame_slow(wire, self._prefixes)
        signed = b"%b%d %b" % (self._prefixes[ptype], len(body), body)
        message_id = sha256(signed).digest()
        try:
            signers = self._keys.authenticate(signatures, signed)
            digest = _read_body(body)
            self._authorise(ptype, signers, party)
            _check_times(signers, now_ms)
            if _digest(stream, digest.size_bytes) != digest:
                refuse(Code.BAD_SIGNATURE, "the signature is of another file")
        except SignedMessageError as error:
            error.message_id = message_id
            raise
        return Attested(ptype, digest, signers, message_id)

    def _authorise(self, ptype: str, signers: tuple[Entry, ...], party: str | None) -> None:
        for entry in signers:
            if ptype not in entry.ptypes:
                raise SignedMessageError(
                    Code.SIGNER_NOT_ALLOWED, f"{entry.person} may not sign {ptype}", entry.kid
                )
            if party is not None and not entry.speaks_for(party):
                raise SignedMessageError(
                    Code.SIGNER_NOT_ALLOWED, f"{entry.person} does not speak for {party}", entry.kid
                )
        needed = self._policies.get(ptype, 1)
        if (persons := len(persons_of(signers))) < needed:
            refuse(Code.THRESHOLD_NOT_MET, f"signed by {persons} of the {needed} persons that {ptype} needs")


def _check_own(ptypes: AbstractSet[str] | tuple[str, ...]) -> None:
    if taken := sorted(BUILTIN.intersection(ptypes)):
        raise LocalProtocolError(f"{', '.join(taken)}: a kind of message cannot be a detached signature")


def _read_body(body: bytes) -> FileDigest:
    scan(body, BODY_DEPTH)
    top = read_item(body, 0, 1, BODY_DEPTH)
    if top.family != "array" or top.value != 2:
        refuse(Code.BAD_FIELD, "the body of a detached signature must be an array of 2")
    digest = read_item(body, top.end, 1, BODY_DEPTH)
    if digest.family != "bin" or len(digest.value) != 32:
        refuse(Code.BAD_FIELD, "the digest must be a bin of 32")
    size = read_item(body, digest.end, 1, BODY_DEPTH)
    if size.family != "uint":
        refuse(Code.BAD_FIELD, "the size must be an unsigned integer")
    return FileDigest(digest.value, size.value)


def _check_times(signers: tuple[Entry, ...], now_ms: int) -> None:
    for entry in signers:
        if now_ms < entry.not_before_ms:
            raise SignedMessageError(Code.KEY_NOT_YET_VALID, "the key is not valid yet", entry.kid)
        if now_ms >= entry.not_after_ms:
            raise SignedMessageError(Code.KEY_EXPIRED, "the key's validity is over", entry.kid)
        if entry.status == SUPERSEDED and now_ms >= (entry.revoked_at_ms or 0):
            raise SignedMessageError(Code.KEY_REVOKED, "the key was replaced", entry.kid)
