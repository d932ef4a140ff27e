"""What is allowed at a place of a model, in words that follow "must be"."""

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt

from cbmnet.simulation.shapes import Shape
from cbmnet.simulation.show import listed, shown


@dataclass(frozen=True)
class Says:
    """Metadata of a field type: what is allowed there, to follow "must be"."""

    says: str


def allowed(shape: Shape) -> str:
    """What may stand there, to follow "must be"; empty where nothing is known."""
    for note in shape.notes:
        if hasattr(note, "says"):
            return str(note.says)
    if shape.is_union:
        texts = [allowed(member) for member in shape.members]
        return "" if "" in texts else listed(dict.fromkeys(texts), " or ")
    if get_origin(shape.type) is Literal:
        return listed([shown(choice) for choice in get_args(shape.type)], " or ")
    kind = _KINDS.get(get_origin(shape.type) or shape.type, "a table" if shape.model else "")
    span = between(shape) if kind else ""
    return f"{kind} of {span}" if span.startswith("at ") else f"{kind} {span}".strip()


def between(shape: Shape) -> str:
    """The range of a number in words, or nothing."""
    low: list[tuple[Any, str]] = [(note.ge, "") for note in shape.notes if isinstance(note, Ge)]
    low += [(note.gt, "above ") for note in shape.notes if isinstance(note, Gt)]
    high: list[tuple[Any, str]] = [(note.le, "") for note in shape.notes if isinstance(note, Le)]
    high += [(note.lt, "below ") for note in shape.notes if isinstance(note, Lt)]
    lows = max(low, key=lambda bound: float(str(bound[0])), default=None)
    highs = min(high, key=lambda bound: float(str(bound[0])), default=None)
    if lows and highs:
        if not lows[1] and not highs[1]:
            return f"from {_number(lows[0])} to {_number(highs[0])}"
        return f"{lows[1] or 'at least '}{_number(lows[0])} and {highs[1] or 'at most '}{_number(highs[0])}"
    if lows:
        return f"{lows[1] or 'at least '}{_number(lows[0])}"
    return f"{highs[1] or 'at most '}{_number(highs[0])}" if highs else ""


_KINDS = {
    float: "a number", int: "a whole number", str: "text in quotes", bool: "true or false",
    dict: "a table", tuple: "an array", list: "an array",
}  # fmt: skip


def _number(bound: object) -> str:
    return str(int(bound)) if isinstance(bound, float) and bound.is_integer() else str(bound)
