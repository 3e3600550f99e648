"""Predictions are the sums they are said to be, are told only where they pay, and come back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.tensors.prediction import (
    MOST_COLUMNS,
    STRIP,
    Prediction,
    clip_to_int16,
    count_told,
    cut_strips,
    fit_prediction,
    hear_prediction,
)
from tests.tensors.matrices import draw_together


def wrap(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31


@given(st.integers(1, 9), st.integers(33, 70), st.booleans(), st.integers(0, 2**32 - 1))
def test_expectations_are_rounded_sums_modulo_two_to_the_32nd(rows: int, columns: int, wild: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    most = 2**15 if wild else 40
    codes = rng.integers(-most, most, (rows, columns)).astype(np.int16)
    coefficients = rng.integers(-most, most, (columns, columns)).astype(np.int16)
    strip = list(cut_strips(columns))[-1]
    found = Prediction(coefficients).expect(codes, strip)
    for r in range(rows):
        for c in range(strip.start, strip.stop):
            total = wrap(sum(int(codes[r, j]) * int(coefficients[j, c]) for j in range(strip.start)))
            assert found[r, c - strip.start] == (total + 4) // 8


def test_strips_share_out_the_columns() -> None:
    assert [(strip.start, strip.stop) for strip in cut_strips(70)] == [(0, 32), (32, 64), (64, 70)]
    assert list(cut_strips(0)) == []


@pytest.mark.parametrize("columns", [1, STRIP, STRIP + 1, 100])
def test_what_is_told_is_heard(columns: int) -> None:
    coefficients = np.random.default_rng(columns).integers(-9, 9, (columns, columns)).astype(np.int16)
    told = Prediction(coefficients).tell()
    assert len(told) == count_told(columns)
    heard = hear_prediction(told, columns)
    assert (heard.tell() == told).all()
    for strip in cut_strips(columns):
        assert (heard.coefficients[: strip.start, strip] == coefficients[: strip.start, strip]).all()


def test_columns_that_go_together_are_predicted() -> None:
    codes = draw_together(2000, 96)
    fitted = fit_prediction(codes)
    assert fitted is not None
    prediction, middles = fitted
    last = list(cut_strips(96))[-1]
    left = codes[:, last] - (prediction.expect(codes, last) + middles[last]) / 4
    assert left.var() < 0.3 * codes[:, last].var()
    assert abs(left.mean()) < 0.2


def test_columns_that_do_not_are_not() -> None:
    assert fit_prediction(np.random.default_rng(0).integers(-3, 4, (2000, 96)).astype(np.int16)) is None


@pytest.mark.parametrize("shape", [(700, 96), (9000, STRIP), (9 * MOST_COLUMNS, MOST_COLUMNS + 1)])
def test_matrices_of_other_shapes_are_not_tried(shape: tuple[int, int]) -> None:
    assert fit_prediction(np.zeros(shape, np.int16)) is None


def test_columns_without_variance_are_no_trouble() -> None:
    codes = draw_together(2000, 96)
    codes[:, 10:50] = 7
    fitted = fit_prediction(codes)
    assert fitted is not None
    assert np.abs(fitted[0].coefficients[10:50]).max() <= 1


def test_values_beyond_16_bits_are_clipped() -> None:
    assert clip_to_int16(np.array([-1e9, -0.4, 2.5, 1e9])).tolist() == [-(2**15), 0, 2, 2**15 - 1]
