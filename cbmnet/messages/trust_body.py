"""The bytes of a trust document: the body of its envelope (section Trust store).

`[1, version, issued at, roots, root threshold, entries, policies]`, canonical MessagePack. A root is `[kid,
algorithm, public key]`, an entry `[kid, algorithm, public key, person, party, payload types, not before, not
after, status, revoked at]` with status 0 active, 1 superseded, 2 compromised and nil where nothing was
revoked, a policy `[payload type, persons]`; each list ascends by its first element.
"""

from collections.abc import Sequence
from typing import Any

import msgpack

from cbmnet.messages.codes import Code, SignedMessageError
from cbmnet.messages.keys import KID_BYTES
from cbmnet.messages.reader import Limits, scan
from cbmnet.messages.trust import STATUSES, Entry
from cbmnet.messages.trust_document import MAX_ENTRIES, Root, TrustDocument, bad_store

MAX_DOCUMENT_BYTES = 1 << 20
DOCUMENT_LIMITS: Limits = {"str": 8192, "bin": MAX_DOCUMENT_BYTES, "array": MAX_ENTRIES, "map": 0}
_DEPTH = 4  # the body, its entries, an entry, its payload types


def encode_document(document: TrustDocument) -> bytes:
    """The canonical body."""
    packed: bytes = msgpack.packb(
        [
            1,
            document.version,
            document.issued_ms,
            [[root.kid, root.algorithm, root.public_key] for root in _by_kid(document.roots)],
            document.threshold,
            [_entry_row(entry) for entry in _by_kid(document.entries)],
            [[ptype, document.policies[ptype]] for ptype in sorted(document.policies)],
        ]
    )
    return packed


def _by_kid(keys: Sequence[Any]) -> list[Any]:
    return sorted(keys, key=lambda key: key.kid)


def _entry_row(entry: Entry) -> list[Any]:
    return [
        entry.kid, entry.algorithm, entry.public_key, entry.person, entry.party, sorted(set(entry.ptypes)),
        entry.not_before_ms, entry.not_after_ms, STATUSES.index(entry.status), entry.revoked_at_ms,
    ]  # fmt: skip


def decode_document(body: bytes) -> TrustDocument:
    """The content of a body that trusted roots signed: a fault is theirs, so it is BadTrustStore."""
    try:
        scan(body, _DEPTH, DOCUMENT_LIMITS)
        fields = msgpack.unpackb(body, max_array_len=MAX_ENTRIES, max_bin_len=MAX_DOCUMENT_BYTES)
        one, version, issued_ms, roots, threshold, entries, policies = _row(fields, 7, "the body")
        if one != 1 or type(one) is not int:
            bad_store(f"body version {one!r}")
        roots = [_row(root, 3, "a root") for root in _list(roots, "the roots")]
        entries = [_row(entry, 10, "an entry") for entry in _list(entries, "the entries")]
        policies = [_row(policy, 2, "a policy") for policy in _list(policies, "the policies")]
        if any(type(ptype) is not str for ptype, _ in policies):
            bad_store("a policy is about a payload type")
        document = TrustDocument(
            version,
            issued_ms,
            tuple(_root(*row) for row in roots),
            threshold,
            tuple(_entry(*row) for row in entries),
            dict(policies),
        )
    except SignedMessageError as error:
        if error.code == Code.BAD_TRUST_STORE:
            raise
        raise SignedMessageError(Code.BAD_TRUST_STORE, str(error)) from error
    except (TypeError, ValueError) as error:
        raise SignedMessageError(Code.BAD_TRUST_STORE, f"the body is no trust store: {error}") from error
    if encode_document(document) != body:
        bad_store("roots, entries, policies and payload types must ascend, none twice")
    return document


def _list(value: Any, what: str) -> list[Any]:
    if type(value) is not list:
        bad_store(f"{what} must be an array")
    return value


def _row(value: Any, count: int, what: str) -> list[Any]:
    if type(value) is not list or len(value) != count:
        bad_store(f"{what} must be an array of {count}")
    return value


def _root(kid: bytes, algorithm: int, public_key: bytes) -> Root:
    root = Root(algorithm, public_key)
    if root.kid != kid:
        bad_store("a root's kid is not that of its public key")
    return root


def _entry(
    kid: bytes, algorithm: int, public_key: bytes, person: str, party: str, ptypes: list[str],
    not_before_ms: int, not_after_ms: int, status: int, revoked_at_ms: int | None,
) -> Entry:  # fmt: skip
    if type(kid) is not bytes or len(kid) != KID_BYTES or type(status) is not int or not 0 <= status <= 2:
        bad_store("a kid must be 16 bytes and a status 0, 1 or 2")
    if any(type(ptype) is not str for ptype in _list(ptypes, "payload types")):
        bad_store("payload types must be text")
    return Entry(
        kid, algorithm, public_key, person, party, tuple(ptypes), not_before_ms, not_after_ms,
        STATUSES[status], revoked_at_ms,
    )  # fmt: skip
