"""cbmnet's signed messages beside raw Ed25519 and four peers: one process, rounds interleaved.

    python signed_peers.py [--rounds 7]     one JSON object

Each case is calibrated to a slice of time, then all are timed in turn, round by round; a figure is the
median of the rounds, in microseconds of CPU time an operation. The peers sign and verify what a notice
says, and nothing else of what the thirteen steps do. cbmnet must be installed here as anyone would
install it, so that its import is measured as it is for a user.
"""

import argparse
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

import cbor2
import cwt
import jwt
import msgpack
import pyseto
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from securesystemslib import dsse
from securesystemslib.signer import CryptoSigner

from cbmnet.messages import (
    Ed25519Signer,
    Entry,
    Sender,
    SignedMessageError,
    TrustStore,
    Verifier,
    ptype_of,
)

REALM, NOW_MS, TTL_MS = "live", 1_767_225_600_000, 3_600_000
PAYLOAD = {"activity": 7, "activity_class": "launch", "size": 1, "start_ms": NOW_MS + 7_200_000}
NOTE = {
    "v": 1, "sender": "north/navy", "receivers": ["south/centre"], "stream": 1, "epoch": 1767225600,
    "sequence": 104233, "issued_ms": NOW_MS, "expires_ms": NOW_MS + TTL_MS, **PAYLOAD,
}  # fmt: skip
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = PRIVATE.public_key()
PEM = (
    PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
)
SLICE_S = 0.05
BASE_IMPORT = (
    "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey\n"
    "import msgpack"
)

Case = Callable[[int], float]


def timed(function: Callable[[], Any]) -> Case:
    """A case that calls the function so many times and says how long it took."""

    def case(times: int) -> float:
        start = time.process_time()
        for _ in range(times):
            function()
        return time.process_time() - start

    return case


def make_sender() -> Sender:
    """The sender of a stream in full swing."""
    return Sender("north/navy", [Ed25519Signer(PRIVATE)], REALM, epoch=1767225600)


def make_verifier() -> Verifier:
    """A verifier with one officer in its store."""
    entry = Entry.for_signer(Ed25519Signer(PRIVATE), "amber", "north", [ptype_of("notice")])
    return Verifier("south/centre", REALM, TrustStore([entry]))


def seal(sender: Sender) -> bytes:
    """The next notice of the stream."""
    return sender.seal("notice", ("south/centre",), PAYLOAD, stream=1, now_ms=NOW_MS, ttl_ms=TTL_MS).wire


def verify_case() -> Case:
    """Messages of one stream, each accepted once, all thirteen steps; sealing them is not timed."""

    def case(times: int) -> float:
        sender, verifier = make_sender(), make_verifier()
        wires = [seal(sender) for _ in range(times)]
        start = time.process_time()
        for wire in wires:
            verifier.accept(wire, NOW_MS)
        return time.process_time() - start

    return case


def duplicate_case() -> Case:
    """One envelope that was accepted before, refused again and again."""
    verifier, wire = make_verifier(), seal(make_sender())
    verifier.accept(wire, NOW_MS)

    def refused() -> None:
        try:
            verifier.check(wire, NOW_MS)
        except SignedMessageError:
            return
        raise SystemExit("a duplicate was accepted")

    return timed(refused)


def cases() -> dict[str, Case]:
    """By name."""
    sender, wire = make_sender(), seal(make_sender())
    signed = b"s" * len(wire)  # as many bytes as a full signature covers
    signature = PRIVATE.sign(signed)
    key, public = cwt.COSEKey.from_pem(PEM[0], kid=b"k1"), cwt.COSEKey.from_pem(PEM[1], kid=b"k1")
    cose = cwt.COSE.new(alg_auto_inclusion=True, kid_auto_inclusion=True)
    cose_wire = cose.encode(cbor2.dumps(NOTE), key)
    paseto_key, paseto_public = pyseto.Key.new(4, "public", PEM[0]), pyseto.Key.new(4, "public", PEM[1])
    paseto_wire = pyseto.encode(paseto_key, NOTE, serializer=json)
    jwt_wire = jwt.encode(NOTE, PRIVATE, algorithm="EdDSA", headers={"kid": "k1"})
    signer = CryptoSigner(PRIVATE)

    def dsse_sign() -> bytes:
        envelope = dsse.Envelope(msgpack.packb(NOTE), "application/vnd.cbmnet.notice.v1+msgpack", {})
        envelope.sign(signer)
        return json.dumps(envelope.to_dict()).encode()

    dsse_wire = dsse_sign()

    def dsse_verify() -> Any:
        envelope = dsse.Envelope.from_dict(json.loads(dsse_wire))
        envelope.verify([signer.public_key], 1)
        return msgpack.unpackb(envelope.payload)

    return {
        "raw sign": timed(lambda: PRIVATE.sign(signed)),
        "raw verify": timed(lambda: PUBLIC.verify(signature, signed)),
        "cbmnet sign": timed(lambda: seal(sender)),
        "cbmnet verify": verify_case(),
        "cbmnet duplicate": duplicate_case(),
        "python-cwt sign": timed(lambda: cose.encode(cbor2.dumps(NOTE), key)),
        "python-cwt verify": timed(lambda: cbor2.loads(cose.decode(cose_wire, public))),
        "pyseto sign": timed(lambda: pyseto.encode(paseto_key, NOTE, serializer=json)),
        "pyseto verify": timed(lambda: pyseto.decode(paseto_public, paseto_wire, deserializer=json).payload),
        "PyJWT sign": timed(lambda: jwt.encode(NOTE, PRIVATE, algorithm="EdDSA", headers={"kid": "k1"})),
        "PyJWT verify": timed(lambda: jwt.decode(jwt_wire, PUBLIC, algorithms=["EdDSA"])),
        "securesystemslib sign": timed(dsse_sign),
        "securesystemslib verify": timed(dsse_verify),
    }


def bombs() -> dict[str, bytes]:
    """64 KiB of what costs a careless reader most."""
    size = 65_536
    wide = b"\xdc\x00\x40" + b"\x90" * 64
    return {
        "nested arrays": b"\x91" * size,
        "arrays of arrays": (b"\x94\x01" + b"\xdc\x00\x40" * 6 + wide * 1000)[:size],
        "small maps": (b"\x94\x01" + b"\x80" * size)[:size],
        "maps in maps": (b"\x94\x01" + b"\x81\xa1a" * size)[:size],
        "a huge array declared": b"\xdd\xff\xff\xff\xff" + b"\x00" * (size - 5),
        "a huge bin declared": b"\x94\x01\xa1a\xc6\xff\xff\xff\xff" + b"\x00" * (size - 9),
        "many pairs": (b"\x94\x01\xa1a\xc4\x00\xdc\x00\x40" + b"\x92\xc4\x00\xc4\x00" * size)[:size],
    }


def worst_bomb() -> tuple[str, float, float]:
    """Name, milliseconds and MiB of the bomb that costs the verifier most (the quickest of five)."""
    entry = Entry.for_signer(Ed25519Signer(PRIVATE), "amber", "north", [ptype_of("notice")])
    verifier = Verifier("south/centre", REALM, TrustStore([entry]), max_wire_bytes=65_536)
    found = []
    for name, wire in bombs().items():
        spans = []
        for _ in range(5):
            start = time.perf_counter()
            _refused(verifier, wire)
            spans.append((time.perf_counter() - start) * 1e3)
        tracemalloc.start()
        _refused(verifier, wire)
        found.append((min(spans), name, tracemalloc.get_traced_memory()[1] / 2**20))
        tracemalloc.stop()
    slowest = max(found)
    return slowest[1], slowest[0], max(row[2] for row in found)


def _refused(verifier: Verifier, wire: bytes) -> None:
    try:
        verifier.check(wire, NOW_MS)
    except SignedMessageError:
        return
    raise SystemExit("a bomb was accepted")


def import_s(code: str) -> float:
    """Seconds of one process that runs the code."""
    start = time.perf_counter()
    # Isolated, so that the module comes from where it is installed and not from this folder.
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
    return time.perf_counter() - start


def import_ratio(rounds: int) -> float:
    """Importing the module, over importing the libraries it stands on; Python's own start taken off."""
    spans: dict[str, list[float]] = {"pass": [], BASE_IMPORT: [], "import cbmnet.messages": []}
    for _ in range(rounds):
        for code, seconds in spans.items():
            seconds.append(import_s(code))
    none, base, ours = (median(seconds) for seconds in spans.values())
    return (ours - none) / (base - none)


def measure(rounds: int) -> dict[str, float]:
    """Microseconds by case."""
    found: dict[str, list[float]] = {}
    plan = []
    for name, case in cases().items():
        times = max(20, round(20 * SLICE_S / max(1e-6, case(20))))
        plan.append((name, case, times))
    for _ in range(rounds):
        for name, case, times in plan:
            found.setdefault(name, []).append(case(times) / times * 1e6)
    return {name: median(spans) for name, spans in found.items()}


def main() -> None:
    """Measures all and prints one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    sealed = make_sender().seal("notice", ("south/centre",), PAYLOAD, stream=1, now_ms=NOW_MS, ttl_ms=TTL_MS)
    body = msgpack.unpackb(sealed.wire)[2]
    bomb, bomb_ms, bomb_mib = worst_bomb()
    print(
        json.dumps(
            {
                "us": measure(rounds),
                "overhead_bytes": len(sealed.wire) - len(body),
                "import_ratio": import_ratio(max(9, rounds)),
                "bomb": bomb,
                "bomb_ms": bomb_ms,
                "bomb_mib": bomb_mib,
            }
        )
    )


if __name__ == "__main__":
    main()
