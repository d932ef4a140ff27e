"""The verifier: thirteen steps, cheap first (the wire specification, section Verification order).

Every byte string gives an `Accepted` or a `SignedMessageError` with a stable code, never anything else,
and nothing changes before the caller applies the change.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from hashlib import blake2b, sha256
from hmac import compare_digest
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.body import decode_fast, decode_slow, is_name
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import (
    HARD_MAX_WIRE_BYTES,
    MAX_WIRE_BYTES,
    Signatures,
    ptype_header,
    read_frame_fast,
    read_frame_slow,
)
from cbmnet.messages.guard import Change, Gap, ReplayGuard
from cbmnet.messages.hybrid import hybrid_check
from cbmnet.messages.keys import ED25519, HYBRID, SIMULATION_MAC, SIMULATION_REALM, check_secret
from cbmnet.messages.kinds import BUILTIN, BUILTIN_SCHEMAS, TRUST_STORE
from cbmnet.messages.message import Message
from cbmnet.messages.pae import check_realm, signing_prefix
from cbmnet.messages.schema import Schema
from cbmnet.messages.trust import COMPROMISED, SUPERSEDED, Entry, TrustStore

MAX_TTL_MS = 24 * 3600 * 1000
SKEW_MS = 30_000

Check = Callable[[bytes, bytes], bool]
# Named tuples by their plainest constructor: the generated one takes three times as long.
_new = tuple.__new__


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
    """A message, the entries of the known keys that signed it, and its id: what outlasts its time."""

    message: Message
    signers: tuple[Entry, ...]
    id: bytes


class Verifier:
    """Checks envelopes for one receiver in one realm.

    `allowed` are the payload types that are taken, each with its payload in `schemas`; `secrets` maps a
    key id to the simulation secret behind it. Limits: `max_wire_bytes` (up to 65,536), `max_ttl_ms`,
    `skew_ms` (how far two clocks may differ). `verified` counts the messages whose signatures were
    verified. Raises LocalProtocolError for a setting that cannot be.
    """

    def __init__(
        self,
        me: str,
        realm: str,
        store: TrustStore,
        guard: ReplayGuard | None = None,
        *,
        allowed: AbstractSet[str] = BUILTIN,
        schemas: Mapping[str, Schema] = BUILTIN_SCHEMAS,
        secrets: Mapping[bytes, bytes] | None = None,
        max_wire_bytes: int = MAX_WIRE_BYTES,
        max_ttl_ms: int = MAX_TTL_MS,
        skew_ms: int = SKEW_MS,
    ) -> None:
        check_realm(realm)
        if not is_name(me):
            raise LocalProtocolError(f"receiver {me!r} must be 1 to 64 of [a-z0-9./-]")
        if not 0 < max_wire_bytes <= HARD_MAX_WIRE_BYTES:
            raise LocalProtocolError(f"max_wire_bytes must be 1 to {HARD_MAX_WIRE_BYTES}")
        if bare := sorted(allowed - schemas.keys() - {TRUST_STORE}):
            raise LocalProtocolError(f"no schema for {', '.join(bare)}")
        self.me, self.realm, self.store = me, realm, store
        self.guard = ReplayGuard() if guard is None else guard
        self.verified = 0
        self._max_wire_bytes, self._max_ttl_ms, self._skew_ms = max_wire_bytes, max_ttl_ms, skew_ms
        self._allowed, self._schemas = frozenset(allowed), schemas
        self._prefixes = {ptype: signing_prefix(ptype, realm) for ptype in allowed}
        # Read by hand are the payload types whose header is two bytes: 32 characters or more.
        self._headers = {ptype_header(ptype): ptype for ptype in allowed if len(ptype) >= 32}
        self._checks = _load_checks(store, realm, secrets or {})
        # Keys that may sign, ready for the usual message, which has one signature.
        self._usable = {
            kid: ((store.entries[kid],), check)
            for kid, check in self._checks.items()
            if store.entries[kid].status != COMPROMISED
        }

    def check(self, wire: bytes, now_ms: int) -> Accepted:
        """Every step, with no change of state; raises SignedMessageError at the first that fails."""
        ptype, body, signatures, signed = self._open(wire)
        digest = sha256(wire).digest()
        if self.guard.is_duplicate(digest):
            raise SignedMessageError(Code.DUPLICATE, "this very envelope was accepted before")
        message_id = sha256(signed).digest()
        try:
            message, signers = self._attribute(ptype, body, signatures, signed)
            if self.me not in message.receivers:
                raise SignedMessageError(Code.NOT_RECEIVER, f"{self.me} is not among the receivers")
            self._check_time(message, now_ms)
            self._check_keys(message, signers)
            gap = self.guard.check(message, message_id, wire)
        except SignedMessageError as error:
            error.message_id = message_id
            raise
        _, sender, _, stream, epoch, sequence, _, _, previous, _ = message
        change = _new(Change, (sender, stream, epoch, sequence, message_id, previous, digest, wire))
        return _new(Accepted, (message, signers, message_id, gap, change))

    def attribute(self, wire: bytes) -> Attributed:
        """Who said what, to whom and when ever: steps 1, 2, 4 to 8 and the keys' part of 10.

        For judging evidence and old records; it asks neither whether the message is for us, nor whether it
        is fresh or new. Raises SignedMessageError.
        """
        ptype, body, signatures, signed = self._open(wire)
        message, signers = self._attribute(ptype, body, signatures, signed)
        self._check_keys(message, signers)
        return Attributed(message, signers, sha256(signed).digest())

    def _open(self, wire: bytes) -> tuple[str, bytes, Signatures, bytes]:
        """Steps 1 and 2: payload type, body, pairs of kid and signature, and the signed bytes M."""
        if len(wire) > self._max_wire_bytes:
            raise SignedMessageError(
                Code.TOO_LARGE, f"{len(wire)} bytes, at most {self._max_wire_bytes} allowed"
            )
        frame = read_frame_fast(wire, self._headers) or read_frame_slow(wire, self._allowed)
        ptype, body, signatures = frame
        return ptype, body, signatures, b"%b%d %b" % (self._prefixes[ptype], len(body), body)

    def _attribute(
        self, ptype: str, body: bytes, signatures: Signatures, signed: bytes
    ) -> tuple[Message, tuple[Entry, ...]]:
        """Steps 4 to 8: the message and those who may and did sign it."""
        signers = self._authenticate(signatures, signed)
        message = self._read(ptype, body)
        self._authorise(message, signers)
        return message, signers

    def accept(self, wire: bytes, now_ms: int) -> Accepted:
        """`check`, then the change applied to the guard; for callers whose state is only in memory."""
        accepted = self.check(wire, now_ms)
        self.guard.apply(accepted.change)
        return accepted

    def _authenticate(self, signatures: Signatures, signed: bytes) -> tuple[Entry, ...]:
        """Steps 4 and 5: the known signers, none compromised, each with a signature that verifies."""
        if len(signatures) == 1:
            kid, signature = signatures[0]
            usable = self._usable.get(kid)
            if usable is not None:
                self.verified += 1
                if usable[1](signature, signed):
                    return usable[0]
                raise SignedMessageError(Code.BAD_SIGNATURE, "a signature does not verify", kid)
        return self._authenticate_all(signatures, signed)

    def _authenticate_all(self, signatures: Signatures, signed: bytes) -> tuple[Entry, ...]:
        entries, checks = self.store.entries, self._checks
        known = [(entries[kid], signature) for kid, signature in signatures if kid in entries]
        if not known:
            raise SignedMessageError(Code.UNKNOWN_KEY, "no signature is by a known key")
        for entry, _ in known:
            if entry.status == COMPROMISED:
                raise SignedMessageError(Code.KEY_REVOKED, "a key that signed is compromised", entry.kid)
        for entry, _ in known:
            if entry.kid not in checks:
                raise SignedMessageError(
                    Code.ALGORITHM_UNAVAILABLE, f"algorithm {entry.algorithm} cannot be used here", entry.kid
                )
        self.verified += 1
        for entry, signature in known:
            if not checks[entry.kid](signature, signed):
                raise SignedMessageError(Code.BAD_SIGNATURE, "a signature does not verify", entry.kid)
        return tuple([entry for entry, _ in known])

    def _read(self, ptype: str, body: bytes) -> Message:
        """Steps 6 and 7: the body and its payload."""
        schema = self._schemas.get(ptype)
        fields = None if schema is None else decode_fast(body, schema)
        if fields is None:
            fields = decode_slow(body)
            if schema is None:
                raise SignedMessageError(Code.BAD_FIELD, "a trust store is no message: its loader reads it")
            if not schema.fits(fields[8]):
                raise SignedMessageError(Code.BAD_FIELD, schema.fault(fields[8]) or "payload")
        return _new(Message, (ptype, *fields))

    def _authorise(self, message: Message, signers: tuple[Entry, ...]) -> None:
        """Step 8: every signer may say this for this sender, and enough persons say it."""
        sender, ptype = message.sender, message.ptype
        for entry in signers:
            if not (entry.speaks_for(sender) and ptype in entry.ptypes):
                raise SignedMessageError(
                    Code.SIGNER_NOT_ALLOWED,
                    f"{entry.person} may not sign {message.kind} for {sender}",
                    entry.kid,
                )
        needed = self.store.policies.get(ptype, 1)
        if needed > 1 and (persons := len({entry.person for entry in signers})) < needed:
            raise SignedMessageError(
                Code.THRESHOLD_NOT_MET,
                f"signed by {persons} of the {needed} persons that {message.kind} needs",
            )

    def _check_time(self, message: Message, now_ms: int) -> None:
        """Step 10, first part: the message's own times."""
        issued_ms, expires_ms = message.issued_ms, message.expires_ms
        if expires_ms - issued_ms > self._max_ttl_ms:
            raise SignedMessageError(Code.TTL_TOO_LONG, f"valid for more than {self._max_ttl_ms} ms")
        if issued_ms > now_ms + self._skew_ms:
            raise SignedMessageError(Code.FROM_FUTURE, f"issued at {issued_ms} ms, it is {now_ms} ms")
        if now_ms >= expires_ms + self._skew_ms:
            raise SignedMessageError(Code.EXPIRED, f"expired at {expires_ms} ms, it is {now_ms} ms")

    def _check_keys(self, message: Message, signers: tuple[Entry, ...]) -> None:
        """Step 10, second part: each key was valid when the message was issued."""
        issued_ms = message.issued_ms
        for entry in signers:
            if issued_ms < entry.not_before_ms:
                raise SignedMessageError(Code.KEY_NOT_YET_VALID, "issued before the key was valid", entry.kid)
            if issued_ms >= entry.not_after_ms:
                raise SignedMessageError(Code.KEY_EXPIRED, "issued after the key's validity", entry.kid)
            if entry.status == SUPERSEDED and issued_ms >= (entry.revoked_at_ms or 0):
                raise SignedMessageError(Code.KEY_REVOKED, "issued after the key was replaced", entry.kid)


def _load_checks(store: TrustStore, realm: str, secrets: Mapping[bytes, bytes]) -> dict[bytes, Check]:
    checks: dict[bytes, Check] = {}
    for kid, entry in store.entries.items():
        if entry.algorithm != SIMULATION_MAC:
            check = key_check(entry.algorithm, entry.public_key)
        elif realm == SIMULATION_REALM and kid in secrets:
            check = _mac_check(secrets[kid], entry.public_key)
        else:
            check = None
        if check is not None:
            checks[kid] = check
    return checks


def key_check(algorithm: int, public_key: bytes) -> Check | None:
    """What checks a signature (first argument) of M with a public key; None where this cannot be done."""
    if algorithm == ED25519:
        return _ed25519_check(public_key)
    return hybrid_check(public_key) if algorithm == HYBRID else None


def _ed25519_check(public_key: bytes) -> Check:
    verify = Ed25519PublicKey.from_public_bytes(public_key).verify

    def check(signature: bytes, signed: bytes) -> bool:
        try:
            verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    return check


def _mac_check(secret: bytes, public_key: bytes) -> Check:
    check_secret(secret)
    if sha256(secret).digest() != public_key:
        raise LocalProtocolError("a simulation secret does not belong to its key id")
    start = blake2b(key=secret).copy  # the keyed first block is hashed once

    def check(signature: bytes, signed: bytes) -> bool:
        state = start()
        state.update(signed)
        return compare_digest(state.digest(), signature)

    return check
