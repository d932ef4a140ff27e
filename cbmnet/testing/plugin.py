"""The pytest plugin: how many seeds a protocol test takes, and where failing schedules are kept.

It is an entry point (`pytest11`), so it is loaded by every pytest in this environment: nothing is imported
here that a test does not ask for.
"""

from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Options:
    """`seeds` a test, and the corpus folder: one for all, or "corpus" beside each test file."""

    seeds: int
    corpus: Path | None

    def corpus_beside(self, file: Path) -> Path:
        """The corpus of a test file."""
        return self.corpus or file.parent / "corpus"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("cbmnet", "protocol tests")
    group.addoption(
        "--cbmnet-seeds", type=_count, default=20, metavar="N",
        help="Random schedules of faults a @protocol_test runs (default: 20).",
    )  # fmt: skip
    group.addoption(
        "--cbmnet-corpus", type=Path, default=None, metavar="DIR",
        help='Folder of failing schedules (default: "corpus" beside each test file).',
    )  # fmt: skip


@pytest.fixture(scope="session")
def cbmnet_options(request: pytest.FixtureRequest) -> Options:
    """What the command line says of protocol tests."""
    return Options(request.config.getoption("--cbmnet-seeds"), request.config.getoption("--cbmnet-corpus"))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r}: must be a whole number from 1 on")
    return int(text)
