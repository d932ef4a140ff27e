"""The trace: every record of a run as JSON Lines, from which the run can be told and checked.

The first line names version, config hash, seed and replication; the last holds the SHA-256 of the record
lines between. Same seed, same bytes: those of `json.dumps` for the record's kind and then its fields by name.
What comes with every message is put together by hand, to the same bytes, at a sixth of the time.
"""

import hashlib
import json
from collections.abc import Callable
from json.encoder import encode_basestring_ascii
from math import isfinite
from typing import Any

from cbmnet.records import RECORDS, Deliver, Drop, Send
from cbmnet.simulation.identity import config_hash
from cbmnet.simulation.run import Facts

VERSION = 1
_MAX_KNOWN = 4096


class _Known(dict[Any, str]):
    """The JSON of what comes again and again; it forgets all when it is full."""

    def __init__(self, encode: Callable[[Any], str]) -> None:
        super().__init__()
        self._encode = encode

    def __missing__(self, said: Any) -> str:
        if len(self) >= _MAX_KNOWN:
            self.clear()
        self[said] = encoded = self._encode(said)
        return encoded


class Trace:
    """An observer that keeps every record as a line of JSON."""

    wants = RECORDS

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.feeds = {Send: self._feed_send, Deliver: self._feed_deliver, Drop: self._feed_drop}

    def start(self, facts: Facts) -> None:
        """Writes the first line."""
        head = {
            "trace": VERSION, "config_hash": config_hash(facts.config), "seed": facts.seed,
            "replication": facts.replication,
        }  # fmt: skip
        self.lines = [json.dumps(head)]

    def feed(self, record: Any) -> None:
        """Adds a record: its kind, then its fields by name; ValueError for a number that JSON has not."""
        self.lines.append(_encode(plain(record)))

    def result(self, ended_s: float) -> list[str]:
        """All lines, closed by the hash of the records."""
        digest = hashlib.sha256("\n".join(self.lines[1:]).encode()).hexdigest()
        return [*self.lines, json.dumps({"records": len(self.lines) - 1, "sha256": digest})]

    def _feed_send(self, record: Send) -> None:
        at_s, number, cause, sender, receiver, kind, (of, stream, epoch, sequence, attempt, copy) = record
        if not isfinite(at_s):
            raise ValueError(f"{at_s} s is no time for a trace")
        self.lines.append(
            f'{{"record": "Send", "at_s": {at_s}, "id": {number}, "cause": {cause}'
            f'{_WAYS[sender, receiver, kind, of]}/{stream}/{epoch}/{sequence}#{attempt}.{copy}"}}'
        )

    def _feed_deliver(self, record: Deliver) -> None:
        at_s, number, cause, sender, receiver, kind, label, corrupted, forged = record
        of, stream, epoch, sequence, attempt, copy = label
        if not isfinite(at_s):
            raise ValueError(f"{at_s} s is no time for a trace")
        self.lines.append(
            f'{{"record": "Deliver", "at_s": {at_s}, "id": {number}, "cause": {cause}'
            f'{_WAYS[sender, receiver, kind, of]}/{stream}/{epoch}/{sequence}#{attempt}.{copy}", '
            f'"corrupted": {_BOOLEANS[corrupted]}, "forged": {_BOOLEANS[forged]}}}'
        )

    def _feed_drop(self, record: Drop) -> None:
        at_s, number, cause, sender, receiver, kind, label, hop, reason = record
        of, stream, epoch, sequence, attempt, copy = label
        if not isfinite(at_s):
            raise ValueError(f"{at_s} s is no time for a trace")
        self.lines.append(
            f'{{"record": "Drop", "at_s": {at_s}, "id": {number}, "cause": {cause}'
            f'{_WAYS[sender, receiver, kind, of]}/{stream}/{epoch}/{sequence}#{attempt}.{copy}", '
            f'"hop": {hop}, "reason": {_TEXTS[reason]}}}'
        )


def plain(record: Any) -> dict[str, Any]:
    """A record as a trace has it: its kind, then its fields by name; the label is text."""
    fields = record._asdict()
    if "label" in fields:
        fields["label"] = str(fields["label"])
    return {"record": type(record).__name__, **fields}


def _way(fields: tuple[str, str, str, str]) -> str:
    """The part of a line from the sender to where the numbers of the label begin."""
    sender, receiver, kind, of = map(encode_basestring_ascii, fields)
    return f', "sender": {sender}, "receiver": {receiver}, "kind": {kind}, "label": {of[:-1]}'


_encode = json.JSONEncoder(allow_nan=False).encode
_TEXTS, _WAYS = _Known(encode_basestring_ascii), _Known(_way)
_BOOLEANS = {False: "false", True: "true"}
