"""`cbmnet node`: a variant as a process of its own, asked line by line (drivers/STDIO.md)."""

import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from cbmnet.cli.options import Set
from cbmnet.cli.verb import VERBS


@VERBS.register("node")
def node(
    variant: Annotated[str, typer.Argument(help="A protocol variant.", show_default=False)],
    overrides: Set = None,
) -> None:
    """Serve a protocol variant on standard input and output, one JSON line a message."""
    from cbmnet.drivers.stdio_node import Init, config_of, endpoint_of, serve  # noqa: PLC0415 (loaded late)
    from cbmnet.errors import CbmnetError  # noqa: PLC0415
    from cbmnet.protocols.endpoint import VARIANTS, Endpoint  # noqa: PLC0415

    settings = dict(text.partition("=")[::2] for text in overrides or ())

    def make(init: Init) -> Endpoint:
        if init.variant and init.variant != variant:
            return endpoint_of(init.variant, init.config)
        return endpoint_of(variant, {**settings, **init.config})

    try:
        if settings or not VARIANTS[variant]:  # without settings an init brings what is needed
            config_of(variant, settings)
    except ValueError as error:
        raise CbmnetError(f"node: {error}") from None
    answers = sys.stdout.buffer
    with redirect_stdout(sys.stderr):  # what an endpoint prints is no line of ours
        good = serve(make, sys.stdin.buffer, answers)
    if not good:
        raise typer.Exit(1)
