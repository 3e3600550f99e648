"""Grids come back, take about the entropy of their codes, and are refused when they are damaged."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from multum.errors import FormatError, UsageError
from multum.tensors.grid_coding import decode_grid, encode_grid, estimate_bits
from multum.tensors.grids import WIDTHS, Grid
from tests.tensors import grid_reference
from tests.tensors.matrices import draw_codes, draw_together


def make_grid(codes: np.ndarray, rows: np.ndarray | None = None, columns: np.ndarray | None = None) -> Grid:
    """Return a grid of bfloat16 with steps in 16ths of an octave, of 1 where none are given."""
    rows = np.zeros(codes.shape[0]) if rows is None else rows
    columns = np.zeros(codes.shape[1]) if columns is None else columns
    return Grid(codes.astype(np.int16), rows.astype(np.int16), columns.astype(np.int16), 4, "BF16")


def count_rate(grid: Grid) -> float:
    return 8 * len(encode_grid(grid)) / grid.codes.size


def check_round_trip(grid: Grid) -> None:
    found = decode_grid(encode_grid(grid), *grid.codes.shape)
    assert (found.codes == grid.codes).all()
    assert (found.rows == grid.rows).all()
    assert (found.columns == grid.columns).all()
    assert (found.fine, found.dtype) == (grid.fine, grid.dtype)


shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
any_codes = shapes.flatmap(
    lambda s: arrays(np.int16, s, elements=st.integers(-9, 9) | st.integers(-(2**15), 2**15 - 1))
)


@given(any_codes, st.integers(0, 8), st.sampled_from(sorted(WIDTHS)), st.integers(0, 2**32 - 1))
@settings(max_examples=10)
@example(np.full((1, 1), -(2**15), np.int16), 0, "F32", 0)
@example(np.full((9, 2), 2**15 - 1, np.int16), 8, "F16", 0)
def test_grids_come_back(codes: np.ndarray, fine: int, dtype: str, seed: int) -> None:
    rng, limit = np.random.default_rng(seed), 48 << fine
    rows, columns = (rng.integers(-limit, limit + 1, (n,)).astype(np.int16) for n in codes.shape)
    check_round_trip(Grid(codes, rows, columns, fine, dtype))


def draw_tied() -> Grid:
    exponents = 16 * np.random.default_rng(7).integers(-2, 3, (60,))
    codes = np.rint(30 * 2.0 ** (-exponents / 16) * np.random.default_rng(8).standard_normal((9, 60)))
    return make_grid(codes, columns=exponents)


@pytest.mark.parametrize(
    "grid",
    [
        make_grid(draw_codes(6, 9), rows=np.arange(6), columns=np.arange(9)),
        make_grid(draw_codes(300, 3) + np.array([0, 9, -4])),
        make_grid(draw_together(320, 34)),
        make_grid(draw_codes(5, 5, 900.0)),
        draw_tied(),
    ],
    ids=["plain", "centred", "predicted", "wide", "tied"],
)
def test_payloads_decode_as_the_twin_decodes_them(grid: Grid) -> None:
    codes, rows, columns = grid_reference.decode(encode_grid(grid), *grid.codes.shape)
    assert codes == grid.codes.tolist()
    assert (rows, columns) == (grid.rows.tolist(), grid.columns.tolist())


@pytest.mark.parametrize("spread", [0.05, 0.4, 3.0, 40.0, 700.0, 9000.0])
def test_grids_of_any_spread_come_back(spread: float) -> None:
    check_round_trip(make_grid(np.clip(draw_codes(60, 50, spread), -(2**15), 2**15 - 1)))


@pytest.mark.parametrize("spread", [0.5, 2.0, 40.0])
def test_normal_codes_take_their_entropy(spread: float) -> None:
    codes = draw_codes(400, 500, spread)
    counts = np.unique(codes, return_counts=True)[1]
    entropy = -float((counts / codes.size) @ np.log2(counts / codes.size))
    assert count_rate(make_grid(codes)) < 1.005 * entropy + 0.01


def test_scales_of_rows_and_columns_save_bits() -> None:
    rng = np.random.default_rng(1)
    rows, columns = np.exp(rng.standard_normal((300, 1))), np.exp(rng.standard_normal((1, 400)))
    codes = np.rint(rows * columns * rng.standard_normal((300, 400)) * 3).astype(np.int16)
    counts = np.unique(codes, return_counts=True)[1]
    assert count_rate(make_grid(codes)) < -float((counts / codes.size) @ np.log2(counts / codes.size)) - 0.5


def test_columns_with_a_middle_of_their_own_save_bits() -> None:
    codes = draw_codes(2000, 40, 2.0) + np.rint(draw_codes(1, 40, 9.0, seed=2)).astype(np.int16)
    check_round_trip(make_grid(codes))
    assert count_rate(make_grid(codes)) < count_rate(make_grid(draw_codes(2000, 40, 2.0))) + 0.06


def test_columns_that_go_together_save_bits() -> None:
    codes = draw_together(3000, 70)
    shuffled = codes.copy()
    for column in shuffled.T:
        np.random.default_rng(int(column.sum()) & 0xFF).shuffle(column)
    check_round_trip(make_grid(codes))
    assert count_rate(make_grid(codes)) < count_rate(make_grid(shuffled)) - 0.5


def test_steps_that_undo_scales_are_told_once() -> None:
    """Where columns are rounded more finely than others and the weights are alike, levels follow from steps."""
    exponents = np.random.default_rng(3).integers(-32, 33, 600)
    codes = np.rint(30 * 2.0 ** (-exponents / 16) * np.random.default_rng(4).standard_normal((300, 600)))
    grid = make_grid(codes, columns=exponents)
    untied = make_grid(codes, columns=np.random.default_rng(5).permutation(exponents))
    assert len(encode_grid(grid)) < len(encode_grid(untied)) - 200


def test_rounding_that_favours_zero_costs_little() -> None:
    weights = 1.5 * np.random.default_rng(6).standard_normal((300, 400))
    codes = np.where(np.abs(weights) < 0.7, 0, np.sign(weights) * np.maximum(1, np.rint(np.abs(weights))))
    counts = np.unique(codes, return_counts=True)[1]
    entropy = -float((counts / codes.size) @ np.log2(counts / codes.size))
    assert count_rate(make_grid(codes)) < 1.005 * entropy + 0.01


def test_a_small_grid_has_a_small_payload() -> None:
    codes = draw_codes(16, 64)
    assert count_rate(make_grid(codes)) < count_rate(make_grid(draw_codes(400, 500))) + 0.4


def test_estimates_are_near_the_bytes() -> None:
    for spread in (0.5, 3.0, 60.0, 500.0):
        grid = make_grid(draw_codes(100, 200, spread))
        assert estimate_bits(grid) == pytest.approx(8 * len(encode_grid(grid)), rel=0.01)


def test_payloads_are_frozen() -> None:
    """Both decode for ever; that the second one is made is what the encoder makes of a grid today."""
    grid = Grid(
        np.array([[0, 1, -1, 2], [0, 0, 3, -7], [1, 0, 0, 0]], np.int16),
        np.array([-70, -70, -68], np.int16),
        np.array([0, 1, 0, 2], np.int16),
        4,
        "BF16",
    )
    older = "0104170018000000baff00180100063239000646fdff0646764cda0bc6379a9188f8a7095bbf"
    data = "0104200014000000baff0018010006321f00ff000000ff00c3eae82ff3660100840c3ec0"
    assert encode_grid(grid).hex() == data
    for payload in (older, data):
        values = decode_grid(bytes.fromhex(payload), 3, 4).values()
        assert [f"{value:04x}" for value in values[1]] == ["0000", "0000", "3e14", "bebc"]


def test_threads_make_the_same_bytes() -> None:
    grids = [make_grid(draw_together(600, 66, seed=seed)) for seed in range(3)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(encode_grid, grids * 2)) == list(map(encode_grid, grids)) * 2


def test_codes_that_do_not_lie_row_by_row_are_coded_alike() -> None:
    codes = draw_codes(20, 30)
    assert encode_grid(make_grid(np.asfortranarray(codes))) == encode_grid(make_grid(codes))
    assert encode_grid(make_grid(codes).cut(5, 15)) == encode_grid(make_grid(codes[5:15]))


def test_a_grid_without_codes_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a grid of \(0, 3\) has no codes to write"):
        encode_grid(make_grid(np.zeros((0, 3), np.int16)))


def test_every_cut_is_refused_and_every_flip_is_refused_or_changes_the_grid() -> None:
    grid = make_grid(draw_codes(7, 9), rows=np.arange(7), columns=np.arange(9))
    data = encode_grid(grid)
    for size in range(len(data)):
        with pytest.raises(FormatError, match=r"grid|lists|lanes|end where"):
            decode_grid(data[:size], 7, 9)
    for k in range(len(data)):
        flipped = data[:k] + bytes([data[k] ^ 0x11]) + data[k + 1 :]
        try:
            decode_grid(flipped, 7, 9)
        except FormatError:
            continue


def test_zeros_are_set_aside_where_middles_would_say_less() -> None:
    rng = np.random.default_rng(0)
    codes = np.rint(9 * rng.standard_normal((300, 40)) + 4).astype(np.int16)
    cleared = np.where(rng.random(codes.shape) < 0.6, 0, codes).astype(np.int16)
    data = encode_grid(make_grid(cleared))
    assert data[3] & 4 == 0
    assert data[3] >> 4 > 7
    assert encode_grid(make_grid(codes))[3] == 4
    assert np.array_equal(decode_grid(data, 300, 40).codes, cleared)
    assert grid_reference.decode(data, 300, 40)[0] == cleared.tolist()


@given(st.binary(max_size=80), shapes)
@settings(max_examples=150)
def test_any_bytes_are_refused_or_are_a_grid(data: bytes, shape: tuple[int, int]) -> None:
    try:
        assert decode_grid(data, *shape).codes.shape == shape
    except FormatError:
        return


@pytest.mark.parametrize(
    ("at", "value", "match"),
    [
        (0, 3, "no grid has dtype 3"),
        (1, 9, "no grid has .* 9 bits of an octave"),
        (2, 0x80, "no grid has .* zone 8"),
        (2, 0x08, "no grid has .* power 8"),
        (3, 8, "no grid has .* flags 8"),
        (3, 0x1C, "no grid has .* zeros 1 and flags 12"),
        (7, 0xFF, "lists of 42"),
    ],
)
def test_heads_that_say_what_is_not_allowed_are_refused(at: int, value: int, match: str) -> None:
    data = bytearray(encode_grid(make_grid(draw_codes(7, 9))))
    data[at] = value
    with pytest.raises(FormatError, match=match):
        decode_grid(bytes(data), 7, 9)


def test_a_prediction_of_too_many_columns_is_refused_before_memory_is_taken() -> None:
    data = bytearray(encode_grid(make_grid(draw_codes(7, 9))))
    data[3] = 4 | 8
    with pytest.raises(FormatError, match="a prediction has 1000000 columns, at most 1024 are allowed"):
        decode_grid(bytes(data), 1, 1_000_000)


def test_strips_that_are_cut_are_refused() -> None:
    data = encode_grid(make_grid(draw_together(3000, 70)))
    for size in range(len(data) // 2, len(data), len(data) // 17):
        with pytest.raises(FormatError, match=r"a strip of a grid takes|lanes|end where"):
            decode_grid(data[:size], 3000, 70)


def test_steps_out_of_range_are_refused() -> None:
    data = bytearray(encode_grid(make_grid(draw_codes(7, 9))))
    data[8:10] = b"\xff\x7f"  # what all rows have as their exponent
    with pytest.raises(FormatError, match="what a grid is told to be is none: steps lie within 48 octaves"):
        decode_grid(bytes(data), 7, 9)
