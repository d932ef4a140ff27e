"""Running a channel or protocol case in one process, at full size in `make soak`."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cbmnet.validation.case import CASES, Outcome

SOAK = bool(os.environ.get("CBMNET_SOAK"))
LABORATORY = (
    "arq-efficiency", "four-state", "gilbert-elliott", "k-of-n", "outage", "queue", "receipts", "reorder",
    "spurious-timeout", "stop-and-wait", "two-generals",
)  # fmt: skip


def run(case: str, jobs: int = 1, **parameters: Any) -> Mapping[str, Outcome]:
    """The results of a case with these parameters, the others at their defaults."""
    member = CASES[case]
    return member.make(asdict(member.config(**parameters)), jobs, lambda step: None)


def exact(case: str, **parameters: Any) -> Any:
    """What the case holds for exact."""
    return CASES[case].config(**parameters).exact()


def found(outcomes: Mapping[str, Outcome]) -> list[str]:
    """The results that differ."""
    return [name for name, outcome in outcomes.items() if not outcome.agrees]
