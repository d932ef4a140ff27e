"""The words of refusals, as people read them."""

from tests.vectors.refusals import FILE, refusals


def test_what_people_read_is_what_was_written_down() -> None:
    """Code, words, key and message of each refusal in the vectors and of each spoilt trust store."""
    assert list(refusals()) == FILE.read_text().splitlines()


def test_every_refusal_says_something() -> None:
    """No empty detail, and no two lines for one case."""
    lines = [line.split("\t") for line in FILE.read_text().splitlines()]
    assert all(len(line) == 5 and len(line[2]) > 5 for line in lines)
    assert len({line[0] for line in lines}) == len(lines) > 350
