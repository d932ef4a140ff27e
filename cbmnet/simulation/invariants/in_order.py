"""Order per sender: what is accepted of one stream comes in the order in which it was sent."""

from typing import Any

from cbmnet.records import Accept, Seal
from cbmnet.registry import NoConfig
from cbmnet.simulation.invariant import INVARIANTS, Throughout


@INVARIANTS.register("in-order")
class InOrder(Throughout):
    """For protocols that claim it. A message may be missing; none comes after one sent later."""

    wants = (Seal, Accept)

    def __init__(self, config: NoConfig) -> None:
        self._place: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._sent: dict[tuple[str, str, int], int] = {}
        self._last: dict[tuple[str, str, int], tuple[int, str]] = {}

    def feed(self, record: Any) -> str | None:
        """Numbers what is sent; an Accept of a lower number than the last is out of order."""
        if isinstance(record, Seal):
            line = record.sender, record.receiver, record.stream
            number = self._sent[line] = self._sent.get(line, 0) + 1
            self._place[record.sender, record.receiver, record.message] = record.stream, number
            return None
        place = self._place.get((record.sender, record.receiver, record.message))
        if place is None:
            return None  # never sent: another invariant's business
        stream, number = place
        line = record.sender, record.receiver, stream
        last, before = self._last.get(line, (0, ""))
        self._last[line] = max((last, before), (number, record.message))
        if number < last:
            return (
                f"{record.receiver} accepted {record.message} of {record.sender} after {before}, sent later"
            )
        return None
