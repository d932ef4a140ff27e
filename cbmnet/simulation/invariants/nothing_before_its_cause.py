"""Nothing before its cause: what is accepted was sent before, what arrives left before."""

from typing import Any

from cbmnet.datagram import Label
from cbmnet.records import Accept, Deliver, Duplicate, Seal, Send
from cbmnet.registry import NoConfig
from cbmnet.simulation.invariant import INVARIANTS, Throughout


@INVARIANTS.register("nothing-before-its-cause")
class NothingBeforeItsCause(Throughout):
    """An arrival has its sending before it, an acceptance its sealing; forgeries are another's business."""

    wants = (Seal, Send, Duplicate, Deliver, Accept)

    def __init__(self, config: NoConfig) -> None:
        self._sealed: set[tuple[str, str, str]] = set()
        self._sent: dict[tuple[str, str, Label], float] = {}
        self._forged: set[int] = set()

    def feed(self, record: Any) -> str | None:
        """Keeps what was sent; an arrival or an acceptance without it is wrong."""
        if isinstance(record, Seal):
            self._sealed.add((record.sender, record.receiver, record.message))
        elif isinstance(record, Send | Duplicate):
            sender = record.sender
            self._sent.setdefault((sender, record.receiver, record.label), record.at_s)
        elif isinstance(record, Deliver):
            return self._arrived(record)
        elif self._was_never_sent(record):
            return f"{record.receiver} accepted {record.message} of {record.sender}, who never sent it"
        return None

    def _was_never_sent(self, record: Accept) -> bool:
        key = record.sender, record.receiver, record.message
        return key not in self._sealed and record.cause not in self._forged

    def _arrived(self, record: Deliver) -> str | None:
        if record.forged:
            self._forged.add(record.id)
            return None
        sent_s = self._sent.get((record.sender, record.receiver, record.label))
        if sent_s is None or sent_s > record.at_s:
            return f"{record.label} reached {record.receiver} from {record.sender}, which had not sent it"
        return None
