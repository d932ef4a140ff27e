"""Transit times from a table: measured samples, or quantiles at equal steps.

Two readings of the sorted table x_1 .. x_n (R. J. Hyndman, Y. Fan, Sample quantiles in statistical
packages, 1996): linear, their definition 7, where x_1 and x_n are the least and the greatest delay and all
between is possible; or steps, their definition 1, where nothing comes but the values themselves, each
equally often.
"""

from dataclasses import dataclass

from cbmnet.channels.delay import Delay, DelayOptions, register_delay
from cbmnet.channels.stage import LinkContext


@dataclass(frozen=True)
class EmpiricalConfig(DelayOptions):
    """`table_s`: samples or quantiles, in any order; `steps`: only the values themselves occur."""

    table_s: tuple[float, ...]
    steps: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.table_s:
            raise ValueError("table must have at least one delay")
        if min(self.table_s) < 0.0:
            raise ValueError("table must have no delay below 0")


@register_delay("empirical", EmpiricalConfig)
class Empirical(Delay):
    """Draws from the table, linearly between its values unless told to step."""

    __slots__ = ("_sorted_s", "_steps")

    def __init__(self, config: EmpiricalConfig, link: LinkContext) -> None:
        self._sorted_s, self._steps = sorted(config.table_s), config.steps

    def quantile_s(self, share: float) -> float:
        """The value at this share of the table."""
        table_s = self._sorted_s
        if self._steps:
            return table_s[int(share * len(table_s))]
        place = share * (len(table_s) - 1)
        below = int(place)
        if below == len(table_s) - 1:
            return table_s[below]
        return table_s[below] + (place - below) * (table_s[below + 1] - table_s[below])
