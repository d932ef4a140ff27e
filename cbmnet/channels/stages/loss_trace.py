"""Loss as it was recorded: a sequence of 0, delivered, and 1, lost, is replayed flight by flight.

No formula: the record is the model. A trace keeps what no chain of few states has, such as long memory; it
must be long beside its bursts.
"""

from dataclasses import dataclass

from cbmnet.channels.stage import STAGES, Flight, LinkContext


@dataclass(frozen=True)
class LossTraceConfig:
    """`trace` such as "0001100" or [0, 0, 1]; begins at `start`, counted from 0, or at a drawn place.

    After its end it begins again, or with `repeat` false nothing is lost any more.
    """

    trace: str | tuple[int, ...]
    start: int | None = None
    repeat: bool = True

    def __post_init__(self) -> None:
        if not self.trace or any(str(mark) not in ("0", "1") for mark in self.trace):
            raise ValueError("trace must be zeros (delivered) and ones (lost), at least one of them")
        if self.start is not None and not 0 <= self.start < len(self.trace):
            raise ValueError("start must be from 0 and before the end of trace")


@STAGES.register("loss-trace", LossTraceConfig)
class LossTrace:
    """Each flight takes the next mark, whether or not it was lost before."""

    instant = True
    ordered = True
    __slots__ = ("_lost", "_place", "_repeats")

    def __init__(self, config: LossTraceConfig, link: LinkContext) -> None:
        self._lost = bytes(int(mark) for mark in config.trace)
        self._repeats = config.repeat
        drawn = link.generator("loss-trace").randrange(len(self._lost))
        self._place = drawn if config.start is None else config.start

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Drops a flight whose mark is 1."""
        if self._place < len(self._lost):
            if self._lost[self._place] and flight.drop is None:
                flight.drop = "recorded loss"
            self._place += 1
            if self._repeats and self._place == len(self._lost):
                self._place = 0
        return None
