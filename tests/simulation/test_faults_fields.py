"""The field types alone: what passes, what does not, and a family's table read without a model."""

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from cbmnet.channels.stage import STAGES
from cbmnet.simulation import fields
from cbmnet.simulation.fields import Chosen, family_config, plain

GOOD = [
    ("Duration", "1d 12h", 129600.0),
    ("Duration", "0s", 0.0),
    ("PositiveDuration", "1ms", 0.001),
    ("Rate", "0/d", 0.0),
    ("Rate", "2/h", 2 / 3600),
    ("Probability", 1, 1.0),
    ("Count", 1, 1),
    ("WholeNumber", 0, 0),
    ("Integer", -1, -1),
    ("FiniteFloat", 3, 3.0),
    ("Flag", False, False),
    ("Text", "", ""),
    ("Scalar", True, True),
    ("Scalar", "x", "x"),
]

BAD = {
    "Duration": [1, 1.5, True, "1", "-1s", "", "1 fortnight", "1e999d", None, []],
    "PositiveDuration": ["0s", "0d", 0],
    "Rate": [144, "144", "1/fortnight", "-1/d", True, "1e999/s"],
    "Probability": [-0.1, 1.1, True, "0.5", float("nan")],
    "Count": [0, True, 1.0, "1"],
    "WholeNumber": [-1, False],
    "Integer": [1.0, True],
    "FiniteFloat": [float("inf"), float("nan"), True, "1", None],
    "Flag": [0, 1, "yes"],
    "Text": [1, True],
    "Scalar": [float("inf"), float("nan"), None, [], {}],
}


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_what_is_written_becomes_the_number_it_means(name, text, value):
    """Durations are seconds, rates are per second, and the type is the one the model declares."""
    read = TypeAdapter(getattr(fields, name)).validate_python(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_nothing_passes_for_what_it_is_not(name, value):
    """No truth value or text for a number, no number for a time, nothing infinite, nothing out of range."""
    with pytest.raises(ValidationError):
        TypeAdapter(getattr(fields, name)).validate_python(value)


def test_a_table_of_the_stages_becomes_the_members_own_config():
    """The member of the real family is configured with its suffixes taken off."""
    chosen = family_config(STAGES, {"stage": "lognormal", "delay": "20m", "sigma": 1}, discriminator="stage")
    assert isinstance(chosen, Chosen)
    said = {"delay_s": 1200.0, "sigma": 1.0, "correlation": 0.0, "keep_order": False}
    assert plain(chosen) == {"name": "lognormal", "config": said}


@pytest.mark.parametrize("name", STAGES.names())
def test_every_stage_tells_what_it_misses(name):
    """Each member of the family gives problems of ours, never an exception, for an unknown key."""
    (problem, *_) = [p for p in family_config(STAGES, {"kind": name, "zz": 1}) if p.path == ("zz",)]
    assert problem.message.startswith("unknown key.")


def test_a_config_that_refuses_itself_is_a_problem_of_the_node():
    """What the dataclass says in its own check is said of the whole table."""
    (problem,) = family_config(STAGES, {"kind": "up-down", "mtbf": "0s", "mttr": "1h"})
    assert (problem.path, problem.text()) == ((), "mtbf and mttr must be longer than 0.")


def test_plain_refuses_what_is_no_config():
    """A value that JSON cannot hold is a mistake in a field type, and is not passed over."""

    @dataclass
    class Odd:
        value: Any

    with pytest.raises(TypeError, match="a config holds a set"):
        plain(Odd({1}))
