"""Watches that no two datagrams share a label: draws and faults are keyed by it, both would share a fate."""

from typing import Any

from cbmnet.datagram import Label
from cbmnet.errors import SimulationError
from cbmnet.records import Crash, Send


class Labels:
    """Refuses a second datagram under one label, and more datagrams than a run may have.

    A party that lost its state may begin its numbers anew.
    """

    wants: tuple[type, ...] = (Send, Crash)

    def __init__(self, most: int | None = None) -> None:
        self._sent: set[tuple[str, str, Label]] = set()
        self._most = most

    def start(self, facts: Any) -> None:
        """Nothing is known yet."""

    def feed(self, record: Any) -> None:
        """Takes a Send or a Crash. SimulationError."""
        if isinstance(record, Crash):
            if record.fresh:
                self._sent = {key for key in self._sent if key[0] != record.party}
            return
        key = record.sender, record.receiver, record.label
        if type(record.kind) is not str or not record.kind:
            said = f"{record.sender} sends a datagram of the kind {record.kind!r} to {record.receiver}"
            raise SimulationError(f"at {record.at_s:g} s {said}; a kind is a word")
        if key in self._sent:
            said = f"{record.sender} sends {record.label} to {record.receiver} a second time"
            raise SimulationError(f"at {record.at_s:g} s {said}; each transmission has a label of its own")
        self._sent.add(key)
        if self._most is not None and len(self._sent) > self._most:
            raise SimulationError(f"more than {self._most} datagrams were sent, at {record.at_s:g} s")

    def result(self, ended_s: float) -> None:
        """Nothing of its own."""
