"""How much of a line three ways of repeating use: messages handed up a frame time, on a saturated line.

A frame takes 1 on the line, a to the other end, and its acknowledgement, never lost, a back; a frame is lost
with p. Each message is worth one frame time. A timeout is 10^-6 above the round trip, 1 + 2a, which is all
that keeps the efficiency below the formulas.

- Stop and wait: every send takes a round trip, so (1 - p)/(1 + 2a).
- Go-back-n, window W. A loss costs C frame times: those until the frame goes again. With W = 1 + 2a that is
  the round trip, and the efficiency (1 - p)/(1 + 2ap), as the textbooks have it. With a wider window, or
  where 2a is not whole, the frame waits for the slot after its timeout: C = 2 + floor(2a), and the
  efficiency is (1 - p)/(1 - p + pC). With a narrower window the sender stands still after each W frames,
  and a loss begins a new W: from one beginning to the next D = (1 - p)(1 - (1 - p)^W)/p messages come, in
  the time 1 + 2a + D - W (1 - p)^W.
- Selective repeat, a window so wide that it never closes: 1 - p. What is too narrow is refused: the window
  must take all frames behind one that is lost several times, until that is rarer than 10^-5 a message.

The formulas of the ideal windows are in W. Stallings, Data and Computer Communications (performance of ARQ);
those of the other windows follow from the variants' own rules by renewal. The line is the real `queue` stage
of constant service 1, before the loss: a frame that came too early would wait there. The windows pace
themselves to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from cbmnet.channels.stages.bernoulli import BernoulliConfig
from cbmnet.channels.stages.constant import ConstantConfig
from cbmnet.channels.stages.queue import QueueConfig
from cbmnet.protocols.events import Acknowledged, GaveUp, Received
from cbmnet.protocols.retry import MAX_SENDS
from cbmnet.protocols.window import MAX_WINDOW
from cbmnet.streams import Streams
from cbmnet.validation.case import CASES, Advance, Results
from cbmnet.validation.line import Pair
from cbmnet.validation.trials import Row, Trials, ratio, rows_of

STOP_AND_WAIT, GO_BACK_N, SELECTIVE_REPEAT = SCHEMES = ("stop-and-wait", "go-back-n", "selective-repeat")
_RARE = 1e-5  # a message for which a window of selective repeat may close
_HAIR_S = 1e-6


@dataclass(frozen=True)
class ArqEfficiencyCase(Trials):
    """`a`: propagation, in frame times; `window` 0: the one the formula asks for; a trial is a frame time."""

    trials: int = 400_000
    scheme: str = GO_BACK_N
    a: float = 2.0
    loss: float = 0.1
    window: int = 0

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ValueError(f'scheme must be {", ".join(SCHEMES[:2])} or {SCHEMES[2]}, not "{self.scheme}"')
        if not 0.0 <= self.a <= 500.0:
            raise ValueError(f"a must be from 0 to 500, not {self.a:g}")
        if not 0.0 <= self.loss <= 0.9:
            raise ValueError(f"loss must be from 0 to .9, not {self.loss:g}")
        self._check_window()
        self.check_trials()

    def _check_window(self) -> None:
        asked, known = self.window, f"window {self.window}"
        if not 0 <= asked <= MAX_WINDOW:
            raise ValueError(
                f"{known}: must be from 1 to {MAX_WINDOW}, or 0 for the one that the formula asks for"
            )
        if self.scheme == STOP_AND_WAIT and asked > 1:
            raise ValueError(f"{known}: stop-and-wait has a window of 1")
        if self.scheme == SELECTIVE_REPEAT:
            self._check_wide(asked or self.wide)

    def _check_wide(self, window: int) -> None:
        if self.wide > MAX_WINDOW:
            raise ValueError(
                f"selective-repeat would need a window of {self.wide} at this a and loss, and has at most "
                f"{MAX_WINDOW}; take less of either"
            )
        if window < self.wide:
            raise ValueError(
                f"window {window}: selective-repeat needs one of {self.wide} to {MAX_WINDOW} at this a and "
                "loss; in a narrower one it stands still, and no formula tells for how long"
            )

    @property
    def round_trip(self) -> float:
        """From the first bit of a frame to its acknowledgement, in frame times."""
        return 1.0 + 2.0 * self.a

    @property
    def span(self) -> int:
        """Ten round trips that bring something."""
        return ceil(10.0 * self.round_trip / (1.0 - self.loss))

    @property
    def wide(self) -> int:
        """The window at which selective repeat stands still for fewer than 10^-5 of the messages."""
        sends = 1
        while self.loss**sends * self.round_trip > _RARE:
            sends += 1
        return sends * (2 + floor(2.0 * self.a))

    @property
    def frames(self) -> int:
        """The window that is taken."""
        asked_for = {STOP_AND_WAIT: 1, GO_BACK_N: ceil(self.round_trip), SELECTIVE_REPEAT: self.wide}
        return self.window or asked_for[self.scheme]

    def exact(self) -> float:
        """Messages a frame time."""
        comes, window = 1.0 - self.loss, self.frames
        if self.scheme == SELECTIVE_REPEAT:
            return comes
        if window > self.round_trip:
            return comes / (comes + self.loss * (2 + floor(2.0 * self.a)))
        in_a_row = sum(comes**k for k in range(1, window + 1))
        return in_a_row / (self.round_trip + in_a_row - window * comes**window)


@CASES.register("arq-efficiency", ArqEfficiencyCase)
def arq_efficiency(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Stop and wait, go-back-n and selective repeat: how much of a line each uses."""
    chosen = ArqEfficiencyCase(**parameters)
    rows = rows_of(_run, chosen, jobs, advance)
    note = f"{chosen.scheme}, a = {chosen.a:g}, window {chosen.frames}"
    return {"efficiency": ratio(chosen, chosen.exact(), rows, 1, note=note)}


def _run(chosen: ArqEfficiencyCase, size: int, streams: Streams) -> list[Row]:
    """The middle of a run: 20 round trips after its beginning, and never out of messages."""
    begins = ceil(20 * chosen.round_trip)
    came = [0] * (begins + size + 2)
    sent = 0

    def go_on(event: Acknowledged | GaveUp | None) -> None:
        nonlocal sent
        sent += 1
        pair.send(sent - 1)

    def arrive(event: Received) -> None:
        came[int(clock.now)] += 1

    pair = Pair(*_variant(chosen), go_on, arrive)
    clock = pair.clock
    there = [
        ("queue", QueueConfig(1.0, "constant")), ("bernoulli", BernoulliConfig(chosen.loss)),
        ("constant", ConstantConfig(chosen.a)),
    ]  # fmt: skip
    pair.join(streams, there, [("constant", ConstantConfig(chosen.a))])
    for _ in range(chosen.frames + 2):
        go_on(None)
    clock.run(until=float(begins + size))
    return [(stop - start, sum(came[begins + start : begins + stop])) for start, stop in chosen.batches(size)]


def _variant(chosen: ArqEfficiencyCase) -> tuple[str, dict[str, Any]]:
    config: dict[str, Any] = {"rto_s": chosen.round_trip + _HAIR_S, "max_sends": MAX_SENDS}
    if chosen.scheme == STOP_AND_WAIT:
        return chosen.scheme, config | {"backoff": 1.0}
    return chosen.scheme, config | {"window": chosen.frames, "pace_s": 1.0}
