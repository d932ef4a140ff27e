"""What silence does over time: the closed form against SciPy's matrix exponential, to 1e-12."""

from collections.abc import Mapping
from typing import Any

from cbmnet.states.propagator import Propagator
from cbmnet.units import DAY_S
from cbmnet.validation.case import CASES, Advance, Outcome, Results

_RATES = {
    "calm": (1e-4 / 14, (1 - 1e-4) / 14, (0.6, 2.0)),
    "tense": (1e-2 / 14, (1 - 1e-2) / 14, (1.4, 4.2)),
    "no marks": (0.05 / 14, 0.95 / 14, (0.0, 0.0)),
    "no motion": (0.0, 0.0, (0.3, 1.3)),
}


@CASES.register("quiet-decay")
def quiet_decay(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Four sets of rates a day, over an hour, a day and 60 days."""
    return {
        f"{name}, {days:g} d": _decay(*rates, days)
        for name, rates in _RATES.items()
        for days in (1 / 24, 1.0, 60.0)
    }


def _decay(onset: float, end: float, marks: tuple[float, float], days: float) -> Outcome:
    from scipy.linalg import expm  # noqa: PLC0415 (scipy loads late)

    weights = expm([[(-onset - marks[0]) * days, end * days], [onset * days, (-end - marks[1]) * days]]) @ [
        0.7,
        0.3,
    ]
    quiet = Propagator(onset / DAY_S, end / DAY_S, (marks[0] / DAY_S, marks[1] / DAY_S))
    return Outcome(
        float(weights[1] / weights.sum()), quiet.after((0.7, 0.3), days * DAY_S)[1], 0.0, 1, limit=1e-12
    )
