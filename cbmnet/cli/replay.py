"""`cbmnet replay`: runs one replication again in two processes and compares what happened."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cbmnet.cli.explain import traced
from cbmnet.cli.formats import write_bytes
from cbmnet.cli.options import AsJson, PointNumber, Replication, Seed, Set
from cbmnet.cli.schedule import (
    faulty_study,
    in_list,
    is_fault_list,
    replay_schedule,
    show_faulty,
    tell_idle,
)
from cbmnet.cli.verb import VERBS
from cbmnet.errors import ConfigError

HASH_SEEDS = ("1", "4242")


@VERBS.register("replay")
def replay(
    path: Annotated[
        Path,
        typer.Argument(
            help="A study file, a results folder, a replay file, or a list of faults.", show_default=False
        ),
    ],
    replication: Replication = 0,
    point: PointNumber = 0,
    overrides: Set = None,
    seed: Seed = None,
    study: Annotated[
        Path | None, typer.Option("--study", help="What a list of faults is done to.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare two processes and hash seeds.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the trace of one run, check that two processes agree on it, or run a saved schedule again.

    With --study, the faults of a JSON list are done to a run of that study, in the place of its own: shown is
    what passed between the parties (--json: the trace), and told which faults did nothing.
    """
    if path.suffix == ".json":
        from cbmnet.testing.replay_file import is_replay  # noqa: PLC0415 (loads the driver)

        if is_replay(path):
            raise typer.Exit(replay_schedule(path, as_json=as_json))
    faults: list[Any] = []
    listed: Path | None = None
    if study is not None or is_fault_list(path):
        listed = path
        path, overrides, faults = faulty_study(path, study, overrides)
    if not check:
        try:
            title, trace = traced(path, overrides, seed, point, replication)
        except ConfigError as error:
            raise (error if listed is None else in_list(error, listed)) from None
        if listed is None or as_json:
            write_bytes(trace, None)
            _tell_idle(faults, trace)
        else:
            show_faulty(title, faults, trace)
        return
    options = [f"--set={value}" for value in overrides or ()] + ([] if seed is None else [f"--seed={seed}"])
    command = [str(path), f"--run={replication}", f"--point={point}", *options]
    first, second = (_trace_elsewhere(command, hash_seed) for hash_seed in HASH_SEEDS)
    _tell_idle(faults, "\n".join(first).encode())
    difference = next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
    if difference is None and len(first) != len(second):
        difference = min(len(first), len(second))
    if as_json:
        print(
            json.dumps({"identical": difference is None, "first_difference": difference, "last": first[-1]})
        )
    elif difference is None:
        closing = json.loads(first[-1])
        print(f"identical: {closing['records']} records, sha256 {closing['sha256']}")
    else:
        there = slice(difference, difference + 1)
        print(f"record {difference} differs:\n  {first[there]}\n  {second[there]}")
    if difference is not None:
        raise typer.Exit(1)


def _tell_idle(faults: list[Any], trace: bytes) -> None:
    from cbmnet.reports.diagram import read_trace  # noqa: PLC0415 (loads late)

    if faults:
        tell_idle(faults, read_trace(trace))


def _trace_elsewhere(arguments: list[str], hash_seed: str) -> list[str]:
    from cbmnet.simulation.trace import lines_of  # noqa: PLC0415 (loads late)

    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cbmnet", "replay", *arguments],  # nothing is imported from where one is
        capture_output=True, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.stderr.buffer.write(done.stderr)
        raise typer.Exit(done.returncode)
    return lines_of(done.stdout)
