"""Nothing is accepted twice: a message that passed is never let pass again."""

from typing import Any

from cbmnet.records import Accept
from cbmnet.registry import NoConfig
from cbmnet.simulation.invariant import INVARIANTS, Throughout


@INVARIANTS.register("at-most-once")
class AtMostOnce(Throughout):
    """Each receiver accepts each message of each sender once at most."""

    wants = (Accept,)

    def __init__(self, config: NoConfig) -> None:
        self._first: dict[tuple[str, str, str], float] = {}

    def feed(self, record: Any) -> str | None:
        """An Accept of a message that was accepted before."""
        key = record.receiver, record.sender, record.message
        if key in self._first:
            return (
                f"{record.receiver} accepted {record.kind} {record.message} of {record.sender} again; "
                f"the first time was at {self._first[key]:g} s"
            )
        self._first[key] = record.at_s
        return None
