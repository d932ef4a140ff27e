"""Words that stories and diagrams share: times, signals and answers as a person says them."""

from collections.abc import Iterable
from itertools import pairwise

from cbmnet.units import DAY_S, SECONDS

_UNITS = ("d", "h", "m", "s")
_SIGNALS = {
    "alarm": "has an alarm about {}",
    "severe_warning": "has a severe warning about {}",
    "hostile_message": "reads a hostile text from {}",
    "rung_rise": "sees {} go up a rung",
}
_ANSWERS = {
    "none": "has no answer from {} in time",
    "late": "has an answer from {} too late to count",
    "benign": "has a benign answer from {}",
    "other": "is refused, or answered otherwise, by {}",
}


def clock(at_s: float, decimals: int = 0) -> str:
    """Simulated time as day and time of day, its seconds with this many decimals."""
    whole, part = divmod(round(at_s * 10**decimals), 10**decimals)
    day, rest = divmod(whole, round(DAY_S))
    said = f"d{day} {rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
    return f"{said}.{part:0{decimals}d}" if decimals else said


def decimals_of(times_s: Iterable[float]) -> int:
    """0, 3 or 6: as many decimals as tell most of the different times from their neighbours."""
    pairs = list(pairwise(sorted(set(times_s))))
    for decimals in (0, 3):
        if 2 * sum(clock(a, decimals) != clock(b, decimals) for a, b in pairs) >= len(pairs):
            return decimals
    return 6


def elapsed(seconds: float) -> str:
    """A duration in its two largest units: "1 h 29 m", "3 d", "12 s"; below a second in seconds."""
    if 0.0 < seconds < 1.0:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    for unit, smaller in pairwise(_UNITS):
        if whole >= SECONDS[unit]:
            count, rest = divmod(round(whole / SECONDS[smaller]), round(SECONDS[unit] / SECONDS[smaller]))
            return f"{count} {unit} {rest} {smaller}" if rest else f"{count} {unit}"
    return f"{whole} s"


def signalled(signal: str, about: str) -> str:
    """What an observer has of a signal about a partner; one from elsewhere is named as it is."""
    return _SIGNALS.get(signal, f"has a signal {signal} about {{}}").format(about)


def answered(outcome: str, peer: str) -> str:
    """What an asker has of a query that was settled."""
    return _ANSWERS[outcome].format(peer)
