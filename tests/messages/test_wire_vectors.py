"""The vector file and the page of the wire agree with the code."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

import cbmnet.messages
from cbmnet.messages import BUILTIN_SCHEMAS, Field
from cbmnet.messages.codes import AUTHENTIC, FRESH, MALFORMED, ORDER, POLICY, STATE, Code
from cbmnet.messages.hybrid import is_available
from tests.vectors import make_wire_v1
from tests.vectors.load import judge, plain, schemas_of, steps_of, verifier_of

VECTORS = json.loads(make_wire_v1.FILE.read_text())
SCHEMAS = schemas_of(VECTORS["schemas"])
PAGE = (Path(cbmnet.messages.__file__).parent / "WIRE.md").read_text()


def test_the_file_is_what_its_generator_makes():
    """Made again from its seeds, the file is the same to the byte."""
    assert make_wire_v1.make() == make_wire_v1.FILE.read_text()


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_verifier_gives_what_the_case_expects(case):
    """Every step of every case, with its id, signers and gap or its code."""
    if case["setup"] == "hybrid" and not is_available():
        pytest.skip("the installed cryptography has no ML-DSA-65")
    verifier = verifier_of(VECTORS["setups"][case["setup"]], SCHEMAS)
    for step in steps_of(case):
        assert judge(verifier, step["wire"], step["now_ms"]) == plain(step["expected"])


def test_the_file_holds_every_code_at_least_twice():
    """Of 150 cases and more, each with a name of its own, every code that a wire can meet is in two."""
    names = [case["name"] for case in VECTORS["cases"]]
    assert len(set(names)) == len(names) >= 150
    codes = Counter(step["expected"].get("code") for case in VECTORS["cases"] for step in steps_of(case))
    assert {code for code in codes if code} == {str(code) for code in Code} - {str(code) for code in STATE}
    assert min(codes.values()) >= 2


def _range(field: Field) -> str:
    if field.choices:
        return "one of " + ", ".join(field.choices)
    if field.type == "bool":
        return ""
    shown = [str(n) if n != 2**64 - 1 else "u64" for n in (field.least, field.most)]
    size = " to ".join(dict.fromkeys(shown))
    if field.type in ("str", "bin"):
        return f"{size} bytes"
    if field.items:
        return f"{size} items, each {field.items.type} of {_range(field.items)}"
    return size


def test_the_page_has_the_schemas_of_the_code():
    """The payload table in WIRE.md and the built-in schemas are the same, field by field."""
    table = re.search(r"<!-- payloads: begin -->\n(.*?)<!-- payloads: end -->", PAGE, re.DOTALL)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")][:5] for line in table.splitlines()[2:]]
    assert rows == [
        [
            ptype.split(".")[2],
            f"`{field.name}`",
            field.type,
            _range(field),
            "optional" if field.optional else "",
        ]
        for ptype, schema in BUILTIN_SCHEMAS.items()
        for field in schema.fields
    ]


def test_the_page_names_every_code_and_origin():
    """The table of errors in WIRE.md has each code once, under its origin."""
    groups = {
        "malformed": MALFORMED,
        "authentic": AUTHENTIC,
        "fresh": FRESH,
        "order": ORDER,
        "policy": POLICY,
        "state": STATE,
    }
    for origin, codes in groups.items():
        row = re.search(rf"^\| {origin} \| (.*) \|$", PAGE, re.MULTILINE)[1]
        listed = row.split(", ")
        assert sorted(listed) == sorted(map(str, codes))
