"""The numbers of tc (tc(8), PARAMETERS), read and written: percents, times, rates.

Times are seconds here and rates bytes a second. They are reckoned in decimal, so what is written reads back
as the same number to its last digit.
"""

import re
from decimal import Decimal

LONGEST_S = 274.0  # what netem can hold of a delay: 2^32 ticks of 64 ns
MOST = 2**32 - 1

_NUMBER = re.compile(r"(\d{1,20}(?:\.\d{0,40})?(?:e[+-]?\d{1,2})?)([a-z%]*)", re.IGNORECASE | re.ASCII)
_TIMES = {
    f"{prefix}{unit}": Decimal(factor)
    for prefix, factor in (("", "1"), ("m", "1e-3"), ("u", "1e-6"), ("n", "1e-9"))
    for unit in ("s", "sec", "secs")
}
_PREFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
             "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip
_RATES = {
    **{f"{prefix}bit": Decimal(factor) / 8 for prefix, factor in _PREFIXES.items()},
    **{f"{prefix}bps": Decimal(factor) for prefix, factor in _PREFIXES.items()},
}


def percent(name: str, text: str) -> float:
    """A probability from a percent; the sign may be left out, as tc allows."""
    what = 'a percent from 0 to 100, for example "1%"'
    value, unit = _split(name, text, what)
    if unit not in ("", "%") or value > 100:
        raise ValueError(f'netem: "{name}" takes {what}, not "{text}"')
    return float(value / 100)


def seconds(name: str, text: str) -> float:
    """A time with its unit. A bare number, which tc takes for microseconds, is seldom meant so."""
    what = 'a time with its unit (s, ms, us, ns), for example "100ms"'
    value, unit = _split(name, text, what)
    if unit not in _TIMES:
        raise ValueError(f'netem: "{name}" takes {what}, not "{text}"')
    return float(value * _TIMES[unit])


def bytes_per_s(name: str, text: str) -> float:
    """A rate with its unit; `bit` is bits a second and `bps` bytes a second, as in tc."""
    what = 'a rate with its unit (bit, kbit, mbit, bps, kbps ...), for example "1mbit"'
    value, unit = _split(name, text, what)
    if unit not in _RATES:
        raise ValueError(f'netem: "{name}" takes {what}, not "{text}"')
    return float(value * _RATES[unit])


def whole(name: str, text: str) -> int:
    """A whole number that fits netem's 32 bits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MOST):
        raise ValueError(f'netem: "{name}" takes a whole number up to {MOST}, not "{text}"')
    return int(text)


def write_percent(prob: float) -> str:
    """A probability as tc reads it."""
    return f"{_times(prob, 100)}%"


def write_seconds(at_s: float) -> str:
    """A time in milliseconds. Raises ValueError for one that netem cannot hold."""
    if at_s > LONGEST_S:
        raise ValueError(f"netem: no delay above {LONGEST_S:g}s; this one has {at_s:g}s")
    return f"{_times(at_s, 1000)}ms"


def write_rate(rate_bytes_per_s: float) -> str:
    """A rate in bits a second."""
    return f"{_times(rate_bytes_per_s, 8)}bit"


def write_whole(count: int) -> str:
    """A whole number. Raises ValueError for one beyond netem's 32 bits."""
    if count > MOST:
        raise ValueError(f"netem: no number above {MOST}; this one is {count}")
    return str(count)


def _times(value: float, factor: int) -> str:
    """The product in plain digits, without an exponent or an idle zero. ValueError if they are too many."""
    text = f"{(Decimal(repr(float(value))) * factor).normalize():f}"
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"netem: {value:g} has more digits than are read there")
    return text


def _split(name: str, text: str, what: str) -> tuple[Decimal, str]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f'netem: "{name}" takes {what}, not "{text}"')
    return Decimal(match[1]), match[2].lower()
