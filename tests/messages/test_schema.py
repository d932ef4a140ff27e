"""Payload schemas as data."""

from enum import IntEnum

import pytest

from cbmnet.errors import LocalProtocolError
from cbmnet.messages import BUILTIN, BUILTIN_SCHEMAS, Field, Schema, ptype_of

from .parties import NOW_MS, sealed, verifier

ID = b"i" * 32
TEXT = "gr\xfc\xdfe"
GOOD = {
    "notice": {"activity": 1, "activity_class": "exercise", "size": 9000, "start_ms": NOW_MS},
    "change": {"activity": 1, "activity_class": "exercise", "size": 0, "start_ms": NOW_MS},
    "cancel": {"refers_to": ID},
    "follow-up": {"refers_to": ID, "text": TEXT},
    "query": {"activity": 0, "question": "why?", "deadline_ms": NOW_MS},
    "clarification": {"query": ID, "benign": True, "text": ""},
    "ack": {"refers_to": ID},
    "refusal": {"refers_to": ID, "reason": "no"},
    "heartbeat": {"count": 0},
    "leader-text": {"text": TEXT, "hostile": False},
    "data-exchange": {"subject": "forces", "valid_from_ms": 0, "file_sha256": ID, "file_size_bytes": 12},
    "inspection-request": {"area": "a", "arrival_ms": NOW_MS, "inspectors": ["x", "y"], "duration_ms": 1},
    "inspection-reply": {"request": ID, "accepted": False, "reason": "weather"},
    "inspection-report": {"request": ID, "consistent": True, "findings": ""},
    "observer-invitation": {"activity": 1, "places": 2, "start_ms": NOW_MS, "reply_by_ms": NOW_MS},
    "accident": {
        "category": "missile", "occurred_ms": 1, "latitude_udeg": -90_000_000, "longitude_udeg": 180_000_000,
        "text": "t",
    },
    "protest": {"text": "t", "occurred_ms": 1},
}  # fmt: skip


def outcome(kind, payload):
    ptype = ptype_of(kind)
    schema = BUILTIN_SCHEMAS[ptype]
    assert schema.fits(payload) == (schema.fault(payload) is None)
    try:
        verifier().check(sealed(ptype=ptype, payload=payload).wire, NOW_MS)
    except Exception as error:
        return error.code
    return "Accepted"


def test_every_built_in_kind_has_an_example_here():
    """The table below covers the allow-list; a trust store is read by its own loader."""
    assert {ptype_of(kind) for kind in GOOD} | {ptype_of("trust-store")} == BUILTIN


@pytest.mark.parametrize("kind", GOOD)
def test_a_fitting_payload_is_accepted_and_each_spoilt_one_refused(kind):
    """Every field is required (optional ones apart), typed, and unknown ones are refused."""
    good = GOOD[kind]
    fields = {field.name: field for field in BUILTIN_SCHEMAS[ptype_of(kind)].fields}
    assert outcome(kind, good) == "Accepted"
    assert outcome(kind, good | {"zz": 1}) == "BadField"
    for name in good:
        without = {key: value for key, value in good.items() if key != name}
        assert outcome(kind, without) == ("Accepted" if fields[name].optional else "BadField")
        assert outcome(kind, good | {name: None}) == "BadField"
        assert outcome(kind, without | {"zz": 1}) == "BadField"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("notice", {"activity": -1}),
        ("notice", {"activity": True}),
        ("notice", {"activity_class": ""}),
        ("notice", {"activity_class": "x" * 65}),
        ("notice", {"activity_class": b"exercise"}),
        ("notice", {"activity_class": "\xfc" * 33}),
        ("query", {"question": "x" * 257}),
        ("cancel", {"refers_to": b"i" * 31}),
        ("clarification", {"benign": 1}),
        ("clarification", {"text": "x" * 1025}),
        ("accident", {"latitude_udeg": -90_000_001}),
        ("accident", {"category": "rumour"}),
        ("inspection-request", {"inspectors": []}),
        ("inspection-request", {"inspectors": ["x"] * 17}),
        ("inspection-request", {"inspectors": ["x", 1]}),
        ("inspection-request", {"inspectors": [""]}),
        ("heartbeat", {"count": "1"}),
    ],
)
def test_a_value_outside_its_range_is_refused(kind, changes):
    """Ranges count values, UTF-8 bytes, bytes or items; bool is no integer."""
    assert outcome(kind, GOOD[kind] | changes) == "BadField"


def test_a_deployment_adds_a_kind_as_data():
    """A payload type on the allow-list with a schema of its own is accepted like a built-in one."""
    bulletin = ptype_of("bulletin")
    schemas = BUILTIN_SCHEMAS | {bulletin: Schema(Field("activity", "uint"), Field("confirms", "bool"))}
    from .parties import entry

    judge = verifier(entry(ptypes=(bulletin,)), allowed=BUILTIN | {bulletin}, schemas=schemas)
    wire = sealed(ptype=bulletin, payload={"activity": 1, "confirms": True}).wire
    assert judge.check(wire, NOW_MS).message.kind == "bulletin"


def test_an_allowed_type_without_a_schema_is_the_callers_error():
    """What could only ever be refused is said at once."""
    with pytest.raises(LocalProtocolError, match="bulletin"):
        verifier(allowed=BUILTIN | {ptype_of("bulletin")})


class Most(IntEnum):
    FEW = 3


class Shown(int):
    def __format__(self, spec):
        return "9 or nothing"

    def __repr__(self):
        return "9 or nothing"


@pytest.mark.parametrize("most", [Most.FEW, Shown(3)])
def test_a_bound_is_the_number_it_is(most):
    """However it is written out."""
    schema = Schema(Field("n", "uint", 0, most))
    assert schema.vouches({"n": 3})
    assert not schema.vouches({"n": 4})
    assert schema.fault({"n": 4}) == "payload field 'n' must be uint of 0 to 3"


def test_the_most_fields_that_a_payload_can_have():
    """64, as the wire specification has it."""
    assert Schema(*(Field(f"n{number:02}", "uint") for number in range(64))).vouches(
        {f"n{number:02}": 1 for number in range(64)}
    )


def test_a_text_is_measured_by_its_bytes_at_both_ends():
    """One letter of two bytes is long enough for two, and too long for one."""
    assert Schema(Field("n", "str", 2)).fits({"n": "\xe9"})
    assert not Schema(Field("n", "str", 0, 1)).fits({"n": "\xe9"})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Field("Name", "uint"),
        lambda: Field("n", "float"),
        lambda: Field("n", "uint", -1),
        lambda: Field("n", "uint", 5, 4),
        lambda: Field("n", "str", 0, 8193),
        lambda: Field("n", "array"),
        lambda: Field("n", "uint", items=Field("m", "uint")),
        lambda: Schema(Field("n", "uint"), Field("n", "str")),
        lambda: Schema(*(Field(f"n{number}", "uint") for number in range(65))),
        lambda: Field("n", "uint", 0, "9"),
        lambda: Field("n", "uint", 0.0, 9.0),
        lambda: Schema(Field("n", "uint")._replace(maximum="9 if print('!') else 9")),
        lambda: Schema(Field("n", "uint")._replace(name="N")),
    ],
)
def test_a_schema_that_describes_nothing_is_the_callers_error(make):
    """Bad names, types and ranges are refused where they are written."""
    with pytest.raises(LocalProtocolError):
        make()
