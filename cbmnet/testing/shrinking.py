"""Shrinks a failing schedule to the faults that matter.

Delta debugging (Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input"): ddmin on
the list of faults, by complements alone, which leaves none that could go; then each fault made simpler.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from msgspec.structs import replace

from cbmnet.channels.faults import Datagrams, Fault

Fails = Callable[[tuple[Fault, ...]], bool]
_ROUND_S = (0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(frozen=True)
class Shrunk:
    """The smallest failing schedule that was found, after so many runs."""

    faults: tuple[Fault, ...]
    runs: int


def shrink(faults: Sequence[Fault], fails: Fails, max_runs: int = 2000) -> Shrunk:
    """A schedule none of whose faults can be left out, unless `max_runs` were reached first.

    `fails` says whether a schedule fails; the one given must. ValueError if it does not.
    """
    search = _Search(fails, max_runs)
    smallest = tuple(faults)
    if not search.fails(smallest):
        raise ValueError("the schedule does not fail, so there is nothing to shrink")
    smallest = _fewer(smallest, search)
    smallest = _simpler(smallest, search)
    return Shrunk(_fewer(smallest, search), search.runs)


class _Search:
    """Asks each schedule once, and stops asking after a number of runs."""

    def __init__(self, fails: Fails, max_runs: int) -> None:
        self._fails, self._max_runs = fails, max_runs
        self._known: dict[tuple[Fault, ...], bool] = {}

    @property
    def runs(self) -> int:
        return len(self._known)

    def fails(self, faults: tuple[Fault, ...]) -> bool:
        if faults not in self._known:
            if self.runs >= self._max_runs:
                return False
            self._known[faults] = self._fails(faults)
        return self._known[faults]


def _fewer(faults: tuple[Fault, ...], search: _Search) -> tuple[Fault, ...]:
    """ddmin: leaves out ever smaller parts as long as it still fails."""
    parts = 2
    while len(faults) >= 1:
        size = -(-len(faults) // parts)
        for start in range(0, len(faults), size):
            rest = faults[:start] + faults[start + size :]
            if search.fails(rest):
                faults, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(faults))
    return faults


def _simpler(faults: tuple[Fault, ...], search: _Search) -> tuple[Fault, ...]:
    for number in range(len(faults)):
        improved = True
        while improved:
            improved = False
            for fault in _simpler_ones(faults[number]):
                changed = (*faults[:number], fault, *faults[number + 1 :])
                if search.fails(changed):
                    faults, improved = changed, True
                    break
    return faults


def _without(fault: Fault) -> Fault:
    """The fault without what seldom tells two datagrams of a small test apart."""
    if isinstance(fault.at, Datagrams):
        return replace(fault, at=replace(fault.at, stream=None, epoch=None, copy=None))
    return fault


def _simpler_ones(fault: Fault) -> Iterator[Fault]:
    """Fewer words for the same datagrams; then rounder times, the shortest first, last the next second."""
    if (shorter := _without(fault)) != fault:
        yield shorter
    for key in ("by_s", "after_s", "for_s"):
        if (time_s := getattr(fault, key, 0.0)) > 0.0:
            rounder = [s for s in _ROUND_S if s < time_s and (s > 0.0 or key == "after_s")]
            if time_s != ceil(time_s):
                rounder.append(float(ceil(time_s)))
            yield from (replace(fault, **{key: s}) for s in rounder)
