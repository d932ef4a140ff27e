"""Wireshark's own reader, with the dissector that is shipped, shows what a capture of a run holds."""

import json
import os
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any, NoReturn

import msgpack
import pytest

from cbmnet.datagram import Label
from cbmnet.records import Wire
from cbmnet.reports.capture import DISSECTOR, WAYS, Capture, header
from cbmnet.reports.pcapng import INBOUND, interface, packet, section_header
from cbmnet.simulation.run import run

from ..reports.blocks import read
from ..reports.conftest import busy

# With CBMNET_TSHARK_REQUIRED set, a machine on which this cannot run fails instead of skipping.
REQUIRED = "CBMNET_TSHARK_REQUIRED"
pytestmark = pytest.mark.filterwarnings("always:Wireshark was not asked")


def _give_up(reason: str) -> NoReturn:
    text = f"Wireshark was not asked: {reason}"
    if os.environ.get(REQUIRED):
        pytest.fail(text)
    warnings.warn(text, stacklevel=1)
    pytest.skip(text)


def tshark(file: Path, *arguments: str) -> str:
    """What tshark says of the file, with the dissector; it must have nothing to complain of."""
    if not shutil.which("tshark"):
        _give_up("there is no tshark here")
    command = ["tshark", "-n", "-X", f"lua_script:{DISSECTOR}", "-r", str(file), *arguments]
    environment = {**os.environ, "HOME": str(file.parent), "LC_ALL": "C.UTF-8"}  # nobody's own settings
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace",  # it cuts long labels at any byte
        timeout=120, env=environment, check=False,
    )  # fmt: skip
    complaints = [
        line for line in done.stderr.splitlines() if line and not line.startswith("Running as user")
    ]
    assert (done.returncode, complaints) == (0, [])
    assert "Lua Error" not in done.stdout
    return done.stdout


def fields(file: Path, *names: str) -> list[dict[str, str]]:
    """These fields of every packet, empty where it has none."""
    wanted = [part for name in names for part in ("-e", name)]
    lines = tshark(file, "-T", "fields", *wanted).splitlines()
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Wire]]:
    """A capture of the busy run, and its records."""

    class Tape(Capture):
        def feed(self, record: Any) -> None:
            super().feed(record)
            if type(record) is Wire:
                wires.append(record)

    wires: list[Wire] = []
    tape = Tape()
    ended_s = run(busy(3, "10d"), 3, 0, [tape]).ended_s
    file = tmp_path_factory.mktemp("capture") / "run.pcapng"
    file.write_bytes(tape.result(ended_s))
    return file, wires


def test_tshark_shows_the_header_of_every_packet(captured: tuple[Path, list[Wire]]) -> None:
    """Kinds, sequence numbers and the rest of the label, links, directions and times, packet by packet."""
    file, wires = captured
    label = ("kind", "stream", "epoch", "sequence", "attempt", "copy")
    shown = fields(file, "frame.interface_name", "frame.time_epoch", "cbmnet.source", "cbmnet.target",
                   "cbmnet.way", *(f"cbmnet.{name}" for name in label))  # fmt: skip
    assert len(shown) == len(wires) > 400
    for line, wire in zip(shown, wires, strict=True):
        assert line["frame.interface_name"] == f"{wire.sender}>{wire.receiver}"
        assert line["frame.time_epoch"] == f"{round(wire.at_s * 1e9) / 1e9:.9f}"
        assert (line["cbmnet.source"], line["cbmnet.target"]) == (wire.sender, wire.receiver)
        assert WAYS[int(line["cbmnet.way"])] == wire.way
        assert [line[f"cbmnet.{name}"] for name in label] == [str(part) for part in wire.label]


def test_tshark_shows_frames_and_envelopes(captured: tuple[Path, list[Wire]]) -> None:
    """Of what was sent: type and numbers of the frame; kind, parties and numbers of the envelope in it."""
    file, wires = captured
    of_frame = ("type", "stream", "sequence", "attempt")
    of_envelope = ("type", "sender", "receiver", "stream", "epoch", "sequence", "issued_ms", "expires_ms")
    names = [f"cbmnet.frame.{name}" for name in of_frame]
    names += [f"cbmnet.envelope.{name}" for name in of_envelope]
    shown = fields(file, *names)
    for line, wire in zip(shown, wires, strict=True):
        if wire.way == "sent":
            told = list(line.values())
            frame = msgpack.unpackb(wire.data)
            assert told[:4] == [str(part) for part in frame[1:5]]
            assert told[4:] == (_of_envelope(frame[5]) if frame[5] else [""] * 8)


def _of_envelope(envelope: bytes) -> list[str]:
    _, payload_type, body, _ = msgpack.unpackb(envelope)
    _, sender, (receiver,), stream, epoch, sequence, issued_ms, expires_ms, *_ = msgpack.unpackb(body)
    return [payload_type, sender, receiver, *map(str, (stream, epoch, sequence, issued_ms, expires_ms))]


def test_tshark_shows_the_payload(captured: tuple[Path, list[Wire]]) -> None:
    """A notice's fields by name, as text, and the summary line names kind, number and way."""
    file, wires = captured
    number = next(n for n, wire in enumerate(wires, 1) if wire.label.kind == "notice")
    (frame,) = json.loads(tshark(file, "-T", "json", "-Y", f"frame.number == {number}"))
    said = json.dumps(frame["_source"]["layers"])
    for key in ("activity = ", "activity_class = exercise", "size = ", "start_ms = "):
        assert key in said
    summary = tshark(file, "-Y", f"frame.number == {number}")
    assert "cbmnet" in summary
    assert "notice 1.1, sent" in summary


def test_tshark_filters_by_our_fields(captured: tuple[Path, list[Wire]]) -> None:
    """What was lost, by the words of the dissector; and losses have their reason as a comment."""
    file, wires = captured
    lines = tshark(file, "-Y", "cbmnet.way == 1", "-T", "fields", "-e", "frame.comment").splitlines()
    assert len(lines) == sum(wire.way == "lost" for wire in wires) > 40
    assert all(line.startswith("lost: ") for line in lines)


def test_the_dissector_survives_any_bytes(captured: tuple[Path, list[Wire]], tmp_path: Path) -> None:
    """Frames cut short at each place, bytes of every value, sequences up to 2^64 - 1: no Lua error."""
    _, wires = captured
    whole = next(wire.data for wire in wires if wire.label.kind == "notice")
    spoilt = [whole[:length] for length in range(len(whole))]
    tags = (0x00, 0x81, 0x9F, 0xC0, 0xC1, 0xC7, 0xCB, 0xCF, 0xD3, 0xDB, 0xDD, 0xDF, 0xE0)
    places = range(0, len(whole), 3)
    spoilt += [whole[:at] + bytes([tag]) + whole[at + 1 :] for at in places for tag in tags]
    spoilt += [b"\x91" * 250_000, b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff" * 9, bytes(range(256))]
    label = Label("notice", 2**32 - 1, 2**32 - 1, 2**64 - 1, 2**32 - 1, 2**32 - 1)
    file = tmp_path / "spoilt.pcapng"
    heads = [header(Wire(0.0, 0, 0, "red", "blue", label, b"", "corrupted"))] * len(spoilt)
    packets = [packet(0, 0.0, head + data, INBOUND) for head, data in zip(heads, spoilt, strict=True)]
    packets += [packet(0, 0.0, heads[0][:length], INBOUND) for length in range(1, len(heads[0]))]
    file.write_bytes(section_header("test") + interface("red>blue") + b"".join(packets))
    assert len(read(file.read_bytes())[1]) > 1000
    assert tshark(file, "-V").count("\ncbmnet datagram") == len(spoilt)
    shown = fields(file, "cbmnet.sequence", "cbmnet.attempt")[: len(spoilt)]
    assert {tuple(line.values()) for line in shown} == {(str(2**64 - 1), str(2**32 - 1))}
