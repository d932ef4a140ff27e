"""Two parties with fixed keys, and envelopes made by hand: what the tests of this folder share."""

from hashlib import sha256

import msgpack

from cbmnet.messages import (
    BUILTIN,
    Ed25519Signer,
    Entry,
    MacSigner,
    Message,
    Sealed,
    SignedMessageError,
    TrustStore,
    Verifier,
    pae,
    ptype_of,
    seal,
)

NOW_MS = 1_767_225_600_000
REALM = "exercise-2026-11"
NOTICE = ptype_of("notice")
HEARTBEAT = ptype_of("heartbeat")
ALICE, BOB, EVE = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in (1, 2, 3))
SECRET = b"s" * 32
MAC = MacSigner(SECRET)
ZERO = bytes(32)
ALL = tuple(sorted(BUILTIN))


def entry(signer=ALICE, person="alice", party="north", ptypes=ALL, **terms):
    return Entry.for_signer(signer, person, party, ptypes, **terms)


def verifier(*entries, me="south", realm=REALM, policies=None, **settings):
    return Verifier(me, realm, TrustStore(entries or [entry()], policies), **settings)


def message(**changes) -> Message:
    return Message(
        HEARTBEAT, "north", ("south",), 1, 0, 1, NOW_MS, NOW_MS + 60_000, ZERO, {"count": 1}
    )._replace(**changes)


def sealed(*signers, realm=REALM, **changes) -> Sealed:
    return seal(message(**changes), signers or [ALICE], realm, schemas={})


def chain(count, *signers, start=1, **changes) -> list[Sealed]:
    """A stream of `count` messages, each continuing the one before."""
    out, previous = [], changes.pop("previous", ZERO)
    for sequence in range(start, start + count):
        out.append(sealed(*signers, sequence=sequence, previous=previous, **changes))
        previous = out[-1].id
    return out


def raw_body(**changes) -> list:
    """The ten fields of a good body as a list, to be spoilt."""
    return [1, *message(**changes)[1:9], dict(message(**changes).payload)]


def signed_raw(body: bytes, *signers, ptype=HEARTBEAT, realm=REALM) -> bytes:
    """An envelope with truly signed bytes that need not be a body at all."""
    signed = pae(f"{ptype};realm={realm}".encode(), body)
    pairs = sorted([s.kid, s.sign(signed)] for s in (signers or [ALICE]))
    return msgpack.packb([1, ptype, body, pairs])


def code_of(check, wire, now_ms=NOW_MS) -> str:
    """The code a check refuses with, or "Accepted"."""
    try:
        check(wire, now_ms)
    except SignedMessageError as error:
        return error.code
    return "Accepted"


def digest(wire: bytes) -> bytes:
    return sha256(wire).digest()
