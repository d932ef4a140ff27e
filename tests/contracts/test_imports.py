"""What each import loads."""

import json
import subprocess
import sys

import pytest

HEAVY = {"scipy", "matplotlib", "pyarrow", "dask", "numpy", "pydantic", "typer", "rich", "asyncio", "simpy"}


def loaded_by(code: str) -> set[str]:
    show = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import cbmnet", set()),
        ("import cbmnet.messages", set()),
        ("import cbmnet.protocols.dialogue", set()),
        ("import cbmnet.statistics", set()),
        ("import cbmnet.drivers.simpy_driver", {"simpy"}),
        ("import cbmnet.states.state", {"simpy"}),
        ("from cbmnet.cli.app import build; build()", {"typer", "rich"}),
    ],
)
def test_an_import_loads_only_what_it_needs(code: str, allowed: set[str]) -> None:
    """Importing the package, the messages, or the command's help loads nothing heavy."""
    assert loaded_by(code) & HEAVY <= allowed


def test_layers_are_kept() -> None:
    """The import-linter contract of pyproject.toml holds."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
