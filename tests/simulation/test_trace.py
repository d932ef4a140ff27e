"""The trace: lines that any reader of JSON takes apart into what was told, and a hash over them."""

import hashlib
import json
from typing import Any

import pytest
from msgspec.structs import fields, replace

from cbmnet.datagram import Label
from cbmnet.recorder import Recorder
from cbmnet.records import RECORDS, Record
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import Facts
from cbmnet.simulation.trace import AT_ONCE, Trace, lines_of, plain

TEXTS = ("north/navy", 'a "quoted"\n\\ 100 %', "Норвегия", "{0}\0", "line\u2028separator", "null")
VALUES: dict[type, Any] = {bool: True, int: 2**63, float: 0.1 + 0.2, str: TEXTS[1]}


def made(kind: type[Record], at_s: float = 1.5, text: str = TEXTS[1], id_: int = 1) -> Record:
    """A record of this kind with numbers of every size and this text wherever one belongs."""
    values = VALUES | {str: text, Label: Label(text, 1, 2, 3, 4, 5)}
    return kind(at_s, id_, id_ - 1, *(values[field.type] for field in fields(kind)[3:]))


def traced(records: list[Record]) -> Trace:
    """A trace that is told them by a recorder."""
    trace = Trace()
    recorder = Recorder([trace])
    for record in records:
        recorder.count, recorder.cause = record.id - 1, record.cause
        told = [getattr(record, field.name) for field in fields(record)[3:]]
        recorder.tell(type(record), record.at_s, *told)
    return trace


@pytest.mark.parametrize("kind", RECORDS)
def test_a_line_is_read_back_as_what_was_told(kind: type[Record]) -> None:
    """By Python's json: every kind, texts that must be escaped, numbers to the last bit."""
    records = []
    for at_s in (0, 0.0, 1e-9, 12345.678901234567, 1e22, 5e-324):
        records += [made(kind, at_s, text, len(records) + n) for n, text in enumerate(TEXTS, 1)]
    lines = lines_of(traced(records).result(0.0))
    assert len(lines) == len(records) + 1
    for line, record in zip(lines, records, strict=False):
        read = json.loads(line)
        assert list(read) == ["record", *(field.name for field in fields(kind))]
        assert read.pop("record") == kind.__name__
        if "label" in read:
            read["label"] = Label(*read["label"])
        assert kind(**read) == record
        assert repr(read["at_s"]) == repr(record.at_s)
        assert plain(record) == {"record": kind.__name__, **read}


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_has_not_is_an_error(kind: type[Record], number: float) -> None:
    """Wherever it stands: a trace that other programs cannot read would be no trace."""
    floats = [field.name for field in fields(kind) if field.type is float]
    assert floats[0] == "at_s"
    for name in floats:
        with pytest.raises(ValueError, match=rf"{kind.__name__}: {name} is -?(nan|inf)"):
            traced([replace(made(kind), **{name: number})]).result(0.0)


def test_what_is_written_at_once_is_what_is_written_one_by_one() -> None:
    """Any number of records around that of one writing: the same lines, none twice and none missing."""
    records = [made(RECORDS[number % len(RECORDS)], id_=number) for number in range(2 * AT_ONCE + 1)]
    single = [lines_of(traced([record]).result(0.0))[0] for record in records]
    for count in (0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE, 2 * AT_ONCE + 1):
        *lines, tail = lines_of(traced(records[:count]).result(0.0))
        assert lines == single[:count]
        assert json.loads(tail)["records"] == count
    spoilt = [*records[:AT_ONCE], replace(records[0], at_s=float("nan")), *records[AT_ONCE : 2 * AT_ONCE - 1]]
    with pytest.raises(ValueError, match="at_s is nan"):
        traced(spoilt)


def test_the_last_line_has_the_hash_of_the_lines_between() -> None:
    """Whoever cuts the first and the last line off has the bytes that were hashed."""
    trace = traced([made(kind, id_=number) for number, kind in enumerate(RECORDS, 1)])
    trace.start(
        Facts(
            RunConfig.model_validate({"name": "x", "study": {"horizon": "1d"}, "states": {"a": {}, "b": {}}}),
            3,
            4,
        )
    )
    head, *rest = trace.result(0.0).splitlines(keepends=True)
    assert json.loads(head) | {"config_hash": ""} == {
        "trace": 2, "config_hash": "", "seed": 3, "replication": 4,
    }  # fmt: skip
    told = b"".join(rest[:-1])
    assert json.loads(rest[-1]) == {"records": len(RECORDS), "sha256": hashlib.sha256(told).hexdigest()}


def test_a_trace_may_be_asked_at_any_time() -> None:
    """What was told before is not lost by asking, and what is told after stands behind it."""
    trace = traced([made(RECORDS[0])])
    first = trace.result(0.0)
    assert trace.result(0.0) == first
    trace.feed(made(RECORDS[1], id_=2))
    assert lines_of(trace.result(0.0))[0] == lines_of(first)[0]
    assert len(lines_of(trace.result(0.0))) == 3
