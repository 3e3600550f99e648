"""Numbers get names when a name says less than the digits do, and only then."""

import math

import numpy as np
import pytest

from multum.discovery.formulas.numbers import make_fraction, name_number, snap_exponent


@pytest.mark.parametrize(
    ("value", "fraction", "pi_power", "radicand"),
    [
        (0.5, (1, 2), 0, 1),
        (-2.0, (-2, 1), 0, 1),
        (1 / (4 * math.pi), (1, 4), -2, 1),
        (8 * math.pi / 3, (8, 3), 2, 1),
        (math.sqrt(2), (1, 1), 0, 2),
        (1 / math.sqrt(2 * math.pi), (1, 2), -1, 2),
        (2 * math.pi**2, (2, 1), 4, 1),
        (6.02, (301, 50), 0, 1),
    ],
)
def test_simple_numbers_get_their_name(value: float, fraction: tuple[int, int], pi_power: int, radicand: int) -> None:
    found = name_number(value, 1e-13 * abs(value))
    assert (found.fraction, found.pi_power, found.radicand) == (fraction, pi_power, radicand)
    assert found.value == pytest.approx(value, rel=1e-14)


def test_numbers_without_a_name_keep_their_digits() -> None:
    generator = np.random.default_rng(0)
    named = [name_number(value, 1e-12 * value).named for value in generator.uniform(0.1, 10, 300)]
    assert not any(named)
    named = [name_number(value, 1e-4 * value).named for value in generator.uniform(0.1, 10, 300)]
    assert sum(named) < 30


def test_doubt_makes_names_cheap_and_digits_few() -> None:
    assert name_number(0.5004, 0.001).fraction == (1, 2)
    assert name_number(0.0003, 0.001) == make_fraction(0)
    vague, sharp = name_number(2.71234567, 1e-3), name_number(2.71234567, 1e-9)
    assert vague.bits < sharp.bits


def test_exponents_snap_to_the_simplest_fraction() -> None:
    assert snap_exponent(0.501, 0.01) == (1, 2)
    assert snap_exponent(-1.4999, 0.001) == (-3, 2)
    assert snap_exponent(0.4142, 0.001) is None
