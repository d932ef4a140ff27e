"""Assembles the verbs and turns every expected error into one clear message and its exit code."""

import os
import signal
import sys
from io import TextIOWrapper
from types import FrameType
from typing import Annotated

import typer

from cbmnet import __version__
from cbmnet.cli.verb import VERBS
from cbmnet.errors import CbmnetError, ConfigError, Stopped

_PID = os.getpid()
ORDER = (
    "demo",
    "new",
    "check",
    "run",
    "explain",
    "replay",
    "probe",
    "export",
    "validate",
    "doctor",
    "messages",
)


def build() -> typer.Typer:
    """The command with all verbs in the order in which one meets them, others after, groups last."""
    app = typer.Typer(
        name="cbmnet", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
        help="A discrete-event laboratory for crisis communication.",
    )  # fmt: skip
    names = VERBS.names()
    for name in [*(n for n in ORDER if n in names), *(n for n in names if n not in ORDER)]:
        verb = VERBS[name].make
        if isinstance(verb, typer.Typer):
            app.add_typer(verb, name=name)
        else:
            app.command(name)(verb)
    app.callback()(_options)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
]


def _options(version: _Version = False) -> None:
    """A discrete-event laboratory for crisis communication."""


def start() -> None:
    """Runs the command; the exit code says what happened."""
    signal.signal(signal.SIGINT, _stopped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without our signs gets their names instead
            stream.reconfigure(errors="backslashreplace")
    try:
        build()()
    except ConfigError as error:
        count = len(error.faults)
        _fail(f"{error}\n{count} fault{'s' * (count != 1)}, nothing was run.", 2)
    except CbmnetError as error:
        _fail(f"cbmnet: {error}", 2)
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as error:  # a full disk, a folder that went away
        _fail(f"cbmnet: {error}", 2)


def _stopped(number: int, frame: FrameType | None) -> None:
    # Worker processes get the signal too; only the one at the terminal says so.
    if os.getpid() == _PID:
        print("stopped", file=sys.stderr)
    raise Stopped(130)


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(code)
