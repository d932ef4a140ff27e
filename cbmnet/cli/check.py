"""`cbmnet check`: validates every point and says what running it would cost."""

import json
from time import perf_counter
from typing import Annotated, Any

import typer

from cbmnet.cli.options import AsJson, File, Set
from cbmnet.cli.verb import VERBS


@VERBS.register("check")
def check(
    file: Annotated[File | None, typer.Argument(show_default=False)] = None,
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
    design = load_design(file, overrides or ())
    runs = len(design.points) * design.base.study.replications
    run_s = _seconds_a_run(design)
    facts = {
        "name": design.base.name, "config_hash": design.hash, "points": len(design.points), "runs": runs,
        "seconds_on_one_core": round(runs * run_s, 1),
    }  # fmt: skip
    if as_json:
        print(json.dumps(facts))
        return
    size = f"{len(design.points)} points x {design.base.study.replications} replications = {runs} runs"
    print(f"{file}: good. {size},")
    print(f"about {runs * run_s:.0f} s on one core. Next: cbmnet run {file}")


def _seconds_a_run(design: Any) -> float:
    """The mean over the first and the last point; the first run of each, which fills tables, is left out."""
    from cbmnet.metrics.measure import measure  # noqa: PLC0415
    from cbmnet.metrics.metric import chosen  # noqa: PLC0415

    names, seconds = chosen(design.base.study.metrics), 0.0
    for point in (design.points[0], design.points[-1]):
        measure(point.config, design.base.study.seed, 0, names)
        start_s = perf_counter()
        measure(point.config, design.base.study.seed, 1, names)
        seconds += (perf_counter() - start_s) / 2.0
    return seconds
