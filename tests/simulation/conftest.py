"""A small tense world in which everything happens, as data."""

from typing import Any

import pytest

from cbmnet.simulation.config import RunConfig
from cbmnet.simulation.run import Tally, run
from cbmnet.simulation.trace import Trace, lines_of

WORLD: dict[str, Any] = {
    "name": "tense",
    "study": {"horizon": "20d", "sample_every": "12h"},
    "protocol": {"variant": "stop-and-wait", "rto": "3h"},
    "channel": {
        "hops": 2, "loss": 0.2, "delay": "20m",
        "stages": [{"stage": "duplication", "duplicate": 0.1}],
    },
    "activities": {"exercise": {"rate": "1/d"}},
    "heartbeat": {"period": "6h"},
    "state": {},
    "states": {
        "blue": {"prior": 0.05, "believed_delivery": "learned"},
        "red": {"prior": 0.05, "type": "expansionist", "start_rung": 3},
    },
}  # fmt: skip


def changed(data: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """A copy with dotted paths set; `__` stands for the dot."""
    from copy import deepcopy

    copy = deepcopy(data)
    for path, value in paths.items():
        *parents, last = path.split("__")
        table = copy
        for part in parents:
            table = table.setdefault(part, {})
        table[last] = value
    return copy


class World:
    """Makes configs and traces of the tense world."""

    def config(self, **paths: Any) -> RunConfig:
        return RunConfig.model_validate(changed(WORLD, **paths))

    def trace(self, seed: int = 1, replication: int = 0, **paths: Any) -> tuple[Tally, list[str]]:
        trace = Trace()
        tally = run(self.config(**paths), seed, replication, [trace])
        return tally, lines_of(trace.result(tally.ended_s))


@pytest.fixture
def world() -> World:
    return World()
