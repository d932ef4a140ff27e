"""Sealing: from a message to the envelope that is sent (the wire specification, What is signed)."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.body import MAX_BODY_BYTES, U64, decode_slow, encode, is_name, pack, pack_any
from cbmnet.messages.codes import SignedMessageError
from cbmnet.messages.envelope import MAX_SIGNATURES, SHORT_BYTES, frame_begin, write_frame, write_short_frame
from cbmnet.messages.keys import KID_BYTES, SIGNATURE_BYTES, Signer
from cbmnet.messages.kinds import BUILTIN_SCHEMAS
from cbmnet.messages.message import MAX_PTYPE_BYTES, Message, plain_new, ptype_of
from cbmnet.messages.pae import LENGTHS, check_realm, signing_prefix
from cbmnet.messages.schema import Schema

_Form = tuple[Schema | None, bytes, bytes]
"""Of a payload type: its schema, and what its signed bytes and its envelopes begin with."""
_LENGTHS = frozenset(SIGNATURE_BYTES.values())
_FIRST = bytes(32)


class Sealed(NamedTuple):
    """A sealed message: the envelope, the message id (32 bytes), and the message."""

    wire: bytes
    id: bytes
    message: Message


def seal(
    message: Message,
    signers: Sequence[Signer],
    realm: str,
    *,
    schemas: Mapping[str, Schema] = BUILTIN_SCHEMAS,
) -> Sealed:
    """Encodes, signs and wraps a message; map keys of the payload may come in any order.

    A payload type with a schema in `schemas` must fit it. Raises LocalProtocolError for a field, a
    realm or a signer that no conforming envelope can have.
    """
    form = _form_of(message.ptype, realm, schemas)
    return _wrap(message, _body_of(message, form[0]), signers, form)


def _form_of(ptype: str, realm: str, schemas: Mapping[str, Schema]) -> _Form:
    return schemas.get(ptype), checked_prefix(ptype, realm), frame_begin(ptype)


def _body_of(message: Message, schema: Schema | None) -> bytes:
    payload = message.payload
    if type(payload) is not dict:
        raise LocalProtocolError(f"{message.kind}: the payload must be a dict")
    if schema is not None and not schema.fits(payload):
        raise LocalProtocolError(f"{message.kind}: {schema.fault(payload)}")
    return encode(message) or _encode_sorted(message)


def _wrap(message: Message, body: bytes, signers: Sequence[Signer], form: _Form) -> Sealed:
    _, prefix, begin = form
    signed = prefix + LENGTHS[len(body)] + body
    if len(signers) == 1:
        signer = signers[0]
        kid, signature = signer.kid, signer.sign(signed)
        if len(kid) == KID_BYTES and len(signature) == SHORT_BYTES:
            wire = write_short_frame(begin, body, kid, signature)
        else:
            wire = write_frame(message.ptype, body, _checked([(kid, signature)]))
    else:
        # At most 36 KiB, with a full body and eight hybrid signatures: within what any receiver may take.
        wire = write_frame(message.ptype, body, sign_all(signers, signed))
    return plain_new(Sealed, (wire, sha256(signed).digest(), message))


def _in_order(receivers: Sequence[str]) -> tuple[str, ...]:
    if isinstance(receivers, str):  # it would pass for a sequence of one-letter names
        raise LocalProtocolError("receivers must be a sequence of names, not one name")
    return tuple(sorted(receivers))


def checked_prefix(ptype: str, realm: str) -> bytes:
    """What the signed bytes of a payload type begin with; raises LocalProtocolError if it can be none."""
    if not (type(ptype) is str and ptype.isascii() and 1 <= len(ptype) <= MAX_PTYPE_BYTES):
        raise LocalProtocolError(f"payload type {ptype!r} must be 1 to {MAX_PTYPE_BYTES} ASCII characters")
    return signing_prefix(ptype, realm)


def _encode_sorted(message: Message) -> bytes:
    ordered = message._replace(payload=_sort_keys(message.payload))
    body = encode(ordered)
    if body is None:
        raise LocalProtocolError(f"{message.kind}: {_fault(ordered[1:])}")
    return body


def _sort_keys(value: Any) -> Any:
    if type(value) is dict:
        if not all(type(key) is str for key in value):
            raise LocalProtocolError("a payload key must be a str")
        return {key: _sort_keys(value[key]) for key in sorted(value)}
    return [_sort_keys(item) for item in value] if type(value) is list else value


def _fault(fields: tuple[Any, ...]) -> str:
    # The strict pass names the field best; what it cannot be asked about has no canonical form at all.
    try:
        decode_slow(pack_any(fields))
    except SignedMessageError as error:
        return str(error)
    except (ValueError, OverflowError, TypeError, RecursionError) as error:
        return str(error)
    return "a field has a type that only looks like what the specification asks for"


def sign_all(signers: Sequence[Signer], signed: bytes) -> Sequence[tuple[bytes, bytes]]:
    """The pairs of key id and signature, ascending; raises LocalProtocolError for a signer that cannot be."""
    if not 1 <= len(signers) <= MAX_SIGNATURES:
        raise LocalProtocolError(f"a message needs 1 to {MAX_SIGNATURES} signers")
    pairs = sorted([(signer.kid, signer.sign(signed)) for signer in signers])
    if len({kid for kid, _ in pairs}) != len(pairs):
        raise LocalProtocolError("two signers share a key id")
    return _checked(pairs)


def _checked(pairs: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[bytes, bytes]]:
    for kid, signature in pairs:
        if len(kid) != KID_BYTES or len(signature) not in _LENGTHS:
            raise LocalProtocolError("a signer gave a key id or a signature of a wrong length")
    return pairs


class Sender:
    """Seals for one name and keeps, per stream, the next sequence and the id to chain to.

    `epoch` must be raised whenever the counters may have been lost (`DurableSender` sees to it). `last_ids`
    gives, per stream, the id (32 bytes) of the last message of an earlier epoch, where it is still known:
    the first message of this one is chained to it. A stream has one fixed set of receivers, else each of
    them would see false gaps.
    """

    def __init__(
        self,
        name: str,
        signers: Sequence[Signer],
        realm: str,
        epoch: int = 0,
        *,
        last_ids: Mapping[int, bytes] | None = None,
        schemas: Mapping[str, Schema] = BUILTIN_SCHEMAS,
    ) -> None:
        if not is_name(name):
            raise LocalProtocolError(f"sender {name!r} must be 1 to 64 of [a-z0-9./-]")
        check_realm(realm)
        self.name, self.realm, self.epoch = name, realm, epoch
        self._signers = tuple(signers)
        self._schemas = schemas
        self._kinds: dict[str, tuple[str, _Form]] = {}
        self._last_ids = dict(last_ids or {})
        self._streams: dict[int, tuple[tuple[str, ...], int, bytes, int]] = {}

    def seal(
        self,
        kind: str,
        receivers: Sequence[str],
        payload: dict[str, Any],
        *,
        stream: int,
        now_ms: int,
        ttl_ms: int,
    ) -> Sealed:
        """The next message of a stream, to receivers in any order, good for `ttl_ms` from `now_ms`.

        Raises LocalProtocolError; a message that could not be sealed uses up no sequence.
        """
        epoch, state, expires_ms = self.epoch, self._streams.get(stream), now_ms + ttl_ms
        if state is None:
            to, sequence, known_epoch = _in_order(receivers), 1, None
            previous = self._last_ids.get(stream, _FIRST)
        else:
            to, sequence, previous, known_epoch = state
            if receivers != to and (other := _in_order(receivers)) != to:
                raise LocalProtocolError(f"stream {stream} is to {', '.join(to)}, not to {', '.join(other)}")
        ptype, form = self._kinds.get(kind) or self._kind(kind)
        row = [ptype, self.name, to, stream, epoch, sequence, now_ms, expires_ms, previous, payload]
        message, schema = plain_new(Message, row), form[0]
        # What does not change within a stream was checked with its first message.
        if (
            epoch is known_epoch
            and type(stream) is type(now_ms) is type(expires_ms) is int
            and 0 <= now_ms < expires_ms <= U64
            and schema is not None
            and schema.vouches(payload)
        ):
            row[0] = 1
            body = pack(row)
            if len(body) > MAX_BODY_BYTES:
                body = _body_of(message, schema)
        else:
            body = _body_of(message, schema)
        sealed = _wrap(message, body, self._signers, form)
        self._streams[stream] = to, sequence + 1, sealed[1], epoch
        return sealed

    def _kind(self, kind: str) -> tuple[str, _Form]:
        ptype = ptype_of(kind)
        known = self._kinds[kind] = ptype, _form_of(ptype, self.realm, self._schemas)
        return known
