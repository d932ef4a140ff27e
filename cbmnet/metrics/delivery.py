"""Share of the sealed messages, heartbeats left out, that passed the desk of their receiver."""

from typing import Any, Literal

from cbmnet.metrics.metric import METRICS
from cbmnet.records import Accept, Seal
from cbmnet.simulation.run import Facts


@METRICS.register("delivery")
class Delivery:
    """Share of the sealed messages, heartbeats left out, that passed the desk of their receiver."""

    kind: Literal["mean"] = "mean"
    wants: tuple[type, ...] = (
        Seal,
        Accept,
    )

    def start(self, facts: Facts) -> None:
        """Nothing is known yet."""
        self._sealed: set[str] = set()
        self._accepted: set[str] = set()

    def feed(self, record: Any) -> None:
        """Takes one record."""
        if record.kind != "heartbeat":
            kept = self._sealed if type(record) is Seal else self._accepted
            kept.add(record.message)

    def result(self, ended_s: float) -> float | None:
        """The value of the run."""
        return len(self._sealed & self._accepted) / len(self._sealed) if self._sealed else None
