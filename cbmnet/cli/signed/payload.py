"""Payloads on the command line: NAME=VALUE by the schema of the kind, and back to readable text."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import BUILTIN_SCHEMAS, Field, ptype_of


def read_payload(kind: str, fields: Sequence[str]) -> dict[str, Any]:
    """The payload of NAME=VALUE texts; LocalProtocolError says which is wrong and what is allowed."""
    schema = BUILTIN_SCHEMAS[known_kind(kind)]
    known = {field.name: field for field in schema.fields}
    payload: dict[str, Any] = {}
    for text in fields:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            raise LocalProtocolError(f"--field {text}: a {kind} has the fields {', '.join(known)}")
        if name in payload:
            raise LocalProtocolError(f"--field {text}: {name} is given twice")
        payload[name] = _value(known[name], value)
    if fault := schema.fault(payload):
        raise LocalProtocolError(f"{kind}: {fault}; give it as --field NAME=VALUE")
    return {name: payload[name] for name in sorted(payload)}


def known_kind(kind: str) -> str:
    """The payload type of a built-in kind; LocalProtocolError with a suggestion for any other."""
    ptype = ptype_of(kind)
    if ptype not in BUILTIN_SCHEMAS:
        kinds = sorted(known.split(".")[2] for known in BUILTIN_SCHEMAS)
        near = get_close_matches(kind, kinds, 1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise LocalProtocolError(f"kind {kind!r} is unknown{hint}; there are {', '.join(kinds)}")
    return ptype


def plain(text: str) -> str:
    """A text as one line that changes nothing on a terminal: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _value(field: Field, text: str) -> Any:
    try:
        if field.type in ("uint", "int"):
            return int(text)
        if field.type == "bool":
            return {"true": True, "false": False}[text]
        if field.type == "bin":
            return bytes.fromhex(text)
    except (ValueError, KeyError):
        raise LocalProtocolError(f"--field {field.name}={text}: must be {field.describe()}") from None
    if field.type == "array" and field.items is not None:
        return [_value(field.items, part.strip()) for part in text.split(",") if part.strip()]
    return text


def readable(value: Any) -> str:
    """A value of a payload for people: bytes as hex, the rest as it is."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return ", ".join(map(readable, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} = {readable(inner)}" for key, inner in value.items())
    return plain(str(value))
