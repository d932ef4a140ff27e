"""The interface of a validation case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cbmnet.registry import Family


@dataclass(frozen=True, slots=True)
class Outcome:
    """One result: exact value, what the program gave, its standard error (0: no chance in it), and n.

    `limit` is the largest allowed distance in standard errors, or the absolute tolerance where the
    standard error is 0. `note` says what the number is where its name does not.
    """

    exact: float
    simulated: float
    standard_error: float
    n: int
    limit: float = 4.0
    note: str = ""

    @property
    def distance(self) -> float:
        """Distance from the exact value in standard errors, or absolute where there is no error."""
        gap = abs(self.simulated - self.exact)
        return gap / self.standard_error if self.standard_error > 0.0 else gap

    @property
    def agrees(self) -> bool:
        """Whether it lies within its limit."""
        return self.distance <= self.limit


Results = Mapping[str, Outcome]
Advance = Callable[[str], None]
Case = Callable[[Mapping[str, Any], int, Advance], Results]
"""A case takes its parameters, the number of processes and a callback for progress."""

CASES: Family[Case] = Family("validation", "cbmnet.validation")
