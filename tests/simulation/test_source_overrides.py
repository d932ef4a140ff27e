"""`--set key=value`: dotted keys, TOML values, plain strings, and what cannot be set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.errors import ConfigError
from cbmnet.simulation.overrides import split_override
from cbmnet.simulation.source import override, source_from_text

TEXT = "[channel]\nloss = 0.5\n[[at]]\ntime = '1d'\n"


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("channel.loss=0.1", ("channel", "loss"), 0.1),
        ("channel.delay=20m", ("channel", "delay"), "20m"),
        ('channel.delay="20m"', ("channel", "delay"), "20m"),
        ('channels."a>b".loss=0', ("channels", "a>b", "loss"), 0),
        ('channels."a=b".loss = 0', ("channels", "a=b", "loss"), 0),
        ('sweep."channel.loss"=[0, 0.1]', ("sweep", "channel.loss"), [0, 0.1]),
        ("title=", ("title",), ""),
        ("title=a=b", ("title",), "a=b"),
        ("title=1\nother = 2", ("title",), "1\nother = 2"),
        ("state.belief={rule = 'fixed'}", ("state", "belief"), {"rule": "fixed"}),
        ("a=true", ("a",), True),
        ("a=True", ("a",), "True"),
        ("a=[1, 2", ("a",), "[1, 2"),
        ("at.0.time=2d", ("at", 0, "time"), "2d"),
    ],
)
def test_an_override_sets_its_key(text, path, value):
    """The value is TOML, or else the string; the path set is remembered as the data has it."""
    source = source_from_text(TEXT, overrides=[text])
    node = source.data
    for part in path:
        node = node[part]
    assert node == value
    assert type(node) is type(value)
    assert source.override_paths == (path,)


def test_of_two_overrides_of_a_key_the_later_counts():
    """As on every command line, the last word holds."""
    assert source_from_text(TEXT, overrides=["a.b=1", "a.b=2"]).data["a"] == {"b": 2}


def test_every_unusable_override_is_told_at_once():
    """A key below a scalar, an index that is not there and a text without a key are faults of their own."""
    wrong = ["channel.loss.x=1", "at.1.time=2d", "at.x=1", "no value", "a..b=1", "=3"]
    with pytest.raises(ConfigError) as caught:
        source_from_text(TEXT, overrides=[*wrong, "channel.loss=0.1"])
    said = [str(fault) for fault in caught.value.faults]
    assert len(said) == len(wrong)
    assert said[0] == (
        "--set channel.loss.x  channel.loss.x: "
        "channel.loss = 0.5 is not a table; nothing can be set below it."
    )
    assert "at is an array of 1; count into it from 0." in said[1]
    assert all("write --set key=value" in text for text in said[3:])


def test_an_override_that_nests_without_end_or_is_no_text_is_a_fault():
    """What could not be read from a file cannot be set either."""
    for text in ("a=" + "[" * 40 + "]" * 40, ".".join("a" * 50) + "=1", "a=\udcff"):
        with pytest.raises(ConfigError):
            source_from_text(TEXT, overrides=[text])


def test_a_fault_is_placed_at_the_override_that_made_it():
    """A value from the command line has no line; one from the file has."""
    source = source_from_text(TEXT, "s.toml", ["channel.delay=20", 'channels."a>b"={loss = 2}'])
    assert str(source.fault(("channel", "delay"), " = 20: x")) == "--set channel.delay  channel.delay = 20: x"
    assert source.fault(("channels", "a>b", "loss"), "").file == '--set channels."a>b"'
    assert str(source.fault(("channel", "loss"), " = 0.5: x")) == "s.toml:2  channel.loss = 0.5: x"


SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text("ab .\"'\\\n", min_size=1)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_from_python_survives_the_way_through_an_override(value):
    """`override` writes what `--set` reads: a string stays a string, a number a number."""
    assert split_override(override("a.b", value)) == (("a", "b"), value)


@pytest.mark.parametrize(
    "value", ["20m", "0.2", "true", "\x7f", "a\nb", "\U0001f600", 0.1, 3, True, float("inf")]
)
def test_a_number_like_text_or_an_odd_character_survives_too(value):
    """Text that looks like a number stays text; DEL, which JSON leaves alone, is escaped for TOML."""
    assert split_override(override("a", value)) == (("a",), value)


def test_what_has_no_toml_form_cannot_be_set():
    """An object of another kind is the caller's mistake."""
    with pytest.raises(TypeError, match="cannot be set to a object"):
        override("a", object())
