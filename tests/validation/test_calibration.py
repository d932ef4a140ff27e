"""The small version of the calibration case: a few of its 24 settings, and all four planted errors.

The whole (600 runs of each setting) runs in `cbmnet validate calibration`.
"""

import pytest

from cbmnet.validation.calibration import (
    LIMIT,
    TWINS,
    CalibrationConfig,
    Setting,
    binned,
    distance,
    samples_of,
    settings,
    worst_bin,
)

RUNS = 100
SMALL = CalibrationConfig(runs=RUNS)
CHOSEN = {
    (1.0, 0.9, 0.0), (0.9, 0.5, 6.0), (0.9, 0.9, 24.0), (0.5, 0.9, 24.0), (0.5, 0.5, 0.0), (0.0, 0.9, 0.0),
}  # fmt: skip
# Outages are the subtlest of the planted errors and need more runs than the others to be found.
TWIN_RUNS = {"twin: outages judged as independent": 300}


@pytest.mark.parametrize(
    "setting", [s for s in settings() if (s.delivery, s.seen, s.delay_h) in CHOSEN], ids=lambda s: s.name
)
def test_beliefs_lie_on_the_diagonal(setting: Setting) -> None:
    """In every bin met by at least 50 runs belief and truth agree within 4 standard errors."""
    bins = [b for b in binned(samples_of(setting, SMALL, 1)) if b.runs >= 50]
    assert len(bins) >= 10
    worst = max(bins, key=distance)
    assert distance(worst) <= LIMIT, worst


@pytest.mark.parametrize("twin", TWINS, ids=lambda s: s.name)
def test_a_planted_error_leaves_the_diagonal(twin: Setting) -> None:
    """Each wrong filter or wrong belief about the channel is found, beyond 4 standard errors."""
    outcome = worst_bin(twin, CalibrationConfig(runs=TWIN_RUNS.get(twin.name, RUNS)), 1)
    assert outcome.agrees
    assert "found" in outcome.note
    assert "NOT" not in outcome.note


def test_there_are_24_settings() -> None:
    """Delivery 1, .9, .5, 0; seen .9, .5; delay 0, 6 h, 24 h."""
    assert len(list(settings())) == 24
