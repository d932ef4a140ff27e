"""Variants chosen in a config: every one, by its name, with durations in words, runs a small world."""

from typing import Any

import pytest

from cbmnet.metrics.measure import measure
from cbmnet.simulation.config import RunConfig

CHOSEN: dict[str, dict[str, Any]] = {
    "blind-copies": {"copies": 2, "spacing": "10m"},
    "fire-and-forget": {},
    "stop-and-wait": {"rto": "3h", "backoff": 1.0},
    "stop-and-wait-adaptive": {"initial_rto": "3h", "min_rto": "1m", "max_rto": "1d"},
    "go-back-n": {"rto": "3h", "window": 4, "pace": "1s"},
    "selective-repeat": {"rto": "3h", "window": 4, "hold": "1d"},
    "k-of-n": {"k": 1, "n": 1, "hold": "2d"},
    "receipts": {"depth": 3},
    "three-way": {"rto": "3h"},
    "relay": {"rto": "3h", "hold": "2d"},
    "broadcast": {"rto": "3h"},
}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_world_runs_on_every_variant(name: str) -> None:
    """Over a line that loses a fifth, messages arrive, are verified, and none is accepted twice."""
    data = {
        "name": "variants", "study": {"horizon": "10d"}, "channel": {"loss": 0.2, "hops": 1},
        "protocol": {"variant": name, **CHOSEN[name]}, "heartbeat": {"period": "6h"},
        "states": {"blue": {}, "red": {}},
    }  # fmt: skip
    row = measure(RunConfig.model_validate(data), 3, 0, ("delivery", "duplicates_rejected"))
    assert not row.error
    assert row.verified > 20
    duplicates = row.values["duplicates_rejected"]
    assert (duplicates > 0) == (name in ("blind-copies", "stop-and-wait", "stop-and-wait-adaptive"))


def test_the_list_is_complete() -> None:
    """A variant that is added is added here."""
    from cbmnet.protocols.endpoint import VARIANTS

    assert set(CHOSEN) == set(VARIANTS.names())
