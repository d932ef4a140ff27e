"""Traces that the tests of reports read: three shipped studies, and records told by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cbmnet.experiments.design import load_design
from cbmnet.reports.diagram import read_trace
from cbmnet.simulation.run import run
from cbmnet.simulation.trace import Trace

SIMS = Path(__file__).parents[2] / "sims"
Records = list[dict[str, Any]]


def told(*records: Any) -> Records:
    """Records made by hand, as a trace writes them and a report reads them."""
    trace = Trace()
    for record in records:
        trace.feed(record)
    return read_trace(trace.lines)


def _records(file: str, *overrides: str, replication: int = 0) -> Records:
    point = load_design(SIMS / file, overrides).points[0]
    trace = Trace()
    tally = run(point.config, 7, replication, [trace])
    return read_trace(trace.result(tally.ended_s))


@pytest.fixture(scope="session")
def norway() -> Records:
    """The notice arrives and is not forwarded; Russia rises."""
    return _records(
        "episodes/norway-1995.toml", "states.russia.prior=0.03", "states.russia.desk.forwards=0.0"
    )


@pytest.fixture(scope="session")
def hoax() -> Records:
    """A forged ultimatum is believed, and nothing graver follows."""
    return _records(
        "episodes/hoax-2008.toml", "states.pakistan.prior=0.1", "states.pakistan.verification=naive",
        replication=1,
    )  # fmt: skip


@pytest.fixture(scope="session")
def broken() -> Records:
    """A month on a line that carries nothing and is trusted."""
    return _records(
        "studies/trusted-but-broken.toml", "states.rival.type=seeker", "state.prior=0.05", "channel.loss=1.0",
        "state.believed_delivery=0.98",
    )  # fmt: skip


@pytest.fixture
def tell() -> Callable[..., Records]:
    """Makes records as a trace holds them."""
    return told
