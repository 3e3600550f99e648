"""Planted formulas are found exactly, with their constants by name, and hold far outside the table."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")

from multum.discovery.formulas.finder import discover_formula
from tests.discovery.samples import Columns, draw_columns, plant

pi, exp, sin, cos, sqrt, tanh, log = np.pi, np.exp, np.sin, np.cos, np.sqrt, np.tanh, np.log

PLANTED: dict[str, tuple[Callable[..., Any], dict[str, tuple[float, float]]]] = {
    "powers": (lambda q, e, r: q / (4 * pi * e * r**2), {"q": (1, 5), "e": (1, 5), "r": (1, 5)}),
    "root": (lambda h, g: 2 * pi * sqrt(h / g), {"h": (1, 5), "g": (1, 5)}),
    "negative": (lambda a, b: -3 * a * b, {"a": (1, 5), "b": (1, 5)}),
    "sums": (lambda a, b, c: a * b + b * c - 2 * a, {"a": (1, 5), "b": (1, 5), "c": (1, 5)}),
    "squares": (
        lambda x, u, z, w: 1 / ((x - u) ** 2 + (z - w) ** 2),
        {"x": (3, 4), "u": (1, 2), "z": (3, 4), "w": (1, 2)},
    ),
    "ratio": (lambda a, b, c, d: (a * b + c * d) / (a + c), {"a": (1, 5), "b": (1, 5), "c": (1, 5), "d": (1, 5)}),
    "factor": (lambda m, v, c: m / sqrt(1 - v**2 / c**2), {"m": (1, 5), "v": (1, 2), "c": (3, 9)}),
    "shifted": (lambda a, t, b: a + b * (1 - cos(t)), {"a": (1, 5), "t": (0.2, 3), "b": (1, 5)}),
    "bell": (
        lambda x, m, s: exp(-(((x - m) / s) ** 2) / 2) / (s * sqrt(2 * pi)),
        {"x": (1, 3), "m": (1, 3), "s": (1, 3)},
    ),
    "asin": (lambda n, t: np.arcsin(n * sin(t)), {"n": (0.2, 0.9), "t": (0.2, 1.4)}),
    "law of cosines": (
        lambda a, b, t: sqrt(a**2 + b**2 - 2 * a * b * cos(t)),
        {"a": (1, 5), "b": (1, 5), "t": (0.3, 3)},
    ),
    "two factors": (
        lambda x, u, t, c: (x - u * t) / sqrt(1 - u**2 / c**2),
        {"x": (5, 9), "u": (1, 2), "t": (1, 2), "c": (3, 9)},
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "two factors" else name for name in PLANTED]
)
def test_planted_formula_is_found_and_holds_outside_the_table(name: str) -> None:
    law, ranges = PLANTED[name]
    report = discover_formula(plant(law, ranges), target="y", time_s=30)
    assert report.exact, report.formula
    assert report.program.named, report.formula
    wider = draw_columns({one: (low, high * 1.04) for one, (low, high) in ranges.items()}, seed=5)
    np.testing.assert_allclose(report.predict(wider), law(**wider), rtol=1e-9)
    assert report.checked_rows == 120
    assert report.held_out_rows == 24
    assert report.program_bits < report.raw_bits
    assert report.residual_bits == 0


def test_constants_are_named_and_the_formula_is_written_three_ways() -> None:
    report = discover_formula(plant(*PLANTED["powers"]), target="y")
    assert report.formula == "q/(4*pi*e*r**2)"
    assert report.latex == r"\frac{q}{4 \pi e r^{2}}"
    assert eval(report.python, {"np": np, "q": 8.0, "e": 1.0, "r": 2.0}) == pytest.approx(1 / (2 * pi))  # noqa: S307 - ours


def test_squares_are_completed() -> None:
    report = discover_formula(plant(*PLANTED["squares"]), target="y")
    assert report.formula == "1/((u - x)**2 + (w - z)**2)"


def test_rounded_numbers_are_no_hindrance() -> None:
    drawn = draw_columns({"h": (1, 5), "g": (1, 9)}, 60)
    table: Columns = {name: [f"{value:.3f}" for value in column] for name, column in drawn.items()}
    table["y"] = [f"{2 * pi * sqrt(float(h) / float(g)):.4f}" for h, g in zip(table["h"], table["g"], strict=True)]
    report = discover_formula(table, target="y")
    assert report.exact
    assert report.formula == "2*pi*sqrt(h)/sqrt(g)"
    assert report.proof == "digits"


def test_rational_formulas_are_proven_in_fractions() -> None:
    table = {"a": [str(n) for n in range(1, 31)], "b": [str(n * n % 7 + 1) for n in range(30)]}
    table["y"] = [str(int(a) * int(b) + int(b) ** 2) for a, b in zip(table["a"], table["b"], strict=True)]
    report = discover_formula(table, target="y")
    assert report.exact
    assert report.proof == "rational"


@pytest.mark.slow
def test_a_formula_among_noise_is_found_and_not_called_exact() -> None:
    law, ranges = PLANTED["factor"]
    report = discover_formula(plant(law, ranges, 400, noise=1e-3), target="y", noise=1e-3, time_s=20)
    assert not report.exact
    assert report.found
    assert report.formula == "c*m/sqrt(c**2 - v**2)"
    assert report.proof == ""


def test_the_frontier_trades_bits_for_error() -> None:
    report = discover_formula(plant(*PLANTED["ratio"], noise=1e-3), target="y", noise=1e-3, time_s=1.5)
    bits, errors = ([getattr(one, name) for one in report.frontier] for name in ("program_bits", "error"))
    assert bits == sorted(bits)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("kind", range(3))
def test_random_tables_get_no_exact_formula(kind: int) -> None:
    generator = np.random.default_rng(kind)
    for _ in range(4):
        rows = int(generator.integers(10, 60))
        draw = (
            generator.standard_normal,
            lambda shape: generator.integers(0, 5, shape).astype(float),
            generator.random,
        )
        columns = draw[kind]((4, rows))
        table = dict(zip("abcy", columns, strict=True))
        report = discover_formula(table, target="y", inputs=["a", "b", "c"], noise=0, time_s=0.3)
        assert not report.exact, report.formula


def test_threads_change_nothing() -> None:
    table = plant(*PLANTED["shifted"])
    one, two = (discover_formula(table, target="y", threads=threads) for threads in (1, 2))
    assert one.formula == two.formula
    assert one.frontier == two.frontier


def test_only_the_operators_asked_for_are_used() -> None:
    report = discover_formula(plant(lambda a: sin(a), {"a": (0.1, 3)}), target="y", operators="none", time_s=1)
    assert "sin" not in report.formula
    assert discover_formula(plant(lambda a: sin(a), {"a": (0.1, 3)}), target="y", operators="sin").exact


def test_odd_names_of_columns_become_symbols() -> None:
    table = {"Model Size": [float(n) for n in range(1, 21)], "lambda": [float(n * n % 11 + 1) for n in range(20)]}
    table["y"] = [a * b for a, b in zip(table["Model Size"], table["lambda"], strict=True)]
    report = discover_formula(table, target="y")
    assert report.formula == "Model_Size*lambda_"
    assert report.inputs == ("Model Size", "lambda")
    assert report.predict({"Model Size": [3.0], "lambda": [4.0]})[0] == 12
