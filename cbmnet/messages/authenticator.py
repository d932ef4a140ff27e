"""Whose signatures are under an envelope: steps 4 and 5 of the verification order.

Keys come from the trust store, never from the wire, and so does the algorithm of each.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b, sha256
from hmac import compare_digest
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.envelope import Signatures
from cbmnet.messages.hybrid import hybrid_check
from cbmnet.messages.keys import ED25519, HYBRID, SIMULATION_MAC, SIMULATION_REALM, check_secret
from cbmnet.messages.trust import COMPROMISED, SUPERSEDED, Entry, TrustStore

Check = Callable[[bytes, bytes], bool]


class Rights(NamedTuple):
    """What one key may sign: for `party`, in `ptypes`, issued from `from_ms` until before `until_ms`."""

    party: str
    ptypes: frozenset[str]
    from_ms: int
    until_ms: int


class Key(NamedTuple):
    """One key that may sign: what checks a signature, whose it is (one entry), and what it may sign."""

    kid: bytes
    check: Check
    signers: tuple[Entry]
    rights: Rights


class Authenticator:
    """The keys of a trust store, ready to verify in one realm.

    `secrets` maps a key id to the simulation secret behind it; `verified` counts the messages whose
    signatures were verified; `usable` holds, by key id, the keys that may sign. Raises LocalProtocolError
    for a secret that belongs to another key.
    """

    def __init__(self, realm: str, store: TrustStore, secrets: Mapping[bytes, bytes]) -> None:
        self.store = store
        self.verified = 0
        self._checks = _load_checks(store, realm, secrets)
        # Ready for the usual message, which has one signature.
        self.usable = {
            kid: Key(kid, check, (entry,), _rights_of(entry))
            for kid, check in self._checks.items()
            if (entry := store.entries[kid]).status != COMPROMISED
        }

    def authenticate(self, signatures: Signatures, signed: bytes) -> tuple[Entry, ...]:
        """Steps 4 and 5: the known signers, none compromised, each with a signature that verifies."""
        if len(signatures) == 1:
            kid, signature = signatures[0]
            key = self.usable.get(kid)
            if key is not None:
                self.verified += 1
                if key.check(signature, signed):
                    return key.signers
                raise SignedMessageError(Code.BAD_SIGNATURE, "a signature does not verify", kid)
        return self._all(signatures, signed)

    def _all(self, signatures: Signatures, signed: bytes) -> tuple[Entry, ...]:
        entries, checks = self.store.entries, self._checks
        known = [(entries[kid], signature) for kid, signature in signatures if kid in entries]
        if not known:
            raise SignedMessageError(Code.UNKNOWN_KEY, "no signature is by a known key")
        for entry, _ in known:
            if entry.status == COMPROMISED:
                raise SignedMessageError(Code.KEY_REVOKED, "a key that signed is compromised", entry.kid)
        for entry, _ in known:
            if entry.kid not in checks:
                raise SignedMessageError(
                    Code.ALGORITHM_UNAVAILABLE, f"algorithm {entry.algorithm} cannot be used here", entry.kid
                )
        self.verified += 1
        for entry, signature in known:
            if not checks[entry.kid](signature, signed):
                raise SignedMessageError(Code.BAD_SIGNATURE, "a signature does not verify", entry.kid)
        return tuple([entry for entry, _ in known])


def _rights_of(entry: Entry) -> Rights:
    until_ms = entry.not_after_ms
    if entry.status == SUPERSEDED:
        until_ms = min(until_ms, entry.revoked_at_ms or 0)
    return Rights(entry.party, frozenset(entry.ptypes), entry.not_before_ms, until_ms)


def _load_checks(store: TrustStore, realm: str, secrets: Mapping[bytes, bytes]) -> dict[bytes, Check]:
    checks: dict[bytes, Check] = {}
    for kid, entry in store.entries.items():
        if entry.algorithm != SIMULATION_MAC:
            check = key_check(entry.algorithm, entry.public_key)
        elif realm == SIMULATION_REALM and kid in secrets:
            check = _mac_check(secrets[kid], entry.public_key)
        else:
            check = None
        if check is not None:
            checks[kid] = check
    return checks


def key_check(algorithm: int, public_key: bytes) -> Check | None:
    """What checks a signature (first argument) of M with a public key; None where this cannot be done."""
    if algorithm == ED25519:
        return _ed25519_check(public_key)
    return hybrid_check(public_key) if algorithm == HYBRID else None


def _ed25519_check(public_key: bytes) -> Check:
    verify = Ed25519PublicKey.from_public_bytes(public_key).verify

    def check(signature: bytes, signed: bytes) -> bool:
        try:
            verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    return check


def _mac_check(secret: bytes, public_key: bytes) -> Check:
    check_secret(secret)
    if sha256(secret).digest() != public_key:
        raise LocalProtocolError("a simulation secret does not belong to its key id")
    start = blake2b(key=secret).copy  # the keyed first block is hashed once

    def check(signature: bytes, signed: bytes) -> bool:
        state = start()
        state.update(signed)
        return compare_digest(state.digest(), signature)

    return check
