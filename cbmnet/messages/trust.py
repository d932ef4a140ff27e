"""The trust store: whose keys count, for whom, for what, and when (section Trust store)."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from unicodedata import normalize

from cbmnet.errors import LocalProtocolError
from cbmnet.messages.body import is_name
from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.keys import ED25519, HYBRID, PUBLIC_KEY_BYTES, Signer, has_small_order, key_id
from cbmnet.messages.message import MAX_PTYPE_BYTES

ACTIVE, SUPERSEDED, COMPROMISED = "active", "superseded", "compromised"
STATUSES = (ACTIVE, SUPERSEDED, COMPROMISED)
MAX_PERSON_CHARACTERS = 128
_FOR_EVER_MS = 2**63 - 1


class Entry(NamedTuple):
    """One key: what it is, who holds it, and what it may sign.

    `person` counts towards a threshold, whatever the case of its letters: 1 to 128 printable characters,
    composed (NFC), without blanks at an end or two in a row, so that no two that look alike differ by what
    cannot be seen. The key may speak for `party` and every `party/...`, in the
    payload types `ptypes` (none if empty), for messages issued from `not_before_ms` until before
    `not_after_ms`. `status` is active, superseded or compromised; `revoked_at_ms` is required unless
    active: a superseded key holds for what it signed before that, a compromised one for nothing.
    """

    kid: bytes
    algorithm: int
    public_key: bytes
    person: str
    party: str
    ptypes: tuple[str, ...]
    not_before_ms: int
    not_after_ms: int
    status: str = ACTIVE
    revoked_at_ms: int | None = None

    @classmethod
    def for_signer(
        cls,
        signer: Signer,
        person: str,
        party: str,
        ptypes: Iterable[str],
        *,
        not_before_ms: int = 0,
        not_after_ms: int = _FOR_EVER_MS,
        status: str = ACTIVE,
        revoked_at_ms: int | None = None,
    ) -> "Entry":
        """The entry of a signer's own key; raises LocalProtocolError for a text in the place of several."""
        if isinstance(ptypes, str):
            raise LocalProtocolError("payload types must be a sequence of texts, not one text")
        return cls(
            signer.kid, signer.algorithm, signer.public_key, person, party, tuple(ptypes),
            not_before_ms, not_after_ms, status, revoked_at_ms,
        )  # fmt: skip

    def speaks_for(self, sender: str) -> bool:
        """Whether the sender is this key's party or a part of it."""
        return sender == self.party or sender.startswith(self.party + "/")


class TrustStore:
    """The entries by key id, and how many distinct persons each payload type asks for.

    `policies` maps a payload type to that number, 1 where it is silent. Raises SignedMessageError with
    BadTrustStore for a small-order key, a public key in two entries (components of hybrids included), a
    wrong kid, an unknown algorithm, an empty validity, or a field that cannot be. It does not change: a
    verifier gets a new store as a whole.
    """

    def __init__(self, entries: Iterable[Entry], policies: Mapping[str, int] | None = None) -> None:
        self._entries: dict[bytes, Entry] = {}
        self._components: set[bytes] = set()
        for entry in entries:
            self._add(entry)
        self.entries: Mapping[bytes, Entry] = MappingProxyType(self._entries)
        self.policies: Mapping[str, int] = MappingProxyType(dict(policies or {}))
        for ptype, persons in self.policies.items():
            if not _is_ptype(ptype):
                raise SignedMessageError(Code.BAD_TRUST_STORE, "a policy must be about a payload type")
            if type(persons) is not int or persons < 1:
                raise SignedMessageError(Code.BAD_TRUST_STORE, f"policy of {ptype!r} must be 1 or more")

    def _add(self, entry: Entry) -> None:
        fault = _entry_fault(entry)
        parts = [] if fault else components(entry.algorithm, entry.public_key)
        if not fault and not self._components.isdisjoint(parts):
            fault = "its public key is in another entry too"
        if fault:
            raise SignedMessageError(
                Code.BAD_TRUST_STORE, f"key of {entry.person!r} for {entry.party!r}: {fault}", kid=entry.kid
            )
        self._components.update(parts)
        self._entries[entry.kid] = entry


def persons_of(entries: Iterable[Entry]) -> dict[str, str]:
    """The persons who hold these keys: the name without case, by which they are told apart, and the name."""
    return {entry.person.casefold(): entry.person for entry in entries}


def components(algorithm: int, public_key: bytes) -> list[bytes]:
    """The keys within a public key: two of a hybrid one."""
    return [public_key[:32], public_key[32:]] if algorithm == HYBRID else [public_key]


def _is_ptype(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and 1 <= len(value) <= MAX_PTYPE_BYTES


def _is_person(value: object) -> bool:
    return (
        isinstance(value, str)
        and 1 <= len(value) <= MAX_PERSON_CHARACTERS
        and value.isprintable()
        and value == normalize("NFC", value)
        and value == value.strip()
        and "  " not in value
    )


def _entry_fault(entry: Entry) -> str | None:
    if type(entry.kid) is not bytes or type(entry.public_key) is not bytes:
        return "kid and public key must be bytes"
    if fault := key_fault(entry.algorithm, entry.public_key):
        return fault
    if entry.kid != key_id(entry.algorithm, entry.public_key):
        return "its kid is not that of its public key"
    return _terms_fault(entry)


def key_fault(algorithm: int, public_key: bytes) -> str | None:
    """What makes a public key unusable, for people, or None."""
    if type(algorithm) is not int or algorithm not in PUBLIC_KEY_BYTES:
        return f"algorithm {algorithm!r} is unknown"
    if len(public_key) != PUBLIC_KEY_BYTES[algorithm]:
        return f"its public key must be {PUBLIC_KEY_BYTES[algorithm]} bytes"
    if algorithm in (ED25519, HYBRID) and has_small_order(public_key[:32]):
        return "its Ed25519 key has small order"
    return None


def _terms_fault(entry: Entry) -> str | None:
    if not _is_person(entry.person):
        return (
            f"a person must be 1 to {MAX_PERSON_CHARACTERS} printable characters, blanks only between words"
        )
    if not (isinstance(entry.party, str) and is_name(entry.party)):
        return "a party must be 1 to 64 of [a-z0-9./-]"
    if not all(map(_is_ptype, entry.ptypes)):
        return f"a payload type must be 1 to {MAX_PTYPE_BYTES} ASCII characters"
    times = entry.not_before_ms, entry.not_after_ms, entry.revoked_at_ms or 0
    if not all(type(time) is int and 0 <= time <= _FOR_EVER_MS for time in times):
        return "a time must be a whole number of milliseconds from 0 to 2^63 - 1"
    if not entry.not_before_ms < entry.not_after_ms:
        return "its validity is empty"
    if entry.status not in STATUSES:
        return f"status must be one of {', '.join(STATUSES)}"
    if entry.status != ACTIVE and entry.revoked_at_ms is None:
        return f"a {entry.status} key needs the time it was revoked at"
    return None
