"""What the demo states, from made-up summaries: counts, paired differences and what excludes zero."""

from typing import Any

from cbmnet.cli.demo import answers
from cbmnet.reports.answer import compared, paired

FORWARDS, PRIOR = "states.russia.desk.forwards", "states.russia.prior"


def share(mean: float, low: float, high: float, method: str = "Wilson") -> dict[str, Any]:
    return {"mean": mean, "low": low, "high": high, "n": 200, "level": 0.95, "method": method}


def newcombe(mean: float, low: float, high: float) -> dict[str, Any]:
    return share(mean, low, high, "Newcombe paired")


NORWAY: dict[str, Any] = {
    "points": [
        {"point": {PRIOR: p, FORWARDS: f}, "metrics": {"false_alarm": share(f, f, f)}}
        for p in (0.1, 0.2, 0.3) for f in (0.0, 1.0)
    ],
    "comparisons": [
        {"point": {PRIOR: 0.1}, "metrics": {"false_alarm": newcombe(0.0, -0.02, 0.02)}},
        {"point": {PRIOR: 0.2}, "metrics": {"false_alarm": newcombe(-1.0, -1.0, -0.97)}},
        {"point": {PRIOR: 0.3}, "metrics": {"false_alarm": newcombe(-0.01, -0.03, 0.01)}},
    ],
}  # fmt: skip


def grid(difference: dict[str, Any]) -> dict[str, Any]:
    metrics = {"false_alarm": share(0.5, 0.4, 0.6), "missed_threat": share(0.01, 0.0, 0.03),
               "attack": share(0.075, 0.05, 0.1)}  # fmt: skip
    points = [
        {"states.rival.type": kind, "channel.loss": loss, "state.believed_delivery": believed}
        for kind in ("seeker", "expansionist") for loss in (0.0, 1.0) for believed in (0.0, 0.98)
    ]  # fmt: skip
    return {
        "points": [{"point": point, "metrics": metrics} for point in points],
        "comparisons": [
            {"point": p, "metrics": {"missed_threat": difference}}
            for p in points if p["state.believed_delivery"]
        ],
    }  # fmt: skip


def test_an_interval_that_excludes_zero_is_counted_only_where_the_arms_differ() -> None:
    """Of three priors two have shares that differ, and one of their intervals excludes zero."""
    said = paired(NORWAY, "false_alarm", PRIOR)
    assert "excludes zero at 1 of the 2 priors" in said
    assert "-1 [-1, -0.97] in the share of runs, at prior 0.2 (95%, Newcombe paired, n = 200)" in said


def test_the_price_is_a_paired_difference_with_its_interval() -> None:
    """The third sentence counts misses and attacks, and says when their difference shows nothing."""
    third = answers(NORWAY, grid(newcombe(-0.015, -0.04, 0.01)))[2]
    assert "2 of 200 runs miss a threat" in third
    assert "15 of 200 have an attack" in third
    assert "-0.015 [-0.04, 0.01] of runs (95%, Newcombe paired, n = 200), which shows no price" in third
    assert "which excludes zero" in answers(NORWAY, grid(newcombe(-0.1, -0.2, -0.05)))[2]


def test_a_comparison_is_found_by_its_point() -> None:
    """As a statement is, with `__` for the dots."""
    found = compared(NORWAY, "false_alarm", states__russia__prior=0.2)
    assert found["mean"] == -1.0
