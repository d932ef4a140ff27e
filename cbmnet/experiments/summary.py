"""What is stated about the points of a study: intervals for each metric, paired differences between arms."""

from collections.abc import Sequence
from typing import Any

from cbmnet.experiments.design import Design
from cbmnet.metrics.measure import Row
from cbmnet.metrics.metric import METRICS, with_beside
from cbmnet.statistics import (
    Interval,
    mean_interval,
    paired_difference,
    paired_proportion_difference,
    proportion_interval,
)


def summarise(design: Design, rows: Sequence[Row], replications: int, seed: int) -> dict[str, Any]:
    """The JSON object of a study: name, hash, seed, replications, points with metrics, comparisons."""
    level = design.base.study.level
    points = []
    for number, point in enumerate(design.points):
        mine = [row for row in rows if row.point == number]
        metrics = {name: interval.as_dict() for name, interval in point_metrics(mine, level).items()}
        failed = sum(row.error is not None for row in mine)
        points.append({"point": point.values, "metrics": metrics, "failed": failed})
    result = {
        "name": design.base.name, "config_hash": design.hash, "seed": seed, "replications": replications,
        "points": points,
    }  # fmt: skip
    if design.base.compare is not None:
        result["comparisons"] = comparisons(design, rows)
    return result


def point_metrics(rows: Sequence[Row], level: float) -> dict[str, Interval]:
    """Each metric over the replications of one point; a pooled metric may state several."""
    good = [row for row in rows if row.error is None]
    stated: dict[str, Interval] = {}
    for name in sorted(good[0].values) if good else ():
        metric: Any = METRICS[name].make
        values = [row.values[name] for row in good if row.values[name] is not None]
        if metric.kind == "pooled":
            stated |= metric.pool(values, level)
        elif values:
            stated[name] = _interval(values, metric.kind, level)
    return dict(sorted(stated.items()))


def _interval(values: list[Any], kind: str, level: float) -> Interval:
    if kind == "yes_no":
        return proportion_interval(sum(values), len(values), level)
    return mean_interval([float(value) for value in values], level)


def comparisons(design: Design, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Paired differences from the baseline arm, replication by replication, at each other point."""
    compare, level = design.base.compare, design.base.study.level
    assert compare is not None
    by_point = {
        number: {row.replication: row for row in rows if row.point == number and row.error is None}
        for number in range(len(design.points))
    }
    found = []
    for number, point in enumerate(design.points):
        if point.values[compare.by] == compare.baseline:
            continue
        other = {**point.values, compare.by: compare.baseline}
        base = next(k for k, candidate in enumerate(design.points) if candidate.values == other)
        differences = {
            name: difference.as_dict()
            for name in with_beside(compare.metrics)
            if (difference := _paired(by_point[base], by_point[number], name, level)) is not None
        }
        found.append({"point": point.values, "less": {compare.by: compare.baseline}, "metrics": differences})
    return found


def _paired(base: dict[int, Row], arm: dict[int, Row], name: str, level: float) -> Interval | None:
    shared = [k for k in sorted(base) if k in arm]
    pairs = [(base[k].values[name], arm[k].values[name]) for k in shared]
    pairs = [(a, b) for a, b in pairs if a is not None and b is not None]
    kind = METRICS[name].make.kind
    if not pairs or kind == "pooled":
        return None
    if kind == "yes_no":
        return paired_proportion_difference([a for a, _ in pairs], [b for _, b in pairs], level)
    return paired_difference([float(a) for a, _ in pairs], [float(b) for _, b in pairs], level)
