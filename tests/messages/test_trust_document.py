"""The trust store as a document: who may issue it, and what it can never be made to say."""

from dataclasses import replace

import msgpack
import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import (
    Ed25519Signer,
    Entry,
    HybridSigner,
    MacSigner,
    Root,
    Roots,
    SignedMessageError,
    TrustDocument,
    TrustStore,
    Verifier,
    countersign_document,
    document_id,
    hybrid,
    open_document,
    open_own_document,
    sign_document,
)
from cbmnet.messages.envelope import write_frame
from cbmnet.messages.kinds import TRUST_STORE
from cbmnet.messages.pae import signing_prefix
from cbmnet.messages.trust_body import decode_document, encode_document
from cbmnet.messages.trust_signing import body_of

from .parties import ALICE, ALL, BOB, EVE, HEARTBEAT, NOW_MS, REALM, code_of, entry, sealed

R1, R2, R3, R4 = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in range(101, 105))
HANDED_OVER = Roots((Root.of(R1), Root.of(R2), Root.of(R3)), 2)
FIRST = TrustDocument(1, NOW_MS, *HANDED_OVER, (entry(ALICE), entry(BOB, "bob", ptypes=())), {HEARTBEAT: 1})


def code(call, *arguments, **named) -> str:
    with pytest.raises(SignedMessageError) as caught:
        call(*arguments, **named)
    return caught.value.code


def signed_body(body: bytes, *signers, realm=REALM, ptype=TRUST_STORE) -> bytes:
    """Any bytes as a body, truly signed."""
    signed = b"%b%d %b" % (signing_prefix(ptype, realm), len(body), body)
    return write_frame(ptype, body, sorted((s.kid, s.sign(signed)) for s in signers))


def test_a_document_comes_back_as_it_was_issued() -> None:
    """Signed by two of three roots, opened by the roots that were handed over, used by a verifier."""
    document = open_document(sign_document(FIRST, [R1, R3], REALM), REALM, HANDED_OVER)
    assert (document.version, document.issued_ms, document.threshold) == (1, NOW_MS, 2)
    assert {root.kid for root in document.roots} == {R1.kid, R2.kid, R3.kid}
    assert set(document.entries) == {e._replace(ptypes=tuple(sorted(e.ptypes))) for e in FIRST.entries}
    assert document.policies == {HEARTBEAT: 1}
    judge = Verifier("south", REALM, document.store())
    assert code_of(judge.check, sealed(ALICE).wire) == "Accepted"
    assert code_of(judge.check, sealed(BOB).wire) == "SignerNotAllowed"


def test_roots_may_sign_one_after_the_other() -> None:
    """Each adds a signature to the same bytes; what they compare by telephone stays the same."""
    alone = sign_document(FIRST, [R2], REALM)
    assert code(open_document, alone, REALM, HANDED_OVER) == "ThresholdNotMet"
    both = countersign_document(alone, R1, REALM)
    assert open_document(both, REALM, HANDED_OVER).version == 1
    assert document_id(alone, REALM) == document_id(both, REALM) != document_id(both, "live")


def test_strangers_count_for_nothing() -> None:
    """Unknown roots are skipped; with none known it is UnknownKey; two signatures of one root are one."""
    assert code(open_document, sign_document(FIRST, [EVE], REALM), REALM, HANDED_OVER) == "UnknownKey"
    assert (
        code(open_document, sign_document(FIRST, [EVE, R1], REALM), REALM, HANDED_OVER) == "ThresholdNotMet"
    )
    assert open_document(sign_document(FIRST, [EVE, R1, R2], REALM), REALM, HANDED_OVER).version == 1


def test_one_bad_signature_of_a_root_refuses_the_document() -> None:
    """Stripping it and counting the rest is a known mistake."""
    wire = bytearray(sign_document(FIRST, [R1, R2, R3], REALM))
    wire[-1] ^= 1
    assert code(open_document, bytes(wire), REALM, HANDED_OVER) == "BadSignature"


def test_a_document_is_of_one_realm() -> None:
    """A store of an exercise cannot be slipped under the live line."""
    assert (
        code(open_document, sign_document(FIRST, [R1, R2], "exercise"), REALM, HANDED_OVER) == "BadSignature"
    )


def test_a_version_only_rises() -> None:
    """An older document, or another one of the same version, is StoreRollback; the same again is none."""
    second = FIRST.issue(NOW_MS + 1, add=[entry(EVE, "eve", "west")])
    wires = [sign_document(document, [R1, R2], REALM) for document in (FIRST, second)]
    held = open_document(wires[1], REALM, open_document(wires[0], REALM, HANDED_OVER))
    assert open_document(wires[1], REALM, held) == held
    assert open_document(countersign_document(wires[1], R3, REALM), REALM, held) == held
    assert code(open_document, wires[0], REALM, held) == "StoreRollback"
    rival = sign_document(replace(second, issued_ms=NOW_MS + 2), [R1, R2], REALM)
    assert code(open_document, rival, REALM, held) == "StoreRollback"
    assert code(open_document, wires[0], REALM, HANDED_OVER, least_version=2) == "StoreRollback"
    assert open_document(wires[1], REALM, HANDED_OVER, least_version=2).version == 2


@pytest.mark.parametrize(
    ("signers", "expected"),
    [
        ([R1, R2], "UnknownKey"),
        ([R4], "UnknownKey"),
        ([R1, R4], "ThresholdNotMet"),
        ([R1, R2, R4], "taken"),
    ],
)
def test_a_change_of_roots_needs_the_old_and_the_new(signers, expected) -> None:
    """Two of the old three and one of the new: neither side can act alone."""
    moved = FIRST.issue(NOW_MS + 1, roots=[Root.of(R4)], threshold=1)
    wire = sign_document(moved, signers, REALM)
    if expected == "taken":
        assert open_document(wire, REALM, FIRST).roots == (Root.of(R4),)
    else:
        assert code(open_document, wire, REALM, FIRST) == expected


def test_a_change_of_threshold_alone_needs_both_too() -> None:
    """Raising it to three asks for three, lowering it to one still asks for the two of before."""
    three = FIRST.issue(NOW_MS, threshold=3)
    assert code(open_document, sign_document(three, [R1, R2], REALM), REALM, FIRST) == "ThresholdNotMet"
    assert open_document(sign_document(three, [R1, R2, R3], REALM), REALM, FIRST).threshold == 3
    one = FIRST.issue(NOW_MS, threshold=1)
    assert code(open_document, sign_document(one, [R1], REALM), REALM, FIRST) == "ThresholdNotMet"


def test_rotation_supersession_and_compromise() -> None:
    """A replaced key holds for what it signed before, a compromised one for nothing, a new one from then."""
    new = entry(EVE, "alice", not_before_ms=NOW_MS)
    rotated = FIRST.issue(NOW_MS, add=[new], supersede=[ALICE.kid])
    judge = Verifier("south", REALM, rotated.store())
    assert code_of(judge.check, sealed(ALICE, issued_ms=NOW_MS - 1).wire) == "Accepted"
    assert code_of(judge.check, sealed(ALICE).wire) == "KeyRevoked"
    assert code_of(judge.check, sealed(EVE).wire) == "Accepted"
    lost = rotated.issue(NOW_MS + 5, compromise=[ALICE.kid])
    assert lost.version == 3
    assert (
        code_of(Verifier("south", REALM, lost.store()).check, sealed(ALICE, issued_ms=1).wire) == "KeyRevoked"
    )
    assert {e.kid: e.status for e in lost.entries}[EVE.kid] == "active"
    for kid in (ALICE.kid, R1.kid):
        with pytest.raises(LocalProtocolError, match="not in the store, or is compromised already"):
            lost.issue(NOW_MS + 6, supersede=[kid])
    assert lost.issue(NOW_MS + 6, policies={HEARTBEAT: 2}).policies == {HEARTBEAT: 2}
    assert lost.policies == FIRST.policies


def test_a_root_may_be_hybrid(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is what the hybrid is for; where the library has none it is AlgorithmUnavailable."""
    root = HybridSigner.from_seeds(b"r" * 32, b"R" * 32)
    document = TrustDocument(1, NOW_MS, (Root.of(root),), 1, (entry(ALICE),))
    wire = sign_document(document, [root], REALM)
    assert open_document(wire, REALM, Roots((Root.of(root),), 1)).entries[0].kid == ALICE.kid
    monkeypatch.setattr(hybrid, "_mldsa", lambda: None)
    assert code(open_document, wire, REALM, Roots((Root.of(root),), 1)) == "AlgorithmUnavailable"


BAD_CONTENTS = [
    {"version": 0},
    {"version": True},
    {"version": 2**63},
    {"issued_ms": -1},
    {"roots": ()},
    {"roots": (Root.of(R1), Root.of(R1))},
    {"roots": (Root.of(MacSigner(b"s" * 32)),), "threshold": 1},
    {"roots": (Root(1, bytes(32)),), "threshold": 1},
    {"roots": (Root(1, b"short"),), "threshold": 1},
    {"threshold": 0},
    {"threshold": 4},
    {"entries": (entry(ALICE), entry(ALICE, "twice"))},
    {"entries": (entry(status="superseded"),)},
    {"policies": {HEARTBEAT: 0}},
]


@pytest.mark.parametrize("changes", BAD_CONTENTS)
def test_what_no_verifier_may_use_is_bad_from_the_start(changes) -> None:
    """Numbers, roots, thresholds, entries and policies that cannot be: BadTrustStore, before anyone signs."""
    assert code(replace, FIRST, **changes) == "BadTrustStore"


def fields() -> list:
    return msgpack.unpackb(encode_document(FIRST))


def changed(place: tuple[int, ...], value) -> bytes:
    out = fields()
    inner = out
    for at in place[:-1]:
        inner = inner[at]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return msgpack.packb(out)


BAD_BODIES = [
    b"",
    b"\xc1",
    msgpack.packb(7),
    msgpack.packb([]),
    encode_document(FIRST) + b"\0",
    msgpack.packb([*fields(), 0]),
    msgpack.packb([fields()]),
    changed((0,), 2),
    changed((0,), True),
    changed((1,), 1.0),
    changed((1,), -1),
    changed((2,), "now"),
    changed((3,), fields()[3][::-1]),
    changed((3,), 7),
    changed((3, 0), []),
    changed((3, 0, 0), b"k" * 16),
    changed((3, 0, 1), 0xF0),
    changed((3, 0, 2), "text"),
    changed((4,), 9),
    changed((5,), fields()[5][::-1]),
    changed((5, 0), fields()[5][0][:9]),
    changed((5, 0, 0), b"k" * 16),
    changed((5, 0, 0), "text"),
    changed((5, 0, 1), 3),
    changed((5, 0, 2), bytes(32)),
    changed((5, 0, 3), 5),
    changed((5, 0, 3), ""),
    changed((5, 0, 4), b"north"),
    changed((5, 0, 5), [HEARTBEAT, HEARTBEAT]),
    changed((5, 0, 5), [7]),
    changed((5, 0, 6), -1),
    changed((5, 0, 7), 0),
    changed((5, 0, 8), 3),
    changed((5, 0, 8), True),
    changed((5, 0, 8), 1),
    changed((5, 0, 9), "x"),
    changed((6,), [[HEARTBEAT, 1], [HEARTBEAT, 2]]),
    changed((6,), [[7, 1]]),
    changed((6,), [[HEARTBEAT, 0]]),
    changed((6,), [[HEARTBEAT]]),
    changed((6,), {"a": 1}),
]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_signed_body_that_is_no_store_is_bad(body: bytes) -> None:
    """Whatever the roots signed by mistake: BadTrustStore, and no other exception."""
    assert code(open_document, signed_body(body, R1, R2), REALM, HANDED_OVER) == "BadTrustStore"


def test_the_bytes_are_those_of_the_specification() -> None:
    """An array of seven, lists ascending, status as a number, nil where nothing was revoked."""
    document = FIRST.issue(NOW_MS + 1, supersede=[BOB.kid])
    one, version, issued, roots, threshold, entries, policies = msgpack.unpackb(encode_document(document))
    assert (one, version, issued, threshold) == (1, 2, NOW_MS + 1, 2)
    assert roots == sorted([s.kid, 1, s.public_key] for s in (R1, R2, R3))
    assert entries == sorted(
        [
            [ALICE.kid, 1, ALICE.public_key, "alice", "north", list(ALL), 0, 2**63 - 1, 0, None],
            [BOB.kid, 1, BOB.public_key, "bob", "north", [], 0, 2**63 - 1, 1, NOW_MS + 1],
        ]
    )
    assert policies == [[HEARTBEAT, 1]]
    assert encode_document(decode_document(encode_document(document))) == encode_document(document)


def test_other_envelopes_are_no_documents() -> None:
    """A message, rubbish, and what is over a mebibyte are refused by their form."""
    assert code(open_document, sealed().wire, REALM, HANDED_OVER) == "UnknownType"
    assert code(open_document, b"", REALM, HANDED_OVER) == "BadEncoding"
    assert code(open_document, bytes(2**20 + 1), REALM, HANDED_OVER) == "TooLarge"


LONG = tuple(f"application/vnd.cbmnet.{n:050}.v1+msgpack" for n in range(9))


def test_a_large_store_fits_and_a_larger_one_is_not_made() -> None:
    """A thousand keys and 64 signatures are taken; what is over a limit is never made."""
    many = tuple(
        Entry.for_signer(Ed25519Signer.from_seed(n.to_bytes(32, "big")), f"p{n}", "north", [HEARTBEAT])
        for n in range(1, 1001)
    )
    wire = sign_document(replace(FIRST, entries=many), [R1, R2], REALM)
    assert len(open_document(wire, REALM, HANDED_OVER).entries) == 1000
    crowd = [Ed25519Signer.from_seed(n.to_bytes(32, "big")) for n in range(1, 65)]
    signed_by_64 = sign_document(replace(FIRST, roots=tuple(map(Root.of, crowd)), threshold=64), crowd, REALM)
    assert open_document(signed_by_64, REALM, Roots(tuple(map(Root.of, crowd)), 64)).threshold == 64
    with pytest.raises(LocalProtocolError, match="at most 1048576"):
        sign_document(
            replace(FIRST, entries=tuple(e._replace(ptypes=(*ALL, *LONG)) for e in many)), [R1], REALM
        )
    with pytest.raises(LocalProtocolError, match="1 to 128 signatures"):
        sign_document(FIRST, [], REALM)
    assert code(replace, FIRST, entries=many * 5) == "BadTrustStore"


def test_a_store_that_is_trusted_where_it_lies_vouches_for_itself() -> None:
    """Its own roots must have signed it all the same, in the realm that is asked for."""
    wire = sign_document(FIRST, [R1, R2], REALM)
    assert open_own_document(wire, REALM) == open_document(wire, REALM, HANDED_OVER)
    assert body_of(wire) == encode_document(FIRST)
    assert code(open_own_document, sign_document(FIRST, [R1], REALM), REALM) == "ThresholdNotMet"
    assert code(open_own_document, wire, "live") == "BadSignature"
    assert code(open_own_document, signed_body(b"\xc1", R1), REALM) == "BadTrustStore"
    assert code(body_of, b"") == "BadEncoding"


def bad_wires() -> dict[str, bytes]:
    """Documents that are refused before their content is read, or as older than asked for."""
    good = sign_document(FIRST, [R1, R2], REALM)
    return {
        "too large": bytes(2**20 + 1),
        "unknown": sign_document(FIRST, [EVE], REALM),
        "bad signature": good[:-1] + bytes([good[-1] ^ 1]),
        "one of two": sign_document(FIRST, [R1], REALM),
        "new roots alone": sign_document(
            FIRST.issue(NOW_MS, roots=[Root.of(R4)], threshold=1), [R1, R2], REALM
        ),
    }


def changed_content(changes: dict) -> TrustDocument:
    """A document with some of its content changed."""
    return replace(FIRST, **changes)


def bad_entries() -> dict[str, Entry]:
    """Entries that no store may have, one for each reason."""
    good = entry(ALICE)
    return {
        "kid of text": good._replace(kid="kid"),
        "key of text": good._replace(public_key="key"),
        "unknown algorithm": good._replace(algorithm=9),
        "short key": good._replace(public_key=b"short"),
        "wrong kid": good._replace(kid=b"k" * 16),
        "no person": good._replace(person=""),
        "no party": good._replace(party=""),
        "no validity": good._replace(not_after_ms=0),
        "before time": good._replace(not_before_ms=-1),
        "unknown status": good._replace(status="lost"),
        "no time of revocation": good._replace(status="superseded"),
    }


def test_a_key_is_not_superseded_twice() -> None:
    """It would hold for what it signed in between; neither here nor in a document that roots signed."""
    once = FIRST.issue(NOW_MS + 100, supersede=[ALICE.kid])
    with pytest.raises(LocalProtocolError, match="superseded already"):
        once.issue(NOW_MS + 900, supersede=[ALICE.kid])
    with pytest.raises(LocalProtocolError, match="before version 2"):
        once.issue(NOW_MS + 99)
    assert once.issue(NOW_MS + 900, compromise=[ALICE.kid]).entries[0].status == "compromised"
    later = tuple(e._replace(revoked_at_ms=NOW_MS + 900) if e.kid == ALICE.kid else e for e in once.entries)
    alive = tuple(e._replace(status="active", revoked_at_ms=None) for e in once.entries)
    for entries in (later, alive):
        lifted = replace(once, version=3, entries=entries)
        assert code(open_document, sign_document(lifted, [R1, R2], REALM), REALM, once) == "StoreRollback"
    gone = replace(once, version=3, entries=tuple(e for e in once.entries if e.kid != ALICE.kid))
    assert code(open_document, sign_document(gone, [R1, R2], REALM), REALM, once) == "StoreRollback"
    assert open_document(sign_document(gone, [R1, R2], REALM), REALM, FIRST).version == 3  # it was active
    sooner = tuple(e._replace(revoked_at_ms=NOW_MS + 50) if e.kid == ALICE.kid else e for e in once.entries)
    taken = sign_document(replace(once, version=3, entries=sooner), [R1, R2], REALM)
    assert open_document(taken, REALM, once).version == 3


def test_one_key_is_one_root_and_nothing_else() -> None:
    """Neither twice among the roots, as half of a hybrid one, nor among the keys that sign messages."""
    half = HybridSigner.from_seeds(bytes([101]) * 32, b"H" * 32)  # R1's seed
    assert code(replace, FIRST, roots=(Root.of(R1), Root.of(half)), threshold=2) == "BadTrustStore"
    assert code(replace, FIRST, entries=(entry(R1),)) == "BadTrustStore"


@pytest.mark.parametrize(
    "roots",
    [
        Roots((), 1),
        Roots((Root.of(R1),), 0),
        Roots((Root.of(R1),), 2),
        Roots((Root(1, (1).to_bytes(32, "little")), Root.of(R1)), 1),
        Roots((Root(True, R1.public_key),), 1),
    ],
)
def test_roots_that_were_handed_over_are_checked_too(roots: Roots) -> None:
    """None, no threshold, one that cannot be met, a key of small order, which signs everything, a bool."""
    assert code(open_document, sign_document(FIRST, [R1, R2], REALM), REALM, roots) == "BadTrustStore"


@pytest.mark.parametrize(
    "person", ["ada ", " ada", "ada  b", "ada\u200b", "ada\n", "ada\x1b[2J", "a\u0308da", ""]
)
def test_no_two_persons_differ_by_what_cannot_be_seen(person: str) -> None:
    """Blanks at the ends, invisible characters, letters in parts: no store has such a name."""
    with pytest.raises(SignedMessageError, match="printable characters"):
        TrustStore([entry(person=person)])


def test_a_persons_name_counts_whatever_the_case_of_its_letters() -> None:
    """Two spellings of one name are one person to the rule of two."""
    store = TrustStore([entry(ALICE, "Ada"), entry(BOB, "ADA")], {HEARTBEAT: 2})
    assert code_of(Verifier("south", REALM, store).check, sealed(ALICE, BOB).wire) == "ThresholdNotMet"


def test_a_store_and_a_document_do_not_change() -> None:
    """What a verifier was made with stays what it is."""
    store = FIRST.store()
    for changing in (store.entries, store.policies, FIRST.policies):
        with pytest.raises(TypeError):
            changing["x"] = 0  # type: ignore[index]
    with pytest.raises(AttributeError):
        Verifier("south", REALM, store).store = store  # type: ignore[misc]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((3, 0, 1), True),
        ((5, 0, 1), True),
        ((5, 0, 5), "abc"),
        ((5, 0, 5), b""),
        ((5, 0, 5), [""]),
        ((5, 0, 5), ["x" * 97]),
        ((5,), ""),
        ((6,), b""),
        ((6,), [["", 1]]),
    ],
)
def test_a_body_has_one_form(place: tuple[int, ...], value: object) -> None:
    """A bool for a number, a text for a list: one implementation would read it, another refuse it."""
    assert (
        code(open_document, signed_body(changed(place, value), R1, R2), REALM, HANDED_OVER) == "BadTrustStore"
    )


def test_nothing_is_signed_that_nobody_could_open() -> None:
    """A document whose content cannot be written down is refused before a root signs it."""
    odd = replace(FIRST, entries=(entry(ALICE, ptypes=(HEARTBEAT, HEARTBEAT)),))
    assert open_document(sign_document(odd, [R1, R2], REALM), REALM, HANDED_OVER).entries[0].ptypes == (
        HEARTBEAT,
    )
