"""`cbmnet messages inspect`: what an envelope says, and what each of the thirteen steps makes of it."""

import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from cbmnet.cli.options import AsJson
from cbmnet.cli.signed.files import Now, Realm, load_store, moment, now_or_clock, read_bytes
from cbmnet.cli.signed.payload import plain, readable
from cbmnet.errors import RemoteProtocolError
from cbmnet.messages import (
    FRESH,
    MALFORMED,
    Code,
    Message,
    SignedMessageError,
    TrustDocument,
    Verifier,
    signatures_of,
)
from cbmnet.messages.body import decode_slow
from cbmnet.messages.envelope import MAX_WIRE_BYTES, read_frame_slow
from cbmnet.messages.kinds import TRUST_STORE
from cbmnet.messages.trust import COMPROMISED

# The thirteen steps of the wire specification, and the codes with which each alone refuses.
STEPS: tuple[tuple[str, frozenset[Code]], ...] = (
    ("1 length", frozenset()),
    ("2 envelope", frozenset({Code.UNKNOWN_TYPE})),
    ("3 duplicate", frozenset({Code.DUPLICATE})),
    ("4 known keys", frozenset({Code.UNKNOWN_KEY, Code.ALGORITHM_UNAVAILABLE})),
    ("5 signatures", frozenset({Code.BAD_SIGNATURE})),
    ("6 body", frozenset()),
    ("7 payload", frozenset()),
    ("8 who may say this", frozenset({Code.SIGNER_NOT_ALLOWED, Code.THRESHOLD_NOT_MET})),
    ("9 receiver", frozenset({Code.NOT_RECEIVER})),
    ("10 time", FRESH | {Code.KEY_NOT_YET_VALID, Code.KEY_EXPIRED}),
    ("11 replay", frozenset({Code.REPLAYED, Code.TOO_OLD, Code.EQUIVOCATION})),
    ("12 chain", frozenset({Code.CHAIN_BREAK})),
    ("13 accepted", frozenset()),
)


class Dump(NamedTuple):
    """What the bytes say of themselves, unverified: `fault` where they stop making sense."""

    ptype: str
    body: bytes
    message: Message | None
    fault: str


def inspect(
    envelope: Annotated[Path, typer.Argument(help="An envelope, a file.", show_default=False)],
    realm: Realm = "live",
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="The trust store: then every check is made.", show_default=False),
    ] = None,
    me: Annotated[
        str | None, typer.Option(help="The receiver that asks; default: the first named.", show_default=False)
    ] = None,
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Show what an envelope says and, with a trust store, every check and its verdict; nothing is stored."""
    wire = read_bytes(envelope)
    dump = _dump(wire)
    document = None if trust is None else load_store(trust, realm)
    steps = [] if document is None else _steps(wire, dump, document, realm, me, now_or_clock(now))
    told = {"bytes": len(wire), **_facts(wire, dump, document), "steps": dict(steps)}
    if as_json:
        print(json.dumps(told))
    else:
        _show(told)


def _dump(wire: bytes) -> Dump:
    try:
        ptype, body, _ = read_frame_slow(wire, None)
    except RemoteProtocolError as error:
        return Dump("", b"", None, f"envelope: {error}")
    if ptype == TRUST_STORE:
        return Dump(ptype, body, None, "this is a trust store: `cbmnet messages trust show` reads it")
    try:
        return Dump(ptype, body, Message(ptype, *decode_slow(body)), "")
    except RemoteProtocolError as error:
        return Dump(ptype, body, None, f"body: {error}")


def _facts(wire: bytes, dump: Dump, document: TrustDocument | None) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if dump.ptype:
        facts = {"payload type": dump.ptype, "body bytes": len(dump.body)}
        known = {} if document is None else {entry.kid: entry for entry in document.entries}
        for number, (kid, signature) in enumerate(signatures_of(wire), start=1):
            entry = known.get(kid)
            who = "" if document is None else f", {entry.person} for {entry.party}" if entry else ", unknown"
            facts[f"signature {number}"] = f"key {kid.hex()}, {len(signature)} bytes{who}"
    if (message := dump.message) is not None:
        facts |= {
            "sender": message.sender,
            "receivers": ", ".join(message.receivers),
            "stream": message.stream,
            "epoch": message.epoch,
            "sequence": message.sequence,
            "issued": moment(message.issued_ms),
            "expires": moment(message.expires_ms),
            "previous": message.previous.hex(),
            **{f"payload {name}": readable(value) for name, value in message.payload.items()},
        }
    return facts | ({"fault": dump.fault} if dump.fault else {})


def _steps(
    wire: bytes, dump: Dump, document: TrustDocument, realm: str, me: str | None, now_ms: int
) -> list[tuple[str, str]]:
    """Each step with its verdict: holds, the refusal, or not reached."""
    receiver = me or (dump.message.receivers[0] if dump.message else "nobody")
    verifier = Verifier(receiver, realm, document.store())
    try:
        verifier.check(wire, now_ms)
    except SignedMessageError as error:
        at = _step_of(error, wire, dump, document)
        return [
            (name, "holds" if number < at else f"refused: {error}" if number == at else "not reached")
            for number, (name, _) in enumerate(STEPS, start=1)
        ]
    return [(name, "holds") for name, _ in STEPS]


def _step_of(error: SignedMessageError, wire: bytes, dump: Dump, document: TrustDocument) -> int:
    """The step that refused, counted from 1; some codes belong to several."""
    if error.code in MALFORMED:
        if len(wire) > MAX_WIRE_BYTES:
            return 1
        if not dump.ptype or error.code is Code.UNKNOWN_TYPE:
            return 2
        return 6 if dump.message is None else 7
    if error.code is Code.KEY_REVOKED:
        signed = {kid for kid, _ in signatures_of(wire)}
        compromised = any(entry.status == COMPROMISED for entry in document.entries if entry.kid in signed)
        return 4 if compromised else 10
    return next(number for number, (_, codes) in enumerate(STEPS, start=1) if error.code in codes)


def _show(told: dict[str, Any]) -> None:
    steps = told.pop("steps")
    width = max(map(len, told))
    for name, value in told.items():
        print(f"{name:{width}}  {plain(str(value))}")
    if steps:
        print()
    for name, verdict in steps.items():
        mark = {"holds": "✓", "not reached": " "}.get(verdict, "✕")
        print(f"{mark} {name:20}{plain(verdict)}")
