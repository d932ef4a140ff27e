"""The trace: its bytes are those of `json.dumps`, however they are put together."""

import json
from typing import Any

import pytest

from cbmnet.datagram import Label
from cbmnet.recorder import Recorder
from cbmnet.records import RECORDS, Deliver, Drop, Send
from cbmnet.simulation.trace import Trace

TEXTS = ("north/navy", 'a "quoted"\n\\ 100 %', "Норвегия", "{0}\0")
VALUES: dict[str, Any] = {
    "bool": True, "int": 2**70, "float": 0.1 + 0.2, "str": TEXTS[1], "Label": Label(TEXTS[1], 1, 2, 3, 4, 5),
}  # fmt: skip


def by_json(record: Any) -> str:
    """The line as the plainest code makes it."""
    fields = record._asdict()
    if "label" in fields:
        fields["label"] = str(fields["label"])
    return json.dumps({"record": type(record).__name__, **fields})


def traced(records: list[Any]) -> list[str]:
    """What a trace keeps that is told them by a recorder."""
    trace = Trace()
    recorder = Recorder([trace])
    for record in records:
        recorder.count, recorder.cause = record.id - 1, record.cause
        recorder.tell(type(record), record.at_s, *record[3:])
    return trace.lines


@pytest.mark.parametrize("kind", RECORDS)
def test_a_line_is_that_of_json(kind: Any) -> None:
    """Every kind of record, with texts that must be escaped and numbers of every size."""
    hints = kind.__annotations__
    made = []
    for at_s in (0, 0.0, 1e-9, 12345.678901234567, 1e22):
        for text in TEXTS:
            values = {**VALUES, "str": text, "Label": Label(text, 1, 2, 3, 4, 5), "bool": at_s == 0}
            fields = [values[getattr(hints[name], "__name__", hints[name])] for name in kind._fields[3:]]
            made.append(kind(at_s, len(made) + 1, len(made), *fields))
    assert traced(made) == [by_json(record) for record in made]


@pytest.mark.parametrize("kind", [Send, Drop, Deliver])
@pytest.mark.parametrize("at_s", [float("nan"), float("inf")])
def test_a_time_that_json_has_not_is_an_error(kind: Any, at_s: float) -> None:
    """A trace that other programs cannot read would be no trace."""
    label = Label("notice", 1, 0, 1)
    rest = {Send: (), Drop: (0, "loss"), Deliver: (False, False)}[kind]
    with pytest.raises(ValueError, match=r"nan|inf"):
        traced([kind(at_s, 1, 0, "a", "b", "notice", label, *rest)])


def test_more_texts_than_are_remembered_are_written_all_the_same() -> None:
    """What is kept of earlier lines is bounded, and changes none."""
    made = [
        Send(1.0, number + 1, number, f"n{number}", "b", "notice", Label("notice", 1, 0, number))
        for number in range(10_000)
    ]
    assert traced(made) == [by_json(record) for record in made]
