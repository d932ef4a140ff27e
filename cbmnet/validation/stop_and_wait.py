"""Stop and wait with at most R sends: how often it sends, what it delivers, and what its sender believes.

With data loss d, acknowledgement loss a and q = (1 - d)(1 - a): sends (1 - (1 - q)^R)/q, acknowledged 1 - (1
- q)^R, delivered 1 - d^R, delivered but not acknowledged (1 - q)^R - d^R. Every send arrives with 1 - d, and
all but the first to arrive are duplicates: (1 - d) sends - (1 - d^R) a message, which without a limit is
a/(1 - a). d = a = .5, R = 5: 3.0508, .7627, .96875, .20605.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.protocols.events import Acknowledged, GaveUp, Received
from cbmnet.protocols.retry import MAX_SENDS
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.line import Pair, number_of
from cbmnet.validation.trials import Row, Trials, check_probs, ratio, rows_of

_NAMES = ("sends", "acknowledged", "delivered", "delivered_not_acknowledged", "duplicates")


@dataclass(frozen=True)
class StopAndWaitCase(Trials):
    """Loss there and back, and the limit R; a trial is a message."""

    trials: int = 500_000
    data_loss: float = 0.5
    ack_loss: float = 0.5
    max_sends: int = 5

    def __post_init__(self) -> None:
        check_probs(data_loss=self.data_loss, ack_loss=self.ack_loss)
        if not 1 <= self.max_sends <= MAX_SENDS:
            raise ValueError(f"max_sends must be from 1 to {MAX_SENDS}")
        self.check_trials()

    def exact(self) -> tuple[float, ...]:
        """The five, in the order of their names."""
        d, limit = self.data_loss, self.max_sends
        fails = 1.0 - (1.0 - d) * (1.0 - self.ack_loss)
        sends = sum(fails**k for k in range(limit))
        delivered = 1.0 - d**limit
        believed_failed = fails**limit - d**limit
        return sends, 1.0 - fails**limit, delivered, believed_failed, (1.0 - d) * sends - delivered


@CASES.register("stop-and-wait", StopAndWaitCase)
def stop_and_wait(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Stop and wait on a lossy line: sends, what arrives, what is believed, duplicates."""
    chosen = StopAndWaitCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    exact = zip(_NAMES, chosen.exact(), strict=True)
    return {name: ratio(chosen, value, rows, k) for k, (name, value) in enumerate(exact, start=1)}


def _run(chosen: StopAndWaitCase, size: int, streams: Streams) -> list[Row]:
    """A second each way, a timeout of 2.5 s: a message is through with all its copies before the next."""
    sends, acknowledged, copies, unknown = (bytearray(size) for _ in range(4))

    def settle(event: Acknowledged | GaveUp) -> None:
        number = event.sequence - 1
        sends[number] = event.attempts
        if type(event) is Acknowledged:
            acknowledged[number] = 1
        elif copies[number]:
            unknown[number] = 1
        if event.sequence < size:
            pair.send(event.sequence)

    def arrive(event: Received) -> None:
        copies[number_of(event.data)] += 1

    config = {"rto_s": 2.5, "backoff": 1.0, "max_sends": chosen.max_sends}
    pair = Pair("stop-and-wait", config, settle, arrive)
    there, back = (
        [("bernoulli", BernoulliConfig(loss)), ("constant", ConstantConfig(1.0))]
        for loss in (chosen.data_loss, chosen.ack_loss)
    )
    pair.join(streams, there, back)
    pair.send(0)
    pair.clock.run()
    return [
        _row(stop - start, *(counts[start:stop] for counts in (sends, acknowledged, copies, unknown)))
        for start, stop in chosen.batches(size)
    ]


def _row(size: int, *counts: bytearray) -> Row:
    sends, acknowledged, copies, unknown = counts
    delivered = size - copies.count(0)
    return size, sum(sends), sum(acknowledged), delivered, sum(unknown), sum(copies) - delivered
