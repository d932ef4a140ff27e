"""The line index agrees with tomllib on which paths there are, and with the text on where they stand."""

import tomllib
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.simulation.lines import KeySyntaxError, LineIndex, read_key

TRICKY = '''\
# [not.a.table] and key = 1 in a comment
title = "a [bracket], a # and a \\" quote"  # [x]
'single quoted' = 1
dotted.path."with.dots" = 2

text = """
[fake]
fake = 1
ends in two quotes"""""
literal = \'\'\'
[[fake]]
it's \'\'\'
numbers = [ # an array [ over lines
  1,
  # a comment ] in the array
  [2, 3], { inner = 4, deep.er = "}" },

]
inline = { a = 1, "b c" = [ { d = 2 } ] }
when = 1979-05-27 07:32:00 # a date with a space

[states.russia]   # header
prior = 0.1
[ states . "a>b" ]
prior = 0.2
[[at]]
time = "1d"
[at.more]
x = 1
[[at.list]]
y = 1
[[at.list]]
y = 2
[[at]]
time = "2d"
[[at.list]]
y = 3
'''

EXPECTED = {
    ("title",): 2, ("single quoted",): 3, ("dotted",): 4, ("dotted", "path", "with.dots"): 4, ("text",): 6,
    ("literal",): 10, ("numbers",): 13, ("numbers", 0): 14, ("numbers", 1, 1): 16,
    ("numbers", 2, "inner"): 16,
    ("numbers", 2, "deep", "er"): 16, ("inline", "a"): 19, ("inline", "b c", 0, "d"): 19, ("when",): 20,
    ("states",): 22, ("states", "russia"): 22, ("states", "russia", "prior"): 23,
    ("states", "a>b", "prior"): 25,
    ("at",): 26, ("at", 0): 26, ("at", 0, "time"): 27, ("at", 0, "more", "x"): 29,
    ("at", 0, "list", 0, "y"): 31,
    ("at", 0, "list", 1): 32, ("at", 0, "list", 1, "y"): 33, ("at", 1, "time"): 35,
    ("at", 1, "list", 0, "y"): 37,
}  # fmt: skip


def every_path(value, path=()):
    if path:
        yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in below:
        yield from every_path(entry, (*path, key))


@pytest.mark.parametrize(("path", "line"), EXPECTED.items())
def test_each_form_of_key_is_found_on_its_line(path, line):
    """Headers, dotted and quoted keys, long arrays, inline tables; strings and comments mislead nobody."""
    assert LineIndex(TRICKY).line(path) == line


def test_every_path_of_the_tricky_text_has_a_line_of_its_own():
    """The scanner finds exactly the paths that tomllib finds."""
    assert set(LineIndex(TRICKY)._lines) == set(every_path(tomllib.loads(TRICKY)))


def test_a_path_without_a_line_takes_that_of_its_nearest_parent():
    """A missing key is placed at its table; what has no parent in the text has no line."""
    index = LineIndex(TRICKY)
    assert index.line(("states", "russia", "decides")) == 22
    assert index.line(("at", 1, "event")) == 34
    assert index.line(("nowhere",)) is None
    assert index.line(()) is None


@pytest.mark.parametrize("text", ["", "=", "a..b", ".a", "a.", 'a."b', '"\\q"', "é"])
def test_what_is_no_dotted_key_is_refused(text):
    """A key has bare or quoted parts with one dot between them."""
    with pytest.raises(KeySyntaxError):
        read_key(text)


def test_a_quoted_key_is_read_with_its_escapes():
    """The index knows a key under the name that tomllib gives it."""
    assert read_key(r'"a\u0062".' + r"'c\d' = 1") == (("ab", r"c\d"), 16)


KEYS = st.sampled_from(["alpha", "b-1", "two words", "x.y", "a>b", "[z]", "#no", "7"])
VALUES = st.sampled_from(
    [
        "1",
        "-2.5e3",
        "true",
        '"[x] # y"',
        "'it]'",
        '"""\n[no]\nalpha = 1\n"""',
        "'''\n#\n'''",
        "1979-05-27 07:32:00",
    ]
)


def as_key(key: str) -> str:
    return key if key.replace("-", "").isalnum() else f'"{key}"'


@st.composite
def values(draw, depth=2):
    kind = draw(st.sampled_from(["plain", "array", "inline"])) if depth else "plain"
    if kind == "array":
        gap = draw(st.sampled_from([" ", "\n", "\n  # ] comment [\n"]))
        return (
            f"[{gap}"
            + "".join(f"{draw(values(depth - 1))},{gap}" for _ in range(draw(st.integers(0, 3))))
            + "]"
        )
    if kind == "inline":
        keys = draw(st.lists(KEYS, max_size=2, unique=True))
        return "{" + ", ".join(f"{as_key(key)} = {draw(values(depth - 1))}" for key in keys) + "}"
    return draw(VALUES)


@st.composite
def documents(draw):
    """TOML text with headers, arrays of tables, dotted keys, and values of every form."""
    lines, fresh = [], count()
    for _ in range(draw(st.integers(0, 4))):
        for key in draw(st.lists(KEYS, max_size=3, unique=True)):
            dotted = draw(st.sampled_from(["", f"d{next(fresh)} . "]))
            lines.append(f"{draw(st.sampled_from(['', '  ']))}{dotted}{as_key(key)} = {draw(values())}")
            lines += draw(st.sampled_from([[], [""], ["# [c]"]]))
        name = f"t{next(fresh)}.{as_key(draw(KEYS))}"
        lines += draw(st.sampled_from([[f"[{name}]"], [f"[[{name}]]"], [f"[[{name}]]", f"[[{name}]]"]]))
    return "\n".join(lines) + "\n"


@given(documents(), st.sampled_from(["\n", "\r\n"]))
def test_every_path_of_any_document_is_on_a_line_that_shows_its_key(text, end):
    """Cross-check with tomllib: the same paths, and each named key stands in the text of its line."""
    data = tomllib.loads(text.replace("\n", end))
    found = LineIndex(text.replace("\n", end))._lines
    assert set(found) == set(every_path(data))
    lines = text.split("\n")
    for path, line in found.items():
        if isinstance(path[-1], str):
            assert path[-1] in lines[line - 1]
