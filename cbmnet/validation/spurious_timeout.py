"""Timeouts that expire although nothing was lost: two exponential legs of mean 1 against a fixed timeout T.

The round trip is the sum of two, so it exceeds T with probability e^-T (1 + T) (Erlang). The share of
messages that stop and wait sends a second time on a line that loses nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any

from cbmnet.channels.stages.exponential import ExponentialConfig
from cbmnet.protocols.events import Acknowledged, GaveUp
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.line import Pair
from cbmnet.validation.trials import Row, Trials, ratio, rows_of


@dataclass(frozen=True)
class SpuriousTimeoutCase(Trials):
    """`timeout`, in mean times of a leg; a trial is a message."""

    trials: int = 250_000
    timeout: float = 1.5

    def __post_init__(self) -> None:
        if not 0.0 < self.timeout <= 20.0:
            raise ValueError(f"timeout must be above 0 and at most 20, not {self.timeout:g}")
        self.check_trials()


@CASES.register("spurious-timeout", SpuriousTimeoutCase)
def spurious_timeout(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """A timeout against two exponential legs: how often it expires for nothing."""
    chosen = SpuriousTimeoutCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    return {"spurious": ratio(chosen, exp(-chosen.timeout) * (1.0 + chosen.timeout), rows, 1)}


def _run(chosen: SpuriousTimeoutCase, size: int, streams: Streams) -> list[Row]:
    sends = bytearray(size)

    def settle(event: Acknowledged | GaveUp) -> None:
        sends[event.sequence - 1] = event.attempts
        if event.sequence < size:
            pair.send(event.sequence)

    config = {"rto_s": chosen.timeout, "backoff": 1.0, "max_sends": 2}
    pair = Pair("stop-and-wait", config, settle)
    leg = [("exponential", ExponentialConfig(1.0))]
    pair.join(streams, leg, leg)
    pair.send(0)
    pair.clock.run()
    return [(stop - start, sends.count(2, start, stop)) for start, stop in chosen.batches(size)]
