"""Columns with units become fewer without; the law comes back in the columns."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")

from multum.discovery.formulas.finder import discover_formula
from multum.discovery.formulas.units import parse_unit, read_units, solve_exponents
from multum.errors import FormatError, UsageError
from tests.discovery.samples import plant

UNITS = {"m": "kg", "v": "m/s", "c": "m/s", "y": "J"}


def test_a_law_with_units_is_found_and_written_in_the_columns(tmp_path: Path) -> None:
    table = plant(lambda m, v, c: m * c**2 * np.tanh(v / c), {"m": (1, 5), "v": (1, 2), "c": (3, 9)})
    (tmp_path / "units.json").write_text(json.dumps(UNITS))
    report = discover_formula(table, target="y", units=tmp_path / "units.json")
    assert report.exact
    assert report.formula == "c**2*m*tanh(v/c)"
    assert set(report.inputs) == {"m", "v", "c"}


def test_a_product_of_powers_follows_from_units_alone() -> None:
    table = plant(lambda m, v: m * v**2 / 2, {"m": (1, 5), "v": (1, 2)})
    report = discover_formula(table, target="y", units={"m": "kg", "v": "m/s", "y": "J"})
    assert report.exact
    assert report.formula == "m*v**2/2"


def test_units_are_parsed_and_odd_ones_refused() -> None:
    assert parse_unit("kg*m/s^2") == parse_unit("N")
    assert parse_unit("V*A") == parse_unit("J/s")
    assert not any(parse_unit("1"))
    for text in ("furlong", "kg+m", "m**", "__import__('os')", "m" * 300):
        with pytest.raises(UsageError, match=r"is no unit|the longest is"):
            parse_unit(text)


def test_files_of_units_are_checked(tmp_path: Path) -> None:
    (tmp_path / "u.json").write_text("[1]")
    with pytest.raises(FormatError, match="units are an object with a text a column"):
        read_units(tmp_path / "u.json", ("m",))
    (tmp_path / "u.json").write_text("{")
    with pytest.raises(FormatError, match="is not JSON"):
        read_units(tmp_path / "u.json", ("m",))


def test_impossible_units_are_told() -> None:
    table = plant(lambda m, v: m * v, {"m": (1, 5), "v": (1, 2)})
    with pytest.raises(UsageError, match="no product of the inputs has the unit of 'y'"):
        discover_formula(table, target="y", units={"m": "kg", "v": "kg", "y": "K"})


def test_exponents_solve_the_system_and_span_its_kernel() -> None:
    matrix = [[Fraction(1), Fraction(1), Fraction(0)], [Fraction(0), Fraction(-1), Fraction(2)]]
    solution, basis = solve_exponents(matrix, [Fraction(2), Fraction(0)])
    assert solution is not None
    for row, wanted in zip(matrix, [2, 0], strict=True):
        assert sum(a * b for a, b in zip(row, solution, strict=True)) == wanted
        assert all(sum(a * b for a, b in zip(row, vector, strict=True)) == 0 for vector in basis)
    assert len(basis) == 1
