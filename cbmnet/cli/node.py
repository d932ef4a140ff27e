"""`cbmnet node`: a variant as a process of its own, asked line by line (drivers/STDIO.md)."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from cbmnet.cli.options import Parameter
from cbmnet.cli.verb import VERBS
from cbmnet.errors import CbmnetError, RegistryError
from cbmnet.member_file import MemberFile, read_file, use


@VERBS.register("node")
def node(
    variant: Annotated[str, typer.Argument(help="A protocol variant.", show_default=False)],
    overrides: Parameter = None,
    load: Annotated[
        list[Path] | None,
        typer.Option(
            "--load", metavar="FILE", help="A Python file with variants of your own; may be repeated."
        ),
    ] = None,
) -> None:
    """Serve a protocol variant on standard input and output, one JSON line a message."""
    from cbmnet.drivers.stdio_node import Init, config_of, endpoint_of, serve  # noqa: PLC0415 (loaded late)
    from cbmnet.protocols.endpoint import Endpoint  # noqa: PLC0415

    _load(load or [], variant)
    settings = dict(text.partition("=")[::2] for text in overrides or ())

    def make(init: Init) -> Endpoint:
        if init.variant and init.variant != variant:
            return endpoint_of(init.variant, init.config)
        return endpoint_of(variant, {**settings, **init.config})

    try:
        if settings:  # without settings an init brings what is needed
            config_of(variant, settings)
    except ValueError as error:
        raise CbmnetError(f"node: {error}") from None
    answers = sys.stdout.buffer
    with redirect_stdout(sys.stderr):  # what an endpoint prints is no line of ours
        good = serve(make, sys.stdin.buffer, answers)
    if not good:
        raise typer.Exit(1)


def _load(files: list[Path], variant: str) -> None:
    """Runs the files, and sees that the variant is there."""
    from cbmnet.protocols.endpoint import VARIANTS  # noqa: PLC0415 (loaded late)
    from cbmnet.simulation.show import did_you_mean, listed  # noqa: PLC0415

    found: list[MemberFile] = []
    for file in files:
        try:
            found.append(read_file(file.absolute()))
            use(found)
        except RegistryError as error:
            raise CbmnetError(f"node: --load {file}: {error}") from None
    if variant not in (names := VARIANTS.names()):
        said = f'no variant "{variant}"; there are {listed(names)}.{did_you_mean(variant, names)}'
        raise CbmnetError(f"node: {said}")
