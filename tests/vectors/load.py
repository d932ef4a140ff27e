"""From the vector file, or anything in its form, to verifiers and results."""

from typing import Any

from cbmnet.messages import Entry, Field, ReplayGuard, Schema, SignedMessageError, TrustStore, Verifier

Result = dict[str, Any]


def field_of(data: dict[str, Any]) -> Field:
    items = data.get("items")
    return Field(
        data["name"],
        data["type"],
        int(data["min"]),
        int(data["max"]),
        optional=data.get("optional", False),
        items=None if items is None else field_of(items),
        choices=tuple(data.get("choices", ())),
    )


def schemas_of(data: dict[str, Any]) -> dict[str, Schema]:
    return {ptype: Schema(*map(field_of, fields)) for ptype, fields in data.items()}


def entry_of(data: dict[str, Any]) -> Entry:
    revoked = data["revoked_at_ms"]
    return Entry(
        bytes.fromhex(data["kid"]), data["algorithm"], bytes.fromhex(data["public_key"]), data["person"],
        data["party"], tuple(data["ptypes"]), int(data["not_before_ms"]), int(data["not_after_ms"]),
        data["status"], None if revoked is None else int(revoked),
    )  # fmt: skip


def verifier_of(setup: dict[str, Any], schemas: dict[str, Schema]) -> Verifier:
    guard = ReplayGuard()
    if (boot_floor_ms := setup["boot_floor_ms"]) is not None:
        guard.floor_ms = boot_floor_ms + setup["skew_ms"]
    return Verifier(
        setup["receiver"],
        setup["realm"],
        TrustStore(map(entry_of, setup["entries"]), setup["policies"]),
        guard,
        allowed=set(setup["allowed"]),
        schemas=schemas,
        secrets={bytes.fromhex(kid): bytes.fromhex(secret) for kid, secret in setup["secrets"].items()},
        max_wire_bytes=setup["max_wire_bytes"],
        max_ttl_ms=setup["max_ttl_ms"],
        skew_ms=setup["skew_ms"],
    )


def judge(verifier: Verifier, wire: str, now_ms: int | str) -> Result:
    """What the verifier says of one wire, in the words of the vector file; what it accepts it remembers."""
    try:
        accepted = verifier.accept(bytes.fromhex(wire), int(now_ms))
    except SignedMessageError as error:
        return {"code": str(error.code)}
    message = accepted.message
    return {
        "accepted": {
            "id": accepted.id.hex(),
            "sender": message.sender,
            "kind": message.kind,
            "sequence": message.sequence,
            "signers": [entry.person for entry in accepted.signers],
            "gap": None if accepted.gap is None else list(accepted.gap),
        }
    }


def plain(result: Result) -> Result:
    """A result with its integers as integers: beyond 2^53 - 1 the file holds them as text."""
    if "accepted" not in result:
        return result
    accepted = result["accepted"]
    gap = accepted["gap"]
    return {
        "accepted": {
            **accepted,
            "sequence": int(accepted["sequence"]),
            "gap": None if gap is None else [int(n) for n in gap],
        }
    }


def steps_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """A case's steps; a case without any is one."""
    steps: list[dict[str, Any]] = case.get("steps") or [case]
    return steps
