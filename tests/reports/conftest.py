"""Traces that the tests of reports read: three shipped studies, and records told by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cbmnet.experiments.design import design_from, load_design
from cbmnet.reports.diagram import read_trace
from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import run
from cbmnet.simulation.source import source_from_text
from cbmnet.simulation.trace import Trace

SIMS = Path(__file__).parents[2] / "sims"
Records = list[dict[str, Any]]


def told(*records: Any) -> Records:
    """Records made by hand, as a trace writes them and a report reads them."""
    trace = Trace()
    for record in records:
        trace.feed(record)
    return read_trace(trace.result(0.0))


def records_of(file: str, *overrides: str, replication: int = 0) -> Records:
    point = load_design(SIMS / file, overrides).points[0]
    trace = Trace()
    tally = run(point.config, 7, replication, [trace])
    return read_trace(trace.result(tally.ended_s))


@pytest.fixture(scope="session")
def norway() -> Records:
    """The notice arrives and is not forwarded; Russia rises."""
    return records_of(
        "episodes/norway-1995.toml", "states.russia.prior=0.03", "states.russia.desk.forwards=0.0"
    )


@pytest.fixture(scope="session")
def hoax() -> Records:
    """A forged ultimatum is believed, and nothing graver follows."""
    return records_of(
        "episodes/hoax-2008.toml", "states.pakistan.prior=0.1", "states.pakistan.verification=naive",
        replication=1,
    )  # fmt: skip


@pytest.fixture(scope="session")
def broken() -> Records:
    """A month on a line that carries nothing and is trusted."""
    return records_of(
        "studies/trusted-but-broken.toml", "states.rival.type=seeker", "state.prior=0.05", "channel.loss=1.0",
        "state.believed_delivery=0.98",
    )  # fmt: skip


NAMES = (  # two of the longest that a config takes
    "amber", "the-northern-federation-of-lands", "ostmark", "zet", "confederated-republics",
    "united-kingdom-of-outer-islands-",
)  # fmt: skip
BUSY = """
[study]
horizon = "{horizon}"
seed = 3
[channel]
hops = 1
loss = 0.15
delay = "40m"
distribution = "exponential"
stages = [{{ stage = "duplication", duplicate = 0.15 }}, {{ stage = "corruption", corrupt = 0.1 }}]
[protocol]
variant = "stop-and-wait"
rto = "2h"
max_sends = 4
[activities.exercise]
rate = "1.5/d"
[state]
prior = 0.02
believed_delivery = 0.95
desk = {{ forwards = 0.8 }}
{states}
[[at]]
time = "6h"
event = "forgery"
claims = "amber"
to = "{second}"
forges = "hostile-text"
[[at]]
time = "12h"
event = "crash"
party = "{second}"
for = "1d"
"""


SLOW = """
[study]
horizon = "20d"
[channel]
delay = "30m"
loss = 0.5
[protocol]
variant = "stop-and-wait"
rto = "5h"
[activities.exercise]
rate = "0.5/d"
notice = { benign = 1.0, attack = 0.2 }
[heartbeat]
period = "6h"
[state]
prior = 0.05
[states.red]
[states.blue]
"""


@pytest.fixture(scope="session")
def slow() -> Records:
    """Notices that queue behind unacknowledged ones and are sent again and again."""
    trace = Trace()
    tally = run(design_from(source_from_text(SLOW, "slow.toml")).points[0].config, 3, 0, [trace])
    return read_trace(trace.result(tally.ended_s))


def busy(parties: int, horizon: str = "30d") -> RunConfig:
    """A run with everything that a diagram has a mark for, between so many parties with long names."""
    states = "".join(f"[states.{name}]\n" for name in NAMES[:parties])
    text = BUSY.format(states=states, second=NAMES[1], horizon=horizon)
    return design_from(source_from_text(text, "busy.toml")).points[0].config


@pytest.fixture(scope="session", params=[2, 3, 6])
def crowd(request: pytest.FixtureRequest) -> Records:
    """The busy run between two, three and six parties."""
    trace = Trace()
    tally = run(busy(request.param, "30d" if request.param < 6 else "3d"), 3, 0, [trace])
    return read_trace(trace.result(tally.ended_s))


@pytest.fixture
def tell() -> Callable[..., Records]:
    """Makes records as a trace holds them."""
    return told
