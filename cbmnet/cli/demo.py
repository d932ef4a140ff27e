"""`cbmnet demo`: a historical episode and a small grid, answered in three sentences."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cbmnet.cli.destination import ready_folder
from cbmnet.cli.options import AsJson, Jobs
from cbmnet.cli.verb import VERBS

FORWARDS, PRIOR = "states.russia.desk.forwards", "states.russia.prior"
GRID = (
    'sweep."states.rival.type"=["seeker", "expansionist"]',
    "state.prior=0.01",
    'sweep."channel.loss"=[0.0, 0.5, 1.0]',
    'sweep."state.believed_delivery"=[0.0, 0.5, 0.98]',
)


@VERBS.register("demo")
def demo(
    jobs: Jobs = None,
    reps: Annotated[int, typer.Option("--reps", min=2, help="Replications of each point.")] = 200,
    sims: Annotated[Path, typer.Option("--sims", help="The folder of episodes and studies.")] = Path("sims"),
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path("results/demo"),
    as_json: AsJson = False,
) -> None:
    """Run Norway 1995 both ways and a trusted-but-broken grid; answer in three sentences."""
    cores = jobs or os.cpu_count() or 1
    norway = _study(sims / "episodes/norway-1995.toml", (), reps, cores, out / "norway-1995")
    grid = _study(sims / "studies/trusted-but-broken.toml", GRID, reps, cores, out / "trusted-but-broken")
    sentences = answers(norway, grid)
    if as_json:
        print(json.dumps({"answers": sentences, "folder": str(out)}))
        return
    for number, sentence in enumerate(sentences, start=1):
        print(f"{number}. {sentence}")
    print(f"written to {out}")


def answers(norway: dict[str, Any], grid: dict[str, Any]) -> list[str]:
    """The three sentences."""
    from cbmnet.reports import answer  # noqa: PLC0415

    arms = {0.0: "when its notice is not passed on", 1.0: "when it is passed on"}
    rises = answer.escalation(norway, FORWARDS, PRIOR, arms)
    first = f"Norway 1995, does Russia rise over the announced rocket? {rises[0].upper()}{rises[1:]}."
    second = f"Passing the notice on helps: {answer.paired(norway, 'false_alarm', PRIOR)}."

    def cell(metric: str, rival: str, loss: float, believed: float) -> dict[str, Any]:
        values = {"states__rival__type": rival, "channel__loss": loss, "state__believed_delivery": believed}
        return answer.at(grid, metric, **values)

    wrong, right = (cell("false_alarm", "seeker", 1.0, believed) for believed in (0.98, 0.0))
    good = cell("false_alarm", "seeker", 0.0, 0.98)
    third = (
        f"A dead line that is trusted (.98) gives a false alarm in {answer.stated(wrong)} of 30-day runs, "
        f"one known to be dead in {answer.stated(right)}, a good one in {answer.stated(good)} "
        f"({answer.method(wrong)}); {_price(grid, cell)}."
    )
    return [first, second, third]


def _price(grid: dict[str, Any], cell: Any) -> str:
    """What the false alarms buy or cost where the rival may attack: the paired difference in misses."""
    from cbmnet.reports import answer  # noqa: PLC0415

    trusted, known = (
        (cell("missed_threat", "expansionist", 1.0, q), cell("attack", "expansionist", 1.0, q))
        for q in (0.98, 0.0)
    )
    less = answer.compared(
        grid, "missed_threat", states__rival__type="expansionist", channel__loss=1.0,
        state__believed_delivery=0.98,
    )  # fmt: skip
    verdict = "which excludes zero" if answer.excludes_zero(less) else "which shows no price of either"
    return (
        f"where the rival may attack, {answer.count(trusted[0])} runs miss a threat on the trusted dead line "
        f"({answer.count(trusted[1])} have an attack) and {answer.count(known[0])} on the one known to be "
        f"dead ({answer.count(known[1])}): a paired difference of {answer.stated(less)} of runs "
        f"({answer.method(less)}), {verdict}"
    )


def _study(file: Path, overrides: tuple[str, ...], reps: int, jobs: int, folder: Path) -> dict[str, Any]:
    from cbmnet.cli.progress import Progress  # noqa: PLC0415
    from cbmnet.experiments.design import load_design  # noqa: PLC0415
    from cbmnet.experiments.execution import execute  # noqa: PLC0415
    from cbmnet.experiments.store import save  # noqa: PLC0415
    from cbmnet.experiments.summary import summarise  # noqa: PLC0415

    design = load_design(file, [*overrides, f"study.replications={reps}"])
    seed = design.base.study.seed
    ready_folder(folder)
    with Progress(design.base.name, len(design.points) * reps) as advance:
        rows = execute(design, reps, seed, jobs, advance)
    summary = summarise(design, rows, reps, seed)
    save(folder, design, rows, summary)
    if failed := [row for row in rows if row.error]:
        print(f"{len(failed)} runs failed; the first: {failed[0].error}", file=sys.stderr)
        raise typer.Exit(1)
    return summary
