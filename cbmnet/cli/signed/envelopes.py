"""`cbmnet messages sign`, `countersign`, `verify` and `evidence`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cbmnet.cli.options import AsJson
from cbmnet.cli.signed.files import (
    Key,
    Now,
    Out,
    PasswordFile,
    Realm,
    Trust,
    load_signer,
    load_store,
    now_or_clock,
    read_bytes,
    replace_file,
    write_new,
)
from cbmnet.cli.signed.payload import read_payload, readable
from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    Accepted,
    SignedMessageError,
    Verifier,
    judge,
    load_evidence,
    save_evidence,
    signatures_of,
)
from cbmnet.messages import countersign as add_signature
from cbmnet.messages.durable import DurableGuard, DurableSender
from cbmnet.messages.file_store import FileStore
from cbmnet.messages.trust import persons_of
from cbmnet.units import parse_duration

Envelope = Annotated[Path, typer.Argument(help="An envelope, a file.", show_default=False)]


def sign(
    kind: Annotated[
        str, typer.Argument(help="What is said: notice, query, heartbeat ...", show_default=False)
    ],
    key: Key,
    sender: Annotated[str, typer.Option("--from", help="The sender, e.g. north/navy.")],
    receivers: Annotated[list[str], typer.Option("--to", help="A receiver. May be repeated.")],
    realm: Realm,
    state: Annotated[
        Path,
        typer.Option(help="Where the sender keeps its numbers; made at the first time.", show_default=False),
    ],
    out: Out,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A field of the payload; bytes as hex.", show_default=False),
    ] = None,
    stream: Annotated[int, typer.Option(min=0, max=65535, help="Order is kept per stream.")] = 1,
    ttl: Annotated[str, typer.Option(help="How long it is good for.")] = "1h",
    password_file: PasswordFile = None,
    now: Now = None,
) -> None:
    """Seal a message; its number is stored before it is used, so no two messages ever share one."""
    now_ms, ttl_ms = now_or_clock(now), _milliseconds(ttl)
    payload = read_payload(kind, field or ())
    signer = load_signer(key, password_file)
    if out.exists():
        raise LocalProtocolError(f"{out}: is there already; allowed is a new file")
    with FileStore(state) as store:
        keeper = DurableSender(store, sender, [signer], realm, now_ms)
        sealed = keeper.seal(kind, receivers, payload, stream=stream, now_ms=now_ms, ttl_ms=ttl_ms)
        keeper.save()
    write_new(out, sealed.wire)
    message = sealed.message
    print(f"{out}: {kind} {message.epoch}/{message.sequence} of stream {stream}, {len(sealed.wire)} bytes")
    print(f"id {sealed.id.hex()}")


def _milliseconds(ttl: str) -> int:
    try:
        return round(parse_duration(ttl) * 1000)
    except ValueError as error:
        raise LocalProtocolError(f"--ttl {ttl}: {error}") from None


def countersign(
    envelope: Envelope, key: Key, realm: Realm, password_file: PasswordFile = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write here; default: in place.", show_default=False)
    ] = None,
) -> None:  # fmt: skip
    """Add a signature to a message that is sealed already; read it first, with inspect."""
    wire = add_signature(read_bytes(envelope), load_signer(key, password_file), realm)
    if out is None:
        replace_file(envelope, wire)
    else:
        write_new(out, wire)
    print(f"{out or envelope}: signed by the keys {', '.join(kid.hex() for kid, _ in signatures_of(wire))}")


def verify(
    envelope: Envelope,
    trust: Trust,
    me: Annotated[str, typer.Option(help="The receiver that asks.")],
    realm: Realm,
    state: Annotated[
        Path | None,
        typer.Option(
            help="What was accepted before; made at the first time. Without it, replays are not seen.",
            show_default=False,
        ),
    ] = None,
    restored: Annotated[
        bool, typer.Option("--restored", help="The state is a backup: take nothing from before now.")
    ] = False,
    evidence: Annotated[
        Path | None,
        typer.Option(help="Where to save it if the sender has contradicted itself.", show_default=False),
    ] = None,
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Check an envelope, all thirteen steps. Exit code 0: accepted, 1: refused."""
    now_ms, wire = now_or_clock(now), read_bytes(envelope)
    if restored and state is None:
        raise LocalProtocolError("--restored is about a --state")
    if evidence is not None and (evidence.exists() or not evidence.absolute().parent.is_dir()):
        raise LocalProtocolError(f"{evidence}: allowed is a new file in a folder that is there")
    document = load_store(trust, realm)
    if state is None:
        _checked(Verifier(me, realm, document.store()), wire, now_ms, evidence, as_json)
        return
    # The lock beside it outlasts a state that was deleted: then what was accepted before is lost, not none.
    fresh = not state.exists() and not state.with_name(state.name + ".lock").exists()
    with FileStore(state) as store:
        guard = DurableGuard(store, now_ms, first_start=fresh, restored=restored)
        _checked(Verifier(me, realm, document.store(), guard), wire, now_ms, evidence, as_json)


def evidence(
    file: Annotated[Path, typer.Argument(help="A file of evidence, as verify saves it.", show_default=False)],
    trust: Trust,
    as_json: AsJson = False,
) -> None:
    """Judge whether two envelopes convict their sender. Exit code 0: guilty, 1: not shown."""
    shown = load_evidence(read_bytes(file))
    document = load_store(trust, shown.realm)
    told = judge(shown, Verifier("judge", shown.realm, document.store(), max_wire_bytes=65_536))
    if as_json:
        print(json.dumps(told._asdict()))
    elif told.guilty:
        print(f"guilty: {told.sender}, by the hand of {', '.join(told.persons)}")
        print(told.reason)
    else:
        print(f"not shown: {told.reason}")
    raise typer.Exit(0 if told.guilty else 1)


def _checked(verifier: Verifier, wire: bytes, now_ms: int, evidence: Path | None, as_json: bool) -> None:
    try:
        accepted = verifier.accept(wire, now_ms)
    except SignedMessageError as error:
        told: dict[str, Any] = {"accepted": False, "code": str(error.code), "detail": error.detail}
        if evidence is not None and len(error.evidence) == 2:
            write_new(evidence, save_evidence(error, verifier.realm))
            told["evidence"] = str(evidence)
        print(json.dumps(told) if as_json else f"refused: {error}")
        if not as_json and "evidence" in told:
            print(f"{evidence}: both envelopes, for `cbmnet messages evidence`")
        raise typer.Exit(1) from None
    told = tell(accepted)
    if as_json:
        print(json.dumps({"accepted": True, **told}))
        return
    print(f"accepted: {told['kind']} from {told['sender']}, signed by {', '.join(told['persons'])}")
    print(f"id {told['id']}")
    for name, value in accepted.message.payload.items():
        print(f"{name}: {readable(value)}")
    if accepted.gap == (0, 0):
        print("messages of an earlier epoch are missing before it")
    elif accepted.gap:
        print(f"missing before it: {accepted.gap[0]} to {accepted.gap[1]}")


def tell(accepted: Accepted) -> dict[str, Any]:
    """What was accepted, as plain values."""
    message = accepted.message
    return {
        "id": accepted.id.hex(), "kind": message.kind, "sender": message.sender, "stream": message.stream,
        "epoch": message.epoch, "sequence": message.sequence, "gap": accepted.gap,
        "persons": sorted(persons_of(accepted.signers).values()),
    }  # fmt: skip
