"""`cbmnet messages trust`: the trust store, made and changed by its roots."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from cbmnet.cli.options import AsJson
from cbmnet.cli.signed.files import (
    Now,
    PasswordFile,
    Realm,
    RootKeys,
    is_hybrid,
    load_signer,
    load_store,
    moment,
    now_or_clock,
    read_bytes,
    replace_file,
    write_new,
)
from cbmnet.cli.signed.payload import known_kind
from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    ED25519,
    HYBRID,
    Entry,
    Root,
    SignedMessageError,
    Signer,
    TrustDocument,
    countersign_document,
    document_id,
    key_id,
    open_document,
    open_own_document,
    sign_document,
)
from cbmnet.messages.envelope import MAX_SIGNATURES
from cbmnet.messages.key_files import read_public_key
from cbmnet.messages.trust_body import decode_document
from cbmnet.messages.trust_signing import body_of

trust = typer.Typer(no_args_is_help=True, help="Make, change and show the trust store.")
Store = Annotated[Path, typer.Argument(help="The trust store, a file.", show_default=False)]
_FOR_EVER_MS = 2**63 - 1


@trust.command()
def init(
    store: Store,
    root_key: RootKeys,
    realm: Realm,
    root: Annotated[
        list[Path] | None,
        typer.Option(help="The public key file of a further root, who need not be here.", show_default=False),
    ] = None,
    threshold: Annotated[int, typer.Option(min=1, help="How many roots must sign a change.")] = 1,
    password_file: PasswordFile = None,
    now: Now = None,
) -> None:
    """Make an empty trust store, version 1, signed by the roots whose keys are given."""
    signers = [load_signer(path, password_file) for path in root_key]
    others = [_root_of(path) for path in root or ()]
    roots = (*(Root.of(signer) for signer in signers), *others)
    wire = sign_document(TrustDocument(1, now_or_clock(now), roots, threshold), signers, realm)
    if len(signers) < threshold:
        write_new(_pending(store), wire)
        _told_pending(store, len(signers), threshold)
    else:
        write_new(store, wire)
        print(f"{store}: version 1 of realm {realm}, {threshold} of {len(roots)} roots sign a change")
    print(f"say by telephone: {document_id(wire, realm).hex()}")


@trust.command()
def add(
    store: Store,
    public_key: Annotated[Path, typer.Argument(help="The public key file.", show_default=False)],
    root_key: RootKeys,
    person: Annotated[str, typer.Option(help="Who holds it; two keys of one person count once.")],
    party: Annotated[str, typer.Option(help="The party it speaks for, and its parts, e.g. north/navy.")],
    kind: Annotated[list[str], typer.Option(help="A kind of message it may sign. May be repeated.")],
    realm: Realm,
    not_before: Annotated[int, typer.Option(min=0, help="Valid from, in milliseconds since 1970.")] = 0,
    not_after: Annotated[int, typer.Option(min=1, help="Valid until, likewise.")] = _FOR_EVER_MS,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=N", help="From now on N persons must sign this kind.", show_default=False),
    ] = None,
    password_file: PasswordFile = None,
    now: Now = None,
) -> None:
    """Enter a key, and if asked to a policy: a new version, signed by the roots whose keys are given."""
    raw, algorithm = _public_key(public_key)
    entry = Entry(
        key_id(algorithm, raw), algorithm, raw, person, party, tuple(sorted({known_kind(k) for k in kind})),
        not_before, not_after,
    )  # fmt: skip

    def change(document: TrustDocument) -> TrustDocument:
        policies = dict(document.policies) | dict(map(_policy, policy or ()))
        return document.issue(now_or_clock(now), add=[entry], policies=policies)

    in_force = _change(store, realm, root_key, password_file, change)
    print(f"key {entry.kid.hex()} of {person} for {party}{'' if in_force else ', not entered yet'}")


@trust.command()
def revoke(
    store: Store,
    kid: Annotated[str, typer.Argument(help="The key id, in hex, or how it begins.", show_default=False)],
    root_key: RootKeys,
    realm: Realm,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="In wrong hands: it holds for nothing it ever signed.")
    ] = False,
    password_file: PasswordFile = None,
    now: Now = None,
) -> None:
    """Take a key out of use: it still holds for what it signed before, unless it is compromised."""
    whole = _find(load_store(store, realm), kid)

    def change(document: TrustDocument) -> TrustDocument:
        kids = [whole]
        return document.issue(
            now_or_clock(now), supersede=() if compromised else kids, compromise=kids if compromised else ()
        )

    in_force = _change(store, realm, root_key, password_file, change)
    status = "compromised" if compromised else "superseded"
    print(f"key {whole.hex()} is {status if in_force else f'not {status} yet'}")


@trust.command()
def sign(
    store: Store,
    root_key: RootKeys,
    realm: Realm,
    id_: Annotated[
        str | None,
        typer.Option("--id", help="The number that the roots compared by telephone.", show_default=False),
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    """Sign a change that waits for roots. Without --id it is shown and nothing is signed."""
    wire = read_bytes(_pending(store))
    number = document_id(wire, realm).hex()
    if id_ != number:
        _show(_told(decode_document(body_of(wire))) | {"id": number, "realm": realm, "in force": False})
        if id_ is not None:
            raise LocalProtocolError(
                f"--id {id_}: the change that waits has another number; nothing was signed"
            )
        print(f"Nothing was signed. If this is what the other roots read to you, sign with --id {number}")
        return
    roots = decode_document(body_of(wire)).roots
    held = load_store(store, realm).roots if store.exists() else ()
    for signer in _load_roots(store, root_key, password_file, {*held, *roots}):
        wire = countersign_document(wire, signer, realm)
    _settle(store, realm, wire)


@trust.command()
def show(store: Store, realm: Realm, as_json: AsJson = False) -> None:
    """Show roots, keys and policies, and the number that roots compare by telephone; a pending change too."""
    wire = read_bytes(store)
    document, in_force = decode_document(body_of(wire)), True
    try:
        open_own_document(wire, realm)
    except SignedMessageError as error:
        if error.code != "ThresholdNotMet":
            load_store(store, realm)  # says what is wrong, and with which file
        in_force = False
    told = _told(document) | {"id": document_id(wire, realm).hex(), "realm": realm, "in force": in_force}
    if as_json:
        print(dumps(told))
        return
    _show(told)


def _change(
    store: Path,
    realm: str,
    root_keys: list[Path],
    password_file: Path | None,
    change: Callable[[TrustDocument], TrustDocument],
) -> bool:
    if _pending(store).exists():
        raise LocalProtocolError(f"{_pending(store)}: a change waits for signatures; sign or delete it first")
    held = load_store(store, realm)
    document = change(held)
    signers = _load_roots(store, root_keys, password_file, {*held.roots, *document.roots})
    return _settle(store, realm, sign_document(document, signers, realm))


def _load_roots(
    store: Path, root_keys: list[Path], password_file: Path | None, roots: AbstractSet[Root]
) -> list[Signer]:
    signers = [load_signer(path, password_file) for path in root_keys]
    for path, signer in zip(root_keys, signers, strict=True):
        if Root.of(signer) not in roots:
            raise LocalProtocolError(f"{path}: is no root of {store}")
    return signers


def _settle(store: Path, realm: str, wire: bytes) -> bool:
    """Puts a signed change in force, or keeps it beside the store until enough roots have signed.

    Whether it is in force.
    """
    pending = _pending(store)
    new = decode_document(body_of(wire))
    trusted = load_store(store, realm) if store.exists() else new
    try:
        open_document(wire, realm, trusted)
    except SignedMessageError as error:
        if error.code not in ("ThresholdNotMet", "UnknownKey"):
            raise
        replace_file(pending, wire)
        _told_pending(store, error.detail)
        print(f"say by telephone: {document_id(wire, realm).hex()}")
        return False
    replace_file(store, wire)
    pending.unlink(missing_ok=True)
    print(f"{store}: version {new.version} is in force")
    return True


def _pending(store: Path) -> Path:
    return store.with_name(store.name + ".pending")


def _told_pending(store: Path, *said: Any) -> None:
    why = said[0] if len(said) == 1 else f"signed by {said[0]} of the {said[1]} roots that are needed"
    print(f"{_pending(store)}: {why}; give it to the next root, who runs")
    print(f"  cbmnet messages trust sign {store} --root-key KEY --realm REALM --id NUMBER")


def _public_key(path: Path) -> tuple[bytes, int]:
    algorithm = HYBRID if is_hybrid(path) else ED25519
    return read_public_key(path, algorithm), algorithm


def _root_of(path: Path) -> Root:
    raw, algorithm = _public_key(path)
    return Root(algorithm, raw)


def _policy(text: str) -> tuple[str, int]:
    kind, _, number = text.partition("=")
    if not (kind and number.isascii() and number.isdigit()):
        raise LocalProtocolError(f"--policy {text}: allowed is KIND=N, for example notice=2")
    if not 1 <= int(number) <= MAX_SIGNATURES:
        raise LocalProtocolError(f"--policy {text}: 1 to {MAX_SIGNATURES} persons can sign a message")
    return known_kind(kind), int(number)


def _find(document: TrustDocument, kid: str) -> bytes:
    found = [entry.kid for entry in document.entries if entry.kid.hex().startswith(kid.lower())]
    if not kid or len(found) != 1:
        raise LocalProtocolError(f"{kid!r} begins {len(found)} key ids of the store; it must begin one")
    return found[0]


def _told(document: TrustDocument) -> dict[str, Any]:
    return {
        "version": document.version,
        "issued_ms": document.issued_ms,
        "threshold": document.threshold,
        "roots": [root.kid.hex() for root in document.roots],
        "policies": dict(document.policies),
        "keys": [
            entry._asdict() | {"kid": entry.kid.hex(), "public_key": entry.public_key.hex()}
            for entry in document.entries
        ],
    }


def _show(told: dict[str, Any]) -> None:
    from rich.table import Table  # noqa: PLC0415 (rich loads late)

    from cbmnet.cli.tables import console  # noqa: PLC0415

    waits = "" if told["in force"] else ": NOT IN FORCE, it waits for signatures"
    print(f"trust store of realm {told['realm']}, version {told['version']}{waits}")
    print(f"{told['threshold']} of {len(told['roots'])} roots sign a change: {', '.join(told['roots'])}")
    print(f"say by telephone: {told['id']}")
    for ptype, persons in told["policies"].items():
        print(f"{_kind(ptype)}: {persons} person{'s' * (persons != 1)} must sign")
    table = Table(show_edge=False, pad_edge=False)
    for heading in ("key", "person", "party", "status", "may sign"):
        table.add_column(heading, overflow="fold")
    for key in told["keys"]:
        kinds = ", ".join(map(_kind, key["ptypes"])) or "nothing"
        table.add_row(key["kid"], key["person"], key["party"], _status(key), kinds)
    console().print(table)


def _status(key: dict[str, Any]) -> str:
    since = key["revoked_at_ms"]
    return str(key["status"]) if since is None else f"{key['status']} since {moment(since)}"


def _kind(ptype: str) -> str:
    return ptype.removeprefix("application/vnd.cbmnet.").removesuffix(".v1+msgpack")
