"""The command line: one verb a file, found by a sorted folder scan. The only room that prints."""

import sys


def main() -> None:
    """The `cbmnet` command. Exit codes: 0 good, 1 some runs failed, 2 wrong usage or config, 130 stopped."""
    try:
        from cbmnet.cli.app import start  # noqa: PLC0415 (typer comes with an extra that may be missing)
    except ModuleNotFoundError as error:
        print(
            f"cbmnet: {error.name} is missing; install the extra: pip install 'cbmnet[study]', "
            "or 'cbmnet[cli]' for signed messages alone",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    start()
