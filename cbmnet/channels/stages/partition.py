"""A partition: the parties fall into groups, and nothing passes from one group to another.

No formula: it is an interval and a table of who is cut from whom. Partial and one-way partitions are the
kinds that a study of failures found beside the complete one (Alquraan et al., OSDI 2018).
"""

from dataclasses import dataclass
from math import inf

from cbmnet.channels.stage import STAGES, Flight, LinkContext


@dataclass(frozen=True)
class PartitionConfig:
    """`groups` of party names, cut apart from `start_s` to `end_s` (never healed without one).

    `one_way` cuts only what goes from an earlier group to a later one. A party in no group hears all and
    is heard by all.
    """

    groups: tuple[tuple[str, ...], ...]
    start_s: float = 0.0
    end_s: float | None = None
    one_way: bool = False

    def __post_init__(self) -> None:
        names = [name for group in self.groups for name in group]
        if len(self.groups) < 2 or not all(self.groups):
            raise ValueError("groups must be at least two, each with a party in it")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"groups must not share a party; {twice} stands in two")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError("end must be after start")

    def cuts(self, source: str, target: str) -> bool:
        """Whether the link from `source` to `target` is among those cut."""
        place = {name: number for number, group in enumerate(self.groups) for name in group}
        if source not in place or target not in place:
            return False
        return place[source] < place[target] if self.one_way else place[source] != place[target]


@STAGES.register("partition", PartitionConfig)
class Partition:
    """Drops what would cross between groups while the partition lasts."""

    instant = True
    __slots__ = ("_end_s", "_start_s")

    def __init__(self, config: PartitionConfig, link: LinkContext) -> None:
        self._start_s, self._end_s = config.start_s, inf if config.end_s is None else config.end_s
        if not config.cuts(link.source, link.target):
            self._start_s = inf

    def apply(self, flight: Flight, now_s: float) -> Flight | None:
        """Drops a flight that stands within the time of the cut."""
        if self._start_s <= flight.at_s < self._end_s and flight.drop is None:
            flight.drop = "partition"
        return None
