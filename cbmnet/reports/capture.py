"""A capture of a run: its datagrams as a pcapng file that Wireshark opens, with `cbmnet.lua` beside it.

Link type USER0; one interface for each directed link, named "red>blue", so that one link can be picked out.
Each packet is a header of ours and then the bytes as they were on the line. The header is big-endian:

    version (1 byte, 1), way (1 byte: 0 sent, 1 lost, 2 arrived, 3 corrupted, 4 forged), length of the whole
    header (2), stream (4), epoch (4), sequence (8), attempt (4), copy (4), then source, target and kind,
    each a byte that counts its bytes of UTF-8, and those

The label in it is never on the line: an observer of a real one would not see it. Simulated time counts from
1970-01-01. A datagram stands there once as sent, and once for each end it met: lost, arrived, corrupted.
"""

import struct
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from cbmnet.errors import SimulationError
from cbmnet.records import Drop, Wire
from cbmnet.reports import pcapng
from cbmnet.simulation.identity import config_hash
from cbmnet.simulation.run import Facts

HEADER_VERSION = 1
WAYS = ("sent", "lost", "arrived", "corrupted", "forged")
DISSECTOR = Path(__file__).with_name("cbmnet.lua")
_FIXED = struct.Struct(">BBHIIQII")
_LONGEST_TEXT = 255


class Capture:
    """An observer that keeps the bytes of every datagram that it `shows`, up to `most` packets."""

    wants: tuple[type, ...] = (Wire, Drop)

    def __init__(self, shows: Callable[[Wire], bool] = lambda _: True, most: int | None = None) -> None:
        self._shows, self._most = shows, most
        self._links: dict[tuple[str, str], int] = {}
        self._drop: Drop | None = None
        self._blocks: list[bytes] = []
        self.packets = self.left_out = 0

    def start(self, facts: Facts) -> None:
        """Writes the section header, which says of what run this is."""
        config = facts.config
        said = f"{config.name}, config {config_hash(config)}, seed {facts.seed}, run {facts.replication}"
        self._blocks = [pcapng.section_header(f"cbmnet {version('cbmnet')}", said)]

    def feed(self, record: Wire | Drop) -> None:
        """Adds a packet; a Drop comes just before the bytes that were lost and gives their reason."""
        if type(record) is Drop:
            self._drop = record
        elif type(record) is Wire and self._shows(record):
            if self._most is not None and self.packets >= self._most:
                self.left_out += 1
            else:
                self._add(record)

    def result(self, ended_s: float) -> bytes:
        """The whole file."""
        return b"".join(self._blocks)

    def _add(self, wire: Wire) -> None:
        self.packets += 1
        direction = pcapng.OUTBOUND if wire.way == "sent" else pcapng.INBOUND
        number = self._interface(wire.sender, wire.receiver)
        data = header(wire) + wire.data
        self._blocks.append(pcapng.packet(number, wire.at_s, data, direction, self._comment(wire)))

    def _interface(self, sender: str, receiver: str) -> int:
        link = (sender, receiver)
        if link not in self._links:
            self._links[link] = len(self._links)
            self._blocks.append(pcapng.interface(f"{sender}>{receiver}"))
        return self._links[link]

    def _comment(self, wire: Wire) -> str:
        if wire.way != "lost":
            return "" if wire.way in ("sent", "arrived") else wire.way
        drop = self._drop
        return f"lost: {drop.reason}" if drop is not None and drop.id == wire.cause else "lost"


def header(wire: Wire) -> bytes:
    """The header before the bytes. Raises SimulationError for a label that does not fit into it."""
    label = wire.label
    texts = b"".join(_text(text) for text in (wire.sender, wire.receiver, label.kind))
    numbers = (label.stream, label.epoch, label.sequence, label.attempt, label.copy)
    try:
        length = _FIXED.size + len(texts)
        return _FIXED.pack(HEADER_VERSION, WAYS.index(wire.way), length, *numbers) + texts
    except struct.error:
        said = "its numbers must be from 0 to 2^32 - 1, the sequence to 2^64 - 1"
        raise SimulationError(f"label {label} cannot be captured: {said}") from None


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) > _LONGEST_TEXT:
        raise SimulationError(f"{text[:32]}... cannot be captured: a name has at most {_LONGEST_TEXT} bytes")
    return bytes([len(data)]) + data
