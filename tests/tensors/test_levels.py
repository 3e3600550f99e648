"""Levels say how large rows and columns are, from whole numbers alone."""

import numpy as np

from multum.tensors.levels import count_dropped, fit_levels, measure_logarithms


def test_logarithms_are_those_of_the_magnitude() -> None:
    values = np.array([0.0, -0.0, 1.0, -2.0, 1.5], np.float32).view(np.uint8)
    assert measure_logarithms(values, 4, 23).tolist() == [-1, -1, 127 << 5, 128 << 5, (127 << 5) + 16]
    assert measure_logarithms(np.array([0x38], np.uint8), 1, 3).tolist() == [7 << 5]


def test_levels_follow_the_scales_of_rows_and_columns() -> None:
    rng = np.random.default_rng(5)
    rows, columns = 2.0 ** np.arange(64)[:, None] / 2**32, 2.0 ** rng.integers(-3, 4, 80)
    values = (rows * columns * rng.normal(size=(64, 80))).astype(np.float32)
    found = fit_levels(measure_logarithms(values.view(np.uint8).ravel(), 4, 23).reshape(64, 80), 3)
    assert np.abs(np.diff(found[0]) - 8).mean() < 3
    assert np.abs((found[1] - found[1].mean()) / 8 - (np.log2(columns) - np.log2(columns).mean())).max() < 1


def test_small_matrices_have_one_level_and_zeros_none_of_their_own() -> None:
    few = np.full((3, 3), 100 << 5, np.int32)
    assert [levels.tolist() for levels in fit_levels(few, 0)] == [[100] * 3, [0] * 3]
    empty = np.full((40, 40), -1, np.int32)
    assert [set(levels.tolist()) for levels in fit_levels(empty, 3)] == [{0}, {0}]


def test_low_bits_that_are_zero_all_over_a_row_are_counted() -> None:
    rows = np.array([[0x3F800000, 0x3F810000], [0x3F800001, 0], [0, 0], [0x80000000, 0]], np.uint32)
    assert count_dropped(rows.view(np.uint8).ravel(), 4, 23, 4).tolist() == [16, 0, 0, 23]
