"""Reading one file: what is good comes back as written, what is unusable is one clear fault."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbmnet.errors import ConfigError
from cbmnet.simulation.reading import MAX_BYTES
from cbmnet.simulation.source import leaves, read_source, source_from_text


def only_fault(call, *arguments) -> str:
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    assert len(caught.value.faults) == 1
    return str(caught.value)


def written(tmp_path: Path, content: bytes, name: str = "study.toml") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_good_file_comes_back_with_its_name_as_written(tmp_path, monkeypatch):
    """The file is called what the user called it, and data, stem, text and lines belong to it."""
    written(tmp_path, b"[channel]\nloss = 0.1\n")
    monkeypatch.chdir(tmp_path)
    source = read_source(Path("study.toml"))
    assert (source.file, source.stem, source.data) == ("study.toml", "study", {"channel": {"loss": 0.1}})
    assert source.lines.line(("channel", "loss")) == 2
    assert source.text == "[channel]\nloss = 0.1\n"


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path):
    """What an editor on Windows adds changes neither data nor lines."""
    source = read_source(written(tmp_path, b"\xef\xbb\xbfa = 1\r\n\r\nb = '''\r\n\r\n'''\r\nc = 2\r\n"))
    assert (source.data["a"], source.data["c"]) == (1, 2)
    assert [source.lines.line((key,)) for key in "abc"] == [1, 3, 6]


def test_json_is_read_by_its_suffix_and_has_no_lines(tmp_path):
    """A .json file gives the same data; a line in it is not known."""
    source = read_source(written(tmp_path, b'{"channel": {"loss": 0.1}}', "study.JSON"))
    assert source.data == {"channel": {"loss": 0.1}}
    assert source.lines.line(("channel", "loss")) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "study.toml  is empty; it holds no key."),
        (b"\n  # nothing here\n\n", "study.toml  is empty"),
        (b"a = 1\n\0\0", "holds NUL bytes"),
        ("a = 'x'".encode("utf-16"), "study.toml"),
        (b"a = 1\nb = '\xff'\n", "study.toml:2  is not UTF-8 text"),
        (b"a = 1\nb == 2\n", "study.toml:2  not TOML: Invalid value (column 4)."),
        (b"a = 1\na = 2\n", "study.toml:2  not TOML: Cannot overwrite a value"),
        (b"a = 1\nb = [1,\n", "study.toml:2  not TOML: Invalid value (at the end)."),
        (b"a = 1\n\x01", "not TOML"),
        (b"a = 2021-02-30", "study.toml:1  not TOML: Invalid date or datetime"),
        (b"a = " + b"9" * 5000, "cannot be read"),
        (
            b"a = 1\nb = [1, 0x" + b"f" * 9999 + b"]",
            "study.toml:2  b.1: must be an integer of at most 64 bits.",
        ),
        (b"a = -9223372036854775809", "study.toml:1  a: must be an integer of at most 64 bits."),
        (b"a = " + b"[" * 50_000, "is nested far too deep"),
        (b"a = " + b"[" * 40 + b"]" * 40, "is nested more than 32 deep"),
        (b".".join([b"a"] * 60) + b" = 1", "is nested more than 32 deep"),
    ],
)
def test_an_unusable_toml_file_is_one_fault(tmp_path, monkeypatch, content, said):
    """Whatever is wrong with the file as a whole is said once, with its line where there is one."""
    written(tmp_path, content)
    monkeypatch.chdir(tmp_path)
    assert said in only_fault(read_source, Path("study.toml"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"{}", "is empty"),
        (b"[1]", "must be a JSON object"),
        (b'{\n"a": }', "a.json:2  not JSON: Expecting value (column 6)."),
        (b'{"a": 1, "a": 2}', 'the key "a" stands twice'),
        (b'{"a": {"b": "\\ud800"}}', "a.json  a.b: is not Unicode text."),
        (b'{"a":' * 50_000, "is nested far too deep"),
    ],
)
def test_an_unusable_json_file_is_one_fault(tmp_path, monkeypatch, content, said):
    """JSON has its own faults: a doubled key, which the parser would swallow, and half a character."""
    written(tmp_path, content, "a.json")
    monkeypatch.chdir(tmp_path)
    assert said in only_fault(read_source, Path("a.json"))


def test_a_missing_file_names_the_one_that_may_be_meant(tmp_path):
    """A typing slip in the file's name is answered with the name beside it."""
    written(tmp_path, b"a = 1", "trusted-but-broken.toml")
    said = only_fault(read_source, tmp_path / "trusted-but-brokn.toml")
    assert said.endswith('there is no such file. Did you mean "trusted-but-broken.toml"?')


def test_what_is_no_file_is_one_fault(tmp_path):
    """A directory, a path through a file and a name that no system takes are each one fault."""
    assert "is a directory; name a file." in only_fault(read_source, tmp_path)
    assert "cannot be read" in only_fault(read_source, written(tmp_path, b"a = 1") / "below.toml")
    assert "cannot be read" in only_fault(read_source, Path("a\0b.toml"))


def test_a_file_that_may_not_be_read_is_one_fault(tmp_path, monkeypatch):
    """Permission denied is said in words."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "may not be read: permission denied." in only_fault(read_source, tmp_path / "a.toml")


def test_a_large_file_is_refused_with_its_size_and_not_read_whole(tmp_path):
    """A sparse file of 1 TiB is refused at once; one byte less than too much is read."""
    path = written(tmp_path, b"a = 1\n#" + b"x" * (MAX_BYTES - 7))
    assert read_source(path).data == {"a": 1}
    os.truncate(path, 1 << 40)
    said = only_fault(read_source, path)
    assert "has 1099511627776 bytes; a config has at most 1048576 (1 MiB)." in said


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(tmp_path_factory, content):
    """Any content is either read or a ConfigError with one fault."""
    path = written(tmp_path_factory.mktemp("any"), content)
    faults = None
    try:
        read_source(path)
    except ConfigError as error:
        faults = error.faults
    assert faults is None or len(faults) == 1


def test_leaves_come_in_the_order_of_the_file():
    """Every value that is neither table nor array is listed with its path."""
    source = source_from_text("a = [1, {b = 2}]\n[c]\nd = 3\n")
    assert list(leaves(source.data)) == [(("a", 0), 1), (("a", 1, "b"), 2), (("c", "d"), 3)]
    assert (source.file, source.stem) == ("<text>", "text")
