"""What is remembered of a stream."""

from random import Random

from cbmnet.protocols.recent import Recent


def test_each_number_has_one_record_until_it_is_too_old() -> None:
    """Random numbers against a plain list of all: within the span the same record, beyond it none."""
    for seed in range(50):
        random, recent, made = Random(seed), Recent(object, span=8), {}
        highest = -1
        for _ in range(300):
            number = max(0, highest + random.randint(-12, random.choice((1, 3, 20))))
            new = recent.is_new(0, number)
            record = recent.recall(0, number)
            if number <= highest - 8:
                assert record is None
                assert not new
            else:
                assert new == (number not in made)
                assert made.setdefault(number, record) is record is recent.find(0, number)
            highest = max(highest, number)
            made = {n: r for n, r in made.items() if n > highest - 8}
            assert len(recent) == len(made) <= 8


def test_a_new_epoch_forgets_the_old_one_and_never_goes_back() -> None:
    """Epoch 2 begins at any number; after it nothing of epoch 1 is known or new."""
    recent = Recent(object)
    recent.recall(1, 500)
    assert recent.is_new(2, 1)
    assert recent.recall(2, 1) is not None
    assert recent.recall(1, 501) is None
    assert not recent.is_new(1, 501)
    assert recent.find(1, 500) is None
    assert len(recent) == 1


def test_an_epoch_whose_number_goes_on_from_the_old_one_is_new_all_the_same() -> None:
    """After 500 in epoch 1 comes 501 in epoch 2, and 502 in epoch 1 is over."""
    recent = Recent(object)
    old = recent.recall(1, 500)
    assert recent.recall(2, 501) is not old
    assert recent.recall(1, 502) is None
    assert recent.find(1, 500) is recent.find(1, 501) is None
    assert recent.find(2, 501) is not None
    assert len(recent) == 1


def test_asking_changes_nothing() -> None:
    """`find` and `is_new` neither make a record nor move what counts as old."""
    recent = Recent(object)
    recent.recall(0, 5)
    assert recent.find(0, 10**9) is None
    assert recent.is_new(0, 10**9)
    assert recent.is_new(7, 1)
    assert recent.is_new(0, 4)
    assert len(recent) == 1
