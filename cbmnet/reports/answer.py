"""A study's answer in sentences: every number with its n, level and method."""

from typing import Any

Summary = dict[str, Any]


def number(value: float) -> str:
    """Three significant digits, plain."""
    return "0" if value == 0 else f"{value:.3g}"


def stated(metric: dict[str, Any]) -> str:
    """A mean with its interval."""
    if metric["low"] is None:
        return number(metric["mean"])
    return f"{number(metric['mean'])} [{number(metric['low'])}, {number(metric['high'])}]"


def method(metric: dict[str, Any]) -> str:
    """How an interval was made."""
    return f"{metric['level']:.0%}, {metric['method']}, n = {metric['n']}"


def at(summary: Summary, metric: str, **point: Any) -> dict[str, Any]:
    """The statement of a metric at the point with these values; `__` stands for the dots of a key."""
    wanted = {key.replace("__", "."): value for key, value in point.items()}
    found = next(p for p in summary["points"] if wanted.items() <= p["point"].items())
    statement: dict[str, Any] = found["metrics"][metric]
    return statement


def compared(summary: Summary, metric: str, **point: Any) -> dict[str, Any]:
    """The paired difference of a metric at the point with these values, less its baseline."""
    return at({"points": summary["comparisons"]}, metric, **point)


def excludes_zero(metric: dict[str, Any]) -> bool:
    """Whether an interval lies on one side of zero; one that has no limits does not."""
    return metric["low"] is not None and (metric["high"] < 0.0 or metric["low"] > 0.0)


def count(metric: dict[str, Any]) -> str:
    """A share as a count of its n."""
    return f"{round(metric['mean'] * metric['n'])} of {metric['n']}"


def escalation(summary: Summary, by: str, prior_key: str, arm_words: dict[Any, str]) -> str:
    """From which prior on runs rise, in each arm of `by`, and what the least prior gives."""
    arms: dict[Any, list[tuple[float, dict[str, Any]]]] = {}
    for point in summary["points"]:
        said = (point["point"][prior_key], point["metrics"]["false_alarm"])
        arms.setdefault(point["point"][by], []).append(said)
    return "; ".join(f"{arm_words[arm]}, {_begins(rows)}" for arm, rows in arms.items())


def _begins(rows: list[tuple[float, dict[str, Any]]]) -> str:
    least, statement = rows[0]
    begun = [(prior, m) for prior, m in rows if m["mean"] > 0.0]
    rose = round(statement["mean"] * statement["n"])
    default = f"at the calm default {least:g} {rose} of {statement['n']} runs rose"
    if not begun:
        most, m = rows[-1]
        return f"no run rose at any prior up to {most:g} ({stated(m)} there; {method(m)}), and {default}"
    half = next((prior for prior, m in begun if m["mean"] >= 0.5), None)
    first, m = begun[0]
    takes = "" if half is None else f" and takes more than half of the runs from {half:g}"
    return f"escalation begins at prior {first:g} ({stated(m)} of runs; {method(m)}){takes}, and {default}"


def paired(summary: Summary, name: str, key: str) -> str:
    """Of a share: at how many priors its paired interval excludes zero, and the largest difference."""
    rows = [(c["point"][key], c["metrics"][name]) for c in summary["comparisons"]]
    differ = [m for _, m in rows if m["mean"] != 0.0]
    clear = [m for m in differ if excludes_zero(m)]
    largest = max(rows, key=lambda row: abs(row[1]["mean"]))
    return (
        f"the paired interval of {name.replace('_', ' ')} excludes zero at {len(clear)} of the "
        f"{len(differ)} priors where the shares of the arms differ; the largest difference is "
        f"{stated(largest[1])} in the share of runs, at prior {largest[0]:g} ({method(largest[1])})"
    )
