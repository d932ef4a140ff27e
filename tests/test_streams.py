"""Keyed randomness."""

from hypothesis import given
from hypothesis import strategies as st

from cbmnet.datagram import Label
from cbmnet.streams import FIRST_WORD, Streams, threshold, unit

LABELS = st.builds(
    Label, st.sampled_from(["notice", "query", "link-ack"]), st.integers(0, 65535), st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1), st.integers(0, 65535), st.integers(0, 65535),
)  # fmt: skip


@given(LABELS, LABELS)
def test_two_labels_share_draws_only_if_they_are_the_same(one: Label, other: Label) -> None:
    """The draws of a link are a function of the label, and different labels have different draws."""
    draws = Streams(1, 0).link("a>b/0")
    assert (draws.words(one) == draws.words(other)) == (one == other)


def test_draws_depend_on_seed_replication_link_and_purpose() -> None:
    """Each part of the key matters."""
    label = Label("notice", 1, 0, 1)
    draws = {
        Streams(1, 0).link("a>b/0").words(label),
        Streams(2, 0).link("a>b/0").words(label),
        Streams(1, 1).link("a>b/0").words(label),
        Streams(1, 0).link("a>b/1").words(label),
        Streams(1, 0).link("a>b/0").more_words(label, "stage"),
    }
    assert len(draws) == 5


def test_draws_are_pinned() -> None:
    """The same key gives the same words on every machine and in every version of this format."""
    word = Streams(7, 3).link("norway>russia/0").words(Label("notice", 1, 0, 1))[FIRST_WORD]
    assert int.from_bytes(word) == PINNED


PINNED = 13233895841779251704


def test_units_and_thresholds_meet_the_ends() -> None:
    """A probability of 0 never happens, one of 1 always does, and uniforms stay below 1."""
    lowest, highest = bytes(8), b"\xff" * 8
    assert not lowest < threshold(0.0)
    assert highest < threshold(1.0)
    assert unit(lowest) == 0.0
    assert unit(highest) < 1.0


@given(st.binary(min_size=8, max_size=8), st.floats(0, 1))
def test_a_word_is_below_a_threshold_as_its_number_is(word: bytes, probability: float) -> None:
    """Comparing bytes decides as comparing 64-bit numbers would."""
    assert (word < threshold(probability)) == (int.from_bytes(word) < round(probability * 2**64))


def test_uniforms_are_even() -> None:
    """Ten thousand labels fill ten equal bins as evenly as chance does (chi-square, 9 df, .999)."""
    draws = Streams(1, 0).link("a>b/0")
    counts = [0] * 10
    for number in range(10_000):
        counts[int(unit(draws.words(Label("notice", 1, 0, number))[FIRST_WORD]) * 10)] += 1
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 27.9


def test_a_generator_belongs_to_its_entity() -> None:
    """Another entity's generator, or its absence, moves nothing."""
    alone = Streams(1, 0)
    first = [alone.generator("activity", "a>b").random() for _ in range(3)]
    crowded = Streams(1, 0)
    crowded.generator("activity", "a>c").random()
    again = crowded.generator("activity", "a>b").random()
    assert again == first[0] == first[1]
