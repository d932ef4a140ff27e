"""Keys in files: private ones as PEM PKCS#8 (RFC 5958), public ones as PEM SubjectPublicKeyInfo (RFC 5280).

An Ed25519 key is one PEM block (RFC 8410), a hybrid key two: Ed25519, then ML-DSA-65 (RFC 9881). Every
fault of a file is a LocalProtocolError that says where, what, and what is allowed. Modes are those of
POSIX. A password is stretched by 2,048 rounds of PBKDF2 only, which is all that the cryptography library
writes into PKCS#8: against a stolen file the length of the password is what counts.
"""

import os
import re
import stat
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.hybrid import is_available
from cbmnet.messages.keys import ED25519, HYBRID, PUBLIC_KEY_BYTES

MAX_KEY_FILE_BYTES = 64 * 1024
MAX_PASSWORD_BYTES = 1023  # OpenSSL's limit
SEED_BYTES = 32

Path = str | os.PathLike[str]

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\r\n]+-----END \1-----\s*")
_PLAIN, _ENCRYPTED, _PUBLIC = b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"PUBLIC KEY"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class HybridPrivateKey(NamedTuple):
    """The two parts of a hybrid key, as `HybridSigner(*key)` takes them; `ml_dsa` is ML-DSA-65."""

    ed25519: Ed25519PrivateKey
    ml_dsa: Any  # a class that cryptography before 48.0.0 does not have


def generate(random_bytes: Callable[[int], bytes]) -> Ed25519PrivateKey:
    """A new Ed25519 key of 32 bytes that `random_bytes` gives: `secrets.token_bytes` in earnest.

    Raises LocalProtocolError if it gives anything but as many bytes as asked for.
    """
    return Ed25519PrivateKey.from_private_bytes(_draw(random_bytes))


def generate_hybrid(random_bytes: Callable[[int], bytes]) -> HybridPrivateKey:
    """A new hybrid key of twice 32 bytes that `random_bytes` gives, Ed25519's first.

    Raises LocalProtocolError as `generate` does, and if the two are alike; SignedMessageError with
    AlgorithmUnavailable where the cryptography library has no ML-DSA-65.
    """
    mldsa = _mldsa()
    first, second = _draw(random_bytes), _draw(random_bytes)
    if first == second:
        raise LocalProtocolError("random_bytes gave the same 32 bytes twice: that is not random")
    ed25519 = Ed25519PrivateKey.from_private_bytes(first)
    return HybridPrivateKey(ed25519, mldsa.MLDSA65PrivateKey.from_seed_bytes(second))


def write_private_key(
    path: Path, key: Ed25519PrivateKey | HybridPrivateKey, password: bytes | None = None
) -> None:
    """Writes a new file of mode 0600, encrypted if a password of 1 to 1,023 bytes is given.

    The file is created with that mode and never replaces another; if it cannot be written whole, nothing
    is left. Raises LocalProtocolError.
    """
    _check_password(password)
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    parts: Sequence[Any] = key if isinstance(key, HybridPrivateKey) else (key,)
    blocks = [part.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption) for part in parts]
    _create(path, b"".join(blocks))


def read_private_key(path: Path, password: bytes | None = None) -> Ed25519PrivateKey:
    """The Ed25519 key of a file, for `Ed25519Signer`.

    Raises LocalProtocolError for a file that cannot be read, is no ordinary one, is open to group or
    others (a link counts as what it points to), is over 64 KiB, is not exactly one PKCS#8 block, holds
    another type of key, or is encrypted when no password is given, the reverse, or with another password.
    """
    key: Ed25519PrivateKey
    (key,) = _read_private(path, password, (("Ed25519", Ed25519PrivateKey),))
    return key


def read_hybrid_private_key(path: Path, password: bytes | None = None) -> HybridPrivateKey:
    """The hybrid key of a file: two PKCS#8 blocks, Ed25519 and then ML-DSA-65, under one password if any.

    Raises LocalProtocolError as `read_private_key` does, and SignedMessageError with AlgorithmUnavailable
    where the cryptography library has no ML-DSA-65.
    """
    kinds = ("Ed25519", Ed25519PrivateKey), ("ML-DSA-65", _mldsa().MLDSA65PrivateKey)
    return HybridPrivateKey(*_read_private(path, password, kinds))


def write_public_key(path: Path, public_key: bytes) -> None:
    """Writes a public key as a trust store has it (Ed25519: 32 bytes, hybrid: 32 + 1952) to a new file.

    Mode 0600 too: to hand it out is a step of its own. Raises LocalProtocolError, and SignedMessageError
    with AlgorithmUnavailable for a hybrid key where the cryptography library has no ML-DSA-65.
    """
    if len(public_key) not in (PUBLIC_KEY_BYTES[ED25519], PUBLIC_KEY_BYTES[HYBRID]):
        raise LocalProtocolError(f"a public key of {len(public_key)} bytes; allowed are 32 and 32 + 1952")
    try:
        parts: list[Any] = [Ed25519PublicKey.from_public_bytes(public_key[:32])]
        if len(public_key) > 32:
            parts.append(_mldsa().MLDSA65PublicKey.from_public_bytes(public_key[32:]))
    except ValueError as error:
        raise LocalProtocolError("the public key cannot be loaded") from error
    blocks = [part.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for part in parts]
    _create(path, b"".join(blocks))


def read_public_key(path: Path, algorithm: int = ED25519) -> bytes:
    """The public key of a file as a trust store has it: 32 bytes, or 32 + 1952 if `algorithm` is HYBRID.

    Whether it may be trusted (small order, already in use) is the trust store's to say. Raises
    LocalProtocolError as `read_private_key` does, but for modes and passwords, and SignedMessageError with
    AlgorithmUnavailable as above.
    """
    kinds: list[tuple[str, type]] = [("Ed25519", Ed25519PublicKey)]
    if algorithm == HYBRID:
        kinds.append(("ML-DSA-65", _mldsa().MLDSA65PublicKey))
    elif algorithm != ED25519:
        raise LocalProtocolError(f"algorithm {algorithm} has no key files; allowed are 1 and 2")
    blocks = _blocks(path, _read(path, private=False), len(kinds))
    for label, _ in blocks:
        if label != _PUBLIC:
            _refuse(path, f"a block {label.decode()}; allowed is PUBLIC KEY")
    raw = b""
    for (_, block), (name, kind) in zip(blocks, kinds, strict=True):
        part = _load(path, kind, name, load_pem_public_key, block)
        raw += part.public_bytes_raw()
    return raw


def _draw(random_bytes: Callable[[int], bytes]) -> bytes:
    seed = random_bytes(SEED_BYTES)
    if type(seed) is not bytes or len(seed) != SEED_BYTES:
        raise LocalProtocolError(f"random_bytes({SEED_BYTES}) must give {SEED_BYTES} bytes")
    return seed


def _mldsa() -> Any:
    if not is_available():
        raise SignedMessageError(Code.ALGORITHM_UNAVAILABLE, "the installed cryptography has no ML-DSA-65")
    from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415  (absent before 48.0.0)

    return mldsa


def _read_private(path: Path, password: bytes | None, kinds: Sequence[tuple[str, type]]) -> list[Any]:
    _check_password(password)
    blocks = _blocks(path, _read(path, private=True), len(kinds))
    for label, _ in blocks:
        if label not in (_PLAIN, _ENCRYPTED):
            _refuse(path, f"a block {label.decode()}; allowed is PKCS#8, plain or encrypted")
        if label == _PLAIN and password is not None:
            _refuse(path, "is not encrypted, but a password is given; allowed is none")
        if label == _ENCRYPTED and password is None:
            _refuse(path, "is encrypted; a password is needed")
    return [
        _load(path, kind, name, load_pem_private_key, block, password)
        for (_, block), (name, kind) in zip(blocks, kinds, strict=True)
    ]


def _load(path: Path, kind: type, name: str, load: Callable[..., Any], block: bytes, *password: Any) -> Any:
    try:
        key = load(block, *password)
    except (ValueError, UnsupportedAlgorithm, InternalError) as error:  # the last for some damaged DER
        why = "damaged, or of an unknown type" + (", or the password is wrong" if any(password) else "")
        raise LocalProtocolError(f"{os.fspath(path)}: the key is {why}; allowed is {name}") from error
    if not isinstance(key, kind):
        _refuse(path, f"a key of the type {type(key).__name__}; allowed is {name}")
    return key


def _blocks(path: Path, data: bytes, count: int) -> list[tuple[bytes, bytes]]:
    """Label and text of every PEM block; the library itself would pass over all but the first."""
    blocks, at = [], 0
    while at < len(data):
        found = _BLOCK.match(data, at)
        if found is None:
            _refuse(path, f"no PEM block at byte {at}; allowed are PEM blocks and nothing else")
        blocks.append((found[1], found[0]))
        at = found.end()
    if len(blocks) != count:
        _refuse(path, f"{len(blocks)} PEM blocks; allowed for this type of key: {count}")
    return blocks


def _check_password(password: bytes | None) -> None:
    # Not shown, whatever it is.
    if password is not None and not (type(password) is bytes and 1 <= len(password) <= MAX_PASSWORD_BYTES):
        raise LocalProtocolError(f"a password must be 1 to {MAX_PASSWORD_BYTES} bytes")


def _create(path: Path, data: bytes) -> None:
    try:
        with open(path, "xb", opener=_open_private) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                os.unlink(path)  # half a key file is worse than none
                raise
    except FileExistsError as error:
        raise LocalProtocolError(f"{os.fspath(path)}: is there already; allowed is a new file") from error
    except OSError as error:
        raise LocalProtocolError(f"{os.fspath(path)}: cannot be written: {error.strerror}") from error


def _open_private(path: str, flags: int) -> int:
    # The mode counts from the first moment; O_EXCL, which "x" stands for, follows no link either.
    return os.open(path, flags, 0o600)


def _read(path: Path, *, private: bool) -> bytes:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            # Asked of what was opened, not of the name, which may stand for something else by now.
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                _refuse(path, "is no ordinary file; allowed is a file or a link to one")
            if private and status.st_mode & _OTHERS:
                mode = stat.S_IMODE(status.st_mode)
                _refuse(path, f"mode {mode:04o}, open to group or others; allowed is 0600 or 0400")
            data = file.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise LocalProtocolError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_KEY_FILE_BYTES:
        _refuse(path, f"over {MAX_KEY_FILE_BYTES} bytes; allowed are at most as many")
    return data


def _open_at_once(path: str, flags: int) -> int:
    # A pipe under this name must not hold us up.
    return os.open(path, flags | os.O_NONBLOCK)


def _refuse(path: Path, detail: str) -> NoReturn:
    raise LocalProtocolError(f"{os.fspath(path)}: {detail}")
