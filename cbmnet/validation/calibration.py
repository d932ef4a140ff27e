"""Beliefs are calibrated when nothing is believed wrongly, and are not when something is.

Under the exact conditions (independent loss, lead 0, fixed and true delivery and latency, true rates,
no queries or decisions; prior .05; the true intent follows the believed hazards), samples of belief
against truth lie on the diagonal: in every bin met by at least 50 runs the difference is within 4
standard errors, with errors clustered by run. Delivery 1, .9, .5, 0; seen .9, .5; delay 0, 6 h, 24 h.

Four planted twins must leave the diagonal: delivery believed .98 at true .5; the factor of a late notice
applied to the present weights at 24 h; the sensor alarm missing from r(y); outages of mean 5 d at
delivery .9 judged as independent losses.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from cbmnet.errors import SimulationError
from cbmnet.metrics.measure import measure
from cbmnet.simulation.config import RunConfig
from cbmnet.statistics import Bin, calibration_bins
from cbmnet.validation import twins
from cbmnet.validation.case import CASES, Advance, Outcome, Results

EDGES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1.0)
LIMIT = 4.0
MAX_DAYS = 100_000

Samples = tuple[list[float], list[int]]
"""Of one run: what was believed at each sample, and what was true."""


@dataclass(frozen=True)
class CalibrationConfig:
    """`runs` of `days`, from `seed`; a bin counts when at least `bin_runs` runs meet it."""

    runs: int = 600
    days: int = 200
    seed: int = 1
    bin_runs: int = 50
    twins: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.bin_runs <= self.runs:
            raise ValueError("runs must be at least bin_runs, and bin_runs at least 1")
        if not 2 <= self.days <= MAX_DAYS:
            raise ValueError(f"days must be from 2 to {MAX_DAYS}")


@dataclass(frozen=True)
class Setting:
    """One world: its name and how it differs from the default.

    `delivery` is the mean, of which `loss` and outages of mean `outage_d` take their share; `rule` and
    `rule_says` are the belief rule and its settings.
    """

    name: str
    delivery: float = 0.9
    seen: float = 0.9
    delay_h: float = 0.0
    believed: float | None = None
    rule: str = "independent"
    rule_says: tuple[tuple[str, str], ...] = ()
    outage_d: float = 0.0
    loss: float = 0.0
    off_diagonal: bool = False

    @property
    def up_d(self) -> float:
        """The mean time up, in days, that leaves the mean delivery when lines are down for `outage_d`."""
        up = self.delivery / (1.0 - self.loss)
        return self.outage_d * up / (1.0 - up)


def settings() -> Iterator[Setting]:
    """The 24 exact settings."""
    for delivery in (1.0, 0.9, 0.5, 0.0):
        for seen in (0.9, 0.5):
            for delay_h in (0.0, 6.0, 24.0):
                name = f"delivery {delivery:g}, seen {seen:g}, delay {delay_h:g} h"
                yield Setting(name, delivery, seen, delay_h)


TWINS = (
    Setting("twin: .98 believed at true .5", delivery=0.5, believed=0.98, off_diagonal=True),
    Setting("twin: patched into the present", delay_h=24.0, rule=twins.PATCHED, off_diagonal=True),
    Setting("twin: alarm missing from r(y)", rule=twins.DEAF_TO_QUIET, off_diagonal=True),
    Setting("twin: outages judged as independent", delivery=0.9, outage_d=5.0, off_diagonal=True),
)


def config_of(setting: Setting, days: int) -> RunConfig:
    """The run config of one setting."""
    channel: dict[str, Any] = {"hops": 1, "loss": 1.0 - setting.delivery, "delay": f"{setting.delay_h}h"}
    channel["distribution"] = "exponential" if setting.delay_h else "constant"
    if setting.outage_d:
        line = {"stage": "up-down", "mtbf": f"{setting.up_d}d", "mttr": f"{setting.outage_d}d"}
        channel |= {"loss": setting.loss, "stages": [line]}
    believed = setting.delivery if setting.believed is None else setting.believed
    state = {
        "type": "matched", "prior": 0.05, "decides": False, "believed_delivery": believed,
        "belief": {"rule": setting.rule, **dict(setting.rule_says)},
    }  # fmt: skip
    return RunConfig.model_validate({
        "name": "calibration",
        "study": {"horizon": f"{days}d", "sample_every": "1d"},
        "crypto": {"ttl": "60d"},
        "channel": channel,
        "activities": {"exercise": {"seen": setting.seen}},
        "signals": {"hostile_message": {"base": "0/d"}},
        "dialogue": {"queries": False},
        "states": {"blue": state, "red": state},
    })  # fmt: skip


@CASES.register("calibration", CalibrationConfig)
def calibration(parameters: Mapping[str, Any], jobs: int, advance: Advance) -> Results:
    """For each setting the bin farthest from the diagonal, with its standard error."""
    chosen = CalibrationConfig(**parameters)
    results = {}
    for setting in (*settings(), *(TWINS if chosen.twins else ())):
        advance(setting.name)
        results[setting.name] = worst_bin(setting, chosen, jobs)
    return results


def worst_bin(setting: Setting, chosen: CalibrationConfig, jobs: int) -> Outcome:
    """The farthest bin of one setting."""
    return judged(setting, samples_of(setting, chosen, jobs), chosen)


def judged(setting: Setting, samples: Sequence[Samples], chosen: CalibrationConfig) -> Outcome:
    """The farthest bin of the samples; a planted twin agrees when it is found, beyond the limit."""
    bins = [b for b in binned(samples) if b.runs >= chosen.bin_runs]
    if not bins:
        raise SimulationError(
            f"{setting.name}: no bin is met by {chosen.bin_runs} runs; take more runs or days"
        )
    worst = max(bins, key=distance)
    note = f"bin {worst.low:g} to {worst.high:g}, {len(bins)} bins"
    limit = LIMIT
    if setting.off_diagonal:
        found = distance(worst) > LIMIT
        note += ", a planted error, found" if found else ", a planted error, NOT found"
        limit = float("inf") if found else 0.0
    return Outcome(worst.mean_p, worst.share_y, worst.standard_error or 0.0, worst.n, limit, note)


def distance(found: Bin) -> float:
    """How far a bin lies from the diagonal, in standard errors."""
    return abs(found.z or 0.0)


def binned(samples: Sequence[Samples]) -> list[Bin]:
    """Samples of all runs of one setting, binned by belief."""
    return calibration_bins([p for p, _ in samples], [y for _, y in samples], EDGES)


def samples_of(setting: Setting, chosen: CalibrationConfig, jobs: int) -> list[Samples]:
    """Belief and truth in all runs of one setting."""
    job = partial(_samples, config_of(setting, chosen.days), chosen.seed)
    if jobs == 1:
        return [job(k) for k in range(chosen.runs)]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(job, range(chosen.runs), chunksize=10))


def _samples(config: RunConfig, seed: int, replication: int) -> Samples:
    row = measure(config, seed, replication, ("decomposition",))
    if row.error:
        raise SimulationError(row.error)
    samples: Samples = row.values["decomposition"]
    return samples
