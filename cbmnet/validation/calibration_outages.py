"""Outages judged as what they are leave beliefs calibrated; judged as independent losses they do not (H10).

The conditions of the calibration case, but the line goes down and comes back: what is lost is lost in
outages, at the same mean delivery. Both states believe the true mean. `line_aware`, with the true mean
times up and to repair, must lie on the diagonal: with immediate and late notices, at delivery .9 and .5,
with independent loss on top of the outages, and with activities that are not seen.

Three planted errors must be found at delivery .9 in outages of 5 d: outages judged as independent losses; a
repair believed ten times faster than it is; a line believed to remember ten times longer than it does.
What is gained by judging the line stands in the notes: the Brier score beside that of `independent` in the
same runs, and their paired difference with its 95 % interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from cbmnet.statistics import paired_difference
from cbmnet.validation.calibration import CalibrationConfig, Samples, Setting, judged, samples_of, worst_bin
from cbmnet.validation.case import CASES, Advance, Outcome, Results

PLAIN = Setting("delivery 0.9", outage_d=5.0)
WORLDS = (
    PLAIN,
    replace(PLAIN, name="delivery 0.9, delay 6 h", delay_h=6.0),
    replace(PLAIN, name="delivery 0.9, delay 24 h", delay_h=24.0),
    replace(PLAIN, name="delivery 0.9, seen 0.5", seen=0.5),
    replace(PLAIN, name="delivery 0.9, outages of 6 h, delay 6 h", outage_d=0.25, delay_h=6.0),
    replace(PLAIN, name="delivery 0.5", delivery=0.5),
    replace(PLAIN, name="delivery 0.72, loss 0.2 on top", delivery=0.72, loss=0.2),
    replace(
        PLAIN, name="delivery 0.5, loss 0.2 on top, seen 0.5, delay 6 h",
        delivery=0.5, loss=0.2, seen=0.5, delay_h=6.0,
    ),
)  # fmt: skip


def aware(world: Setting, mtbf_times: float = 1.0, mttr_times: float = 1.0) -> Setting:
    """The world judged by `line_aware`, which believes the true mean times but for the two factors."""
    mtbf_d, mttr_d = world.up_d * mtbf_times, world.outage_d * mttr_times
    return replace(world, rule="line_aware", rule_says=(("mtbf", f"{mtbf_d}d"), ("mttr", f"{mttr_d}d")))


def _planted(name: str, setting: Setting) -> Setting:
    return replace(setting, name=f"twin: {name}", off_diagonal=True)


TWINS = (
    _planted("outages judged as independent", PLAIN),
    _planted("repair believed ten times faster", aware(PLAIN, mttr_times=0.1)),
    _planted("line remembered ten times longer", aware(PLAIN, 10.0, 10.0)),
)


@CASES.register("calibration-outages", CalibrationConfig)
def calibration_outages(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """Under outages, for each setting the bin farthest from the diagonal, with its standard error."""
    chosen = CalibrationConfig(**parameters)
    results = {}
    for world in WORLDS:
        advance(world.name)
        results[world.name] = _beside_independent(world, chosen, jobs)
    for twin in TWINS if chosen.twins else ():
        advance(twin.name)
        results[twin.name] = worst_bin(twin, chosen, jobs)
    return results


def _beside_independent(world: Setting, chosen: CalibrationConfig, jobs: int) -> Outcome:
    """`line_aware` against the diagonal; what it gains over `independent` is in the note."""
    samples = samples_of(aware(world), chosen, jobs)
    outcome = judged(world, samples, chosen)
    own, other = briers(samples), briers(samples_of(world, chosen, jobs))
    gain = paired_difference(other, own)
    said = f"Brier {fmean(own):.4f}, of independent {fmean(other):.4f}, "
    said += f"paired {gain.mean:+.4f} [{gain.low:.4f}, {gain.high:.4f}]"
    return replace(outcome, note=f"{outcome.note}; {said}")


def briers(samples: Sequence[Samples]) -> list[float]:
    """The mean squared error of belief in each run."""
    return [fmean((p - y) ** 2 for p, y in zip(*run, strict=True)) for run in samples]
