"""The Python front: load a study, run one replication, run a sweep.

`run("sims/x.toml", {"channel.loss": 0.2}, seed=7)` gives a `Run`; `sweep(...)` gives a `Study`. Paths are
TOML files; overrides are the same keys that `cbmnet run --set` takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbmnet.experiments.design import Design, load_design
from cbmnet.experiments.execution import execute
from cbmnet.experiments.summary import summarise
from cbmnet.metrics.measure import Row
from cbmnet.metrics.metric import METRICS, chosen
from cbmnet.simulation.run import Tally
from cbmnet.simulation.run import run as _run
from cbmnet.simulation.source import override
from cbmnet.simulation.trace import Trace, lines_of

Overrides = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One replication: its metrics, its trace as JSON lines, and what the message layer did."""

    metrics: dict[str, Any]
    trace: list[str]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Study:
    """A finished sweep: its design, its rows and its summary (the object that `--json` prints)."""

    design: Design
    rows: list[Row]
    summary: dict[str, Any]

    def table(self, metric: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """For each point its values and the statement of one metric."""
        return [(p["point"], p["metrics"][metric]) for p in self.summary["points"] if metric in p["metrics"]]


def load(path: Path | str, overrides: Overrides | None = None) -> Design:
    """Reads and validates a study; ConfigError lists every fault."""
    return load_design(path, [override(key, value) for key, value in (overrides or {}).items()])


def run(
    path: Path | str, overrides: Overrides | None = None, *, seed: int | None = None, replication: int = 0,
    point: int = 0,
) -> Run:  # fmt: skip
    """One replication of one point of a study, with its trace."""
    design = load(path, overrides)
    study = design.base.study
    metrics = {name: METRICS[name].make() for name in chosen(study.metrics)}
    trace = Trace()
    root = study.seed if seed is None else seed
    tally = _run(design.points[point].config, root, replication, [*metrics.values(), trace])
    values = {
        name: metric.result(tally.ended_s) for name, metric in metrics.items() if metric.kind != "pooled"
    }
    return Run(values, lines_of(trace.result(tally.ended_s)), tally)


def sweep(
    path: Path | str, overrides: Overrides | None = None, *, seed: int | None = None,
    replications: int | None = None, jobs: int = 1,
) -> Study:  # fmt: skip
    """Every point of a study, with intervals."""
    asked = {"study.replications": replications, "study.seed": seed}
    said = {key: value for key, value in asked.items() if value is not None}
    design = load(path, {**(overrides or {}), **said})
    study = design.base.study
    rows = execute(design, study.replications, study.seed, jobs, lambda _: None)
    return Study(design, rows, summarise(design, rows, study.replications, study.seed))
