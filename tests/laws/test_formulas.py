"""Formulas are arithmetic and nothing else."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.errors import UsageError
from multum.laws.formulas import LONGEST, parse
from multum.laws.objective import predict_log, to_theta

COLUMNS = ("N", "D")


def test_chinchilla_has_its_parameters_in_order_and_three_coefficients() -> None:
    formula = parse("E + A / N**alpha + B / D**beta", COLUMNS)
    assert [(one.name, one.positive) for one in formula.parameters] == [
        ("E", True),
        ("A", True),
        ("alpha", False),
        ("B", True),
        ("beta", False),
    ]
    assert formula.coefficients == ("E", "A", "B")
    assert formula.columns == COLUMNS


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("k * N**a", {"a"}),
        ("k * N**(a / b)", {"a"}),
        ("k * exp(-c * N)", {"c"}),
        ("k * exp(-N / g)", set()),
        ("a * N**a", set()),
    ],
)
def test_only_exponents_outside_fractions_may_be_negative(text: str, free: set[str]) -> None:
    assert {one.name for one in parse(text, COLUMNS).parameters if not one.positive} == free


@pytest.mark.parametrize(
    ("text", "coefficients"),
    [
        ("E + 2 * A * N**a", ("E", "A")),
        ("A + A * N", (None, None)),
        ("x = B * N; x + A * D", (None, "A")),
        ("(A + B) * N", (None,)),
        ("1 / A + N * k", (None, "k")),
    ],
)
def test_coefficients_are_factors_that_come_nowhere_else(text: str, coefficients: tuple[str | None, ...]) -> None:
    assert parse(text, COLUMNS).coefficients == coefficients


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true') * N", "is no part of a formula"),
        ("N.real * k", "'N.real' is no part of a formula"),
        ("k * N[0]", "is no part of a formula"),
        ("[k * N for k in D]", "is no part of a formula"),
        ("lambda: N * k", "is no part of a formula"),
        ("k * N if D else 1", "is no part of a formula"),
        ("k * open(N)", "is no part of a formula"),
        ("k * exp(x=N)", "is no part of a formula"),
        ("k * N == D", "is no part of a formula"),
        ("k * True * N", "'True' is no part of a formula"),
        ("k * 1e999 * N", "is no part of a formula"),
        ("k * 'N'", "is no part of a formula"),
        ("k * N^2", r"write \*\* for powers"),
        ("k * exp(N, D)", "has 2 arguments; exp takes 1"),
        ("k * min(N)", "has 1 arguments; min takes two or more"),
        ("k *", "is no formula"),
        ("", "the formula is empty"),
        ("x = N", "is no part of a formula; write x = ...; y = ...; x . y"),
        ("x = N; x = D; k * x", "defines 'x' twice"),
        ("N = D; k * N", "over a column"),
        ("import os; k * N", "is no part of a formula"),
        ("k * 2", "has none of the columns N, D"),
        ("N + D", "has no parameter to fit"),
        ("k * N + " * 400 + "k", "the longest is 2,000"),
        ("k * N" + " * N" * 200, "nests deeper than 60"),
        ("(" * 300 + "k * N" + ")" * 300, "is no formula|nests deeper"),
        ("".join(f"x{i} = N;" for i in range(30)) + "k * x0", "the most is 20"),
    ],
)
def test_what_is_no_arithmetic_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text, COLUMNS)


def test_long_sums_are_not_deep() -> None:
    formula = parse(" + ".join(f"k{i} * N" for i in range(100)), COLUMNS)
    assert len(formula.terms) == 100
    assert len(" + ".join(f"k{i} * N" for i in range(100))) < LONGEST


@given(st.text(max_size=60))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text, COLUMNS)


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0.5, 5), st.floats(0.5, 5))
def test_values_are_those_of_python(a: float, b: float, n: float, d: float) -> None:
    text = "x = min(N, D) + 2; a * x**-b + sqrt(N) / (1 + D) - -log(2 + max(N, a)) + exp(-N / b) + b - 0.01 * a"
    formula = parse(text, COLUMNS)
    theta = to_theta(formula, np.array([[{"a": a, "b": b}[one.name] for one in formula.parameters]]))
    x = min(n, d) + 2
    expected = a * x**-b + math.sqrt(n) / (1 + d) + math.log(2 + max(n, a)) + math.exp(-n / b) + b - 0.01 * a
    said = np.exp(predict_log(formula, {"N": np.array([n]), "D": np.array([d])}, theta)[0, 0])
    assert said == pytest.approx(expected, rel=1e-12)
