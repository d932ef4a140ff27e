"""The trust store as a document: what the roots say, and how the next version is made (section Trust store).

A document has a version that only rises, its roots and how many of them must sign, and the entries and
policies of a `TrustStore`. `trust_signing` signs and opens it, `trust_body` has its bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.keys import ED25519, HYBRID, Signer, key_id
from cbmnet.messages.trust import COMPROMISED, SUPERSEDED, Entry, TrustStore, components, key_fault

MAX_ENTRIES = 4096
MAX_ROOTS = 64
MAX_NUMBER = 2**63 - 1


def bad_store(detail: str) -> NoReturn:
    """Raises SignedMessageError with BadTrustStore."""
    raise SignedMessageError(Code.BAD_TRUST_STORE, detail)


def is_whole(value: Any, least: int) -> bool:
    """Whether a value is an integer from `least` to 2^63 - 1."""
    return type(value) is int and least <= value <= MAX_NUMBER


@dataclass(frozen=True, slots=True)
class Root:
    """A key that may sign trust documents, and nothing else."""

    algorithm: int
    public_key: bytes

    @property
    def kid(self) -> bytes:
        """Its key id, 16 bytes."""
        return key_id(self.algorithm, self.public_key)

    @classmethod
    def of(cls, signer: Signer) -> "Root":
        """The root of a signer's own key."""
        return cls(signer.algorithm, signer.public_key)


class Roots(NamedTuple):
    """What may be trusted at first: keys that were handed over in person, and how many of them must sign."""

    roots: tuple[Root, ...]
    threshold: int


def check_roots(roots: Sequence[Root], threshold: int) -> None:
    """Refuses, with BadTrustStore, roots that no one may rely on: their number, keys and threshold."""
    if not 1 <= len(roots) <= MAX_ROOTS:
        bad_store(f"needs 1 to {MAX_ROOTS} roots")
    seen: set[bytes] = set()
    for root in roots:
        if type(root.algorithm) is not int or root.algorithm not in (ED25519, HYBRID):
            bad_store(f"algorithm {root.algorithm!r} is none for a root")
        if fault := key_fault(root.algorithm, root.public_key):
            bad_store(f"root {root.kid.hex()}: {fault}")
        parts = components(root.algorithm, root.public_key)
        if not seen.isdisjoint(parts):
            bad_store(f"root {root.kid.hex()}: its public key is in another root too")
        seen.update(parts)
    if not is_whole(threshold, 1) or threshold > len(roots):
        bad_store(f"threshold {threshold} of {len(roots)} roots")


@dataclass(frozen=True, slots=True)
class TrustDocument:
    """What the roots say: `threshold` of `roots` sign it; entries and policies are those of `TrustStore`.

    `version` rises with every issue; `issued_ms` is in milliseconds since the Unix epoch. Raises
    SignedMessageError with BadTrustStore for a content that no verifier may use.
    """

    version: int
    issued_ms: int
    roots: tuple[Root, ...]
    threshold: int
    entries: tuple[Entry, ...] = ()
    policies: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not is_whole(self.version, 1) or not is_whole(self.issued_ms, 0):
            bad_store("version must be 1 or more, and the time of issue 0 or more")
        check_roots(self.roots, self.threshold)
        if len(self.entries) > MAX_ENTRIES:
            bad_store(f"{len(self.entries)} entries, at most {MAX_ENTRIES} allowed")
        object.__setattr__(self, "policies", MappingProxyType(dict(self.policies)))
        self.store()  # refuses what no verifier may use
        rooted = {part for root in self.roots for part in components(root.algorithm, root.public_key)}
        for entry in self.entries:
            if not rooted.isdisjoint(components(entry.algorithm, entry.public_key)):
                bad_store("a root's key signs trust documents and nothing else")

    def store(self) -> TrustStore:
        """The entries and policies as a verifier takes them."""
        return TrustStore(self.entries, self.policies)

    def issue(
        self,
        issued_ms: int,
        *,
        add: Sequence[Entry] = (),
        supersede: Sequence[bytes] = (),
        compromise: Sequence[bytes] = (),
        roots: Sequence[Root] | None = None,
        threshold: int | None = None,
        policies: Mapping[str, int] | None = None,
    ) -> "TrustDocument":
        """The next version, still unsigned: keys added, or given by kid as replaced or compromised.

        A superseded key holds for what it signed before `issued_ms`, a compromised one for nothing. Raises
        LocalProtocolError for a time before the last issue, a kid that is not in it, a superseded key to
        supersede again (it would hold for longer), or a key that is compromised already.
        """
        if issued_ms < self.issued_ms:
            raise LocalProtocolError(f"issued at {issued_ms} ms, before version {self.version}")
        changed = {entry.kid: entry for entry in self.entries}
        for status, kids in ((SUPERSEDED, supersede), (COMPROMISED, compromise)):
            for kid in kids:
                entry = changed.get(kid)
                if entry is None or entry.status == COMPROMISED:
                    raise LocalProtocolError(
                        f"key {kid.hex()} is not in the store, or is compromised already"
                    )
                if entry.status == status:
                    raise LocalProtocolError(f"key {kid.hex()} is superseded already")
                changed[kid] = entry._replace(status=status, revoked_at_ms=issued_ms)
        return TrustDocument(
            self.version + 1,
            issued_ms,
            self.roots if roots is None else tuple(roots),
            self.threshold if threshold is None else threshold,
            (*changed.values(), *add),
            self.policies if policies is None else policies,
        )
