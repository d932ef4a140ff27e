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
_JSON = Encoder()
_OF_NUMBERS = frozenset(kind for kind in RECORDS if float in kind.__annotations__.values())
"""The records that have more numbers than their time, each of which a trace must be able to write."""


class Trace:
    """An observer that keeps every record as a line of JSON."""

    wants = RECORDS

    def __init__(self) -> None:
        self._head = b""
        self._lines = bytearray()
        self._count = 0

    def start(self, facts: Facts) -> None:
        """Writes the first line."""
        named = {"config_hash": config_hash(facts.config), "seed": facts.seed}
        self._head = _JSON.encode({"trace": VERSION, **named, "replication": facts.replication}) + b"\n"

    def feed(self, record: Record) -> None:
        """Adds a record; ValueError for a number that JSON has not."""
        if not isfinite(record.at_s) or type(record) in _OF_NUMBERS:
            _check(record)
        self._count += 1
        _JSON.encode_into(record, self._lines, -1)
        self._lines += b"\n"

    def result(self, ended_s: float) -> bytes:
        """The whole file, closed by the hash of all bytes between its first line and its last."""
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
