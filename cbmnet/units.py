"""Durations and rates as text with their unit; inside the program everything is seconds.

A year is 365 days, as in the rates of the false-alarm record that the model uses.
"""

import math
import re

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
MINUTE_S, HOUR_S, DAY_S, YEAR_S = SECONDS["m"], SECONDS["h"], SECONDS["d"], SECONDS["y"]

_PART = re.compile(r"\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(ms|s|m|h|d|w|y)")
_RATE = re.compile(r"\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*/\s*(ms|s|m|h|d|w|y)\s*")


def parse_duration(text: str) -> float:
    """Seconds in a text such as "20m", "1.5h" or "1d 12h". Raises ValueError with what is allowed."""
    position, total = 0, 0.0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            break
        total += float(part[1]) * SECONDS[part[2]]
        position = part.end()
    if position == 0 or text[position:].strip() or not math.isfinite(total):
        raise ValueError('not a duration; write for example "90s", "20m", "1.5h" or "30d"')
    return total


def parse_rate(text: str) -> float:
    """Events a second in a text such as "144/y" or "0.2/d". Raises ValueError with what is allowed."""
    match = _RATE.fullmatch(text)
    if match is None or not math.isfinite(float(match[1])):
        raise ValueError('not a rate; write for example "144/y", "0.2/d" or "1/h"')
    return float(match[1]) / SECONDS[match[2]]


def format_duration(seconds: float) -> str:
    """A short text for a person: the largest unit that leaves a number of at least one."""
    for unit in ("d", "h", "m", "s"):
        if abs(seconds) >= SECONDS[unit]:
            return f"{seconds / SECONDS[unit]:.4g}{unit}"
    return f"{seconds:.3g}s"
