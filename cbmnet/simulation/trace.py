"""The trace: every record of a run as JSON Lines, from which the run can be told and checked.

The first line names version, config hash, seed and replication; the last holds the SHA-256 of the record
lines between. A record's line says its kind and then its fields by name; a label is the array of its own
fields. Same seed, same bytes.
"""

import hashlib
from math import isfinite
from typing import Any

from msgspec.json import Encoder
from msgspec.structs import asdict

from cbmnet.records import RECORDS, Record
from cbmnet.simulation.identity import config_hash
from cbmnet.simulation.run import Facts

VERSION = 2
AT_ONCE = 256
_JSON = Encoder()


class Trace:
    """An observer that keeps every record as a line of JSON; so many are written at once."""

    wants = RECORDS

    def __init__(self) -> None:
        self._head = b""
        self._lines = bytearray()
        self._held: list[Record] = []  # not yet written
        self._count = 0

    def start(self, facts: Facts) -> None:
        """Writes the first line."""
        named = {"config_hash": config_hash(facts.config), "seed": facts.seed}
        self._head = _JSON.encode({"trace": VERSION, **named, "replication": facts.replication}) + b"\n"

    def feed(self, record: Record) -> None:
        """Adds a record; ValueError, if not now then when it is written, for a number that JSON has not."""
        held = self._held
        held.append(record)
        if len(held) >= AT_ONCE:
            self._write()

    def _write(self) -> None:
        lines = _JSON.encode_lines(self._held)
        if b":null" in lines:  # which is what becomes of such a number
            for record in self._held:
                _check(record)
        self._lines += lines
        self._count += len(self._held)
        self._held.clear()

    def result(self, ended_s: float) -> bytes:
        """The whole file, closed by the hash of all bytes between its first line and its last."""
        self._write()
        tail = {"records": self._count, "sha256": hashlib.sha256(self._lines).hexdigest()}
        return b"".join((self._head, self._lines, _JSON.encode(tail), b"\n"))


def _check(record: Record) -> None:
    for name, value in asdict(record).items():
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{type(record).__name__}: {name} is {value}, which no trace can hold")


def lines_of(trace: bytes) -> list[str]:
    """The lines of a whole trace; no other character than a line feed ends one."""
    return trace.decode().removesuffix("\n").split("\n")


def plain(record: Record) -> dict[str, Any]:
    """A record as a trace has it, read back."""
    return {"record": type(record).__name__, **asdict(record)}
