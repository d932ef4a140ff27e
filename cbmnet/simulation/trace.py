"""The trace: every record of a run as JSON Lines, from which the run can be told and checked.

The first line names version, config hash, seed and replication; the last holds the SHA-256 of the record
lines between. Same seed, same bytes.
"""

import hashlib
import json
from typing import Any

from cbmnet.records import RECORDS
from cbmnet.simulation.identity import config_hash
from cbmnet.simulation.run import Facts

VERSION = 1


class Trace:
    """An observer that keeps every record as a line of JSON."""

    wants = RECORDS

    def __init__(self) -> None:
        self.lines: list[str] = []

    def start(self, facts: Facts) -> None:
        """Writes the first line."""
        head = {
            "trace": VERSION, "config_hash": config_hash(facts.config), "seed": facts.seed,
            "replication": facts.replication,
        }  # fmt: skip
        self.lines = [json.dumps(head)]

    def feed(self, record: Any) -> None:
        """Adds a record: its kind, then its fields by name."""
        fields = record._asdict()
        if "label" in fields:
            fields["label"] = str(fields["label"])
        self.lines.append(json.dumps({"record": type(record).__name__, **fields}, allow_nan=False))

    def result(self, ended_s: float) -> list[str]:
        """All lines, closed by the hash of the records."""
        digest = hashlib.sha256("\n".join(self.lines[1:]).encode()).hexdigest()
        return [*self.lines, json.dumps({"records": len(self.lines) - 1, "sha256": digest})]
