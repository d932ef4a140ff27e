"""Channel stages written as words of netem; what netem does not have is one clear error."""

from collections.abc import Callable, Sequence
from typing import Any

from cbmnet.channels.netem_numbers import MOST, write_percent, write_rate, write_seconds, write_whole

NO_LIMIT = MOST  # the largest number netem holds stands for a queue without a limit
_CERTAIN_DEVIATIONS = 4.0  # netem's normal table ends there, so nothing is cut from a delay that long

# The clause that each stage becomes; two stages of one clause cannot both be set.
_CLAUSES = {
    "bernoulli": "loss", "gilbert-elliott": "loss", "four-state": "loss", "duplication": "duplicate",
    "corruption": "corrupt", "constant": "delay", "uniform": "delay", "truncated-normal": "delay",
    "pareto": "delay", "rate": "rate", "reordering": "reorder",
}  # fmt: skip
_ORDER = ("delay", "rate", "loss", "corrupt", "duplicate", "reorder")


def write(specs: Sequence[tuple[str, object]]) -> str:
    """The words of netem for these stages, its clauses in the order of its manual."""
    clauses: dict[str, str] = {}
    for kind, config in specs:
        if kind not in _CLAUSES:
            raise ValueError(f"netem: nothing there does what {kind} does; it has {', '.join(_CLAUSES)}")
        clause = _CLAUSES[kind]
        if clause in clauses:
            raise ValueError(f'netem: {kind} is a second "{clause}", and it has room for one')
        clauses[clause] = _WRITERS[kind](config)
    _check_order([_CLAUSES[kind] for kind, _ in specs], dict(specs))
    return " ".join(clauses[clause] for clause in _ORDER if clause in clauses)


def _check_order(order: list[str], configs: dict[str, object]) -> None:
    """Losses, copies and flipped bits may change places; a reordering undoes the delay before it."""
    if "reorder" in order and "delay" not in order[: order.index("reorder")]:
        raise ValueError("netem: reordering lets messages skip the delay, which must stand before it")
    if "reorder" in order and "rate" in order[order.index("reorder") :]:
        raise ValueError("netem: what is reordered skips the rate as well; put reordering last")
    slow = min((order.index(clause) for clause in ("delay", "rate") if clause in order), default=len(order))
    for clause in ("loss", "corrupt", "duplicate"):
        if clause in order[slow:]:
            raise ValueError(f"netem: {clause} comes before delay and rate there; put it first")
    late = "rate" in order and "delay" in order[order.index("rate") :]
    if late and "constant" not in configs:
        raise ValueError("netem: the rate comes after a delay that varies; put it there")


def _percents(*probs: float) -> str:
    return " ".join(write_percent(prob) for prob in probs)


def _four_state(c: Any) -> str:
    return f"loss state {_percents(c.p13_prob, c.p31, c.p32_prob, c.p23_prob, c.p14_prob)}"


def _gilbert_elliott(c: Any) -> str:
    return f"loss gemodel {_percents(c.p, c.r, c.bad_loss_prob, c.good_loss_prob)}"


def _constant(c: Any) -> str:
    _check_options("constant", c)
    return f"delay {write_seconds(c.delay_s)}"


def _uniform(c: Any) -> str:
    return _jittered("uniform", c, c.jitter_s, "")


def _truncated_normal(c: Any) -> str:
    certain = c.clipped or c.delay_s >= _CERTAIN_DEVIATIONS * c.jitter_s
    if c.low_s != 0.0 or c.high_s is not None or not certain:
        raise ValueError(
            "netem: its normal delay has no bounds but 0, where it is clipped; "
            "set clipped, or a delay of at least 4 jitters, and leave low and high out"
        )
    return _jittered("truncated-normal", c, c.jitter_s, "distribution normal")


def _pareto(c: Any) -> str:
    jitter_s = (c.delay_s - c.offset_s) / 2.0
    end_s = c.delay_s + 4.0 * jitter_s
    if c.shape != 3.0 or c.high_s is None or abs(c.high_s - end_s) > 1e-9 * end_s:
        raise ValueError(
            "netem: its pareto delay has shape 3, offset delay - 2 jitter and high delay + 4 jitter, "
            "and no other"
        )
    return _jittered("pareto", c, jitter_s, "distribution pareto")


def _jittered(kind: str, c: Any, jitter_s: float, distribution: str) -> str:
    _check_options(kind, c)
    if jitter_s == 0.0:
        return f"delay {write_seconds(c.delay_s)}"
    words = ["delay", write_seconds(c.delay_s), write_seconds(jitter_s)]
    words += [write_percent(c.correlation)] if c.correlation else []
    return " ".join([*words, *distribution.split()])


def _check_options(kind: str, c: Any) -> None:
    if c.keep_order:
        raise ValueError(f"netem: {kind} keeps the order, which netem does only behind a rate")
    if c.correlation < 0.0 or (c.correlation and kind == "constant"):
        raise ValueError(f"netem: no correlation of {c.correlation:g} for {kind}; leave it out")


def _rate(c: Any) -> str:
    overhead = f" {write_whole(c.overhead_bytes)}" if c.overhead_bytes else ""
    limit = write_whole(NO_LIMIT if c.limit is None else c.limit)
    return f"rate {write_rate(c.bytes_per_s)}{overhead} limit {limit}"


def _reordering(c: Any) -> str:
    return f"reorder {write_percent(c.reorder_prob)} gap {write_whole(c.gap)}"


_WRITERS: dict[str, Callable[[Any], str]] = {
    "bernoulli": lambda c: f"loss random {write_percent(c.loss_prob)}",
    "gilbert-elliott": _gilbert_elliott,
    "four-state": _four_state,
    "duplication": lambda c: f"duplicate {write_percent(c.duplicate_prob)}",
    "corruption": lambda c: f"corrupt {write_percent(c.corrupt_prob)}",
    "constant": _constant,
    "uniform": _uniform,
    "truncated-normal": _truncated_normal,
    "pareto": _pareto,
    "rate": _rate,
    "reordering": _reordering,
}
