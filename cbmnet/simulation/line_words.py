"""Ways of saying what a link does, and which of them exclude each other.

A hop is said in keys (loss, delay ...) or in words of netem; a channel is said as hops alike or hop by hop.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel

from cbmnet.channels.netem import parse_netem
from cbmnet.simulation.quantities import Text
from cbmnet.simulation.words import Problem, said

LOSS_AND_DELAY = ("loss", "delay", "distribution", "sigma")
_INSTEAD = {
    "netem": (LOSS_AND_DELAY, "netem says loss and delay; leave this out, or netem"),
    "hop": (
        ("hops", "stages", "netem", *LOSS_AND_DELAY),
        "each [[channel.hop]] says this for itself; leave it out here, or the hops",
    ),
}


def said_twice(part: BaseModel) -> list[Problem]:
    """Each key that stands beside another that says the same instead."""
    return [
        Problem((key,), message, shows=False)
        for chosen, (others, message) in _INSTEAD.items()
        if getattr(part, chosen, None)
        for key in others
        if key in part.model_fields_set
    ]


def without_excluded(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The general table without what the particular one says in another way."""
    gone = {key for chosen, (others, _) in _INSTEAD.items() if chosen in over for key in others}
    gone |= {chosen for chosen, (others, _) in _INSTEAD.items() if not {*others}.isdisjoint(over)}
    return {key: value for key, value in base.items() if key not in gone}


def _checked(words: str) -> str:
    try:
        parse_netem(words)
    except ValueError as error:
        raise said(str(error).removeprefix("netem: ")) from None
    return words


NetemWords = Annotated[Text, AfterValidator(_checked)]
