"""The one replication that a verb is asked about, from a study file or a results folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cbmnet.cli.aside import aside
from cbmnet.cli.destination import manifest_of
from cbmnet.errors import CbmnetError, ConfigError, Fault, SimulationError, described


@dataclass(frozen=True, slots=True)
class Chosen:
    """A replication that can be run again: its config, root seed and place in its study."""

    title: str
    config: Any
    seed: int
    replication: int
    point: int
    values: dict[str, Any]


def chosen(path: Path, overrides: list[str] | None, seed: int | None, point: int, replication: int) -> Chosen:
    """Looks a replication up; a results folder names its own file, seed and overrides. Raises ConfigError."""
    from cbmnet.experiments.design import load_design  # noqa: PLC0415 (pydantic loads late)
    from cbmnet.simulation.source import override  # noqa: PLC0415

    given = list(overrides or ())
    if (manifest := manifest_of(path)) is not None:
        given = [override("name", manifest["name"]), *manifest["overrides"], *given]
        seed = manifest["seed"] if seed is None else seed
        path = path / manifest.get("config", "config.toml")
    with aside():
        design = load_design(path, given)
    if point >= len(design.points):
        said = f" = {point}: the study has the points 0 to {len(design.points) - 1}."
        raise ConfigError([Fault(str(path), None, "--point", said)])
    root = design.base.study.seed if seed is None else seed
    found = design.points[point]
    by_hand = {key.strip(): value.strip() for key, _, value in (text.partition("=") for text in given)}
    values = found.values | {key: value for key, value in by_hand.items() if key not in ("name", "faults")}
    shown = [f"{key} = {value}" for key, value in values.items()]
    title = ", ".join([f"{design.base.name}, run {replication}, seed {root}", *shown])
    return Chosen(title, found.config, root, replication, point, dict(found.values))


def observed(one: Chosen, observer: Any) -> Any:
    """Runs the replication under this observer and gives its result. SimulationError says where it failed."""
    from cbmnet.simulation.run import run  # noqa: PLC0415

    try:
        with aside():
            tally = run(one.config, one.seed, one.replication, [observer])
    except CbmnetError:
        raise
    except Exception as error:
        said = f"{one.config.name}, seed {one.seed}, run {one.replication}: {described(error)}"
        raise SimulationError(said) from error
    return observer.result(tally.ended_s)
