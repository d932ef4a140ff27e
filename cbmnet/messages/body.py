"""The body: ten fields in canonical MessagePack (the wire specification, section Body).

Reading is done twice over. `decode_fast` unpacks, checks and packs again; equal bytes mean a canonical
body. Whatever it turns down goes to `decode_slow`, which names the code. Both accept the same bodies.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgpack

from cbmnet.messages.codes import Code
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

_START = b"\x9a\x01"  # an array of ten that begins with version 1
_NAME = re.compile(r"[a-z0-9./-]{1,64}")
_SCALARS = frozenset({int, str, bytes, bool, type(None)})
_pack = msgpack.Packer().pack
_unpack = msgpack.unpackb

Fields = tuple[str, tuple[str, ...], int, int, int, int, int, bytes, dict[str, Any]]


@lru_cache(maxsize=1024)
def is_name(text: str) -> bool:
    """Whether it can name a sender or receiver: 1 to 64 of `[a-z0-9./-]`."""
    return type(text) is str and _NAME.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def are_receivers(names: tuple[str, ...]) -> bool:
    """Whether these are 1 to 16 names, strictly ascending."""
    return (
        1 <= len(names) <= MAX_RECEIVERS
        and all(is_name(name) for name in names)
        and all(a < b for a, b in pairwise(names))
    )


@lru_cache(maxsize=1024)
def _is_key(text: str) -> bool:
    return type(text) is str and KEY.fullmatch(text) is not None


def encode(fields: Fields, payload_holds: bool = False, head_holds: bool = False) -> bytes | None:
    """The canonical body, or None if a field is not what section Body asks for.

    Map keys must already ascend. `payload_holds` says that a schema has vouched for the payload,
    `head_holds` that the fields before it are known to be in order. Never returns a body that `decode_slow`
    would refuse.
    """
    try:
        if not ((head_holds or _head_holds(fields)) and (payload_holds or _map_holds(fields[8], 1))):
            return None
        body: bytes = _pack((1, *fields))
    except (ValueError, OverflowError, TypeError):  # unhashable names, surrogates, beyond 64 bits
        return None
    return body if len(body) <= MAX_BODY_BYTES else None


def pack_any(fields: tuple[Any, ...]) -> bytes:
    """The fields as they are, canonical or not: to let the strict pass say what is wrong with them."""
    packed: bytes = _pack((1, *fields))
    return packed


def decode_fast(body: bytes, schema: Schema | None = None) -> Fields | None:
    """The nine fields after the version if the body is canonical, and fits the schema given, else None."""
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
        if _pack(values) != body or type(values[2]) is not list:
            return None
        values[2] = tuple(values[2])
        fields: Fields = tuple(values[1:])
        if not _head_holds(fields):
            return None
        payload = fields[8]
        if schema is None:
            return fields if _map_holds(payload, 1) else None
        in_order = type(payload) is dict and tuple(payload) == schema.order
        return fields if (in_order or _map_holds(payload, 1)) and schema.fits(payload) else None
    except (ValueError, OverflowError, TypeError, RecursionError, msgpack.UnpackException):
        return None


def _head_holds(fields: Fields) -> bool:
    sender, receivers, stream, epoch, sequence, issued_ms, expires_ms, previous, _ = fields
    return (
        type(stream) is type(epoch) is type(sequence) is type(issued_ms) is type(expires_ms) is int
        and 0 <= stream <= U16
        and 0 <= epoch <= U32
        and 1 <= sequence <= U64
        and 0 <= issued_ms < expires_ms <= U64
        and type(previous) is bytes
        and len(previous) == 32
        and is_name(sender)
        and are_receivers(receivers)
    )


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
