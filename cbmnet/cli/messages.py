"""`cbmnet messages`: signed messages on the command line, without the simulator."""

import typer

from cbmnet.cli.signed.envelopes import countersign, evidence, sign, verify
from cbmnet.cli.signed.inspection import inspect
from cbmnet.cli.signed.keys import keygen
from cbmnet.cli.signed.trust import trust
from cbmnet.cli.verb import VERBS

messages = typer.Typer(
    no_args_is_help=True, help="Sign, verify and inspect messages; keep keys and the trust store."
)
messages.command()(keygen)
messages.add_typer(trust, name="trust")
for command in (sign, countersign, verify, inspect, evidence):
    messages.command()(command)
VERBS.register("messages")(messages)
