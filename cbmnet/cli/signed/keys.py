"""`cbmnet messages keygen`."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from cbmnet.cli.signed.files import PasswordFile, load_signer, read_password
from cbmnet.errors import LocalProtocolError
from cbmnet.messages.key_files import generate, generate_hybrid, write_private_key, write_public_key


def keygen(
    file: Annotated[Path, typer.Argument(help="The private key file to write.", show_default=False)],
    hybrid: Annotated[bool, typer.Option("--hybrid", help="Ed25519 and ML-DSA-65 together.")] = False,
    password_file: PasswordFile = None,
) -> None:
    """Make a key: FILE for its holder alone (mode 0600), FILE.pub to hand out."""
    password = read_password(password_file)
    public = file.with_name(file.name + ".pub")
    if public.exists():
        raise LocalProtocolError(f"{public}: is there already; allowed is a new file")
    key = generate_hybrid(secrets.token_bytes) if hybrid else generate(secrets.token_bytes)
    write_private_key(file, key, password)
    signer = load_signer(file, password_file)
    write_public_key(public, signer.public_key)
    print(f"key {signer.kid.hex()}")
    print(f"{file}: private, keep it; {public}: public, hand it out")
