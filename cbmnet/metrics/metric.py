"""The interface of a metric: an observer that reduces one run to one value, and how values are pooled.

`kind` says how the values of many runs are stated: "mean" (a number a run, or None where the run has
none), "yes_no" (a bool a run) or "pooled" (any data a run, with `pool` to state it over all runs).
`wants` lists the records it is fed; a metric that wants fewer makes faster runs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from cbmnet.registry import Family
from cbmnet.simulation.run import Facts
from cbmnet.statistics import Interval


class Metric(Protocol):
    """One metric over one run; made anew for every run."""

    kind: Literal["mean", "yes_no", "pooled"]
    wants: tuple[type, ...]

    def start(self, facts: Facts) -> None:
        """The run begins."""

    def feed(self, record: Any) -> None:
        """Takes one record."""

    def result(self, ended_s: float) -> Any:
        """The value of the run."""


class PooledMetric(Metric, Protocol):
    """A metric whose statement needs the data of all runs at once."""

    @staticmethod
    def pool(values: Sequence[Any], level: float) -> Mapping[str, Interval]:
        """The named intervals over all runs."""


KINDS = ("mean", "yes_no", "pooled")
METRICS: Family[Any] = Family("metrics", "cbmnet.metrics")

# A study that counts false alarms shows what calm costs beside them, asked or not.
ALWAYS_BESIDE = {
    "false_alarm_rises": ("missed_threat", "attack"),
    "false_alarm": ("missed_threat", "attack"),
}


def chosen(names: tuple[str, ...] | None) -> list[str]:
    """The metrics of a study, sorted: all there are, or those named and what must stand beside them."""
    return METRICS.names() if names is None else sorted(with_beside(names))


def with_beside(names: Sequence[str]) -> list[str]:
    """The names in their order, then what must stand beside them, each once."""
    beside = [other for name in names for other in ALWAYS_BESIDE.get(name, ())]
    return list(dict.fromkeys([*names, *beside]))
