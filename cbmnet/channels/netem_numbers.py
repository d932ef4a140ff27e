"""The numbers of tc (tc(8), PARAMETERS), read and written: percents, times, rates.

Times are seconds here and rates bytes a second. What is written reads back as the same number.
"""

import math
import re
from collections.abc import Callable

LONGEST_S = 274.0  # what netem can hold of a delay: 2^32 ticks of 64 ns
MOST = 2**32 - 1

_NUMBER = re.compile(r"(\d+(?:\.\d*)?(?:e[+-]?\d+)?)([a-z%]*)", re.IGNORECASE)
_TIMES = {"s": 1.0, "sec": 1.0, "secs": 1.0, "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3,
          "us": 1e-6, "usec": 1e-6, "usecs": 1e-6, "ns": 1e-9, "nsec": 1e-9, "nsecs": 1e-9}  # fmt: skip
_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
             "ki": 2.0**10, "mi": 2.0**20, "gi": 2.0**30, "ti": 2.0**40}  # fmt: skip
_RATES = {
    **{f"{prefix}bit": factor / 8.0 for prefix, factor in _PREFIXES.items()},
    **{f"{prefix}bps": factor for prefix, factor in _PREFIXES.items()},
}


def percent(name: str, text: str) -> float:
    """A probability from a percent; the sign may be left out, as tc allows."""
    value, unit = _split(name, text, 'a percent from 0 to 100, for example "1%"')
    if unit not in ("", "%") or not 0.0 <= value <= 100.0:
        raise ValueError(f'netem: "{name}" takes a percent from 0 to 100, not "{text}"')
    return value / 100.0


def seconds(name: str, text: str) -> float:
    """A time with its unit. A bare number, which tc takes for microseconds, is seldom meant so."""
    value, unit = _split(name, text, 'a time, for example "100ms"')
    if unit not in _TIMES:
        raise ValueError(f'netem: "{name}" takes a time with its unit (s, ms, us, ns), not "{text}"')
    return value * _TIMES[unit]


def bytes_per_s(name: str, text: str) -> float:
    """A rate with its unit; `bit` is bits a second and `bps` bytes a second, as in tc."""
    value, unit = _split(name, text, 'a rate, for example "1mbit"')
    if unit not in _RATES:
        raise ValueError(f'netem: "{name}" takes a rate in bit, kbit, mbit, bps, kbps ..., not "{text}"')
    return value * _RATES[unit]


def whole(name: str, text: str) -> int:
    """A whole number that fits netem's 32 bits."""
    if not (text.isascii() and text.isdigit() and int(text[:11]) <= MOST and len(text) <= 10):
        raise ValueError(f'netem: "{name}" takes a whole number up to {MOST}, not "{text}"')
    return int(text)


def write_percent(prob: float) -> str:
    """A probability as tc reads it."""
    return f"{_short(prob * 100.0, lambda shown: shown / 100.0 == prob)}%"


def write_seconds(at_s: float) -> str:
    """A time in milliseconds. Raises ValueError for one that netem cannot hold."""
    if at_s > LONGEST_S:
        raise ValueError(f"netem: no delay above {LONGEST_S:g}s; it has {at_s:g}s")
    return f"{_short(at_s * 1e3, lambda shown: shown * 1e-3 == at_s)}ms"


def write_rate(rate_bytes_per_s: float) -> str:
    """A rate in bits a second."""
    return f"{_short(rate_bytes_per_s * 8.0, lambda shown: shown / 8.0 == rate_bytes_per_s)}bit"


def _short(value: float, reads_back: Callable[[float], bool]) -> str:
    """The fewest digits that read back as the same number."""
    texts = (f"{value:.{digits}g}" for digits in (6, 12, 15, 16, 17))
    return next((text for text in texts if reads_back(float(text))), repr(value))


def _split(name: str, text: str, what: str) -> tuple[float, str]:
    match = _NUMBER.fullmatch(text)
    if match is None or not math.isfinite(float(match[1])):
        raise ValueError(f'netem: "{name}" takes {what}, not "{text}"')
    return float(match[1]), match[2].lower()
