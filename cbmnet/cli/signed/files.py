"""Files, times and options that the commands about signed messages share."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cbmnet.errors import CbmnetError, LocalProtocolError
from cbmnet.messages import Ed25519Signer, HybridSigner, Signer, TrustDocument, open_own_document
from cbmnet.messages.key_files import read_hybrid_private_key, read_private_key

MAX_FILE_BYTES = 2 << 20

Realm = Annotated[str, typer.Option(help="What the signatures are bound to: live, exercise-2026-11, sim ...")]
Key = Annotated[
    Path, typer.Option("--key", help="A private key file, as keygen writes it.", show_default=False)
]
RootKeys = Annotated[
    list[Path],
    typer.Option("--root-key", help="A root's private key file. Repeat for each root.", show_default=False),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="The file whose first line is the password of the key.", show_default=False),
]
Trust = Annotated[Path, typer.Option("--trust", help="The trust store, a file.", show_default=False)]
Out = Annotated[Path, typer.Option("-o", "--out", help="The file to write.", show_default=False)]
Now = Annotated[
    int | None,
    typer.Option("--now", min=0, help="Milliseconds since 1970; default: the clock.", show_default=False),
]


def now_or_clock(now_ms: int | None) -> int:
    """The time given, or that of the clock, in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000 if now_ms is None else now_ms


def moment(ms: int) -> str:
    """A time for people, in UTC, and in milliseconds."""
    try:
        return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC ({ms} ms)"
    except (OverflowError, ValueError):
        return f"{ms} ms"


def read_bytes(path: Path) -> bytes:
    """A file's content; LocalProtocolError if it cannot be read or is over 2 MiB."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise LocalProtocolError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise LocalProtocolError(f"{path}: over {MAX_FILE_BYTES} bytes; allowed are at most as many")
    return data


def write_new(path: Path, data: bytes) -> None:
    """Writes a file that is not there yet; LocalProtocolError if it is, or cannot be written."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise LocalProtocolError(f"{path}: is there already; allowed is a new file") from error
    except OSError as error:
        raise LocalProtocolError(f"{path}: cannot be written: {error.strerror}") from error


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all, in the place of another if there is one."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise LocalProtocolError(f"{path}: cannot be written: {error.strerror}") from error


def read_password(password_file: Path | None) -> bytes | None:
    """The first line of the file, if one is named."""
    return None if password_file is None else read_bytes(password_file).split(b"\n")[0].rstrip(b"\r")


def is_hybrid(path: Path) -> bool:
    """Whether a key file, private or public, is a hybrid key's: it has two blocks."""
    return read_bytes(path).count(b"-----BEGIN ") == 2


def load_signer(path: Path, password_file: Path | None) -> Signer:
    """The signer of a private key file, Ed25519 or hybrid."""
    password = read_password(password_file)
    if is_hybrid(path):
        return HybridSigner(*read_hybrid_private_key(path, password))
    return Ed25519Signer(read_private_key(path, password))


def load_store(path: Path, realm: str) -> TrustDocument:
    """The trust store of a file that the user names, and so trusts, as its own roots vouch for it."""
    try:
        return open_own_document(read_bytes(path), realm)
    except CbmnetError as error:
        if str(path) in str(error):
            raise
        other = "; or it is of another realm" if "BadSignature" in str(error) else ""
        raise LocalProtocolError(f"{path}: {error}{other}") from error
