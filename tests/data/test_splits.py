"""Dividing examples by class and seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.data.labelled import Labelled
from multum.data.splits import fold, split
from multum.errors import UsageError


def examples(labels: list[int], classes: int = 3) -> Labelled:
    texts = [f"text {number}" for number in range(len(labels))]
    return Labelled(texts, np.array(labels, np.int64), tuple("abc"[:classes]), "0", "test")


counts = st.lists(st.integers(5, 30), min_size=3, max_size=3)


@given(counts, st.floats(0.05, 0.6), st.integers(0, 9))
def test_a_split_divides_each_class_in_the_share(sizes: list[int], share: float, seed: int) -> None:
    data = examples([number for number, size in enumerate(sizes) for _ in range(size)])
    training, held = split(data, share, seed)
    assert sorted([*training.inputs, *held.inputs]) == sorted(data.inputs)
    for size, count in zip(sizes, held.count_classes(), strict=True):
        assert 1 <= count < size
        assert abs(count - share * size) <= 1


def test_the_seed_decides_a_split() -> None:
    data = examples([0, 1, 2] * 20)
    assert list(split(data, 0.2, 1)[1].inputs) == list(split(data, 0.2, 1)[1].inputs)
    assert list(split(data, 0.2, 1)[1].inputs) != list(split(data, 0.2, 2)[1].inputs)


@given(counts, st.integers(2, 5), st.integers(0, 9))
def test_folds_are_even_over_all_and_in_each_class(sizes: list[int], folds: int, seed: int) -> None:
    data = examples([number for number, size in enumerate(sizes) for _ in range(size)])
    places = fold(data, folds, seed)
    for number in (None, 0, 1, 2):
        here = places if number is None else places[data.labels == number]
        sizes_here = np.bincount(here, minlength=folds)
        assert sizes_here.max() - sizes_here.min() <= 1


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [([0, 0, 0], 1, "every example of 'test' has the label 'a'"), ([0, 0, 1], 2, "fewer than 2 examples of 'b'")],
)
def test_too_few_of_a_class_are_refused(labels: list[int], classes: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        split(examples(labels, classes), 0.5, 0)


def test_impossible_shares_and_folds_are_refused() -> None:
    data = examples([0, 1, 2] * 4)
    with pytest.raises(UsageError, match=r"1.5 of the examples cannot be held out"):
        split(data, 1.5, 0)
    with pytest.raises(UsageError, match="1 folds cannot be held out"):
        fold(data, 1, 0)
    with pytest.raises(UsageError, match="fewer than 5 examples of 'a', 'b', 'c'"):
        fold(data, 5, 0)
