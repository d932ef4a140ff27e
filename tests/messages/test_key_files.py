"""Key files: what was written comes back, nobody else can read it, and every fault is said plainly."""

import errno
import os
import stat
import subprocess
import sys
from base64 import b64encode
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import HYBRID, Code, Ed25519Signer, SignedMessageError
from cbmnet.messages import hybrid as hybrid_module
from cbmnet.messages.hybrid import HybridSigner
from cbmnet.messages.key_files import (
    MAX_KEY_FILE_BYTES,
    generate,
    generate_hybrid,
    read_hybrid_private_key,
    read_private_key,
    read_public_key,
    write_private_key,
    write_public_key,
)

SEED, OTHER_SEED = b"a" * 32, b"b" * 32
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
PUBLIC = KEY.public_key().public_bytes_raw()
PASSWORD = b"correct horse"
anyway = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def seeds(*values):
    """Injected randomness: these values, and a note of how many bytes were asked for."""
    left = list(values)

    def random_bytes(size):
        assert size == 32
        return left.pop(0)

    return random_bytes


HYBRID_KEY = generate_hybrid(seeds(SEED, OTHER_SEED))
HYBRID_PUBLIC = HybridSigner(*HYBRID_KEY).public_key


def pem(key, password=None, form=PrivateFormat.PKCS8) -> bytes:
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, form, encryption)


def public_pem(key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "key.pem"


def put(path, data: bytes, mode: int = 0o600):
    path.write_bytes(data)
    path.chmod(mode)
    return path


def fault(call, *arguments, **settings) -> str:
    """What the LocalProtocolError says; nothing of a seed or a password may be in it."""
    with pytest.raises(LocalProtocolError) as caught:
        call(*arguments, **settings)
    text = str(caught.value)
    assert "aaaa" not in text
    assert PASSWORD.decode() not in text
    return text


# There and back.


def test_a_key_is_made_of_the_bytes_that_come_in():
    """The seed is what `random_bytes` gives, so equal randomness gives equal keys; hybrids take two seeds."""
    assert generate(seeds(SEED)).private_bytes_raw() == SEED
    assert Ed25519Signer(generate(seeds(SEED))).kid == Ed25519Signer.from_seed(SEED).kid
    assert HybridSigner(*HYBRID_KEY).kid == HybridSigner.from_seeds(SEED, OTHER_SEED).kid
    assert generate(os.urandom).private_bytes_raw() != generate(os.urandom).private_bytes_raw()


@pytest.mark.parametrize("draw", [b"", b"x" * 31, b"x" * 33, bytearray(32), "x" * 32, None])
def test_too_little_randomness_makes_no_key(draw):
    """Anything but 32 bytes is refused, also as the second seed of a hybrid key."""
    assert "must give 32 bytes" in fault(generate, lambda _: draw)
    assert "must give 32 bytes" in fault(generate_hybrid, seeds(SEED, draw))


def test_the_same_bytes_twice_are_not_random():
    """A generator that repeats itself makes no hybrid key."""
    assert "twice" in fault(generate_hybrid, lambda size: b"\x07" * size)


@pytest.mark.parametrize(
    "password", [None, PASSWORD, b"\x00\xff", b"x" * 1023], ids=["plain", "a", "b", "long"]
)
def test_private_keys_come_back(path, password):
    """Ed25519 and hybrid keys, plain and encrypted, sign as before."""
    write_private_key(path, KEY, password)
    assert read_private_key(path, password).private_bytes_raw() == SEED
    other = path.with_name("hybrid.pem")
    write_private_key(other, HYBRID_KEY, password)
    back = read_hybrid_private_key(other, password)
    assert (back.ed25519.private_bytes_raw(), back.ml_dsa.private_bytes_raw()) == (SEED, OTHER_SEED)
    assert HybridSigner(*back).public_key == HYBRID_PUBLIC


def test_public_keys_come_back(path):
    """As a trust store has them: 32 bytes, and 32 + 1952."""
    write_public_key(path, PUBLIC)
    assert read_public_key(path) == PUBLIC
    other = path.with_name("hybrid.pem")
    write_public_key(other, HYBRID_PUBLIC)
    assert read_public_key(other, HYBRID) == HYBRID_PUBLIC


def test_paths_may_be_text(path):
    """A path is a str or a Path."""
    write_private_key(str(path), KEY)
    assert read_private_key(str(path)).private_bytes_raw() == SEED


def test_the_forms_are_the_published_ones(path):
    """The examples of RFC 8410, section 10, are read; what is written is the library's PKCS#8 and SPKI."""
    put(path, b"-----BEGIN PRIVATE KEY-----\n"
        b"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        b"-----END PRIVATE KEY-----\n")  # fmt: skip
    other = put(path.with_name("public.pem"), b"-----BEGIN PUBLIC KEY-----\n"
        b"MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
        b"-----END PUBLIC KEY-----\n")  # fmt: skip
    assert read_private_key(path).public_key().public_bytes_raw() == read_public_key(other)
    write_private_key(path.with_name("a"), HYBRID_KEY)
    write_public_key(path.with_name("b"), HYBRID_PUBLIC)
    assert path.with_name("a").read_bytes() == pem(HYBRID_KEY.ed25519) + pem(HYBRID_KEY.ml_dsa)
    assert path.with_name("b").read_bytes() == public_pem(KEY) + public_pem(HYBRID_KEY.ml_dsa)


def test_an_encrypted_file_does_not_hold_the_seed(path):
    """With a password every block is encrypted, and no plain one is left."""
    write_private_key(path, HYBRID_KEY, PASSWORD)
    text = path.read_bytes()
    assert text.count(b"BEGIN ENCRYPTED PRIVATE KEY") == 2
    assert b"BEGIN PRIVATE KEY" not in text


# Writing.


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_the_mode_is_0600_from_the_start(path, mask, monkeypatch):
    """Whatever the umask, the file is opened with mode 0600 and O_EXCL: at no time could others read it."""
    opened, real = [], os.open

    def spy(name, flags, mode=0o777, **rest):
        opened.append((os.fspath(name), bool(flags & os.O_EXCL), bool(flags & os.O_CREAT), mode))
        return real(name, flags, mode, **rest)

    monkeypatch.setattr(os, "open", spy)
    monkeypatch.setattr(os, "chmod", None)
    monkeypatch.setattr(os, "fchmod", None)
    before = os.umask(mask)
    try:
        write_private_key(path, KEY)
        write_public_key(path.with_suffix(".pub"), PUBLIC)
    finally:
        os.umask(before)
    assert opened == [(str(name), True, True, 0o600) for name in (path, path.with_suffix(".pub"))]
    assert {stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()} == {0o600}


def test_no_file_is_replaced(path):
    """A file, and a link that leads nowhere, stay as they are."""
    put(path, b"mine")
    for write in (lambda name: write_private_key(name, KEY), lambda name: write_public_key(name, PUBLIC)):
        assert fault(write, path) == f"{path}: is there already; allowed is a new file"
        link = path.with_name("link")
        if not link.is_symlink():
            link.symlink_to(path.with_name("nowhere"))
        assert "is there already" in fault(write, link)
    assert path.read_bytes() == b"mine"
    assert not path.with_name("nowhere").exists()


def test_a_place_that_cannot_be_written_is_named(path):
    """A folder that is not there: where and why."""
    name = path / "sub"
    assert fault(write_private_key, name, KEY) == f"{name}: cannot be written: No such file or directory"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_half_a_file_is_taken_away(path, error, monkeypatch):
    """If the disk is full, or the user gives up, nothing is left under the name."""

    def fail(_):
        assert path.stat().st_size > 0
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((LocalProtocolError, KeyboardInterrupt)) as caught:
        write_private_key(path, KEY)
    assert isinstance(caught.value, KeyboardInterrupt) or "No space left" in str(caught.value)
    assert not path.exists()


@pytest.mark.parametrize("password", [b"", b"x" * 1024, "text", bytearray(b"x")])
def test_a_password_that_cannot_be_is_refused(path, password):
    """1 to 1,023 bytes, for writing (before any file is there) and for reading."""
    assert "1 to 1023 bytes" in fault(write_private_key, path, KEY, password)
    assert not path.exists()
    assert "1 to 1023 bytes" in fault(read_private_key, path, password)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(33), bytes(1952), bytes(1985)])
def test_a_public_key_of_another_length_is_not_written(path, public):
    """Ed25519 has 32 bytes, the hybrid 1,984."""
    assert f"{len(public)} bytes" in fault(write_public_key, path, public)
    assert not path.exists()


def test_a_public_key_that_is_none_is_not_written(path, monkeypatch):
    """What the library cannot load is our own bug, and leaves no file."""

    class Refusing:
        @staticmethod
        def from_public_bytes(_):
            raise ValueError("no point")

    monkeypatch.setattr("cbmnet.messages.key_files.Ed25519PublicKey", Refusing)
    assert "cannot be loaded" in fault(write_public_key, path, PUBLIC)
    assert not path.exists()


# Reading.


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o644, 0o666, 0o777, 0o601])
def test_a_private_key_open_to_others_is_refused(path, mode):
    """Any right of group or others: the mode is told, and what is allowed; also behind a link."""
    put(path, pem(KEY), mode)
    told = f"mode {mode:04o}, open to group or others; allowed is 0600 or 0400"
    assert fault(read_private_key, path) == f"{path}: {told}"
    link = path.with_name("link")
    link.symlink_to(path)
    assert fault(read_private_key, link) == f"{link}: {told}"
    assert told in fault(read_hybrid_private_key, path)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_private_key_of_its_owner_alone_is_read(path, mode):
    """0600, 0400, and a link to such a file."""
    link = path.with_name("link")
    link.symlink_to(put(path, pem(KEY), mode))
    assert read_private_key(link).private_bytes_raw() == read_private_key(path).private_bytes_raw() == SEED


def test_the_mode_is_that_of_the_file_that_is_read(path, monkeypatch):
    """The open file is asked, not its name: nobody can put another one in its place in between."""
    put(path, pem(KEY))
    monkeypatch.setattr(os, "stat", None)
    monkeypatch.setattr(os, "lstat", None)
    assert read_private_key(path).private_bytes_raw() == SEED


def test_a_public_key_may_be_open_to_all(path):
    """What is public has no mode to keep."""
    assert read_public_key(put(path, public_pem(KEY), 0o666)) == PUBLIC


@pytest.mark.parametrize("read", [read_private_key, read_hybrid_private_key, read_public_key])
def test_a_file_that_cannot_be_read_is_named(path, read):
    """Not there, a folder, a pipe without a writer: where and what, at once, and no descriptor is lost."""
    before = len(os.listdir("/proc/self/fd"))
    assert fault(read, path) == f"{path}: cannot be read: No such file or directory"
    assert fault(read, path.parent) == f"{path.parent}: cannot be read: Is a directory"
    os.mkfifo(path, 0o600)
    assert "no ordinary file" in fault(read, path)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("read", [read_private_key, read_hybrid_private_key, read_public_key])
def test_a_large_file_is_refused(path, read):
    """Over 64 KiB nothing is parsed; 64 KiB are."""
    assert f"over {MAX_KEY_FILE_BYTES} bytes" in fault(read, put(path, bytes(MAX_KEY_FILE_BYTES + 1)))
    assert "no PEM block" in fault(read, put(path, bytes(MAX_KEY_FILE_BYTES)))


def test_a_wrong_password_is_refused(path):
    """None of 600 wrong passwords passes, not even where one in 256 gives good padding by chance."""
    put(path, pem(KEY, PASSWORD))
    for number in range(600):
        assert "or the password is wrong" in fault(read_private_key, path, b"%d" % number)


def test_a_password_is_given_where_it_is_needed_and_nowhere_else(path):
    """An encrypted file without a password, and a plain one with: both refused, in every block."""
    assert "is encrypted; a password is needed" in fault(read_private_key, put(path, pem(KEY, PASSWORD)))
    assert "is not encrypted" in fault(read_private_key, put(path, pem(KEY)), PASSWORD)
    mixed = pem(KEY, PASSWORD) + pem(HYBRID_KEY.ml_dsa)
    assert "is not encrypted" in fault(read_hybrid_private_key, put(path, mixed), PASSWORD)
    assert "is encrypted" in fault(read_hybrid_private_key, put(path, mixed))


P256 = ec.derive_private_key(7, ec.SECP256R1())
X25519 = X25519PrivateKey.from_private_bytes(SEED)
ML_DSA_44 = mldsa.MLDSA44PrivateKey.from_seed_bytes(SEED)


@pytest.mark.parametrize(
    "key", [P256, X25519, HYBRID_KEY.ml_dsa, ML_DSA_44], ids=["P-256", "X25519", "65", "44"]
)
def test_another_type_of_key_is_refused(path, key):
    """A key of another algorithm is named, alone, public, and as either part of a hybrid key."""
    put(path, pem(key, PASSWORD))
    assert "allowed is Ed25519" in fault(read_private_key, path, PASSWORD)
    assert "allowed is Ed25519" in fault(read_private_key, put(path, pem(key)))
    assert "allowed is Ed25519" in fault(read_public_key, put(path, public_pem(key)))
    wrong_first = pem(key) + pem(HYBRID_KEY.ml_dsa)
    assert "allowed is Ed25519" in fault(read_hybrid_private_key, put(path, wrong_first))
    assert "allowed is ML-DSA-65" in fault(read_hybrid_private_key, put(path, pem(KEY) + pem(P256)))
    assert "allowed is ML-DSA-65" in fault(read_public_key, put(path, public_pem(KEY) * 2), HYBRID)


def test_one_part_of_a_hybrid_key_is_never_taken_alone(path):
    """A hybrid file is no Ed25519 file: the library alone would read the first block and stop."""
    put(path, pem(KEY) + pem(HYBRID_KEY.ml_dsa))
    assert "2 PEM blocks; allowed for this type of key: 1" in fault(read_private_key, path)
    put(path, public_pem(KEY) + public_pem(HYBRID_KEY.ml_dsa))
    assert "2 PEM blocks" in fault(read_public_key, path)
    assert "1 PEM blocks; allowed for this type of key: 2" in fault(
        read_hybrid_private_key, put(path, pem(KEY))
    )
    assert "3 PEM blocks" in fault(read_hybrid_private_key, put(path, pem(KEY) * 3))
    assert "0 PEM blocks" in fault(read_private_key, put(path, b""))


@pytest.mark.parametrize(
    "data",
    [
        pem(P256, form=PrivateFormat.TraditionalOpenSSL),
        pem(KEY, form=PrivateFormat.OpenSSH),
        public_pem(KEY),
    ],
    ids=["traditional", "OpenSSH", "public"],
)
def test_only_pkcs8_is_read_as_private(path, data):
    """Other PEM forms are named; a public key is no private one, nor the other way round."""
    assert "allowed is PKCS#8" in fault(read_private_key, put(path, data))
    assert "allowed is PUBLIC KEY" in fault(read_public_key, put(path, pem(KEY)))


def test_nothing_else_may_be_in_the_file(path):
    """Text before, between or after the blocks is refused; blank lines at the end and CRLF are not."""
    for data in (b"note\n" + pem(KEY), pem(KEY) + b"note\n", b"\n" + pem(KEY), pem(KEY)[:-10]):
        assert "no PEM block at byte" in fault(read_private_key, put(path, data))
    put(path, pem(KEY).replace(b"\n", b"\r\n") + b"\n\n")
    assert read_private_key(path).private_bytes_raw() == SEED


@anyway
@given(st.binary(max_size=200))
def test_any_content_is_read_or_refused(tmp_path, data):
    """Whatever is in a PEM block or in the file, the fault is a LocalProtocolError."""
    path = tmp_path / "any.pem"
    for label in (b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"PUBLIC KEY"):
        text = b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label, b64encode(data), label)
        for content in (data, text):
            put(path, content)
            fault(read_private_key, path)
            fault(read_private_key, path, PASSWORD)
            fault(read_public_key, path)


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


@pytest.mark.parametrize(
    "oid", ["2a0304", "2b656f", "2b656e", "2b6570"], ids=["1.2.3.4", "X448", "X25519", "Ed25519"]
)
@pytest.mark.parametrize("size", [0, 31, 32, 57])
def test_well_formed_nonsense_is_refused(path, oid, size):
    """An unknown algorithm, or a key of a wrong length, makes the library raise errors of several kinds."""
    algorithm, key = der(0x30, der(6, bytes.fromhex(oid))), b"\xff" * size
    private = der(0x30, der(2, b"\0"), algorithm, der(4, der(4, key)))
    public = der(0x30, algorithm, der(3, b"\0" + key))
    for label, data, read in ((b"PRIVATE", private, read_private_key), (b"PUBLIC", public, read_public_key)):
        put(path, b"-----BEGIN %b KEY-----\n%b\n-----END %b KEY-----\n" % (label, b64encode(data), label))
        if (oid, size) != ("2b6570", 32):
            assert "allowed is Ed25519" in fault(read, path)


@anyway
@given(st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path, data):
    """One changed byte of a good file never gives another exception."""
    password = data.draw(st.sampled_from([None, PASSWORD]))
    content = bytearray(pem(KEY, password))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = put(tmp_path / "damaged.pem", bytes(content))
    with suppress(LocalProtocolError):
        read_private_key(path, password)


# Where there is no ML-DSA.


def test_hybrid_keys_need_the_library(path, monkeypatch):
    """Without ML-DSA-65 each hybrid call is AlgorithmUnavailable, and Ed25519 works on."""
    put(path, pem(KEY) + pem(HYBRID_KEY.ml_dsa))
    monkeypatch.setattr(hybrid_module, "_mldsa", lambda: None)
    for call in (
        lambda: generate_hybrid(seeds(SEED, OTHER_SEED)),
        lambda: read_hybrid_private_key(path),
        lambda: write_public_key(path.with_name("public"), HYBRID_PUBLIC),
        lambda: read_public_key(path, HYBRID),
    ):
        with pytest.raises(SignedMessageError) as caught:
            call()
        assert caught.value.code == Code.ALGORITHM_UNAVAILABLE
    assert not path.with_name("public").exists()
    write_private_key(path.with_name("plain"), KEY)
    assert read_private_key(path.with_name("plain")).private_bytes_raw() == SEED


def test_the_module_loads_without_ml_dsa():
    """An older cryptography can use Ed25519 key files: nothing of ML-DSA is imported beforehand."""
    script = (
        "import sys; sys.modules['cryptography.hazmat.primitives.asymmetric.mldsa'] = None\n"
        "from cbmnet.messages.key_files import generate\n"
        "generate(lambda size: bytes(size))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("algorithm", [0, 3, 0xF0])
def test_other_algorithms_have_no_key_files(path, algorithm):
    """A simulation secret, or an unknown algorithm, has no public key file."""
    put(path, public_pem(KEY))
    assert "allowed are 1 and 2" in fault(read_public_key, path, algorithm)
