"""The body: ten fields in canonical MessagePack (the wire specification, section Body).

Reading is done twice over. `decode_fast` unpacks, checks and packs again; equal bytes mean a canonical
body. Whatever it turns down goes to `decode_slow`, which names the code. Both accept the same bodies.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgpack

from cbmnet.messages.codes import Code
from cbmnet.messages.message import Message, plain_new
from cbmnet.messages.reader import (
    BODY_DEPTH,
    KEY,
    MAX_BYTES,
    MAX_ITEMS,
    check_version,
    read_item,
    refuse,
    scan,
)
from cbmnet.messages.schema import Schema

MAX_BODY_BYTES = 8192
MAX_RECEIVERS = 16
MAX_PAYLOAD_DEPTH = 8
U16, U32, U64 = (1 << 16) - 1, (1 << 32) - 1, (1 << 64) - 1

_FIELD_TYPES = [str, str, tuple, int, int, int, int, int, bytes, dict]
_START = b"\x9a\x01"  # an array of ten that begins with version 1
_NAME = re.compile(r"[a-z0-9./-]{1,64}")
_SCALARS = frozenset({int, str, bytes, bool, type(None)})
_UNREADABLE = ValueError, OverflowError, TypeError, RecursionError, msgpack.UnpackException
pack = msgpack.Packer().pack
_unpack = msgpack.unpackb

Fields = tuple[str, tuple[str, ...], int, int, int, int, int, bytes, dict[str, Any]]


@lru_cache(maxsize=1024)
def is_name(text: str) -> bool:
    """Whether it can name a sender or receiver: 1 to 64 of `[a-z0-9./-]`."""
    return type(text) is str and _NAME.fullmatch(text) is not None


def _are_receivers(names: tuple[Any, ...]) -> bool:
    """Whether these are 1 to 16 names, strictly ascending."""
    return (
        1 <= len(names) <= MAX_RECEIVERS
        and all(is_name(name) for name in names)
        and all(a < b for a, b in pairwise(names))
    )


@lru_cache(maxsize=1024)
def _is_key(text: str) -> bool:
    return type(text) is str and KEY.fullmatch(text) is not None


def encode(message: Message) -> bytes | None:
    """The canonical body, or None if a field is not what section Body asks for.

    Map keys must already ascend. Never returns a body that `decode_slow` would refuse.
    """
    try:
        # What is looked at once is known by equality: only exact texts may come that far.
        exact = all(type(name) is str for name in message.receivers)
        body: bytes | None = pack((1, *message[1:])) if exact and _holds(message) else None
    except (ValueError, OverflowError, TypeError):  # unhashable names, surrogates, beyond 64 bits
        return None
    return body if body is None or len(body) <= MAX_BODY_BYTES else None


def pack_any(fields: tuple[Any, ...]) -> bytes:
    """The fields as they are, canonical or not: to let the strict pass say what is wrong with them."""
    packed: bytes = pack((1, *fields))
    return packed


def decode_fast(ptype: str, body: bytes, schema: Schema | None = None) -> Message | None:
    """The message of this payload type if its body is canonical, and fits the schema given, else None."""
    if not body.startswith(_START):
        return None
    try:
        values = _unpack(
            body,
            max_str_len=MAX_BYTES,
            max_bin_len=MAX_BYTES,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_ITEMS,
            max_ext_len=0,
        )
        if pack(values) != body or type(values[2]) is not list:
            return None
        values[0], values[2] = ptype, tuple(values[2])
        message = plain_new(Message, values)
        payload = values[9]
        if schema is not None and schema.vouches(payload):
            return message if _head_holds(message) else None
        return message if _holds(message) and (schema is None or schema.fits(payload)) else None
    except _UNREADABLE:
        return None


def payload_of(packed: bytes, vouches: Callable[[Any], bool]) -> dict[str, Any] | None:
    """The payload in these bytes if they are canonical and its schema vouches for it, else None."""
    try:
        payload: dict[str, Any] = _unpack(packed)
        return payload if vouches(payload) and pack(payload) == packed else None
    except _UNREADABLE:
        return None


def _holds(message: Message) -> bool:
    return _head_holds(message) and _map_holds(message.payload, 1)


def _head_holds(message: Message) -> bool:
    if [*map(type, message)] != _FIELD_TYPES:
        return False
    _, sender, receivers, stream, epoch, sequence, issued_ms, expires_ms, previous, _ = message
    return (
        1 <= sequence <= U64
        and 0 <= issued_ms < expires_ms <= U64
        and len(previous) == 32
        and _stream_holds(sender, receivers, stream, epoch)
    )


@lru_cache(maxsize=1024)
def _stream_holds(sender: str, receivers: tuple[Any, ...], stream: int, epoch: int) -> bool:
    """What all messages of a stream have in common is looked at once."""
    return 0 <= stream <= U16 and 0 <= epoch <= U32 and is_name(sender) and _are_receivers(receivers)


def _map_holds(values: Any, depth: int) -> bool:
    if type(values) is not dict or len(values) > MAX_ITEMS or depth > MAX_PAYLOAD_DEPTH:
        return False
    last = ""
    for key, value in values.items():
        if not _is_key(key) or key <= last:
            return False
        if type(value) not in _SCALARS and not _nest_holds(value, depth + 1):
            return False
        last = key
    return True


def _nest_holds(value: Any, depth: int) -> bool:
    if type(value) is dict:
        return _map_holds(value, depth)
    if type(value) is not list or len(value) > MAX_ITEMS or depth > MAX_PAYLOAD_DEPTH:
        return False
    return all(type(item) in _SCALARS or _nest_holds(item, depth + 1) for item in value)


def decode_slow(body: bytes) -> Fields:
    """The nine fields after the version; raises SignedMessageError with the code of the first offence."""
    if len(body) > MAX_BODY_BYTES:
        refuse(Code.TOO_LARGE, f"body of {len(body)} bytes, at most {MAX_BODY_BYTES} allowed")
    scan(body, BODY_DEPTH)
    top = read_item(body, 0, 1, BODY_DEPTH)
    if top.family != "array" or top.value == 0:
        refuse(Code.BAD_FIELD, "the body must be an array of 10")
    check_version(read_item(body, top.end, 2, BODY_DEPTH))
    if top.value != 10:
        refuse(Code.BAD_FIELD, f"the body has {top.value} fields, not 10")
    return _fields(_unpack(body))


def _fields(values: list[Any]) -> Fields:
    # The scan has passed: sizes, depth and keys are in order; types and ranges are not yet known.
    _, sender, receivers, stream, epoch, sequence, issued_ms, expires_ms, previous, payload = values
    if not (type(sender) is str and is_name(sender)):
        refuse(Code.BAD_FIELD, "sender must be a str of 1 to 64 of [a-z0-9./-]")
    _check_receivers(receivers)
    _check_uint("stream", stream, 0, U16)
    _check_uint("epoch", epoch, 0, U32)
    _check_uint("sequence", sequence, 1, U64)
    _check_uint("issued at", issued_ms, 0, U64)
    _check_uint("expires at", expires_ms, issued_ms + 1, U64)
    if type(previous) is not bytes or len(previous) != 32:
        refuse(Code.BAD_FIELD, "previous must be a bin of 32")
    if type(payload) is not dict:
        refuse(Code.BAD_FIELD, "payload must be a map")
    return sender, tuple(receivers), stream, epoch, sequence, issued_ms, expires_ms, previous, payload


def _check_receivers(receivers: Any) -> None:
    if type(receivers) is not list or not 1 <= len(receivers) <= MAX_RECEIVERS:
        refuse(Code.BAD_FIELD, "receivers must be an array of 1 to 16")
    last = ""
    for name in receivers:
        if not (type(name) is str and is_name(name)):
            refuse(Code.BAD_FIELD, "a receiver must be a str of 1 to 64 of [a-z0-9./-]")
        if name <= last:
            refuse(Code.NOT_CANONICAL, f"receiver {name!r} does not ascend")
        last = name


def _check_uint(field: str, value: Any, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        refuse(Code.BAD_FIELD, f"{field} must be an unsigned integer from {least} to {most}")
