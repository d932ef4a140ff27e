"""The share of sealed messages that passed the desk, without those that may still be under way."""

from typing import Any

from cbmnet.records import Seal


class Delivered:
    """Counts messages by their id.

    What was sealed less than the longest transit of this run before its end may still be under way: it
    is counted neither as delivered nor as lost. Where nothing arrived at all, everything counts. Times are
    those of the run: the age that a message says of itself is by the clock of its sender.
    """

    def __init__(self) -> None:
        self._sealed_s: dict[str, float] = {}
        self._transit_s: dict[str, float] = {}

    def feed(self, record: Any) -> None:
        """Takes one Seal or Accept."""
        if type(record) is Seal:
            self._sealed_s[record.message] = record.at_s
        elif (sealed_s := self._sealed_s.get(record.message)) is not None:  # else it is forged
            self._transit_s.setdefault(record.message, record.at_s - sealed_s)

    def share(self, ended_s: float) -> float | None:
        """The share, or None where no message counts."""
        longest_s = max(self._transit_s.values(), default=0.0)
        counted = [message for message, at_s in self._sealed_s.items() if at_s <= ended_s - longest_s]
        heard = sum(message in self._transit_s for message in counted)
        return heard / len(counted) if counted else None
