"""`cbmnet check`: validates every point and says what running it would cost."""

import json
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from cbmnet.cli.aside import aside
from cbmnet.cli.options import AsJson, Set
from cbmnet.cli.verb import VERBS
from cbmnet.errors import SimulationError


@VERBS.register("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="A study file (TOML).", show_default=False)] = None,
    overrides: Set = None,
    as_json: AsJson = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a study file.")] = False,
) -> None:
    """Validate every point of a study and estimate the time it takes."""
    from cbmnet.experiments.design import StudyFile, load_design  # noqa: PLC0415 (pydantic loads late)

    if schema:
        print(json.dumps(StudyFile.model_json_schema(), indent=2))
        return
    if file is None:
        raise typer.BadParameter("name a study file, or use --schema")
    with aside():
        design = load_design(file, overrides or ())
        run_s = _seconds_a_run(design)
    runs = len(design.points) * design.base.study.replications
    facts = {
        "name": design.base.name, "config_hash": design.hash, "points": len(design.points), "runs": runs,
        "seconds_on_one_core": round(runs * run_s, 1),
    }  # fmt: skip
    warnings = _warnings(design)
    if as_json:
        print(json.dumps({**facts, "warnings": warnings}))
        return
    points = f"{len(design.points)} point{'s' * (len(design.points) != 1)}"
    size = f"{points} x {design.base.study.replications} replications = {runs} runs"
    print(f"{file}: good. {size},")
    print(f"about {runs * run_s:.0f} s on one core. Next: cbmnet run {file}")
    for warning in warnings:
        print(f"warning: {warning}")


def _warnings(design: Any) -> list[str]:
    """What may be run, but is seldom meant; each once."""
    starved = [said for point in design.points if (said := _starved(point.config))]
    return list(dict.fromkeys([*starved, *_idle_faults(design)]))


def _idle_faults(design: Any) -> list[str]:
    """The faults of the study that do nothing in the first run of its first point."""
    from cbmnet.cli.chosen import Chosen, observed  # noqa: PLC0415 (loads late, as the others)
    from cbmnet.reports.diagram import read_trace  # noqa: PLC0415
    from cbmnet.reports.idle_faults import idle  # noqa: PLC0415
    from cbmnet.simulation.trace import Trace  # noqa: PLC0415

    config, seed = design.points[0].config, design.base.study.seed
    if not config.faults:
        return []
    trace = observed(Chosen("", config, seed, 0, 0, {}), Trace())
    found = idle([part.fault() for part in config.faults], read_trace(trace))
    return [f"faults.{number} does nothing in the first run: {why}" for number, why in found]


def _starved(config: Any) -> str:
    from cbmnet.units import format_duration  # noqa: PLC0415

    rto_s, period_s = getattr(config.protocol.config, "rto_s", 0.0), config.heartbeat.period
    if config.protocol.name != "stop-and-wait" or period_s == "off" or rto_s < period_s:
        return ""
    return (
        f"stop-and-wait has one message under way: a lost heartbeat holds up the next ones for rto = "
        f"{format_duration(rto_s)}, and heartbeat.period is {format_duration(period_s)}; take a longer period"
    )


def _seconds_a_run(design: Any) -> float:
    """The mean over the first and the last point; the first run of each, which fills tables, is left out."""
    from cbmnet.metrics.measure import measure  # noqa: PLC0415
    from cbmnet.metrics.metric import chosen  # noqa: PLC0415

    names, seconds, seed = chosen(design.base.study.metrics), 0.0, design.base.study.seed
    for point in (design.points[0], design.points[-1]):
        row = measure(point.config, seed, 0, names)
        if row.error is not None:
            raise SimulationError(f"the first run fails: {row.error}")
        start_s = perf_counter()
        measure(point.config, seed, 1, names)
        seconds += (perf_counter() - start_s) / 2.0
        if design.base.study.load and measure(point.config, seed, 0, names) != row:
            said = "something outlives a run, such as a list or dict in the body of a class"
            raise SimulationError(f"the first run gives another result after the second: {said}")
    return seconds
