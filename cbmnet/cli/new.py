"""`cbmnet new`: a commented config to start from."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from cbmnet.cli.options import AsJson
from cbmnet.cli.verb import VERBS
from cbmnet.errors import ConfigError, Fault

TEMPLATES = ("pair", "triad", "episode")


@VERBS.register("new")
def new(
    file: Annotated[Path, typer.Argument(help="Where to write it.", show_default=False)],
    template: Annotated[str, typer.Option(help=f"One of {', '.join(TEMPLATES)}.")] = "pair",
    as_json: AsJson = False,
) -> None:
    """Write a commented config of about 30 lines."""
    if template not in TEMPLATES:
        raise _fault("--template", f' = "{template}": must be one of {", ".join(TEMPLATES)}.')
    if file.exists():
        raise _fault(str(file), ": is there already; nothing was overwritten.")
    text = files("cbmnet.cli").joinpath("templates", f"{template}.toml").read_text()
    try:
        file.write_text(text)
    except OSError as error:
        raise _fault(str(file), f": cannot be written ({error.strerror}).") from None
    if as_json:
        print(json.dumps({"written": str(file)}))
    else:
        print(f"{file} written; next: cbmnet check {file}")


def _fault(key: str, message: str) -> ConfigError:
    return ConfigError([Fault("cbmnet new", None, key, message)])
