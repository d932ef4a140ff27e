"""Options that several verbs share, so that they read and mean the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="A study file (TOML).", show_default=False)]
Parameter = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one parameter, by its own name. May be repeated."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override one key, e.g. channel.loss=0.2. May be repeated."
    ),
]
Told = Annotated[Path, typer.Argument(help="A study file or a results folder.", show_default=False)]
Replication = Annotated[int, typer.Option("--run", min=0, help="Which replication.")]
PointNumber = Annotated[int, typer.Option("--point", min=0, help="Which point: # in the table of the run.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Root seed; default: the file's.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, help="Processes; default: one a core. Results do not depend on it."),
]
