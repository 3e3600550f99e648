"""What cannot be searched is refused, and what is left out is told."""

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")

from multum.discovery.formulas.finder import discover_formula
from multum.errors import UsageError

ROWS = [float(n) for n in range(1, 21)]
GOOD: dict[str, Any] = {"x": ROWS, "z": [n * n % 7 + 1 for n in ROWS], "y": [n * n for n in ROWS]}


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"target": "q"}, "has no column 'q'; its columns are x, z, y"),
        ({}, {"inputs": ["q"]}, "has no column 'q'"),
        ({}, {"inputs": ["x", "y"]}, "'y' is the target and cannot be an input too"),
        ({"y": [3.5] * 20}, {}, r"column 'y' is 3\.5 in every row; that is its formula"),
        ({"x": [1] * 20, "z": [2] * 20}, {}, "every input of 'y' is constant"),
        (
            {"x": [math.nan, *ROWS[1:]]},
            {},
            "column 'x' of 'columns' has 1 cells that are no finite numbers: 'nan' in row 1",
        ),
        ({"y": [*ROWS[1:], math.inf]}, {}, "'inf' in row 20"),
        ({"x": ["blue"] * 20}, {"inputs": ["x"]}, "column 'x' .* 20 cells that are no finite numbers: 'blue' in row 1"),
        ({"x": ["a"] * 20, "z": ["b"] * 20}, {}, "has no column of numbers beside 'y'"),
        ({"x": ROWS[1:]}, {}, "columns must be equally long"),
        ({}, {"noise": "loud"}, "noise 'loud' is not understood; give auto, 0, or"),
        ({}, {"noise": -1}, "noise '-1' is not understood"),
        ({}, {"time_s": 0}, "a budget of 0 s; give more than 0"),
        ({}, {"operators": "sin,sine"}, "'sine' is no function; there are sqrt, exp"),
        ({}, {"resume": True}, "a search to resume is found by its target"),
        ({}, {"units": {"x": "m"}}, "there are no units for z, y"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        discover_formula(GOOD | change, **({"target": "y"} | options))


def test_few_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="has 5 rows; a formula needs 10 at least"):
        discover_formula({name: values[:5] for name, values in GOOD.items()}, target="y")


def test_what_is_left_out_is_told() -> None:
    report = discover_formula(GOOD | {"name": ["blue"] * 20, "one": [1] * 20}, target="y")
    assert report.exact
    assert report.notes == ("left out, for being no numbers: name", "left out, for being constant: one")


def test_rows_that_contradict_each_other_are_told() -> None:
    table = {"x": [*ROWS, 1.0], "y": [*(n * n for n in ROWS), 2.0]}
    report = discover_formula(table, target="y", noise=0, time_s=0.5)
    assert not report.exact
    assert "rows 1 and 21 have the same inputs and different 'y'" in report.notes[0]


def test_without_time_there_is_a_formula_all_the_same() -> None:
    table = {"x": ROWS, "y": np.random.default_rng(0).normal(size=20)}
    report = discover_formula(table, target="y", time_s=1e-6)
    assert not report.exact
    assert np.isfinite(report.predict({"x": [1.0]})).all()


def test_predict_names_missing_columns() -> None:
    report = discover_formula(GOOD, target="y")
    with pytest.raises(UsageError, match="the formula needs the columns x; x is missing"):
        report.predict({"z": [1.0]})
    assert np.array_equal(report.predict({"x": [2.0, 3.0]}), [4.0, 9.0])
