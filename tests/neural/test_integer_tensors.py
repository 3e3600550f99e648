"""Arithmetic on tensors gives the integers that compiled kernels give."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from multum.inference import exponentials, rows
from multum.neural import integer_tensors as tensors

LIMIT = (1 << 30) - 1
seeds = st.integers(0, 2**32 - 1)


def draw(random: np.random.Generator, bits: int, shape: tuple[int, ...], signed: bool = True) -> NDArray[np.int64]:
    """Return numbers of every length up to `bits`, the edges among them."""
    most = (1 << random.integers(0, bits + 1, shape)) - 1
    edge = random.random(shape) < 0.1
    found = np.where(edge, most, random.integers(0, most + 1))
    return found * random.choice([-1, 1], shape) if signed else found


def draw_row(random: np.random.Generator, bits: int, count: int = 12) -> NDArray[np.int64]:
    """Return numbers of one length, or nothing but zeros."""
    return draw(random, bits, (count,)) >> int(random.integers(0, bits + 1))


@pytest.mark.parametrize(
    ("name", "bits", "least"),
    [("bit_length", 62, 0), ("root", 62, 0), ("exp2_fixed", 31, -1), ("open_gate", 30, 1), ("wave", 32, 0)],
)
@given(seed=seeds)
@settings(max_examples=20)
def test_a_function_of_one_number_is_that_of_kernels(name: str, bits: int, least: int, seed: int) -> None:
    x = draw(np.random.default_rng(seed), bits, (20,), least == 1) * (least or 1)
    slow: Callable[[Any], Any] = getattr(rows if hasattr(rows, name) else exponentials, name)
    found = getattr(tensors, name)(torch.from_numpy(x))
    table = torch.stack(found, -1) if isinstance(found, tuple) else found
    assert table.tolist() == [list(value) if isinstance(value := slow(one), tuple) else value for one in x]


@given(st.integers(1, 1 << 31))
def test_a_root_is_right_beside_squares(x: int) -> None:
    squares = torch.tensor([x * x - 1, x * x, x * x + 1]).clamp(max=(1 << 62) - 1)
    assert tensors.root(squares).tolist() == [math.isqrt(int(square)) for square in squares]


@given(seed=seeds, reach=st.integers(1, 32767))
@settings(max_examples=50)
def test_a_row_is_quantized_as_by_kernels(seed: int, reach: int) -> None:
    row = draw_row(np.random.default_rng(seed), 60)
    q = np.zeros(len(row), np.int16)
    scale = rows.quantize(row, reach, q)
    found = tensors.quantize(torch.from_numpy(row), reach)
    assert (found.values.tolist(), found.m.item(), found.e.item()) == (q.tolist(), *scale)


@given(seed=seeds, reach=st.integers(1, 32767), epsilon=st.integers(0, (1 << 60) - 1), down=st.integers(-60, 60))
@settings(max_examples=50)
def test_a_row_is_normalised_as_by_kernels(seed: int, reach: int, epsilon: int, down: int) -> None:
    random = np.random.default_rng(seed)
    row, gains = draw_row(random, 30), draw_row(random, 15)
    q = np.zeros(len(row), np.int16)
    scratch = np.zeros(len(row), np.int64)
    scale = rows.normalise_row(row.astype(np.int32), gains.astype(np.int32), down, epsilon, reach, scratch, q)
    found = tensors.normalise_rows(torch.from_numpy(row), torch.from_numpy(gains), down, epsilon, reach)
    assert (found.values.tolist(), found.m.item(), found.e.item()) == (q.tolist(), *scale)


@given(seed=seeds, e=st.integers(-120, 60), down=st.integers(-60, 60), adding=st.booleans())
@settings(max_examples=50)
def test_sums_stand_for_what_kernels_say(seed: int, e: int, down: int, adding: bool) -> None:
    random = np.random.default_rng(seed)
    sums, scales, out = draw_row(random, 31), draw(random, 16, (12,), signed=False), draw_row(random, 30)
    m = int(random.integers(1 << 30, 1 << 31))
    row = tensors.Quantized(torch.zeros(1), torch.tensor([m]), torch.tensor([e]))
    found = tensors.rescale(torch.from_numpy(sums), torch.from_numpy(scales), row, down)
    wanted = out.astype(np.int32)
    rows.rescale(sums.astype(np.int32), scales.astype(np.int32), m, e, down, wanted, adding)
    assert tensors.clip(found + torch.from_numpy(out) if adding else found).tolist() == wanted.tolist()
