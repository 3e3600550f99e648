"""Points are positive numbers in one unit; what is left out is told."""

import math
from typing import Any

import numpy as np
import pytest

from multum.errors import UsageError
from multum.laws.columns import read_number
from multum.laws.points import drop_highest, read_points, split_largest
from tests.laws.samples import make_runs

GOOD = {"N": [1e6, 2e6, 4e6], "D": [1e8, 1e8, 2e8], "loss": [3.0, 2.8, 2.6]}


@pytest.mark.parametrize(
    "names",
    [
        ("N", "D", "loss"),
        ("params", "tokens", "val_loss"),
        ("Model Size", "training tokens", "Final Loss"),
        ("n_params", "num_tokens", "cross-entropy"),
        ("parameters", "bytes", "bpb"),
    ],
)
def test_columns_are_guessed_from_names_that_people_use(names: tuple[str, str, str]) -> None:
    points = read_points([dict(zip(names, GOOD.values(), strict=True))])
    assert points.columns["N"].tolist() == GOOD["N"]
    assert points.columns["D"].tolist() == GOOD["D"]
    assert points.target is not None
    assert points.target.tolist() == GOOD["loss"]
    assert points.unit == ("bits" if names[2] == "bpb" else "nats")
    assert points.amounts == ("bytes" if names[1] == "bytes" else "tokens")


def test_flags_overrule_guesses() -> None:
    points = read_points([GOOD | {"width": [1, 2, 3], "err": [0.3, 0.2, 0.1]}], columns={"N": "width"}, target="err")
    assert points.columns["N"].tolist() == [1, 2, 3]
    assert points.target is not None
    assert points.target.tolist() == [0.3, 0.2, 0.1]


def test_data_follows_from_compute() -> None:
    points = read_points([{"Model Size": [1e6], "Training FLOP": [6e14], "loss": [3.0]}])
    assert points.columns["D"] == pytest.approx([1e8])
    assert points.notes == ("D is taken to be C / (6 N)",)


def test_perplexity_becomes_nats() -> None:
    points = read_points([{"N": [1e6, 2e6], "ppl": [math.e**3, math.e**2]}])
    assert points.target == pytest.approx([3, 2])
    assert points.unit == "nats"


def test_swapped_unique_data_is_put_right_and_told() -> None:
    points = read_points([GOOD | {"unique_tokens": [1e9, 1e9, 2e9], "D": [1e8, 1e8, 2e8]}])
    assert points.columns["U"].tolist() == [1e8, 1e8, 2e8]
    assert "the other way round" in points.notes[0]


def test_one_set_of_unique_data_larger_than_all_runs_is_not_swapped() -> None:
    points = read_points([GOOD | {"unique_tokens": [1e9, 1e9, 1e9]}])
    assert points.columns["D"].tolist() == GOOD["D"]
    assert points.notes == ()


def test_columns_that_only_some_rows_have_are_left_out_and_told() -> None:
    points = read_points([GOOD | {"unique_tokens": [1e7, 1e7, 1e7]}, {"N": [8e6], "D": [2e8], "loss": [2.5]}])
    assert set(points.columns) == {"N", "D"}
    assert len(points) == 4
    assert points.notes[0].startswith("U is not used: 1 rows have no 'unique_tokens'")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "with NaN or infinity in 'loss'"),
        ("nan", "with NaN or infinity in 'loss'"),
        (math.inf, "with NaN or infinity in 'loss'"),
        (-2.0, "with 'loss' not above zero"),
        (0, "with 'loss' not above zero"),
        ("", "without a number in 'loss'"),
        (None, "without a number in 'loss'"),
        ("oops", "without a number in 'loss'"),
        (True, "without a number in 'loss'"),
        (1e61, "with 'loss' beyond what anybody counts, 1e+61"),
        ("1e-90", "with 'loss' beyond what anybody counts, 1e-90"),
    ],
)
def test_bad_rows_are_dropped_and_told_with_their_place(value: Any, reason: str) -> None:
    points = read_points([GOOD | {"loss": [3.0, value, 2.6]}])
    assert points.columns["N"].tolist() == [1e6, 4e6]
    assert [str(one) for one in points.dropped] == [f"dropped 1 row {reason}: row 2"]


def test_exact_repetitions_are_dropped_and_seeds_are_kept() -> None:
    points = read_points([{"N": [1e6, 1e6, 1e6], "D": [1e8, 1e8, 1e8], "loss": [3.0, 3.1, 3.0]}])
    assert len(points) == 2
    assert str(points.dropped[0]) == "dropped 1 row that repeat another exactly: row 3"


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (GOOD | {"loss": [-1, -1, math.nan]}, {}, "no row can be used; dropped 2 rows with 'loss' not above zero"),
        ({"N": [1e6], "x": [1]}, {}, "no field looks like a loss; name it with --target, from 'N', 'x'"),
        ({"x": [1e6], "loss": [1]}, {}, "no field looks like N, D or C"),
        (GOOD, {"columns": {"N": "none"}}, "no row has a field 'none'; there are 'N', 'D', 'loss'"),
        (GOOD, {"columns": {"a b": "N"}}, "'a b' cannot be a column's name"),
        (GOOD, {"target": "none"}, "no row has a field 'none' to predict"),
        (GOOD, {"unit": "furlongs"}, "'furlongs' is no unit of a loss; units are nats, bits, perplexity, none"),
        (GOOD, {"over": ["depth"]}, "no row has a field 'depth'"),
    ],
)
def test_what_cannot_be_told_is_refused(table: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_points([table], **options)


def test_mixed_units_of_the_loss_are_refused() -> None:
    with pytest.raises(UsageError, match="mixed units: some rows have 'loss' and others 'bpb'"):
        read_points([GOOD, {"N": [8e6], "D": [1e8], "bpb": [1.0]}])


def test_mixed_units_of_size_are_refused_where_compute_tells() -> None:
    n, d = np.array([1e6, 2e6, 4.0, 8e6]), np.full(4, 1e8)  # one row counts millions
    table = {"N": n, "D": d, "C": 6 * np.array([1e6, 2e6, 4e6, 8e6]) * d, "loss": [3.0, 2.8, 2.6, 2.5]}
    with pytest.raises(UsageError, match=r"mixed units: C / .N D. of most rows is about 6, of 1 rows .* row 3"):
        read_points([table])


@pytest.mark.parametrize(
    ("text", "number"),
    [("70M", 7e7), ("1.4B", 1.4e9), ("1,000,000", 1e6), (" 3e9 ", 3e9), ("2k", 2e3), ("1T", 1e12), ("-1", -1.0)],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float) -> None:
    assert read_number(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "M", "1.2.3", "1e", "e5", "--1", "1 000", "70 Mio"])
def test_other_text_is_no_number(text: str) -> None:
    assert read_number(text) is None


def test_largest_points_are_those_of_most_compute() -> None:
    points = read_points([make_runs()])
    small, large = split_largest(points, "largest:25%")
    assert (len(small), len(large)) == (27, 9)
    assert small.compute.max() <= large.compute.min()
    assert len(split_largest(points, "largest:1")[1]) == 1


def test_highest_losses_can_be_left_out() -> None:
    points = drop_highest(read_points([GOOD]), "highest:1")
    assert points.columns["N"].tolist() == [2e6, 4e6]
    assert str(points.dropped[0]).startswith("dropped 1 row of the highest loss, as asked")


@pytest.mark.parametrize(
    "share", ["largest", "largest:", "largest:0", "largest:100%", "largest:x", "smallest:1", "largest:3"]
)
def test_share_that_says_nothing_is_refused(share: str) -> None:
    with pytest.raises(UsageError, match=r"write for instance largest:20%|at least one must"):
        split_largest(read_points([GOOD]), share)


def test_points_of_one_program_are_known_by_its_run_and_its_size() -> None:
    columns = {"N": [1.0, 1, 2, 2, 2], "D": [5.0, 5, 5, 5, 9], "Q": [32.0, 4, 32, 4, 32], "bpb": [1.0, 2, 3, 4, 5]}
    assert read_points([columns]).number_runs().tolist() == [0, 1, 2, 3, 4]
    assert read_points([columns | {"run": list("aabbb")}]).number_runs().tolist() == [0, 0, 1, 1, 2]
    assert read_points([columns | {"run": ["study"] * 5}]).number_runs().tolist() == [0, 0, 1, 1, 2]
