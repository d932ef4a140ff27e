"""Captures: the pcapng blocks, our header, and that the bytes are those of the run."""

import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

from cbmnet.datagram import Label
from cbmnet.errors import SimulationError
from cbmnet.experiments.design import load_design
from cbmnet.protocols.endpoint import decode_frame
from cbmnet.records import RECORDS, Deliver, Drop, Send, Wire
from cbmnet.reports.capture import WAYS, Capture, header
from cbmnet.reports.diagram import read_trace
from cbmnet.simulation.run import run
from cbmnet.simulation.trace import Trace

from .blocks import Packet, read
from .conftest import SIMS, busy


class Tape:
    """An observer that keeps the records themselves."""

    wants = (Send, Drop, Deliver, Wire)

    def __init__(self) -> None:
        self.records: list[Any] = []

    def start(self, facts: Any) -> None:
        pass

    def feed(self, record: Any) -> None:
        self.records.append(record)

    def result(self, ended_s: float) -> list[Any]:
        return self.records


@pytest.fixture(scope="module")
def both() -> tuple[bytes, list[Any]]:
    """The capture of the busy run and its records."""
    capture, tape = Capture(), Tape()
    ended_s = run(busy(3, "10d"), 3, 0, [capture, tape]).ended_s
    return capture.result(ended_s), tape.result(ended_s)


def taken_apart(packet: Packet) -> tuple[str, str, str, Label, bytes]:
    """Way, source, target, label and bytes, by the words of the module's docstring."""
    version, way, length, *numbers = struct.unpack_from(">BBHIIQII", packet.data)
    assert version == 1
    texts, at = [], 28
    for _ in range(3):
        size = packet.data[at]
        texts.append(packet.data[at + 1 : at + 1 + size].decode())
        at += 1 + size
    assert at == length
    source, target, kind = texts
    return WAYS[way], source, target, Label(kind, *numbers), packet.data[length:]


def test_a_capture_holds_every_datagram_as_it_went(both: tuple[bytes, list[Any]]) -> None:
    """One packet a Wire, in order, with its link, time to the nanosecond, direction, label and bytes."""
    file, records = both
    wires = [record for record in records if type(record) is Wire]
    _, packets = read(file)
    assert len(packets) == len(wires) > 500
    for packet, wire in zip(packets, wires, strict=True):
        assert packet.interface == f"{wire.sender}>{wire.receiver}"
        assert packet.at_ns == round(wire.at_s * 1e9)
        assert taken_apart(packet) == (wire.way, wire.sender, wire.receiver, wire.label, wire.data)
        assert struct.unpack("<I", packet.options[2]) == (2 if wire.way == "sent" else 1,)


def test_wires_are_what_was_sent_lost_and_delivered(both: tuple[bytes, list[Any]]) -> None:
    """Each Send, Drop and Deliver has one Wire that names it as its cause, of its time, parties and label."""
    _, records = both
    wires = {record.cause: record for record in records if type(record) is Wire}
    told = [record for record in records if type(record) is not Wire]
    assert len(wires) == len(told)
    for record in told:
        wire = wires[record.id]
        assert (wire.sender, wire.receiver, wire.label) == (record.sender, record.receiver, record.label)
        assert wire.at_s == record.at_s
        assert wire.way == _way_of(record)
    assert set(Counter(wire.way for wire in wires.values())) == set(WAYS)


def _way_of(record: Any) -> str:
    if type(record) is Deliver:
        return "forged" if record.forged else "corrupted" if record.corrupted else "arrived"
    return "sent" if type(record) is Send else "lost"


def sent_and_arrived(records: list[Any], way: str) -> Iterator[tuple[bytes, bytes]]:
    """The bytes as sent and as they came, of original datagrams."""
    data = {(wire.sender, wire.receiver, wire.label): wire.data
            for wire in records if type(wire) is Wire and wire.way == "sent"}  # fmt: skip
    for wire in records:
        if type(wire) is Wire and wire.way == way:
            yield data[wire.sender, wire.receiver, wire.label._replace(copy=0)], wire.data


def test_corrupted_bytes_are_those_that_came(both: tuple[bytes, list[Any]]) -> None:
    """They differ from those that were sent in bits; others do not differ at all."""
    _, records = both
    acks_apart = [r for r in records if type(r) is Wire and r.label.kind != "link-ack"]
    assert all(a == b for a, b in sent_and_arrived(acks_apart, "arrived"))
    spoilt = list(sent_and_arrived(acks_apart, "corrupted"))
    assert spoilt
    assert all(a != b and len(a) == len(b) for a, b in spoilt)


def test_the_bytes_are_link_frames_with_envelopes(both: tuple[bytes, list[Any]]) -> None:
    """What was sent decodes as the endpoint's frame; its envelope names the kind of the label."""
    _, records = both
    for wire in records:
        if type(wire) is Wire and wire.way == "sent":
            *_, sequence, attempt, envelope = decode_frame(wire.data)
            assert (sequence, attempt) == (wire.label.sequence, wire.label.attempt)
            if envelope is not None:
                assert msgpack.unpackb(envelope)[1] == f"application/vnd.cbmnet.{wire.label.kind}.v1+msgpack"


def test_a_loss_has_its_reason_as_a_comment(both: tuple[bytes, list[Any]]) -> None:
    """So do corruption and forgery; what goes well has none."""
    file, records = both
    reasons = [f"lost: {record.reason}" for record in records if type(record) is Drop]
    _, packets = read(file)
    comments = [(taken_apart(packet)[0], packet.options.get(1, b"").decode()) for packet in packets]
    assert [said for way, said in comments if way == "lost"] == reasons
    assert {"lost: loss", "lost: receiver down"} <= set(reasons)
    assert {(way, said) for way, said in comments if way != "lost"} == {
        ("sent", ""), ("arrived", ""), ("corrupted", "corrupted"), ("forged", "forged"),
    }  # fmt: skip


def test_the_section_says_of_what_run_it_is(both: tuple[bytes, list[Any]]) -> None:
    """Name, config hash, seed and run, so that the capture can be made again."""
    said, _ = read(both[0])
    assert said[1].decode().startswith("busy, config ")
    assert said[1].decode().endswith(", seed 3, run 0")
    assert said[4].startswith(b"cbmnet ")


def test_time_never_goes_back(both: tuple[bytes, list[Any]]) -> None:
    """Wireshark shows packets in the order of the file."""
    times = [packet.at_ns for packet in read(both[0])[1]]
    assert times == sorted(times)


def test_the_trace_does_not_hold_the_bytes() -> None:
    """A run that is captured meets the same fate as one that is not, and its trace has the same records."""
    assert Wire not in RECORDS
    config = load_design(SIMS / "episodes/norway-1995.toml").points[0].config
    plain, beside = Trace(), Trace()
    ended_s = run(config, 7, 0, [plain]).ended_s
    assert run(config, 7, 0, [beside, Capture()]).ended_s == ended_s
    kinds = [[r["record"] for r in read_trace(trace.result(0.0))] for trace in (plain, beside)]
    assert kinds[0] == kinds[1]


def test_a_capture_stops_at_its_most() -> None:
    """And counts what it left out."""
    capture = Capture(most=10)
    file = capture.result(run(busy(2, "5d"), 3, 0, [capture]).ended_s)
    assert len(read(file)[1]) == capture.packets == 10
    assert capture.left_out > 20


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        (Wire(0.0, 1, 0, "a", "b", Label("k", 2**32, 0, 1), b"", "sent"), "its numbers must be from 0 to"),
        (Wire(0.0, 1, 0, "a", "b", Label("k", 0, 0, 2**64), b"", "sent"), "its numbers must be from 0 to"),
        (Wire(0.0, 1, 0, "a" * 256, "b", Label("k", 0, 0, 1), b"", "sent"), "at most 255 bytes"),
    ],
)
def test_a_label_that_does_not_fit_is_a_clear_error(wire: Wire, said: str) -> None:
    """Variants from elsewhere may number as they like; the header cannot."""
    with pytest.raises(SimulationError, match=said):
        header(wire)
