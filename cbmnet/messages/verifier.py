"""The verifier: thirteen steps, cheap first (the wire specification, section Verification order).

Every byte string gives an `Accepted` or a `SignedMessageError` with a stable code, never anything else,
and nothing changes before the caller applies the change.
"""

import struct
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from hashlib import sha256

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.accepted import Accepted, Attributed
from cbmnet.messages.authenticator import Authenticator
from cbmnet.messages.body import decode_fast, decode_slow, is_name, payload_of
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import (
    HARD_MAX_WIRE_BYTES,
    MAX_WIRE_BYTES,
    SHORT_BYTES,
    Frame,
    Signatures,
    frame_begin,
    read_frame_fast,
    read_frame_slow,
)
from cbmnet.messages.guard import Change, ReplayGuard
from cbmnet.messages.kinds import BUILTIN, BUILTIN_SCHEMAS, TRUST_STORE
from cbmnet.messages.message import Message, plain_new
from cbmnet.messages.pae import LENGTHS, check_realm, signing_prefix
from cbmnet.messages.schema import Schema
from cbmnet.messages.shape import Shape, Shapes
from cbmnet.messages.trust import SUPERSEDED, Entry, TrustStore, persons_of

MAX_TTL_MS = 24 * 3600 * 1000
SKEW_MS = 30_000

_Said = tuple[Message, tuple[Entry, ...], bytes, bool]
"""A message, who signed it, what they signed, and whether it passed steps 8 and the keys' part of 10."""


class Verifier:
    """Checks envelopes for one receiver in one realm.

    `allowed` are the payload types that are taken, each with its payload in `schemas`; `secrets` maps a
    key id to the simulation secret behind it. Limits: `max_wire_bytes` (up to 65,536), `max_ttl_ms`,
    `skew_ms` (how far two clocks may differ). Raises LocalProtocolError for a setting that cannot be.
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
        self.me, self.realm = me, realm
        self._policies = dict(store.policies)
        self._alone = frozenset(ptype for ptype in allowed if self._policies.get(ptype, 1) == 1)
        self._shapes = Shapes()
        self._keys = Authenticator(realm, store, secrets or {})
        self.guard = ReplayGuard() if guard is None else guard
        self._max_wire_bytes, self._max_ttl_ms, self._skew_ms = max_wire_bytes, max_ttl_ms, skew_ms
        self._allowed, self._schemas = frozenset(allowed), dict(schemas)
        self._prefixes = {ptype: signing_prefix(ptype, realm) for ptype in allowed}
        # Read by hand are the payload types whose header is two bytes: 32 characters or more.
        self._begins = {frame_begin(ptype): ptype for ptype in allowed if len(ptype) >= 32}

    @property
    def keys(self) -> Authenticator:
        """What verifies signatures; with another one in its place, nothing is known of any envelope."""
        return self._keys

    @keys.setter
    def keys(self, keys: Authenticator) -> None:
        self._keys, self._shapes = keys, Shapes()

    @property
    def store(self) -> TrustStore:
        """The trust store it was made with; another one takes another verifier, which may have this guard."""
        return self._keys.store

    @property
    def verified(self) -> int:
        """How many messages had their signatures verified."""
        return self._keys.verified

    def check(self, wire: bytes, now_ms: int) -> Accepted:
        """Every step, with no change of state; raises SignedMessageError at the first that fails."""
        if type(wire) is not bytes:
            wire = bytes(wire)  # a bytearray that a socket filled
        shape = self._shapes.of(wire)
        frame = self._frame(wire) if shape is None else None
        digest = sha256(wire).digest()
        guard = self.guard
        if guard.is_duplicate(digest):
            raise SignedMessageError(Code.DUPLICATE, "this very envelope was accepted before")
        try:
            if shape is None or (said := self._recall(shape, wire)) is None:
                shape = None
                frame = frame or self._frame(wire)
                said = self._read_all(wire, frame)
            message, signers, signed, usual = said
            _, sender, receivers, stream, epoch, sequence, issued_ms, expires_ms, previous, _ = message
            # The usual message passes all at once; what does not goes step by step, and may yet be right.
            if not (
                usual
                and self.me in receivers
                and expires_ms - issued_ms <= self._max_ttl_ms
                and issued_ms - self._skew_ms <= now_ms < expires_ms + self._skew_ms
            ):
                self._authorise(message, signers)
                if self.me not in receivers:
                    raise SignedMessageError(Code.NOT_RECEIVER, f"{self.me} is not among the receivers")
                self._check_time(message, now_ms)
                self._check_keys(message, signers)
            message_id = sha256(signed).digest()
            gap = guard.check(message, message_id, wire)
        except SignedMessageError as error:
            if frame is not None:
                error.message_id = self._id_of(frame)
            elif shape is not None:  # what has a shape is an envelope
                error.message_id = self.id_of(wire)
            raise
        change = plain_new(Change, (sender, stream, epoch, sequence, message_id, previous, digest, wire))
        return plain_new(Accepted, (message, signers, message_id, gap, change))

    def _recall(self, shape: Shape, wire: bytes) -> _Said | None:
        """Steps 1, 2, 4 to 8 and the keys' part of 10 for an envelope of this shape, None for another."""
        (
            parts_of, constants, first, last, from_ms, until_ms, least_expiry_ms, prefix, body_at, body_end,
            check, signers, vouches, ptype, sender, receivers, stream, epoch,
        ) = shape  # fmt: skip
        try:
            a, sequence, b, issued_ms, c, expires_ms, d, previous, packed, e, signature = parts_of(wire)
        except struct.error:
            return None
        if not (
            (a, b, c, d, e) == constants
            and first <= sequence <= last
            and from_ms <= issued_ms < until_ms
            and issued_ms < expires_ms >= least_expiry_ms
        ):
            return None
        body = wire[body_at:body_end]
        signed = prefix + body
        self._keys.verified += 1
        if not check(signature, signed):
            raise SignedMessageError(Code.BAD_SIGNATURE, "a signature does not verify", signers[0].kid)
        payload = payload_of(packed, vouches)
        if payload is None:
            return self._read(ptype, body), signers, signed, True
        row = ptype, sender, receivers, stream, epoch, sequence, issued_ms, expires_ms, previous, payload
        return plain_new(Message, row), signers, signed, True

    def _read_all(self, wire: bytes, frame: Frame) -> _Said:
        """Steps 4 to 7 for any envelope, and whether it is a usual one, which later ones may be like."""
        ptype, body, signatures = frame
        prefix = self._prefixes[ptype] + LENGTHS[len(body)]
        signers = self._keys.authenticate(signatures, prefix + body)
        message = self._read(ptype, body)
        usual = self._is_usual(message, signatures)
        kid, signature = signatures[0]
        is_short = usual and signers and len(signature) == SHORT_BYTES
        if is_short and (vouches := self._schemas[ptype].vouches)(message.payload):
            self._shapes.learn(wire, body, message, prefix, self._keys.usable[kid], vouches)
        return message, signers, prefix + body, usual

    def attribute(self, wire: bytes) -> Attributed:
        """Who said what, to whom and when ever: steps 1, 2, 4 to 8 and the keys' part of 10.

        For judging evidence and old records; it asks neither whether the message is for us, nor whether it
        is fresh or new. Raises SignedMessageError.
        """
        wire = bytes(wire)
        shape = self._shapes.of(wire)
        said = None if shape is None else self._recall(shape, wire)
        message, signers, signed, usual = said or self._read_all(wire, self._frame(wire))
        if not usual:
            self._authorise(message, signers)
            self._check_keys(message, signers)
        return plain_new(Attributed, (message, signers, signed))

    def id_of(self, wire: bytes) -> bytes:
        """The id of an envelope whoever signed it, such as one of our own: steps 1 and 2 only."""
        return self._id_of(self._frame(bytes(wire)))

    def _id_of(self, frame: Frame) -> bytes:
        ptype, body, _ = frame
        return sha256(self._prefixes[ptype] + LENGTHS[len(body)] + body).digest()

    def _frame(self, wire: bytes) -> Frame:
        """Steps 1 and 2: payload type, body, and pairs of kid and signature."""
        if len(wire) > self._max_wire_bytes:
            raise SignedMessageError(
                Code.TOO_LARGE, f"{len(wire)} bytes, at most {self._max_wire_bytes} allowed"
            )
        return read_frame_fast(wire, self._begins) or read_frame_slow(wire, self._allowed)

    def accept(self, wire: bytes, now_ms: int) -> Accepted:
        """`check`, then the change applied to the guard; for callers whose state is only in memory."""
        accepted = self.check(wire, now_ms)
        self.guard.apply(accepted.change)
        return accepted

    def _read(self, ptype: str, body: bytes) -> Message:
        """Steps 6 and 7: the body and its payload."""
        schema = self._schemas.get(ptype)
        if schema is not None and (message := decode_fast(ptype, body, schema)) is not None:
            return message
        fields = decode_slow(body)
        if schema is None:
            raise SignedMessageError(Code.BAD_FIELD, "a trust store is no message: its loader reads it")
        # Both readers take the same bodies, so it is the payload that does not fit.
        raise SignedMessageError(Code.BAD_FIELD, schema.fault(fields[8]) or "payload")

    def _is_usual(self, message: Message, signatures: Signatures) -> bool:
        """Whether one key signed, which may say this alone and in its time, as steps 8 and 10 ask."""
        ptype, sender, issued_ms = message[0], message[1], message[6]
        key = self._keys.usable.get(signatures[0][0]) if len(signatures) == 1 else None
        if key is None or ptype not in self._alone:
            return False
        party, ptypes, from_ms, until_ms = key.rights
        return sender == party and ptype in ptypes and from_ms <= issued_ms < until_ms

    def _authorise(self, message: Message, signers: tuple[Entry, ...]) -> None:
        """Step 8: every signer may say this for this sender, and enough persons say it."""
        sender, ptype = message.sender, message.ptype
        for entry in signers:
            if not ((sender == entry.party or entry.speaks_for(sender)) and ptype in entry.ptypes):
                raise SignedMessageError(
                    Code.SIGNER_NOT_ALLOWED,
                    f"{entry.person} may not sign {message.kind} for {sender}",
                    entry.kid,
                )
        needed = self._policies.get(ptype, 1)
        if needed > 1 and (persons := len(persons_of(signers))) < needed:
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
