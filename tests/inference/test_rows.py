"""Scales and quantized rows stand for the numbers they came from."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.inference.rows import bit_length, normalise, normalise_row, quantize, rescale, root


@given(st.integers(0, 2**62 - 1))
def test_bit_length_and_root_are_those_of_integers(x: int) -> None:
    assert bit_length(x) == x.bit_length()
    assert root(x) == math.isqrt(x)


@given(st.integers(1, 2**62 - 1), st.integers(-100, 100))
def test_a_normalised_scale_is_the_same_scale(m: int, e: int) -> None:
    mantissa, exponent = normalise(m, e)
    assert 1 << 30 <= mantissa < 1 << 31
    assert mantissa * 2.0**exponent == pytest.approx(m * 2.0**e, rel=1e-9)


@given(st.lists(st.integers(-(2**46), 2**46), min_size=1, max_size=40), st.integers(1000, 32767))
def test_a_quantized_row_stands_for_its_values(values: list[int], reach: int) -> None:
    q = np.zeros(len(values), np.int16)
    m, e = quantize(np.array(values, np.int64), reach, q)
    step = m * 2.0**e
    assert np.abs(q).max() <= reach
    assert np.abs(q * step - np.array(values, float)).max() <= 0.51 * step + 1


def test_a_row_of_zeros_stays_one() -> None:
    q = np.ones(3, np.int16)
    m, e = quantize(np.zeros(3, np.int64), 32767, q)
    assert not q.any()
    assert m * 2.0**e < 1e-9


@given(st.lists(st.integers(-(2**30) + 1, 2**30 - 1), min_size=4, max_size=40), st.integers(0, 2**40))
def test_a_normalised_row_has_unit_mean_square(row: list[int], epsilon: int) -> None:
    x = np.array(row, np.int32)
    gains = np.full(len(row), 1 << 14, np.int32)
    q = np.zeros(len(row), np.int16)
    m, e = normalise_row(x, gains, 14, epsilon, 32767, np.zeros(len(row), np.int64), q)
    exact = x / math.sqrt(float((x.astype(float) ** 2).mean()) + epsilon / 65536 + 1e-9)
    assert q * (m * 2.0**e) == pytest.approx(exact, abs=2e-3 * max(1.0, float(np.abs(exact).max())))


@given(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(1, 65535), st.integers(-50, 0), st.booleans())
def test_sums_become_fixed_point(total: int, scale: int, e: int, adding: bool) -> None:
    out = np.array([1000], np.int32)
    rescale(np.array([total], np.int32), np.array([scale], np.int32), 1 << 30, e, 0, out, adding)
    exact = total * scale / 65536 * 2.0 ** (30 + max(min(e, -1), -62)) + 1000 * adding
    limit = (1 << 30) - 1
    assert out[0] == pytest.approx(min(max(exact, -limit), limit), rel=1e-4, abs=2 + 2.0 ** (30 + min(e, -1)))
