"""Adaptive maps and refinements are their textbook twins bit for bit."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from multum.bits.adaptive import (
    COUNT_LIMIT,
    RECIPROCAL,
    REFINE_POINTS,
    initial_refinement,
    learn,
    pack_map,
    refine,
)
from multum.bits.logistic import SQUASH, SQUASH_OFFSET, STRETCH_LIMIT
from tests.bits import reference


@given(
    st.integers(0, (1 << 22) - 1),
    st.integers(0, COUNT_LIMIT - 1),
    st.integers(1, COUNT_LIMIT - 1),
    st.lists(st.integers(0, 1), min_size=1, max_size=40),
)
@example((1 << 22) - 1, 0, 255, [1] * 40)
@example(0, 0, 255, [0] * 40)
def test_learning_equals_the_twin(probability: int, count: int, limit: int, bits: list[int]) -> None:
    table = np.array([7, pack_map(probability, count), 7], np.int32)
    entry = (probability, count)
    for bit in bits:
        learn(table, 1, bit, limit, RECIPROCAL)
        entry = reference.learn(entry, bit, limit)
        assert table.tolist() == [7, pack_map(*entry), 7]
        assert 0 <= entry[0] < 1 << 22


def test_a_map_approaches_the_share_of_ones() -> None:
    table = np.array([pack_map(1 << 21, 0)], np.int32)
    bits = np.random.default_rng(1).random(4000) < 0.2
    for bit in bits:
        learn(table, 0, int(bit), 500, RECIPROCAL)
    assert abs((table[0] >> 9) / (1 << 22) - 0.2) < 0.02


rows = st.lists(st.integers(0, 65535), min_size=REFINE_POINTS, max_size=REFINE_POINTS)


@given(rows, st.integers(-STRETCH_LIMIT, STRETCH_LIMIT))
@example([65535] * REFINE_POINTS, STRETCH_LIMIT)
@example([0] * REFINE_POINTS, -STRETCH_LIMIT)
def test_refining_equals_the_twin(row: list[int], at: int) -> None:
    table = np.array([0] * REFINE_POINTS + row + [0] * REFINE_POINTS, np.uint16)
    p, nearer = refine(table, 1, at)
    assert (p, nearer - REFINE_POINTS) == reference.refine(row, at)


def test_a_new_refinement_changes_little() -> None:
    table = initial_refinement()
    for at in range(-STRETCH_LIMIT, STRETCH_LIMIT + 1, 13):
        p, _ = refine(table, 0, at)
        assert abs(p - int(SQUASH[at + SQUASH_OFFSET])) < 1300  # a chord of the curve, a nat long
