"""Keys, trust and agents of a simulated party: reproducible, and good for the realm "sim" only."""

from collections.abc import Sequence

from cbmnet.messages import (
    BUILTIN,
    BUILTIN_SCHEMAS,
    Ed25519Signer,
    Entry,
    Field,
    MacSigner,
    ReplayGuard,
    Schema,
    Signer,
    TrustStore,
    Verifier,
    ptype_of,
)
from cbmnet.streams import Streams
from cbmnet.verification.naive import NaiveVerifier

REALM = "sim"
KINDS = (
    "notice", "change", "cancel", "query", "clarification", "refusal", "heartbeat", "leader-text", "bulletin",
)  # fmt: skip
BULLETIN = ptype_of("bulletin")
ALLOWED = BUILTIN | {BULLETIN}
SCHEMAS = BUILTIN_SCHEMAS | {
    BULLETIN: Schema(
        Field("activity", "uint"), Field("actor", "str", 1, 64), Field("confirms", "bool"),
    )
}  # fmt: skip
_FOR_EVER_MS = 2**62


def make_signers(
    names: Sequence[str], signature: str, streams: Streams
) -> tuple[dict[str, Signer], dict[bytes, bytes]]:
    """Each party's signer, and the secrets that verifiers of the simulation MAC need, by key id."""
    if signature == "ed25519":
        return {name: Ed25519Signer.from_seed(streams.bytes("ed25519", name, 32)) for name in names}, {}
    secrets = {name: streams.bytes("mac", name, 32) for name in names}
    signers: dict[str, Signer] = {name: MacSigner(secret) for name, secret in secrets.items()}
    return signers, {signers[name].kid: secret for name, secret in secrets.items()}


def trust_store(signers: dict[str, Signer]) -> TrustStore:
    """Every party's key, allowed to speak for that party in every kind of the simulation."""
    ptypes = tuple(ptype_of(kind) for kind in KINDS)
    return TrustStore(
        [
            Entry.for_signer(signer, name, name, ptypes, not_before_ms=0, not_after_ms=_FOR_EVER_MS)
            for name, signer in sorted(signers.items())
        ]
    )


def make_verifier(
    name: str, store: TrustStore, secrets: dict[bytes, bytes], *, naive: bool, ttl_s: float
) -> Verifier:
    """A verifier of one party's incoming messages, strict or naive, with a replay guard of its own."""
    kind = NaiveVerifier if naive else Verifier
    return kind(
        name, REALM, store, ReplayGuard(), allowed=ALLOWED, schemas=SCHEMAS, secrets=secrets,
        max_ttl_ms=round(ttl_s * 1000),
    )  # fmt: skip
