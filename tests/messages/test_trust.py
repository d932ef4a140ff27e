"""What the loader of a trust store refuses."""

import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import HYBRID, Entry, SignedMessageError, TrustStore, key_id

from .parties import ALICE, BOB, HEARTBEAT, entry
from .test_vectors import small_order_encodings

HYBRID_KEY = BOB.public_key + b"m" * 1952


def of_key(algorithm, public_key):
    return Entry(key_id(algorithm, public_key), algorithm, public_key, "p", "north", (HEARTBEAT,), 0, 1)


def refused(*entries, policies=None):
    with pytest.raises(SignedMessageError) as caught:
        TrustStore(entries, policies)
    assert caught.value.code == "BadTrustStore"
    return caught.value


@pytest.mark.parametrize("key", small_order_encodings(), ids=bytes.hex)
def test_a_small_order_key_is_refused_though_the_library_loads_it(key):
    """A key under which one signature passes for many messages never enters, alone or in a hybrid."""
    assert "small order" in refused(of_key(1, key)).detail
    assert "small order" in refused(of_key(HYBRID, key + b"m" * 1952)).detail


def test_one_public_key_in_two_entries_is_refused():
    """One key must not count as two persons."""
    assert refused(entry(ALICE, "alice"), entry(ALICE, "also-alice")).kid == ALICE.kid


@pytest.mark.parametrize(
    "other",
    [of_key(1, BOB.public_key), of_key(HYBRID, b"\x07" * 32 + b"m" * 1952)],
    ids=["ed25519", "ml-dsa"],
)
def test_a_component_of_a_hybrid_in_another_entry_is_refused(other):
    """A hybrid's parts may not occur in any other entry, in either order."""
    refused(other, of_key(HYBRID, HYBRID_KEY))
    refused(of_key(HYBRID, HYBRID_KEY), other)


@pytest.mark.parametrize(
    "changes",
    [
        {"kid": b"\0" * 16},
        {"algorithm": 3},
        {"algorithm": 0},
        {"public_key": b"short"},
        {"not_after_ms": 0},
        {"not_before_ms": 5, "not_after_ms": 5},
        {"not_before_ms": -1},
        {"status": "retired"},
        {"status": "superseded"},
        {"status": "compromised"},
        {"person": ""},
        {"party": ""},
        {"kid": "text"},
    ],
)
def test_an_entry_that_cannot_be_is_refused(changes):
    """Wrong kid, unknown algorithm or status, empty validity, a revocation without its time."""
    refused(entry()._replace(**changes))


@pytest.mark.parametrize("persons", [0, -1, True, 1.0])
def test_a_policy_asks_for_one_person_or_more(persons):
    """A threshold of nobody would let anything pass."""
    refused(entry(), policies={HEARTBEAT: persons})


def test_a_good_store_loads():
    """Ed25519, hybrid and MAC entries stand side by side."""
    assert len(TrustStore([entry(), of_key(HYBRID, HYBRID_KEY), of_key(0xF0, b"h" * 32)]).entries) == 3


def test_one_payload_type_is_no_sequence_of_them():
    """A text would pass for a sequence of one-letter types."""
    with pytest.raises(LocalProtocolError, match="not one text"):
        Entry.for_signer(BOB, "bob", "north", "application/vnd.cbmnet.notice.v1+msgpack")
