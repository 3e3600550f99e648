"""Grids: what tables say, and what is chosen for a budget."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from multum.errors import UsageError
from multum.ladders.costs import Pace
from multum.ladders.grids import LEAST_RUNS, choose_grid, read_grid
from multum.ladders.rungs import Rung
from multum.neural.architectures import list_proportioned

PACE = Pace((1e4, 1e6), (5e9, 2e10), (1.0, 5.0), "float32", 2)


def count_all(rungs: Sequence[Rung]) -> float:
    return sum(rung.flops for rung in rungs)


def test_flops_count_embedding_head_and_attention() -> None:
    rung = Rung(100_000, 1000)
    shape = rung.shape
    assert shape.parameters > shape.products
    assert rung.flops == pytest.approx(1000 * (6 * shape.parameters + 3 * 4 * shape.width * shape.layers * 128))


@pytest.mark.parametrize("changed", [{"parameters": 20_000}, {"trained_bytes": 999}, {"share": 0.5}, {"seed": 3}])
def test_no_two_rungs_have_one_name(changed: dict[str, float]) -> None:
    plain = {"parameters": 10_000, "trained_bytes": 1000}
    assert Rung(**plain).name != Rung(**(plain | changed)).name  # type: ignore[arg-type]


def test_a_table_says_amounts_in_bytes_flops_or_epochs(tmp_path: Path) -> None:
    grid = tmp_path / "grid.csv"
    grid.write_text("params,bytes,flops,epochs,share\n10k,2M,,,\n10k,,1e11,,\n10k,,,2,0.5\n")
    plain, computed, repeated = read_grid(grid, 1_000_000, "llama")
    assert plain.trained_bytes == 2_000_000
    assert computed.flops == pytest.approx(1e11, rel=1e-4)
    assert (repeated.trained_bytes, repeated.share) == (1_000_000, 0.5)


def test_a_grid_may_be_columns_and_names_no_run_twice() -> None:
    rungs = read_grid({"N": [10_000, 10_001, 50_000], "D": [1e5, 1e5, 1e5], "seed": [0, 0, 1]}, 10**6, "llama")
    assert [rung.seed for rung in rungs] == [0, 1]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"bytes": 1000}, "must have params and one of bytes, flops, epochs; it has bytes"),
        ({"params": 10_000, "bytes": 1000, "flops": 1e9}, "must have params and one of"),
        ({"params": 10_000, "bytes": "many"}, "'many' as bytes; a number above zero was expected"),
        ({"params": 10_000, "bytes": -1}, "-1 as bytes"),
        ({"params": 10, "bytes": 1000}, "10 parameters are out of range"),
        ({"params": 10_000, "bytes": 1000, "share": 2}, "a share of 2 of the data is not possible"),
    ],
)
def test_rows_that_cannot_be_run_are_named(tmp_path: Path, row: dict[str, object], message: str) -> None:
    grid = tmp_path / "grid.jsonl"
    grid.write_text(json.dumps({"params": 10_000, "bytes": 5000}) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(UsageError, match=f"grid.jsonl:2.*{message}"):
        read_grid(grid, 10**6, "llama")


@pytest.mark.parametrize("flops", [6e12, 1e13, 1e14])
def test_a_chosen_grid_has_slices_of_equal_compute_and_fills_its_budget(flops: float) -> None:
    rungs = choose_grid(count_all, flops, 10_000_000, "llama")
    assert LEAST_RUNS <= len(rungs) <= 20
    assert 0.6 * flops < count_all(rungs) <= flops
    most = max(rung.flops for rung in rungs)
    slices = {round(math.log(most / rung.flops, 3), 3) for rung in rungs}
    assert slices <= {0, 1, 2, 3, 4}
    largest = [rung for rung in rungs if rung.flops > 0.9 * most]
    assert len({rung.shape.parameters for rung in largest}) >= 3


def test_sizes_of_a_chosen_grid_differ_in_nothing_but_size() -> None:
    proportioned = list_proportioned("llama")
    assert {rung.shape for rung in choose_grid(count_all, 1e14, 10_000_000, "llama")} <= set(proportioned)
    assert [shape.width for shape in proportioned] == sorted({shape.width for shape in proportioned})
    assert [shape.layers for shape in proportioned] == sorted(shape.layers for shape in proportioned)


def test_a_chosen_grid_never_repeats_data_more_than_four_times() -> None:
    rungs = choose_grid(count_all, 1e20, 1_000_000, "llama")
    assert max(rung.trained_bytes for rung in rungs) <= 4_000_000
    assert count_all(rungs) < 1e15  # the data ends before the budget


def test_a_budget_of_time_is_filled_and_kept() -> None:
    def measure(rungs: Sequence[Rung]) -> float:
        return PACE.estimate_all(rungs, 65_536, 4)

    rungs = choose_grid(measure, 1800, 10_000_000, "llama")
    assert 1400 < measure(rungs) <= 1800


def test_a_budget_that_buys_no_ladder_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a budget of 1e\+06 buys no ladder: .* 10 runs for"):
        choose_grid(count_all, 1e6, 10_000_000, "llama")


def test_too_little_data_for_a_ladder_is_refused() -> None:
    with pytest.raises(UsageError, match="20,000 bytes are too few for a ladder"):
        choose_grid(count_all, 1e15, 20_000, "llama")
