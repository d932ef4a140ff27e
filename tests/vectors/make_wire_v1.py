"""Makes `wire-v1.json`, the test vectors of the signed message, from seeds.

Run as `python -m tests.vectors.make_wire_v1`, with `--sign` after a change to the hybrid cases.

What a case expects is written down here by hand, never asked of the verifier. The file holds `schemas`,
`setups` (a verifier each: realm, receiver, limits, allow-list, trust store, secrets) and `cases`, one a
line. A case is one wire or a list of `steps` for one verifier, which remembers what it accepted. An
integer above 2^53 - 1 is a decimal string, bytes are hex; `kind` is the KIND of a payload type, or a type
of another pattern as it stands.
"""

import json
import struct
import sys
from collections.abc import Iterator
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

import msgpack

from cbmnet.messages import (
    BUILTIN_SCHEMAS,
    HYBRID,
    Ed25519Signer,
    Entry,
    Field,
    HybridSigner,
    MacSigner,
    Schema,
    key_id,
    pae,
    ptype_of,
)
from cbmnet.messages.hybrid import CONTEXT

FILE = Path(__file__).with_name("wire-v1.json")
# ML-DSA signatures are randomised: they cannot be made again, so they are kept, by SHA-256 of M. Without
# ML-DSA in the library this is also where its public key comes from. `--sign` makes those that are missing.
ML_DSA_FILE = Path(__file__).with_name("ml-dsa-v1.json")
ML_DSA: dict[str, str] = json.loads(ML_DSA_FILE.read_text()) if ML_DSA_FILE.exists() else {}
SIGN_MISSING = "--sign" in sys.argv

NOW = 1_767_225_600_000
MINUTE, DAY, SKEW = 60_000, 86_400_000, 30_000
U64 = 2**64 - 1
ZERO = bytes(32)
REALM = "exercise-2026-11"
TRUST_STORE = ptype_of("trust-store")
HEARTBEAT, LEADER, EXCHANGE, PROTEST = map(ptype_of, ("heartbeat", "leader-text", "data-exchange", "protest"))
BULLETIN = "x/bulletin"  # a deployment's own type: short, and not of the usual pattern

SCHEMAS = BUILTIN_SCHEMAS | {
    BULLETIN: Schema(
        Field("anything", "int"),
        Field("blob", "bin", 0, 4),
        Field("list", "array", 0, 64, items=Field("item", "int", -(2**63), -1)),
        Field("note", "str", 1, 6, optional=True),
    )
}
ALL = tuple(sorted(SCHEMAS.keys() | {TRUST_STORE}))

SEEDS = {
    name: sha256(b"cbmnet wire vectors 1: " + name.encode()).digest()
    for name in (
        "alice", "alice-2", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy",
        "mallory", "mac", "mac-2", "hybrid", "hybrid-ml-dsa",
    )
}  # fmt: skip
SECRETS = {"mac": SEEDS["mac"] + b"longer than 32", "mac-2": SEEDS["mac-2"]}


class KeptHybrid:
    """A hybrid signer whose ML-DSA part is looked up."""

    algorithm = HYBRID

    def __init__(self, seed: bytes, ml_dsa_seed: bytes) -> None:
        self._seeds = seed, ml_dsa_seed
        if "public_key" not in ML_DSA:
            ML_DSA["public_key"] = HybridSigner.from_seeds(*self._seeds).public_key[32:].hex()
        public = Ed25519Signer.from_seed(seed).public_key
        self.public_key = public + bytes.fromhex(ML_DSA["public_key"])
        self.kid = key_id(HYBRID, self.public_key)

    def sign(self, data: bytes) -> bytes:
        name = sha256(data).hexdigest()
        if name not in ML_DSA and SIGN_MISSING:
            ML_DSA[name] = HybridSigner.from_seeds(*self._seeds).sign(data)[64:].hex()
        return Ed25519Signer.from_seed(self._seeds[0]).sign(CONTEXT + data) + bytes.fromhex(ML_DSA[name])


KEYS: dict[str, Any] = {
    name: MacSigner(SECRETS[name]) if name in SECRETS else Ed25519Signer.from_seed(seed)
    for name, seed in SEEDS.items()
    if not name.startswith("hybrid")
}
KEYS["hybrid"] = KeptHybrid(SEEDS["hybrid"], SEEDS["hybrid-ml-dsa"])
ALICE = ("alice",)


def entry(name: str, person: str = "", party: str = "north", ptypes: Any = ALL, **terms: Any) -> Entry:
    return Entry.for_signer(KEYS[name], person or name, party, ptypes, **({"not_after_ms": 2**62} | terms))


ENTRIES = (
    entry("alice"),
    entry("alice-2", "alice"),
    entry("bob"),
    entry("carol", not_before_ms=NOW),
    entry("dave", not_after_ms=NOW),
    entry("erin", status="superseded", revoked_at_ms=NOW),
    entry("frank", status="compromised", revoked_at_ms=NOW + DAY),
    entry("grace", party="west"),
    entry("heidi", party="north/nrrc"),
    entry("ivan", ptypes=()),
    entry("judy", ptypes=(ptype_of("ack"), ptype_of("query"))),
)
MACS = (entry("mac"), entry("mac-2"))


def setup(**changes: Any) -> dict[str, Any]:
    return {
        "realm": REALM, "receiver": "south", "max_wire_bytes": 16384, "max_ttl_ms": DAY, "skew_ms": SKEW,
        "allowed": ALL, "policies": {LEADER: 2, EXCHANGE: 3}, "entries": ENTRIES, "secrets": (),
        "boot_floor_ms": None,
    } | changes  # fmt: skip


SETUPS = {
    "main": setup(),
    "live": setup(realm="live", entries=(*ENTRIES, *MACS), secrets=("mac", "mac-2")),
    "sim": setup(realm="sim", entries=(*ENTRIES, *MACS), secrets=("mac",)),
    "letters": setup(entries=(entry("alice"), entry("alice-2", "ALICE"), entry("bob"))),
    "small": setup(max_wire_bytes=600),
    "large": setup(max_wire_bytes=65536),
    "tight": setup(max_ttl_ms=1000, skew_ms=0),
    "few": setup(allowed=(ptype_of("ack"), BULLETIN), policies={HEARTBEAT: 1}),
    "west": setup(receiver="west"),
    "hybrid": setup(entries=(*ENTRIES, entry("hybrid"))),
    "restarted": setup(boot_floor_ms=NOW - SKEW),
}


# Bytes.


def head(**changes: Any) -> dict[str, Any]:
    return {
        "version": 1, "sender": "north", "receivers": ["south"], "stream": 1, "epoch": 0, "sequence": 1,
        "issued_ms": NOW, "expires_ms": NOW + MINUTE, "previous": ZERO, "payload": {"count": 1},
    } | changes  # fmt: skip


def body(**changes: Any) -> bytes:
    packed: bytes = msgpack.packb(list(head(**changes).values()))
    return packed


def signed(ptype: str, content: bytes, realm: str = REALM) -> bytes:
    return pae(f"{ptype};realm={realm}".encode(), content)


def pairs_for(names: tuple[str, ...], m: bytes) -> list[list[bytes]]:
    return sorted([KEYS[name].kid, KEYS[name].sign(m)] for name in names)


def envelope(
    content: bytes, names: tuple[str, ...] = ALICE, ptype: str = HEARTBEAT, realm: str = REALM
) -> bytes:
    m = signed(ptype, content, realm)
    packed: bytes = msgpack.packb([1, ptype, content, pairs_for(names, m)])
    return packed


def wire(names: tuple[str, ...] = ALICE, ptype: str = HEARTBEAT, realm: str = REALM, **changes: Any) -> bytes:
    return envelope(body(**changes), names, ptype, realm)


def parts(**elements: Any) -> bytes:
    """A good envelope with elements replaced, added or left out (`drop`)."""
    whole = dict(zip(("version", "ptype", "body", "pairs"), msgpack.unpackb(wire()), strict=True))
    drop = elements.pop("drop", ())
    packed: bytes = msgpack.packb([v for k, v in (whole | elements).items() if k not in drop])
    return packed


# What is expected.


def ok(
    persons: tuple[str, ...] = ALICE,
    gap: tuple[int, int] | None = None,
    ptype: str = HEARTBEAT,
    realm: str = REALM,
    **changes: Any,
) -> dict[str, Any]:
    fields = head(**changes)
    content: bytes = msgpack.packb(list(fields.values()))
    kind = ptype.removeprefix("application/vnd.cbmnet.").removesuffix(".v1+msgpack")
    message_id = sha256(signed(ptype, content, realm)).hexdigest()
    return {
        "accepted": {
            "id": message_id, "sender": fields["sender"], "kind": kind, "sequence": fields["sequence"],
            "signers": list(persons), "gap": None if gap is None else list(gap),
        }
    }  # fmt: skip


def no(code: str) -> dict[str, Any]:
    return {"code": code}


def case(
    name: str, wire_: bytes, expected: dict[str, Any] | str, setup_: str = "main", now_ms: int = NOW
) -> dict[str, Any]:
    expected = no(expected) if isinstance(expected, str) else expected
    return {"name": name, "setup": setup_, "now_ms": now_ms, "wire": wire_, "expected": expected}


def by_kid(*names: str) -> tuple[str, ...]:
    """The persons behind these keys, in order of kid."""
    person = {e.kid: e.person for e in (*ENTRIES, *MACS, entry("hybrid"))}
    return tuple(person[kid] for kid in sorted(KEYS[name].kid for name in names))


def good(
    name: str,
    setup_: str = "main",
    now_ms: int = NOW,
    names: tuple[str, ...] = ALICE,
    counted: tuple[str, ...] | None = None,
    **how: Any,
) -> dict[str, Any]:
    """A case that is accepted with no memory before it."""
    gap = how.pop("gap", None)
    persons = by_kid(*(names if counted is None else counted))
    return case(name, wire(names, **how), ok(persons, gap, **how), setup_, now_ms)


# The cases.


def envelopes() -> Iterator[dict[str, Any]]:
    fine = wire()
    size = bytes([0xC4, len(body())])
    yield good("plain")
    yield case("empty", b"", "BadEncoding")
    yield case("reserved-type", b"\xc1", "BadEncoding")
    yield case("float", b"\xca\0\0\0\0", "BadEncoding")
    yield case("double", b"\xcb" + bytes(8), "BadEncoding")
    yield case("ext", b"\xd4\0\0", "BadEncoding")
    yield case("timestamp", b"\xd6\xff\0\0\0\1", "BadEncoding")
    yield case("cut-in-header", fine[: fine.index(size) + 1], "BadEncoding")
    yield case("cut-by-one", fine[:-1], "BadEncoding")
    yield case("array-without-items", b"\x94", "BadEncoding")
    yield case("one-byte-after", fine + b"\0", "TrailingBytes")
    yield case("second-envelope-after", fine + fine, "TrailingBytes")
    yield case("float-after", fine + b"\xca", "TrailingBytes")
    yield case("no-array", b"\x01", "BadField")
    yield case("map", b"\x80", "BadField")
    yield case("empty-array", b"\x90", "BadField")
    yield case("version-2", parts(version=2), "UnsupportedVersion")
    yield case("version-0", parts(version=0), "UnsupportedVersion")
    yield case("version-2-of-five", msgpack.packb([2, 2, 3, 4, 5]), "UnsupportedVersion")
    yield case("version-huge", parts(version=U64), "UnsupportedVersion")
    yield case("version-negative", parts(version=-1), "BadField")
    yield case("version-bool", parts(version=True), "BadField")
    yield case("version-str", parts(version="1"), "BadField")
    yield case("version-nil", parts(version=None), "BadField")
    yield case("version-alone", b"\x91\x01", "BadField")
    yield case("five-elements", parts(extra=1), "BadField")
    yield case("three-elements", parts(drop=("pairs",)), "BadField")
    yield case("ptype-bin", parts(ptype=HEARTBEAT.encode()), "BadField")
    yield case("ptype-empty", parts(ptype=""), "BadField")
    yield case("ptype-97", parts(ptype="x" * 97), "BadField")
    yield case("ptype-96-unknown", parts(ptype="x" * 96), "UnknownType")
    yield case("ptype-not-ascii", parts(ptype="\xe9"), "BadField")
    yield case("ptype-unknown-before-body", parts(ptype="a/b", body=7), "UnknownType")
    yield case("ptype-off-the-list-though-in-policy", fine, "UnknownType", "few")
    yield case("ptype-upper-case", parts(ptype=HEARTBEAT.upper()), "UnknownType")


def signature_lists() -> Iterator[dict[str, Any]]:
    """From the body on, and how much there may be of anything."""
    kid, signature = KEYS["alice"].kid, msgpack.unpackb(wire())[3][0][1]
    yield case("body-str", parts(body="body"), "BadField")
    yield case("body-8193", parts(body=b"x" * 8193), "TooLarge")
    yield case("pairs-map", parts(pairs={}), "BadField")
    yield case("pairs-none", parts(pairs=[]), "BadField")
    yield case("pairs-9", parts(pairs=[[bytes([n]) * 16, signature] for n in range(9)]), "BadField")
    yield case("pairs-65", parts(pairs=[0] * 65), "TooLarge")
    yield case("pair-of-one", parts(pairs=[[kid]]), "BadField")
    yield case("pair-of-three", parts(pairs=[[kid, signature, 1]]), "BadField")
    yield case("pair-flat", parts(pairs=[kid, signature]), "BadField")
    yield case("kid-15", parts(pairs=[[kid[1:], signature]]), "BadField")
    yield case("kid-str", parts(pairs=[["k" * 16, signature]]), "BadField")
    yield case("signature-63", parts(pairs=[[kid, signature[1:]]]), "BadField")
    yield case("signature-str", parts(pairs=[[kid, "s" * 64]]), "BadField")
    yield case("kid-twice", parts(pairs=[[kid, signature]] * 2), "NotCanonical")
    yield case("kids-descending", parts(pairs=[[b"\xff" * 16, signature], [kid, signature]]), "NotCanonical")
    yield case(
        "kids-descending-before-length", parts(pairs=[[b"\xff" * 16, signature], [kid, b""]]), "NotCanonical"
    )
    yield case("length-before-kids", parts(pairs=[[b"\xff" * 16, b""], [kid, signature]]), "BadField")
    yield case("depth-8", parts(pairs=[[[[[[[]]]]]]]), "BadField")
    yield case("depth-9", parts(pairs=[[[[[[[[]]]]]]]]), "TooDeep")
    yield case("depth-9-map", parts(pairs=[[[[[[[{}]]]]]]]), "TooDeep")
    yield case("map-key-upper-case", parts(pairs={"B": 1}), "BadField")
    yield case("map-keys-descending", parts(pairs={"b": 1, "a": 1}), "NotCanonical")
    yield case("float-deep-inside", parts(pairs=[[kid, 1.5]]), "BadEncoding")
    keys_to_60 = {f"k{n:02}": 0 for n in range(29)}  # with its header and 2 values a key: 59
    yield case("values-64", parts(pairs=[0] * 59), "BadField")
    yield case("values-65", parts(pairs=[0] * 60), "TooLarge")
    yield case("values-65-containers", parts(pairs=[[]] * 60), "TooLarge")
    yield case("values-65-the-last-a-float", parts(pairs=[0] * 59 + [1.5]), "BadEncoding")
    yield case("values-64-then-trailing", parts(pairs=[0] * 59) + b"\0", "TrailingBytes")
    yield case("values-64-with-keys", parts(pairs=[keys_to_60]), "BadField")
    yield case("values-65-the-last-a-bad-key", parts(pairs=[{**keys_to_60, "BAD": 0}]), "TooLarge")


def forms() -> Iterator[dict[str, Any]]:
    """Longer forms than needed, and which of two offences comes first."""
    fine, content = wire(), body()
    size = bytes([0xC4, len(content)])
    yield case("version-in-two-bytes", b"\x94\xcc\x01" + fine[2:], "NotCanonical")
    yield case("version-signed", b"\x94\xd0\x01" + fine[2:], "NotCanonical")
    yield case("array16", b"\xdc\0\4" + fine[1:], "NotCanonical")
    yield case("array32", b"\xdd\0\0\0\4" + fine[1:], "NotCanonical")
    yield case("bin16-for-bin8", fine.replace(size, b"\xc5\0" + size[1:]), "NotCanonical")
    yield case("bin32-for-bin8", fine.replace(size, b"\xc6\0\0\0" + size[1:]), "NotCanonical")
    yield case("str16-for-str8", b"\x94\x01\xda\0" + fine[3:], "NotCanonical")
    yield case("not-canonical-before-trailing", b"\xdc\0\4" + fine[1:] + b"\0", "NotCanonical")
    yield case("trailing-before-version", parts(version=2) + b"\0", "TrailingBytes")
    yield case("too-large-before-cut", b"\x94\x01\xa1x\xc6\0\1\0\0", "TooLarge")
    yield case("too-large-before-too-deep", b"\x91" * 8 + b"\xdc\0\x41", "TooLarge")
    yield case("not-canonical-before-too-large", b"\xdd\0\0\0\x41", "NotCanonical")
    yield case("bool-for-version-after-float", b"\x92\xc3\xca\0\0\0\0", "BadEncoding")
    yield case("ptype-not-utf8", b"\x94\x01\xa1\xff" + fine[46:], "BadEncoding")
    yield case("ptype-surrogate", b"\x94\x01\xa3\xed\xa0\x80" + fine[46:], "BadEncoding")
    yield case("over-the-configured-length", fine + bytes(600), "TooLarge", "small")
    yield case("at-the-configured-length", fine + bytes(600 - len(fine)), "TrailingBytes", "small")
    yield case("just-over-the-configured-length", b"\xc1" * 601, "TooLarge", "small")
    yield case("junk-at-the-configured-length", b"\xc1" * 600, "BadEncoding", "small")
    yield case("over-the-usual-length", b"\xc1" * 16385, "TooLarge")
    yield case("over-the-usual-length-and-configured-so", b"\xc1" * 16385, "BadEncoding", "large")
    yield case("short-own-type", *own_type("few"))
    assert content in fine


def own_type(setup_: str) -> tuple[bytes, dict[str, Any], str]:
    payload = {"anything": U64, "blob": b"\0\1", "list": [-1, -33, -(2**63)], "note": "\ufeff\xfc"}
    how = {"ptype": BULLETIN, "payload": payload}
    return wire(**how), ok(**how), setup_


def signatures() -> Iterator[dict[str, Any]]:
    fine = wire()
    kid, signature = msgpack.unpackb(fine)[3][0]
    two = msgpack.unpackb(wire(("alice", "bob")))[3]
    yield case("unknown-key", wire(("mallory",)), "UnknownKey")
    yield case("unknown-key-hybrid-length", parts(pairs=[[b"k" * 16, b"s" * 3373]]), "UnknownKey")
    yield case("unknown-before-bad-body", envelope(b"\xc1", ("mallory",)), "UnknownKey")
    yield good("unknown-beside-known", names=("alice", "mallory"), counted=("alice",))
    unknown = sorted([[kid, signature], [KEYS["mallory"].kid, bytes(64)]])
    yield case("unknown-and-bad-beside-known", parts(pairs=unknown), ok())
    yield case("bad-signature", parts(pairs=[[kid, bytes(64)]]), "BadSignature")
    for at in (0, 31, 32, 63):
        spoilt = bytearray(signature)
        spoilt[at] ^= 1
        yield case(f"signature-byte-{at}-changed", parts(pairs=[[kid, bytes(spoilt)]]), "BadSignature")
    yield case(
        "signature-of-another-key",
        parts(pairs=[[kid, KEYS["bob"].sign(signed(HEARTBEAT, body()))]]),
        "BadSignature",
    )
    yield case("signature-s-plus-order", parts(pairs=[[kid, s_plus_order(signature)]]), "BadSignature")
    yield case("signature-of-hybrid-length", parts(pairs=[[kid, signature + bytes(3309)]]), "BadSignature")
    yield case("first-of-two-bad", parts(pairs=[[two[0][0], bytes(64)], two[1]]), "BadSignature")
    yield case("second-of-two-bad", parts(pairs=[two[0], [two[1][0], bytes(64)]]), "BadSignature")
    yield case("signature-without-pae", parts(pairs=[[kid, KEYS["alice"].sign(body())]]), "BadSignature")
    yield case("body-changed", parts(body=body(payload={"count": 2})), "BadSignature")
    yield case("type-changed", parts(ptype=ptype_of("ack")), "BadSignature")
    for realm in ("live", "sim", "exercise-2026-12"):
        yield case(f"signed-for-realm-{realm}", wire(realm=realm), "BadSignature")
    yield case("junk-body-bad-signature", parts(body=b"\xc1"), "BadSignature")
    yield case("compromised", wire(("frank",)), "KeyRevoked")
    yield case("compromised-and-bad", parts(pairs=[[KEYS["frank"].kid, bytes(64)]]), "KeyRevoked")
    yield case("compromised-beside-good", wire(("alice", "frank")), "KeyRevoked")
    worse = sorted([[kid, bytes(64)], [KEYS["frank"].kid, bytes(64)]])
    yield case("compromised-before-bad-signature", parts(pairs=worse), "KeyRevoked")
    mixed_key, mixed_signature = mixed_order(signed(HEARTBEAT, body()))
    yield case(
        "mixed-order-key-holds-only-with-cofactor",
        parts(pairs=[[mixed_key, mixed_signature]]),
        "BadSignature",
        "mixed",
    )
    yield good("mac", "sim", names=("mac",), realm="sim")
    yield good("mac-and-ed25519", "sim", names=("mac", "bob"), realm="sim")
    sim = msgpack.unpackb(wire(("mac",), realm="sim"))
    yield case("mac-bad", msgpack.packb([*sim[:3], [[sim[3][0][0], bytes(64)]]]), "BadSignature", "sim")
    long_ = [[sim[3][0][0], sim[3][0][1] + bytes(3309)]]
    yield case("mac-of-hybrid-length", msgpack.packb([*sim[:3], long_]), "BadSignature", "sim")
    yield case(
        "mac-under-an-ed25519-kid", msgpack.packb([*sim[:3], [[kid, sim[3][0][1]]]]), "BadSignature", "sim"
    )
    yield case("mac-without-secret", wire(("mac-2",), realm="sim"), "AlgorithmUnavailable", "sim")
    yield case(
        "mac-without-secret-beside-good", wire(("alice", "mac-2"), realm="sim"), "AlgorithmUnavailable", "sim"
    )
    yield case("mac-outside-sim", wire(("mac",), realm="live"), "AlgorithmUnavailable", "live")
    spoilt_mac = sorted([[KEYS["mac"].kid, bytes(64)], [kid, bytes(64)]])
    yield case(
        "unavailable-before-bad-signature",
        msgpack.packb([1, HEARTBEAT, body(), spoilt_mac]),
        "AlgorithmUnavailable",
        "live",
    )
    revoked_mac = wire(("frank", "mac"), realm="live")
    yield case("compromised-before-unavailable", revoked_mac, "KeyRevoked", "live")
    yield good("live", "live", realm="live")
    eight = ("alice", "alice-2", "bob", "carol", "mallory")
    yield good("many-signers", names=eight, counted=eight[:-1])


def s_plus_order(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "little") + ORDER
    return signature[:32] + s.to_bytes(32, "little")


def with_payload(tail: bytes) -> bytes:
    return body()[: -len(b"\x81\xa5count\x01")] + tail


def bodies() -> Iterator[dict[str, Any]]:
    fine = body()

    def bad(name: str, content: bytes, code: str) -> dict[str, Any]:
        return case(f"body-{name}", envelope(content), code)

    yield bad("empty", b"", "BadEncoding")
    yield bad("one-byte-after", fine + b"\0", "TrailingBytes")
    yield bad("body-after-body", fine + fine, "TrailingBytes")
    yield bad("cut", fine[:-1], "BadEncoding")
    yield bad("nil", b"\xc0", "BadField")
    yield bad("empty-array", b"\x90", "BadField")
    yield bad("version-2-alone", b"\x91\x02", "UnsupportedVersion")
    yield bad("version-1-alone", b"\x91\x01", "BadField")
    yield bad("version-2", body(version=2), "UnsupportedVersion")
    yield bad("version-2-of-eleven", msgpack.packb([2, *head().values()]), "UnsupportedVersion")
    yield bad("version-bool", body(version=True), "BadField")
    yield bad("version-negative", body(version=-1), "BadField")
    yield bad("nine-fields", msgpack.packb(list(head().values())[:9]), "BadField")
    yield bad("eleven-fields", body(more=1), "BadField")
    yield bad("version-in-two-bytes", b"\x9a\xcc\x01" + fine[2:], "NotCanonical")
    yield bad("array16", b"\xdc\0\x0a" + fine[1:], "NotCanonical")
    for name, sender in (
        ("upper-case", "North"),
        ("empty", ""),
        ("newline", "north\n"),
        ("byte-order-mark", "\ufeffnorth"),
        ("65", "n" * 65),
        ("bin", b"north"),
    ):
        yield bad(f"sender-{name}", body(sender=sender), "BadField")
    yield bad("sender-float", body(sender=1.5), "BadEncoding")
    yield bad("receivers-empty", body(receivers=[]), "BadField")
    yield bad("receivers-str", body(receivers="south"), "BadField")
    yield bad("receivers-17", body(receivers=[f"r{n:02}" for n in range(17)]), "BadField")
    yield bad("receivers-descending", body(receivers=["south", "east"]), "NotCanonical")
    yield bad("receivers-twice", body(receivers=["south", "south"]), "NotCanonical")
    yield bad("receivers-descending-then-int", body(receivers=["b", "a", 1]), "NotCanonical")
    yield bad("receivers-int-then-descending", body(receivers=["b", 1, "a"]), "BadField")
    yield good("receivers-prefix-first", receivers=["south", "south-east", "south/a"])
    yield good("receivers-16", receivers=[*(f"r{n:02}" for n in range(15)), "south"])
    for field, values in {
        "stream": (-1, 65536, True, "1", None), "epoch": (-1, 2**32, False), "sequence": (0, -1, True),
        "issued_ms": (-1, "now"), "expires_ms": (NOW, NOW - 1, -1, "late", None),
        "previous": (bytes(31), "x" * 32, None),
        "payload": ([], None, 1, "x"),
    }.items():  # fmt: skip
        for value in values:
            shown = f"{len(value)}-bytes" if isinstance(value, bytes) else str(value).lower() or "empty"
            yield bad(
                f"{field.replace('_', '-')}-{shown if len(shown) < 20 else 'str'}",
                body(**{field: value}),
                "BadField",
            )
    yield bad("issued-at-the-end-of-time", body(issued_ms=U64, expires_ms=U64), "BadField")
    yield good("stream-and-epoch-highest", stream=65535, epoch=2**32 - 1)
    yield good("sequence-highest", sequence=U64, gap=(1, U64 - 1))
    yield good("sequence-above-2-53", sequence=2**53 + 1, gap=(1, 2**53))
    for name, tail, code in (
        ("key-int", b"\x81\x01\x01", "BadField"),
        ("key-bin", b"\x81\xc4\x01a\x01", "BadField"),
        ("key-array", b"\x81\x90\x01", "BadField"),
        ("key-float", b"\x81\xca\0\0\0\0\x01", "BadEncoding"),
        ("key-empty", b"\x81\xa0\x01", "BadField"),
        ("key-digit", b"\x81\xa11\x01", "BadField"),
        ("key-33", b"\x81\xd9\x21" + b"k" * 33 + b"\x01", "BadField"),
        ("key-newline", b"\x81\xa6count\n\x01", "BadField"),
        ("key-byte-order-mark", b"\x81\xa8\xef\xbb\xbfcount\x01", "BadField"),
        ("key-str8", b"\x81\xd9\x05count\x01", "NotCanonical"),
        ("keys-twice", b"\x82\xa5count\x01\xa5count\x02", "NotCanonical"),
        ("keys-descending", b"\x82\xa1b\x01\xa1a\x01", "NotCanonical"),
        ("keys-descending-then-float", b"\x82\xa1b\x01\xa1a\xca\0\0\0\0", "NotCanonical"),
        ("float-then-keys-descending", b"\x82\xa1b\xca\0\0\0\0\xa1a\x01", "BadEncoding"),
        ("map16", b"\xde\0\x01\xa5count\x01", "NotCanonical"),
        ("map-65", b"\xde\0\x41", "TooLarge"),
        ("array-65", b"\x81\xa1a\xdc\0\x41", "TooLarge"),
        ("bin-8193", b"\x81\xa1a\xc5\x20\x01", "TooLarge"),
        ("str-8193", b"\x81\xa1a\xda\x20\x01", "TooLarge"),
        ("bin-4-gib", b"\x81\xa1a\xc6\xff\xff\xff\xff", "TooLarge"),
        ("bin-cut", b"\x81\xa1a\xc4\x05abc", "BadEncoding"),
        ("str-cut", b"\x81\xa1a\xa5abc", "BadEncoding"),
        ("number-cut", b"\x81\xa1a\xcd\0", "BadEncoding"),
        ("value-missing", b"\x81\xa1a", "BadEncoding"),
        ("str-not-utf8", b"\x81\xa1a\xa1\xff", "BadEncoding"),
        ("str-surrogate", b"\x81\xa1a\xa3\xed\xa0\x80", "BadEncoding"),
        ("str-overlong", b"\x81\xa1a\xa2\xc0\x80", "BadEncoding"),
        ("str-above-unicode", b"\x81\xa1a\xa4\xf4\x90\x80\x80", "BadEncoding"),
        ("str-cut-character", b"\x81\xa1a\xa2\xe2\x82", "BadEncoding"),
        ("reserved-type", b"\x81\xa1a\xc1", "BadEncoding"),
        ("ext", b"\x81\xa1a\xc7\0\x05", "BadEncoding"),
        ("timestamp", b"\x81\xa1a\xd6\xff\0\0\0\1", "BadEncoding"),
        ("double", b"\x81\xa1a\xcb" + struct.pack(">d", 1.5), "BadEncoding"),
        ("depth-8", b"\x81\xa1a" + b"\x91" * 7 + b"\x01", "BadField"),
        ("depth-9", b"\x81\xa1a" + b"\x91" * 7 + b"\x90", "TooDeep"),
        ("depth-9-map", b"\x81\xa1a" + b"\x81\xa1a" * 7 + b"\x80", "TooDeep"),
        ("depth-9-map-key", b"\x81\xa1a" + b"\x91" * 6 + b"\x81\x90\x01", "TooDeep"),
    ):  # fmt: skip
        yield bad(f"payload-{name}", with_payload(tail), code)
    for name, form in (
        ("cc-7f", b"\xcc\x7f"), ("cd-ff", b"\xcd\0\xff"), ("ce-ffff", b"\xce\0\0\xff\xff"),
        ("cf-32-bits", b"\xcf\0\0\0\0\xff\xff\xff\xff"), ("d0-1", b"\xd0\x01"), ("d0-minus-32", b"\xd0\xe0"),
        ("d1-minus-128", b"\xd1\xff\x80"), ("d2-minus-32768", b"\xd2\xff\xff\x80\0"),
        ("d3-minus-2-31", b"\xd3\xff\xff\xff\xff\x80\0\0\0"), ("d3-positive", b"\xd3\x7f" + b"\xff" * 7),
    ):  # fmt: skip
        yield bad(f"integer-{name}", with_payload(b"\x81\xa5count" + form), "NotCanonical")
    for value in (0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53, U64):
        yield good(f"body-integer-{value}", payload={"count": value})
    yield bad("deep-sender", body(sender=[[[[[[[1]]]]]]]), "BadField")
    yield bad("too-deep-sender", body(sender=[[[[[[[[[]]]]]]]]]), "TooDeep")
    full = 8192 - len(body(payload={"findings": ""})) - 2
    report = {"consistent": True, "findings": "f" * 4096, "request": ZERO}
    yield good("large-report", ptype=ptype_of("inspection-report"), payload=report)
    yield case("body-of-8192", envelope(body(payload={"findings": "f" * full})), "BadField")


def payloads() -> Iterator[dict[str, Any]]:
    identity = sha256(b"some message").digest()
    notification = {"activity": 7, "activity_class": "exercise", "size": 12_000, "start_ms": NOW + DAY}
    samples: dict[str, dict[str, Any]] = {
        "notice": notification,
        "change": notification,
        "cancel": {"refers_to": identity},
        "follow-up": {"refers_to": identity, "text": "more of it"},
        "query": {"activity": 7, "deadline_ms": NOW + DAY, "question": "which units?"},
        "clarification": {"benign": False, "query": identity, "text": ""},
        "ack": {"refers_to": identity},
        "refusal": {"reason": "", "refers_to": identity},
        "heartbeat": {"count": 0},
        "inspection-request": {
            "area": "grid 7", "arrival_ms": NOW + DAY, "duration_ms": 1, "inspectors": ["A. Nyg\xe5rd", "B"],
        },
        "inspection-reply": {"accepted": True, "request": identity},
        "inspection-report": {"consistent": False, "findings": "", "request": identity},
        "observer-invitation": {"activity": 7, "places": 64, "reply_by_ms": NOW, "start_ms": NOW + DAY},
        "accident": {
            "category": "sea", "latitude_udeg": -90_000_000, "longitude_udeg": 180_000_000,
            "occurred_ms": NOW, "text": "a collision",
        },
        "protest": {"occurred_ms": NOW, "text": "!"},
    }  # fmt: skip
    for kind, payload in samples.items():
        yield good(f"kind-{kind}", ptype=ptype_of(kind), payload=payload)
    about = {"occurred_ms": NOW, "refers_to": identity, "text": "!"}
    yield good("optional-given", ptype=PROTEST, payload=about)
    invitation = samples["observer-invitation"]
    accident = samples["accident"]
    request = samples["inspection-request"]
    for name, kind, payload in (
        ("unknown-field", "heartbeat", {"count": 1, "more": 1}),
        ("missing-field", "heartbeat", {}),
        ("negative-uint", "heartbeat", {"count": -1}),
        ("bool-for-uint", "heartbeat", {"count": True}),
        ("nil-for-uint", "heartbeat", {"count": None}),
        ("int-for-bool", "clarification", {"benign": 1, "query": identity, "text": ""}),
        ("str-for-bin", "ack", {"refers_to": "x" * 32}),
        ("bin-31", "ack", {"refers_to": bytes(31)}),
        ("str-too-long", "notice", {**notification, "activity_class": "x" * 65}),
        ("str-too-long-in-bytes", "notice", {**notification, "activity_class": "\xe9" * 33}),
        ("str-too-short", "follow-up", {"refers_to": identity, "text": ""}),
        ("below-range", "observer-invitation", {**invitation, "places": 0}),
        ("above-range", "observer-invitation", {**invitation, "places": 65}),
        ("int-below-range", "accident", {**accident, "latitude_udeg": -90_000_001}),
        ("int-above-range", "accident", {**accident, "longitude_udeg": 180_000_001}),
        ("no-such-choice", "accident", {**accident, "category": "Sea"}),
        ("choice-after-byte-order-mark", "accident", {**accident, "category": "\ufeffsea"}),
        ("array-empty", "inspection-request", {**request, "inspectors": []}),
        ("array-17", "inspection-request", {**request, "inspectors": ["a"] * 17}),
        ("array-of-int", "inspection-request", {**request, "inspectors": [1]}),
        ("array-item-empty", "inspection-request", {**request, "inspectors": [""]}),
        ("map-for-array", "inspection-request", {**request, "inspectors": {"a": "b"}}),
        ("optional-of-wrong-type", "protest", {"occurred_ms": NOW, "refers_to": None, "text": "!"}),
    ):
        yield case(f"payload-{name}", wire(ptype=ptype_of(kind), payload=payload), "BadField")
    own = {"anything": -1, "blob": b"", "list": []}
    yield good("own-optional-left-out", ptype=BULLETIN, payload=own)
    yield good("own-lowest-int", ptype=BULLETIN, payload={**own, "anything": -(2**63)})
    yield good("own-list-of-64", ptype=BULLETIN, payload={**own, "list": [-129] * 64})
    yield case("own-item-out-of-range", wire(ptype=BULLETIN, payload={**own, "list": [-1, 0]}), "BadField")
    yield case("own-bin-too-long", wire(ptype=BULLETIN, payload={**own, "blob": bytes(5)}), "BadField")
    bom = {**own, "note": "\ufeff\ufeff"}
    yield good("own-str-with-byte-order-marks", ptype=BULLETIN, payload=bom)
    yield case(
        "own-str-seven-bytes", wire(ptype=BULLETIN, payload={**own, "note": "\ufeff\ufeffa"}), "BadField"
    )
    yield good("own-str-astral", ptype=BULLETIN, payload={**own, "note": "\U0001f4e1ab"})
    yield case("trust-store-as-message", wire(ptype=TRUST_STORE), "BadField")
    array = msgpack.packb([1, 1, NOW, [], 1, [], []])
    yield case("trust-store-array-as-message", envelope(array, ptype=TRUST_STORE), "BadField")


def authority() -> Iterator[dict[str, Any]]:
    for sender in ("north/nrrc", "north/a/b", "north/"):
        yield good(f"part-of-the-party-{sender}", sender=sender)
    yield case("sender-begins-with-the-party-only", wire(sender="northern"), "SignerNotAllowed")
    yield case("sender-of-another-party", wire(sender="south"), "SignerNotAllowed")
    yield case("sender-above-the-party", wire(("heidi",)), "SignerNotAllowed")
    yield good("sender-is-the-lower-party", names=("heidi",), sender="north/nrrc")
    yield case("no-types-allowed", wire(("ivan",)), "SignerNotAllowed")
    yield case("type-not-allowed", wire(("judy",)), "SignerNotAllowed")
    yield good("type-allowed", names=("judy",), ptype=ptype_of("ack"), payload={"refers_to": ZERO})
    yield case("one-signer-of-two-not-allowed", wire(("alice", "grace")), "SignerNotAllowed")
    letter = {"ptype": LEADER, "payload": {"hostile": False, "text": "good morning"}}
    yield good("two-persons", names=("alice", "bob"), **letter)
    yield case("one-person-of-two", wire(**letter), "ThresholdNotMet")
    yield case("one-person-with-two-keys", wire(("alice", "alice-2"), **letter), "ThresholdNotMet")
    yield case(
        "one-person-in-other-letters", wire(("alice", "alice-2"), **letter), "ThresholdNotMet", "letters"
    )
    yield good("two-persons-beside-letters", setup_="letters", names=("alice", "bob"), **letter)
    yield case("second-signer-unknown", wire(("alice", "mallory"), **letter), "ThresholdNotMet")
    exchange = {
        "ptype": EXCHANGE,
        "payload": {"file_sha256": ZERO, "file_size_bytes": 1, "subject": "forces", "valid_from_ms": NOW},
    }
    yield good("three-persons-with-four-keys", names=("alice", "alice-2", "bob", "carol"), **exchange)
    yield case("two-persons-of-three", wire(("alice", "alice-2", "bob"), **exchange), "ThresholdNotMet")
    yield case("not-allowed-before-threshold", wire(("alice", "grace"), **exchange), "SignerNotAllowed")
    yield case("not-among-the-receivers", wire(receivers=["east", "west"]), "NotReceiver")
    yield case("receiver-is-part-of-us", wire(receivers=["south/nrrc"]), "NotReceiver")
    yield case("others-message", wire(), "NotReceiver", "west")
    yield good("one-of-two-receivers", "west", receivers=["south", "west"])


def hybrids() -> Iterator[dict[str, Any]]:
    """In the setup `hybrid` alone, which a verifier without ML-DSA leaves out."""
    kid, both = msgpack.unpackb(wire(("hybrid",)))[3][0]
    m = signed(HEARTBEAT, body())
    plain_ed25519 = Ed25519Signer.from_seed(SEEDS["hybrid"])

    def bad(name: str, signature: bytes) -> dict[str, Any]:
        return case(f"hybrid-{name}", parts(pairs=[[kid, signature]]), "BadSignature", "hybrid")

    yield good("hybrid", "hybrid", names=("hybrid",))
    letter = {"ptype": LEADER, "payload": {"hostile": False, "text": "two kinds of key"}}
    yield good("hybrid-and-ed25519", "hybrid", names=("alice", "hybrid"), **letter)
    yield bad("ed25519-part-changed", bytes([both[0] ^ 1]) + both[1:])
    yield bad("ml-dsa-part-changed", both[:-1] + bytes([both[-1] ^ 1]))
    yield bad("ml-dsa-part-zeros", both[:64] + bytes(3309))
    yield bad("ed25519-over-m-alone", plain_ed25519.sign(m) + both[64:])
    yield bad("ed25519-part-alone", both[:64])
    yield bad("parts-exchanged", both[64:] + both[:64])
    yield case(
        "hybrid-part-under-its-own-ed25519-kid",
        parts(pairs=[[plain_ed25519.kid, both[:64]]]),
        "UnknownKey",
        "hybrid",
    )
    yield case("hybrid-for-another-realm", wire(("hybrid",), realm="live"), "BadSignature", "hybrid")


def times() -> Iterator[dict[str, Any]]:
    yield good("ttl-at-the-limit", expires_ms=NOW + DAY)
    yield case("ttl-over-the-limit", wire(expires_ms=NOW + DAY + 1), "TtlTooLong")
    yield case("ttl-for-ever", wire(expires_ms=U64), "TtlTooLong")
    yield case("ttl-over-a-tight-limit", wire(expires_ms=NOW + 1001), "TtlTooLong", "tight")
    yield good("ttl-at-a-tight-limit", "tight", expires_ms=NOW + 1000)
    yield good("future-within-skew", now_ms=NOW - SKEW)
    yield case("future-beyond-skew", wire(), "FromFuture", now_ms=NOW - SKEW - 1)
    yield case("future-without-skew", wire(expires_ms=NOW + 1), "FromFuture", "tight", NOW - 1)
    yield good("expired-within-skew", now_ms=NOW + MINUTE + SKEW - 1)
    yield case("expired-beyond-skew", wire(), "Expired", now_ms=NOW + MINUTE + SKEW)
    yield case("expired-without-skew", wire(expires_ms=NOW + 1), "Expired", "tight", NOW + 1)
    yield case("too-long-before-future", wire(expires_ms=NOW + DAY + 1), "TtlTooLong", now_ms=NOW - DAY)
    yield case("too-long-before-expired", wire(expires_ms=NOW + DAY + 1), "TtlTooLong", now_ms=NOW + 9 * DAY)
    early = {"issued_ms": NOW - 1, "expires_ms": NOW + MINUTE}
    yield good("key-valid-at-its-first-moment", names=("carol",))
    yield case("key-not-yet-valid", wire(("carol",), **early), "KeyNotYetValid")
    yield case("one-key-of-two-not-yet-valid", wire(("alice", "carol"), **early), "KeyNotYetValid")
    yield good("key-valid-at-its-last-moment", names=("dave",), **early)
    yield case("key-expired", wire(("dave",)), "KeyExpired")
    yield case("one-key-of-two-expired", wire(("alice", "dave")), "KeyExpired")
    yield good("superseded-but-issued-before", names=("erin",), **early)
    yield case("superseded", wire(("erin",)), "KeyRevoked")
    yield case("expired-before-key-expired", wire(("dave",)), "Expired", now_ms=NOW + DAY)
    first = min(("dave", "erin"), key=lambda name: KEYS[name].kid)
    code = {"dave": "KeyExpired", "erin": "KeyRevoked"}[first]
    yield case("first-kid-of-two-decides", wire(("dave", "erin")), code)
    both = sorted(("carol", "erin"), key=lambda name: KEYS[name].kid)
    later = {"carol": None, "erin": "KeyRevoked"}
    yield case("good-key-beside-superseded", wire(tuple(both)), next(filter(None, (later[n] for n in both))))


class Talk:
    """A run of steps for one verifier."""

    def __init__(self, name: str, setup_: str = "main", **fixed: Any) -> None:
        self.case: dict[str, Any] = {"name": name, "setup": setup_, "steps": []}
        self.fixed = fixed

    def step(self, wire_: bytes, expected: dict[str, Any] | str, now_ms: int = NOW) -> None:
        expected = no(expected) if isinstance(expected, str) else expected
        self.case["steps"].append({"now_ms": now_ms, "wire": wire_, "expected": expected})

    def say(self, expected: tuple[int, int] | str | None = None, names: Any = ALICE, **changes: Any) -> bytes:
        """One message, expected to be accepted with this gap or refused with this code; its id."""
        how = self.fixed | changes
        accepted = expected if isinstance(expected, str) else ok(by_kid(*names), expected, **how)
        self.step(wire(names, **how), accepted)
        return sha256(signed(HEARTBEAT, body(**how))).digest()


def name_of(**changes: Any) -> bytes:
    return sha256(signed(HEARTBEAT, body(**changes))).digest()


def repeats() -> Iterator[dict[str, Any]]:
    """The same again, or another message in its place."""
    talk = Talk("duplicate")
    talk.say()
    talk.say("Duplicate")
    talk.say("Duplicate")
    yield talk.case

    talk = Talk("duplicate-after-expiry")
    talk.say()
    talk.step(wire(), "Duplicate", NOW + DAY)
    yield talk.case

    talk = Talk("refused-is-not-remembered")
    talk.step(wire(), "FromFuture", NOW - DAY)
    talk.step(wire(), ok())
    talk.step(wire(), "Duplicate")
    yield talk.case

    talk = Talk("replayed-under-other-signers")
    talk.say()
    talk.say("Replayed", ("bob",))
    talk.say("Replayed", ("alice", "bob"))
    yield talk.case

    talk = Talk("replayed-with-an-unknown-signature")
    talk.say()
    m = signed(HEARTBEAT, body())
    for n in (0, 255):
        pairs = sorted([*pairs_for(ALICE, m), [bytes([n]) * 16, bytes(64)]])
        talk.step(msgpack.packb([1, HEARTBEAT, body(), pairs]), "Replayed")
    yield talk.case

    talk = Talk("chain")
    previous = ZERO
    for sequence in range(1, 6):
        previous = talk.say(sequence=sequence, previous=previous)
    yield talk.case

    talk = Talk("equivocation")
    first = talk.say()
    talk.say("Equivocation", payload={"count": 2})
    talk.say("Equivocation", expires_ms=NOW + MINUTE + 1)
    talk.say("Equivocation", ("bob",), payload={"count": 3})
    talk.say(sequence=2, previous=first)
    talk.say("Equivocation", payload={"count": 2})
    yield talk.case

    talk = Talk("equivocation-before-chain-break")
    first = talk.say()
    talk.say(sequence=2, previous=first)
    talk.say("Equivocation", sequence=2, previous=b"x" * 32)
    yield talk.case

    talk = Talk("another-type-is-another-message")
    talk.say()
    how = {"ptype": ptype_of("ack"), "payload": {"refers_to": ZERO}}
    talk.step(wire(**how), "Equivocation")
    yield talk.case


def chains() -> Iterator[dict[str, Any]]:
    """What comes before and after."""
    talk = Talk("chain-break-to-the-message-before")
    talk.say()
    talk.say("ChainBreak", sequence=2)
    talk.say("ChainBreak", sequence=2, previous=b"x" * 32)
    talk.say(sequence=2, previous=name_of())
    yield talk.case

    talk = Talk("chain-break-to-the-message-after")
    second = {"sequence": 2, "previous": name_of()}
    third = {"sequence": 3, "previous": name_of(**second)}
    talk.say()
    talk.say((2, 2), **third)
    talk.say("ChainBreak", **second, payload={"count": 2})
    talk.say(None, **second)
    yield talk.case

    talk = Talk("chain-break-at-both-sides")
    talk.say()
    talk.say((2, 2), **third)
    talk.say("ChainBreak", sequence=2, previous=b"x" * 32)
    yield talk.case

    talk = Talk("gaps-close-from-any-side")
    ids = [ZERO]
    for sequence in range(1, 7):
        ids.append(name_of(sequence=sequence, previous=ids[-1]))
    for sequence, gap in ((6, (1, 5)), (3, (1, 2)), (5, (4, 4)), (4, None), (2, (1, 1)), (1, None)):
        talk.say(gap, sequence=sequence, previous=ids[sequence - 1])
    yield talk.case

    talk = Talk("first-of-a-stream-late")
    talk.say((1, 4), sequence=5, previous=b"x" * 32)
    talk.say((6, 8), sequence=9, previous=b"y" * 32)
    yield talk.case

    talk = Talk("first-names-a-message-unknown-here")
    talk.say((0, 0), previous=b"x" * 32)
    yield talk.case

    talk = Talk("a-late-first-is-never-a-break")
    talk.say((1, 1), sequence=2, previous=b"x" * 32)
    talk.say(None)
    talk.say("Equivocation", previous=b"y" * 32)
    yield talk.case


def windows() -> Iterator[dict[str, Any]]:
    """Far ahead, long ago."""
    talk = Talk("window-edge")
    talk.say()
    talk.say((2, 1024), sequence=1025, previous=b"x" * 32)
    talk.say("TooOld", payload={"count": 2})
    talk.step(wire(), "Duplicate")
    talk.say(None, sequence=2, previous=b"z" * 32)  # 1 was accepted, and has left the window
    talk.step(wire(("bob",)), "TooOld")
    yield talk.case

    talk = Talk("window-moves-far")
    talk.say()
    talk.say((2, 99_999), sequence=100_000, previous=b"x" * 32)
    talk.say("TooOld", sequence=98_976, previous=b"x" * 32)
    talk.say((2, 98_976), sequence=98_977, previous=b"x" * 32)
    talk.say("ChainBreak", sequence=99_999, previous=b"w" * 32)
    yield talk.case

    talk = Talk("highest-sequence")
    talk.say((1, U64 - 1), sequence=U64, previous=b"x" * 32)
    talk.say("TooOld", sequence=1)
    talk.say("TooOld", sequence=U64 - 1024)
    talk.say((1, U64 - 1024), sequence=U64 - 1023)
    talk.say("Equivocation", sequence=U64)
    yield talk.case


def epochs() -> Iterator[dict[str, Any]]:
    """Starting over, and what is kept apart."""
    talk = Talk("epochs")
    last = talk.say()
    last = talk.say(sequence=2, previous=last)
    later = talk.say(None, epoch=1, previous=last)
    talk.say("TooOld", sequence=3, previous=last)
    talk.say(epoch=1, sequence=2, previous=later)
    talk.say((0, 0), epoch=2)
    talk.say((0, 0), epoch=3, previous=b"x" * 32)
    talk.say((1, 6), epoch=9, sequence=7)
    talk.say("TooOld", epoch=8, sequence=100)
    talk.say(None, epoch=9, sequence=1, previous=b"x" * 32)
    talk.say((2, 2), epoch=9, sequence=3)
    yield talk.case

    talk = Talk("an-epoch-forgets-the-window-before")
    talk.say((1, 49), sequence=50)
    talk.say((0, 0), epoch=1, previous=b"x" * 32)
    talk.say((2, 49), epoch=1, sequence=50)
    talk.say("Duplicate", sequence=50)
    talk.say("TooOld", ("bob",), sequence=50)
    yield talk.case

    talk = Talk("streams-and-senders-apart")
    for stream in (0, 1, 2):
        talk.say(stream=stream)
        talk.say(stream=stream, sender="north/nrrc")
    talk.say("Equivocation", stream=2, payload={"count": 9})
    yield talk.case

    talk = Talk("a-refusal-leaves-no-trace-in-the-window")
    talk.say()
    talk.say("ChainBreak", sequence=2)
    talk.step(wire(sequence=7, receivers=["west"]), "NotReceiver")
    talk.step(wire(sequence=8, sender="west"), "SignerNotAllowed")
    talk.say((2, 2), sequence=3)
    yield talk.case

    yield case("issued-at-the-boot-floor", wire(), "TooOld", "restarted")
    yield case("issued-long-before-the-boot-floor", wire(issued_ms=1, expires_ms=2), "Expired", "restarted")
    yield good("issued-after-the-boot-floor", "restarted", issued_ms=NOW + 1)
    talk = Talk("the-boot-floor-holds-for-good", "restarted")
    talk.say(issued_ms=NOW + 1)
    talk.say("TooOld", sequence=2, previous=b"x" * 32)
    talk.say("Equivocation", issued_ms=NOW + 2)
    yield talk.case


def earliest() -> Iterator[dict[str, Any]]:
    """A message wrong in many ways is refused for the first of them."""
    talk = Talk("the-earliest-step-decides")
    talk.say()
    late = {"issued_ms": NOW + DAY, "expires_ms": NOW + DAY + MINUTE}
    to_west = {**late, "receivers": ["west"]}
    by_west = {**to_west, "sender": "west"}
    bad = msgpack.unpackb(wire(**by_west, payload={}))
    talk.step(msgpack.packb([2, *bad[1:]]), "UnsupportedVersion")
    talk.step(msgpack.packb([1, "a/b", *bad[2:]]), "UnknownType")
    talk.step(msgpack.packb([*bad[:3], [[KEYS["mallory"].kid, bytes(64)]]]), "UnknownKey")
    talk.step(msgpack.packb([*bad[:3], [[KEYS["alice"].kid, bytes(64)]]]), "BadSignature")
    talk.step(wire(**by_west, payload={}), "BadField")
    talk.step(wire(**by_west), "SignerNotAllowed")
    talk.step(wire(**to_west), "NotReceiver")
    talk.step(wire(**late, payload={"count": 2}), "FromFuture")
    talk.step(wire(("dave",), payload={"count": 2}), "KeyExpired")
    talk.step(wire(payload={"count": 2}), "Equivocation")
    talk.step(wire(), "Duplicate")
    yield talk.case


# Curve arithmetic, for one key that a cofactored verification would take.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def times_point(n: int, point: Point) -> Point:
    out = (0, 1)
    while n:
        if n & 1:
            out = add(out, point)
        point, n = add(point, point), n >> 1
    return out


def point_at(y: int, sign: int) -> Point:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x & 1 == sign else P - x), y


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


BASE = point_at(4 * pow(5, -1, P) % P, 0)
EIGHTH = point_at(
    int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    ),
    0,
)


def mixed_key() -> tuple[int, bytes]:
    scalar = int.from_bytes(sha256(b"cbmnet wire vectors 1: mixed").digest(), "little") % ORDER
    return scalar, encode(add(times_point(scalar, BASE), EIGHTH))


def mixed_order(m: bytes) -> tuple[bytes, bytes]:
    """The kid of a key with a part of order 8, and a signature of M that only a cofactor makes hold."""
    scalar, public = mixed_key()
    nonce = 0
    while True:
        nonce += 1
        r = encode(times_point(nonce, BASE))
        k = int.from_bytes(sha512(r + public + m).digest(), "little")
        if k % 8:  # else the part of order 8 falls out, and the signature holds for everyone
            s = (nonce + k * scalar) % ORDER
            return key_id(1, public), r + s.to_bytes(32, "little")


def mixed_entry() -> Entry:
    public = mixed_key()[1]
    return ENTRIES[0]._replace(kid=key_id(1, public), public_key=public, person="mixed")


SETUPS["mixed"] = setup(entries=(mixed_entry(),))


# The file.


def number(value: int) -> int | str:
    return value if abs(value) < 2**53 else str(value)


def plain(value: Any) -> Any:
    """As JSON holds it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def field_data(field: Field) -> dict[str, Any]:
    data: dict[str, Any] = {"name": field.name, "type": field.type, "min": field.least, "max": field.most}
    if field.optional:
        data["optional"] = True
    if field.choices:
        data["choices"] = list(field.choices)
    if field.items:
        data["items"] = field_data(field.items)
    return data


def entry_data(e: Entry) -> dict[str, Any]:
    return {
        "kid": e.kid, "algorithm": e.algorithm, "public_key": e.public_key, "person": e.person,
        "party": e.party, "ptypes": list(e.ptypes), "not_before_ms": e.not_before_ms,
        "not_after_ms": e.not_after_ms, "status": e.status, "revoked_at_ms": e.revoked_at_ms,
    }  # fmt: skip


def setup_data(data: dict[str, Any]) -> dict[str, Any]:
    return {
        **data,
        "entries": [entry_data(e) for e in sorted(data["entries"], key=lambda e: e.kid)],
        "secrets": {KEYS[name].kid.hex(): SECRETS[name] for name in data["secrets"]},
    }


def all_cases() -> list[dict[str, Any]]:
    groups = (
        envelopes,
        signature_lists,
        forms,
        signatures,
        bodies,
        payloads,
        authority,
        times,
        repeats,
        chains,
        windows,
        epochs,
        earliest,
        hybrids,
    )
    return [made for group in groups for made in group()]


def lines(items: Any) -> str:
    return ",\n".join(json.dumps(plain(item), ensure_ascii=True) for item in items)


def members(items: dict[str, Any]) -> str:
    return ",\n".join(f"{json.dumps(k)}: {json.dumps(plain(v))}" for k, v in items.items())


def make() -> str:
    """The whole file."""
    schemas = {ptype: [field_data(f) for f in SCHEMAS[ptype].fields] for ptype in sorted(SCHEMAS)}
    setups = {name: setup_data(data) for name, data in SETUPS.items()}
    return (
        '{"format": "cbmnet-wire-vectors", "wire_version": 1,\n'
        f'"seeds": {{\n{members(SEEDS)}\n}},\n'
        f'"schemas": {{\n{members(schemas)}\n}},\n'
        f'"setups": {{\n{members(setups)}\n}},\n'
        f'"cases": [\n{lines(all_cases())}\n]}}\n'
    )


if __name__ == "__main__":
    FILE.write_text(make())
    if SIGN_MISSING:
        ML_DSA_FILE.write_text("{\n" + members(ML_DSA) + "\n}\n")
