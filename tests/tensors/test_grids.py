"""The values of a grid are what its definition says, bit for bit, and what is no grid is refused."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.errors import UsageError
from multum.tensors.grids import FINEST, STEP_OCTAVES, Grid, read_steps


def make(codes: list[list[int]], rows: list[int], columns: list[int], fine: int = 3, dtype: str = "BF16") -> Grid:
    return Grid(np.array(codes, np.int16), np.array(rows, np.int16), np.array(columns, np.int16), fine, dtype)


def round_to_bfloat16(value: np.float32) -> int:
    """Return the nearer of the two bfloat16 around `value`, the even one of two that are as near."""
    word = int(value.view(np.uint32))
    lower = word & 0xFFFF0000
    above, half = word - lower, 0x8000
    up = above > half or (above == half and lower >> 16 & 1)
    return (lower + (0x10000 if up else 0)) >> 16


@given(
    st.lists(st.lists(st.integers(-(2**15), 2**15 - 1), min_size=3, max_size=3), min_size=1, max_size=4),
    st.lists(st.integers(-300, 300), min_size=7, max_size=7),
    st.integers(3, FINEST),
)
def test_values_are_rounded_as_the_definition_says(codes: list[list[int]], exponents: list[int], fine: int) -> None:
    rows, columns = exponents[: len(codes)], exponents[4:]
    found = make(codes, rows, columns, fine).values()
    row_steps, column_steps = (read_steps(np.array(part, np.int16), fine) for part in (rows, columns))
    for r, row in enumerate(codes):
        for c, code in enumerate(row):
            assert found[r, c] == round_to_bfloat16(np.float32(code) * (row_steps[r] * column_steps[c]))


@pytest.mark.parametrize(("dtype", "kind"), [("F32", np.float32), ("F16", np.float16)])
def test_values_of_other_types_are_the_products(dtype: str, kind: type) -> None:
    codes = np.arange(-600, 600, dtype=np.int16).reshape(30, 40)
    grid = Grid(codes, np.arange(-30, 0, dtype=np.int16), np.arange(-20, 20, dtype=np.int16), 2, dtype)
    steps = read_steps(grid.rows, 2)[:, None] * read_steps(grid.columns, 2)
    assert (grid.values().view(kind) == (codes.astype(np.float32) * steps).astype(kind)).all()


def test_float16_beyond_its_range_is_infinite() -> None:
    assert make([[30000]], [30], [0], 0, "F16").values().view(np.float16)[0, 0] == np.inf


def test_steps_are_powers_correctly_rounded() -> None:
    with localcontext() as context:
        context.prec = 50
        for fine in (0, 1, 5, FINEST):
            for exponent in {-(48 << fine), -1, 0, 1, 3, 48 << fine, *range(-40, 40, 7)}:
                exact = Decimal(2) ** (Decimal(exponent) / 2**fine)
                step = read_steps(np.array([exponent], np.int16), fine)[0]
                error = abs(Decimal(float(step)) - exact)
                for other in (np.nextafter(step, np.float32(0)), np.nextafter(step, np.float32(np.inf))):
                    assert error <= abs(Decimal(float(other)) - exact)


def test_largest_values_are_finite() -> None:
    grid = make([[-(2**15)]], [STEP_OCTAVES << FINEST], [STEP_OCTAVES << FINEST], FINEST)
    assert grid.values().tolist() == [[0xC000 | (15 + 96 + 127 - 128) << 7]]


def test_a_part_has_the_values_of_its_rows() -> None:
    codes = np.arange(-20, 20, dtype=np.int16).reshape(8, 5)
    grid = Grid(codes, np.arange(8, dtype=np.int16), np.arange(5, dtype=np.int16), 3, "BF16")
    assert (grid.cut(2, 6).values() == grid.values()[2:6]).all()


@pytest.mark.parametrize("shape", [(1, 200_000), (70_000, 1), (0, 4), (300, 300)])
def test_grids_of_any_shape_have_values(shape: tuple[int, int]) -> None:
    codes = np.ones(shape, np.int16)
    grid = Grid(codes, np.zeros(shape[0], np.int16), np.zeros(shape[1], np.int16), 0, "F32")
    assert (grid.values() == 0x3F800000).all()


def refuse(match: str, **changes: Any) -> None:
    codes = np.zeros((2, 3), np.int16)
    fields: dict[str, Any] = {
        "codes": codes,
        "rows": codes[:, 0],
        "columns": codes[0],
        "fine": 1,
        "dtype": "BF16",
    } | changes
    with pytest.raises(UsageError, match=match):
        Grid(**fields)


def test_what_is_no_grid_is_refused() -> None:
    refuse(r"a grid of \(2, 3\) codes has 4 rows and 3 columns", rows=np.zeros(4, np.int16))
    refuse("the codes and exponents of a grid are int16", codes=np.zeros((2, 3), np.int32))
    refuse("a grid is F32, BF16, F16 with 0 to 8 bits of an octave, not F64, 1", dtype="F64")
    refuse("not BF16, 9", fine=9)
    refuse("steps lie within 48 octaves of 1: exponents within 96", rows=np.array([0, 97], np.int16))
