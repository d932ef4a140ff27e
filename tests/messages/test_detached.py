"""Detached signatures: the message's rules, for a file, and each key judged at the time of asking."""

import io
from hashlib import sha256

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    BUILTIN,
    Code,
    Ed25519Signer,
    SignedMessageError,
    TrustStore,
    Verifier,
    key_id,
    pae,
    ptype_of,
)
from cbmnet.messages.countersigning import countersign, merge
from cbmnet.messages.detached import (
    DETACHED,
    Attested,
    DetachedVerifier,
    FileDigest,
    digest_file,
    sign_detached,
)
from cbmnet.messages.envelope import HARD_MAX_WIRE_BYTES, MAX_WIRE_BYTES
from cbmnet.messages.hybrid import HybridSigner
from tests.messages.parties import (
    ALICE,
    ALL,
    BOB,
    EVE,
    HEARTBEAT,
    MAC,
    NOW_MS,
    REALM,
    SECRET,
    entry,
    sealed,
    signed_raw,
)

FILE = b"annual exchange of military information\n" * 5000  # 200 KB: several chunks
OWN = ptype_of("ballot")


def may(signer=ALICE, person="alice", ptypes=(DETACHED,), **terms):
    return entry(signer, person, ptypes=ptypes, **terms)


def checker(*entries, realm=REALM, policies=None, **settings) -> DetachedVerifier:
    return DetachedVerifier(realm, TrustStore(entries or [may()], policies), **settings)


def sign(*signers, file=FILE, realm=REALM, **settings) -> bytes:
    return sign_detached(io.BytesIO(file), signers or [ALICE], realm, **settings)


def raw(body: bytes, *signers, ptype=DETACHED, realm=REALM) -> bytes:
    return signed_raw(body, *signers, ptype=ptype, realm=realm)


def body_of(file: bytes = FILE) -> bytes:
    return msgpack.packb([sha256(file).digest(), len(file)])


def refusal(
    verifier: DetachedVerifier, wire: bytes, file=FILE, now_ms=NOW_MS, **settings
) -> SignedMessageError:
    with pytest.raises(SignedMessageError) as caught:
        verifier.check(wire, io.BytesIO(file), now_ms, **settings)
    return caught.value


def code(verifier: DetachedVerifier, wire: bytes, *arguments, **settings) -> str:
    return refusal(verifier, wire, *arguments, **settings).code


class Untouchable:
    """A file that must not be read."""

    def read(self, size: int) -> bytes:
        raise AssertionError("the file was read")


class Dripping(io.BytesIO):
    """A stream that gives a few bytes at a time, whatever is asked, and counts them."""

    given = 0

    def read(self, size: int = -1) -> bytes:
        chunk = super().read(min(size, 1 + self.tell() % 7) if size >= 0 else 0)
        self.given += len(chunk)
        return chunk


def test_what_is_signed_is_the_digest_and_the_size():
    """The signature is over PAE(type;realm, [bin 32, uint]), and it is in the usual envelope of four."""
    version, ptype, body, ((kid, signature),) = msgpack.unpackb(sign())
    assert (version, ptype, kid) == (1, DETACHED, ALICE.kid)
    assert body == b"\x92\xc4\x20" + sha256(FILE).digest() + b"\xce" + len(FILE).to_bytes(4, "big")
    assert signature == ALICE.sign(pae(f"{DETACHED};realm={REALM}".encode(), body))
    assert sign() == raw(body_of())


def test_a_good_signature_names_its_signers_and_the_file():
    """Payload type, digest, size, entries by kid, and the id, which is that of the signed bytes."""
    alice, bob = may(), may(BOB, "bob")
    attested = checker(alice, bob).check(sign(ALICE, BOB), io.BytesIO(FILE), NOW_MS)
    signed = pae(f"{DETACHED};realm={REALM}".encode(), body_of())
    by_kid = tuple(sorted((alice, bob), key=lambda one: one.kid))
    digest = FileDigest(sha256(FILE).digest(), len(FILE))
    assert attested == Attested(DETACHED, digest, by_kid, sha256(signed).digest())


@given(st.binary(max_size=1000))
def test_every_file_can_be_signed(file):
    """Any content, an empty file too, in whatever pieces it is read."""
    wire = sign_detached(Dripping(file), [ALICE], REALM)
    assert wire == sign(file=file)
    assert checker().check(wire, Dripping(file), NOW_MS).digest.size_bytes == len(file)


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072])
def test_sizes_about_a_chunk(size):
    """The edges of the 64 KiB chunks are no edge of the file."""
    file = bytes(size)
    assert checker().check(sign(file=file), io.BytesIO(file), NOW_MS).digest.size_bytes == size
    assert digest_file(io.BytesIO(file)) == (sha256(file).digest(), size)
    assert code(checker(), sign(file=file), file + b"x") == Code.BAD_SIGNATURE


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_one_changed_byte_is_another_file(at, change):
    """No byte of the file can be changed: BadSignature."""
    other = FILE[:at] + bytes([FILE[at] ^ change]) + FILE[at + 1 :]
    assert code(checker(), sign(), other) == Code.BAD_SIGNATURE


def test_a_shorter_or_longer_file_is_another_file():
    """Cut off, or with something after it: BadSignature, with the id of what was signed."""
    for other in (FILE[:-1], FILE + b"\n", b""):
        error = refusal(checker(), sign(), other)
        assert (error.code, error.kid) == (Code.BAD_SIGNATURE, None)
        assert error.message_id == checker().check(sign(), io.BytesIO(FILE), NOW_MS).id


def test_the_size_is_signed_too():
    """The right digest with a wrong size is no signature of the file."""
    for size in (len(FILE) - 1, len(FILE) + 1, 0, 2**64 - 1):
        body = msgpack.packb([sha256(FILE).digest(), size])
        assert code(checker(), raw(body)) == Code.BAD_SIGNATURE


def test_an_endless_file_is_left_one_byte_after_the_signed_size():
    """A file that is too long is not read on, so a device or a huge file costs nothing."""
    stream = Dripping(b"abc" + bytes(100_000))
    with pytest.raises(SignedMessageError, match="another file"):
        checker().check(sign(file=b"abc"), stream, NOW_MS)
    assert stream.given == 4


def test_a_stream_that_gives_more_than_asked_for_is_not_read_to_its_end():
    """Even a broken stream is not asked for all there is."""
    asked = []

    class Generous(io.BytesIO):
        def read(self, size=-1):
            asked.append(size)
            return b"x" * 10 if size else b""

    with pytest.raises(SignedMessageError, match="another file"):
        checker().check(sign(file=b"abc"), Generous(), NOW_MS)
    assert asked == [4, 0]


@pytest.mark.parametrize("stream", [io.StringIO("text"), io.StringIO("")], ids=["text", "empty text"])
def test_a_text_file_is_our_own_bug(stream):
    """What gives no bytes cannot be hashed, not even if it is empty."""
    with pytest.raises(LocalProtocolError, match="bytes, not str"):
        sign_detached(stream, [ALICE], REALM)


def test_a_stream_with_nothing_ready_is_no_end_of_file():
    """A non-blocking stream says None: taken for the end it would sign half a file."""

    class NotReady(io.BytesIO):
        def read(self, size=-1):
            return super().read(3) or None

    with pytest.raises(LocalProtocolError, match="NoneType"):
        digest_file(NotReady(b"half"))


# The rules of a message, in its order.


def test_the_envelope_has_its_limit():
    """Length comes first: TooLarge, with nothing read, at the default and at a limit of our own."""
    assert code(checker(), bytes(MAX_WIRE_BYTES + 1)) == Code.TOO_LARGE
    wire = sign()
    assert checker(max_wire_bytes=len(wire)).check(wire, io.BytesIO(FILE), NOW_MS)
    assert code(checker(max_wire_bytes=len(wire) - 1), wire) == Code.TOO_LARGE


@given(st.binary(max_size=300))
def test_any_bytes_give_a_code(stranger):
    """Strangers' bytes never give another exception, and the file is not read for them."""
    with pytest.raises(SignedMessageError):
        checker().check(stranger, Untouchable(), NOW_MS)


@given(st.data())
def test_a_spoilt_envelope_gives_a_code(data):
    """No byte of the envelope can be changed, and none of the ways it is refused reads the file."""
    wire = bytearray(sign())
    wire[data.draw(st.integers(0, len(wire) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SignedMessageError):
        checker().check(bytes(wire), Untouchable(), NOW_MS)


def test_the_frame_is_the_message_s_frame():
    """Trailing bytes, another version, two equal kids: refused as in a message."""
    wire = sign()
    assert code(checker(), wire + b"\xc0") == Code.TRAILING_BYTES
    assert code(checker(), wire[:1] + b"\x02" + wire[2:]) == Code.UNSUPPORTED_VERSION
    version, ptype, body, pairs = msgpack.unpackb(wire)
    assert code(checker(), msgpack.packb([version, ptype, body, pairs * 2])) == Code.NOT_CANONICAL


def test_only_allowed_payload_types_are_taken():
    """A type off the allow-list is UnknownType, even if the key may sign it; each realm stands alone."""
    both = may(ptypes=(DETACHED, OWN))
    wire = sign(ptype=OWN)
    assert code(checker(both), wire) == Code.UNKNOWN_TYPE
    assert checker(both, allowed={OWN}).check(wire, io.BytesIO(FILE), NOW_MS).ptype == OWN
    assert code(checker(both, allowed={OWN}), sign()) == Code.UNKNOWN_TYPE
    assert code(checker(), sign(realm="live")) == Code.BAD_SIGNATURE
    assert code(checker(both, allowed=set()), sign()) == Code.UNKNOWN_TYPE


def test_a_signature_is_of_one_payload_type():
    """The payload type is signed: another one put in its place is BadSignature."""
    version, _, body, pairs = msgpack.unpackb(sign())
    swapped = msgpack.packb([version, OWN, body, pairs])
    verifier = checker(may(ptypes=(DETACHED, OWN)), allowed={DETACHED, OWN})
    assert code(verifier, swapped) == Code.BAD_SIGNATURE


def test_unknown_keys_do_not_count():
    """A stranger's signature beside a known one is passed over; alone it is UnknownKey."""
    attested = checker().check(sign(ALICE, EVE), io.BytesIO(FILE), NOW_MS)
    assert [one.person for one in attested.signers] == ["alice"]
    assert code(checker(), sign(EVE)) == Code.UNKNOWN_KEY


def test_one_compromised_key_refuses_all():
    """A compromised key among the signers is KeyRevoked for the whole, whenever it was revoked."""
    gone = may(BOB, "bob", status="compromised", revoked_at_ms=NOW_MS + 10**9)
    error = refusal(checker(may(), gone), sign(ALICE, BOB))
    assert (error.code, error.kid) == (Code.KEY_REVOKED, BOB.kid)
    assert code(checker(gone), sign(BOB)) == Code.KEY_REVOKED


def test_every_known_signature_must_verify():
    """One bad signature by a known key spoils the good one beside it."""
    version, ptype, body, pairs = msgpack.unpackb(sign(ALICE, BOB))
    for at in (0, 1):
        spoilt = [[kid, bytes(64) if at == index else good] for index, (kid, good) in enumerate(pairs)]
        wire = msgpack.packb([version, ptype, body, spoilt])
        assert code(checker(may(), may(BOB, "bob")), wire) == Code.BAD_SIGNATURE


def test_a_simulation_mac_counts_in_the_simulation_alone():
    """The MAC verifies in realm sim with its secret, and is AlgorithmUnavailable elsewhere or without."""
    mac, secrets = may(MAC), {MAC.kid: SECRET}
    wire = sign(MAC, realm="sim")
    assert checker(mac, realm="sim", secrets=secrets).check(wire, io.BytesIO(FILE), NOW_MS)
    assert code(checker(mac, realm="sim"), wire) == Code.ALGORITHM_UNAVAILABLE
    assert code(checker(mac, secrets=secrets), sign(MAC)) == Code.ALGORITHM_UNAVAILABLE


def test_a_hybrid_key_signs_files():
    """Long-lived files are what the hybrid algorithm is for; either part spoilt is BadSignature."""
    signer = HybridSigner.from_seeds(b"a" * 32, b"b" * 32)
    wire, verifier = sign(signer), checker(may(signer))
    assert verifier.check(wire, io.BytesIO(FILE), NOW_MS).signers[0].kid == key_id(2, signer.public_key)
    for at in (-1, -3309, -3310):
        spoilt = bytearray(wire)
        spoilt[at] ^= 1
        assert code(verifier, bytes(spoilt)) == Code.BAD_SIGNATURE


DIGEST = sha256(FILE).digest()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", Code.BAD_ENCODING),
        (body_of() + b"\xc0", Code.TRAILING_BYTES),
        (body_of()[:-1], Code.BAD_ENCODING),
        (b"\x90", Code.BAD_FIELD),
        (msgpack.packb([DIGEST]), Code.BAD_FIELD),
        (msgpack.packb([DIGEST, 1, 1]), Code.BAD_FIELD),
        (msgpack.packb({"a": 1, "b": 2}), Code.BAD_FIELD),
        (msgpack.packb(DIGEST), Code.BAD_FIELD),
        (msgpack.packb([DIGEST[:31], 1]), Code.BAD_FIELD),
        (msgpack.packb(["x" * 32, 1]), Code.BAD_FIELD),
        (msgpack.packb([DIGEST, -1]), Code.BAD_FIELD),
        (msgpack.packb([DIGEST, True]), Code.BAD_FIELD),
        (msgpack.packb([DIGEST, None]), Code.BAD_FIELD),
        (msgpack.packb([DIGEST, 1.0]), Code.BAD_ENCODING),
        (msgpack.packb([DIGEST, [1]]), Code.BAD_FIELD),
        (b"\x92\xc4\x20" + DIGEST + b"\x91" * 9 + b"\x01", Code.TOO_DEEP),
        (b"\x92\xc5\x00\x20" + DIGEST + b"\x01", Code.NOT_CANONICAL),
        (b"\x92\xc4\x20" + DIGEST + b"\xcf" + len(FILE).to_bytes(8, "big"), Code.NOT_CANONICAL),
    ],
)
def test_the_body_has_one_form(body, expected):
    """Truly signed, but not [bin 32, uint] in its shortest form: refused before the file is read."""
    wire = raw(body)
    with pytest.raises(SignedMessageError) as caught:
        checker().check(wire, Untouchable(), NOW_MS)
    assert caught.value.code == expected


def test_the_body_of_strangers_is_not_looked_at():
    """An unverified body stays opaque: a bad one with a bad signature is BadSignature."""
    version, ptype, _, pairs = msgpack.unpackb(sign())
    assert code(checker(), msgpack.packb([version, ptype, b"\xff", pairs])) == Code.BAD_SIGNATURE


def test_every_signer_must_be_allowed_this_payload_type():
    """A key for messages is not a key for files; one of two is not enough."""
    messages_only = entry(BOB, "bob", ptypes=ALL)
    error = refusal(checker(may(), messages_only), sign(ALICE, BOB))
    assert (error.code, error.kid) == (Code.SIGNER_NOT_ALLOWED, BOB.kid)
    assert code(checker(may(ptypes=())), sign()) == Code.SIGNER_NOT_ALLOWED


def test_a_party_asked_for_binds_every_signer():
    """With a party, each signer must speak for it; without, whose signers they are is the caller's to see."""
    verifier = checker(may(), may(BOB, "bob", party="south"))
    for party in ("north", "north/desk"):
        assert verifier.check(sign(ALICE), io.BytesIO(FILE), NOW_MS, party=party)
    assert verifier.check(sign(ALICE, BOB), io.BytesIO(FILE), NOW_MS)
    error = refusal(verifier, sign(ALICE, BOB), party="north")
    assert (error.code, error.kid) == (Code.SIGNER_NOT_ALLOWED, BOB.kid)


def test_the_threshold_counts_persons():
    """Two keys of one person are one person, in whatever letters; the policy is that of the payload type."""
    second = Ed25519Signer.from_seed(b"4" * 32)
    entries = may(), may(second, "alice"), may(BOB, "bob")
    verifier = checker(*entries, policies={DETACHED: 2, HEARTBEAT: 3})
    assert code(verifier, sign(ALICE)) == Code.THRESHOLD_NOT_MET
    assert code(verifier, sign(ALICE, second)) == Code.THRESHOLD_NOT_MET
    assert code(verifier, sign(ALICE, EVE)) == Code.THRESHOLD_NOT_MET
    other_letters = checker(may(), may(second, "Alice"), policies={DETACHED: 2})
    assert code(other_letters, sign(ALICE, second)) == Code.THRESHOLD_NOT_MET
    assert len(verifier.check(sign(ALICE, BOB), io.BytesIO(FILE), NOW_MS).signers) == 2


def test_a_second_officer_signs_later():
    """Countersigning and merging, made for messages, serve detached signatures too: the frame is the same."""
    both = sign(ALICE, BOB)
    assert countersign(sign(ALICE), BOB, REALM, allowed={DETACHED}) == both == merge(sign(BOB), sign(ALICE))
    verifier = checker(may(), may(BOB, "bob"), policies={DETACHED: 2})
    assert len(verifier.check(both, io.BytesIO(FILE), NOW_MS).signers) == 2


# Time: nothing shows when a file was signed, so each key is judged at the time of asking.


@pytest.mark.parametrize(
    ("terms", "refused_at", "taken_at", "expected"),
    [
        ({"not_before_ms": NOW_MS}, NOW_MS - 1, NOW_MS, Code.KEY_NOT_YET_VALID),
        ({"not_after_ms": NOW_MS}, NOW_MS, NOW_MS - 1, Code.KEY_EXPIRED),
        ({"status": "superseded", "revoked_at_ms": NOW_MS}, NOW_MS, NOW_MS - 1, Code.KEY_REVOKED),
        ({"status": "superseded", "revoked_at_ms": 0}, 0, None, Code.KEY_REVOKED),
    ],
)
def test_keys_are_judged_at_the_time_of_asking(terms, refused_at, taken_at, expected):
    """Valid from not-before until before not-after and before being superseded, to the millisecond."""
    verifier = checker(may(**terms))
    error = refusal(verifier, sign(), now_ms=refused_at)
    assert (error.code, error.kid) == (expected, ALICE.kid)
    assert taken_at is None or verifier.check(sign(), io.BytesIO(FILE), taken_at)


def test_one_lapsed_key_refuses_all():
    """A signature with a lapsed key among good ones is refused: the file must be signed again."""
    verifier = checker(may(), may(BOB, "bob", not_after_ms=NOW_MS))
    assert code(verifier, sign(ALICE, BOB)) == Code.KEY_EXPIRED
    assert verifier.check(sign(ALICE), io.BytesIO(FILE), NOW_MS)


def test_a_signature_may_be_shown_again():
    """There is no replay in a detached signature, and checking changes nothing."""
    verifier, wire = checker(), sign()
    assert verifier.check(wire, io.BytesIO(FILE), NOW_MS) == verifier.check(wire, io.BytesIO(FILE), NOW_MS)


# Apart from messages.


def test_no_detached_signature_passes_for_a_message():
    """The message verifier does not know the type, and a schema for it would not help the body."""
    store = TrustStore([may(ptypes=(DETACHED, *ALL))])
    with pytest.raises(SignedMessageError, match="UnknownType"):
        Verifier("south", REALM, store).check(sign(), NOW_MS)


def test_no_message_passes_for_a_detached_signature():
    """A message's payload type is not taken, and its body, signed under ours, is no digest."""
    wire = sealed().wire
    assert code(checker(may(ptypes=(DETACHED, *ALL))), wire) == Code.UNKNOWN_TYPE
    assert code(checker(), raw(msgpack.unpackb(wire)[2])) == Code.BAD_FIELD


@pytest.mark.parametrize("ptype", sorted(BUILTIN))
def test_no_built_in_kind_can_be_a_detached_signature(ptype):
    """Neither side lets a kind of message, or the trust store, stand for a file."""
    with pytest.raises(LocalProtocolError, match="kind of message"):
        sign(ptype=ptype)
    with pytest.raises(LocalProtocolError, match="kind of message"):
        checker(allowed={DETACHED, ptype})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sign(realm="Live"), "realm"),
        (lambda: sign(ptype=""), "payload type"),
        (lambda: sign(ptype="x" * 97), "payload type"),
        (lambda: sign_detached(io.BytesIO(FILE), [], REALM), "1 to 8"),
        (lambda: sign(ALICE, ALICE), "share"),
        (lambda: sign(*[ALICE] * 9), "1 to 8"),
        (lambda: checker(realm=""), "realm"),
        (lambda: checker(allowed={"é"}), "payload type"),
        (lambda: checker(max_wire_bytes=0), "max_wire_bytes"),
        (lambda: checker(max_wire_bytes=HARD_MAX_WIRE_BYTES + 1), "max_wire_bytes"),
    ],
)
def test_what_cannot_be_is_our_own_bug(call, words):
    """A realm, type, number of signers or limit that cannot be is named."""
    with pytest.raises(LocalProtocolError, match=words):
        call()
