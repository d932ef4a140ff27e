"""The small version of the calibration case under outages: three of its worlds, and its planted errors.

The whole (600 runs of eight worlds) runs in `cbmnet validate calibration-outages`.
"""

from dataclasses import replace
from statistics import fmean

import pytest

from cbmnet.simulation.config import RunConfig
from cbmnet.statistics import paired_difference
from cbmnet.units import DAY_S
from cbmnet.validation.calibration import (
    LIMIT,
    CalibrationConfig,
    Setting,
    binned,
    config_of,
    distance,
    samples_of,
    worst_bin,
)
from cbmnet.validation.calibration_outages import PLAIN, TWINS, WORLDS, aware, briers, calibration_outages

SMALL = CalibrationConfig(runs=100)
CHOSEN = ("delivery 0.9", "delivery 0.5", "delivery 0.5, loss 0.2 on top, seen 0.5, delay 6 h")


@pytest.mark.parametrize("world", [w for w in WORLDS if w.name in CHOSEN], ids=lambda w: w.name)
def test_beliefs_that_know_of_outages_lie_on_the_diagonal(world: Setting) -> None:
    """In every bin met by at least 50 runs belief and truth agree within 4 standard errors."""
    bins = [b for b in binned(samples_of(aware(world), SMALL, 1)) if b.runs >= 50]
    assert len(bins) >= 10
    worst = max(bins, key=distance)
    assert distance(worst) <= LIMIT, worst


@pytest.mark.parametrize("twin", TWINS[:2], ids=lambda s: s.name)
def test_a_planted_error_leaves_the_diagonal(twin: Setting) -> None:
    """Outages judged as independent losses, or believed mended ten times faster, are found beyond 4 s.e."""
    outcome = worst_bin(twin, CalibrationConfig(runs=300), 1)
    assert outcome.agrees
    assert outcome.note.endswith("a planted error, found")


def test_knowing_of_outages_tells_more_of_the_truth() -> None:
    """In the same runs the Brier score is lower than that of independent judgement, at 99.99 %."""
    own, other = (briers(samples_of(setting, SMALL, 1)) for setting in (aware(PLAIN), PLAIN))
    assert paired_difference(other, own, 0.9999).high < 0.0


@pytest.mark.parametrize("world", WORLDS, ids=lambda w: w.name)
def test_both_rules_believe_the_true_mean(world: Setting) -> None:
    """Availability times what gets through while up is what both believe; so is the line."""
    for setting in (world, aware(world)):
        config: RunConfig = config_of(setting, 200)
        line = config.channel.stages[0].config
        assert line.mttr_s == pytest.approx(world.outage_d * DAY_S)
        mean = line.mtbf_s / (line.mtbf_s + line.mttr_s) * (1.0 - config.channel.loss)
        assert mean == pytest.approx(world.delivery, rel=1e-12)
        assert config.states["blue"].believed_delivery == world.delivery
    believed = config.states["blue"].belief.config
    assert (believed.mtbf_s, believed.mttr_s) == pytest.approx((line.mtbf_s, line.mttr_s), rel=1e-12)
    assert replace(aware(world), rule=world.rule, rule_says=()) == world


def test_the_case_says_what_is_gained_beside_each_world() -> None:
    """Every world of the case has its bin, and the Brier scores of both rules in the same runs."""
    tiny = {"runs": 3, "days": 20, "bin_runs": 1, "twins": False}
    results = calibration_outages(tiny, 1, lambda step: None)
    assert list(results) == [world.name for world in WORLDS]
    for world in WORLDS[:2]:
        chosen = CalibrationConfig(**tiny)  # type: ignore[arg-type]
        own, other = (briers(samples_of(setting, chosen, 1)) for setting in (aware(world), world))
        said = f"; Brier {fmean(own):.4f}, of independent {fmean(other):.4f}, paired "
        assert said in results[world.name].note
