"""Description length of a column: alone, and given a formula.

A row costs nothing when the formula gives its number to the precision it is stated with; else the residuals are coded
as a bell curve, in units of that precision. Source: Rissanen 1978; the constant is log2 sqrt(2 pi e) = 2.05 bits.
"""

import math

import numpy as np

from multum.discovery.formulas.operators import Array

_BELL_BITS = 0.5 * math.log2(2 * math.pi * math.e)
# Doubles are results of several roundings: the last bits of a double are nobody's statement.
STATED_BITS = 44
# A mean and a deviation, each to half the bits that the rows can tell.
_BELL_PARAMETERS = 2


def find_quanta(values: Array, written: Array) -> Array:
    """Return the step in which each value is counted: 1 in a column of integers, else how finely it is stated."""
    return np.ones(len(values)) if (values == np.round(values)).all() else find_precision(values, written)


def find_precision(values: Array, written: Array) -> Array:
    """Return how finely each value is stated.

    written: the unit of the last digit, 0 where it was computed: then a double's precision of the column's size, one
    for all rows, as noise has one deviation for all.
    """
    spread = float(np.sqrt(np.mean(values * values)))
    return np.maximum(written, 2.0**-STATED_BITS * spread + np.finfo(float).tiny)


def count_raw_bits(values: Array, quanta: Array) -> float:
    """Return the bits of a column by itself: a bell curve around its mean, or a table of the values that it takes."""
    deviations = (values - values.mean()) / quanta
    bell = _count_bell_bits(deviations) + _count_parameter_bits(len(values))
    found, counts = np.unique(values, return_counts=True)
    shares = counts / len(values)
    spread = max(float(np.ptp(values) / quanta.min()), 1.0)
    table = -float(np.sum(counts * np.log2(shares))) + len(found) * math.log2(spread + 1)
    return min(bell, table)


def count_residual_bits(residuals: Array, quanta: Array) -> float:
    """Return the bits of a column given a formula's values. Infinite where these are not finite."""
    if not np.isfinite(residuals).all():
        return math.inf
    return _count_bell_bits(residuals / quanta)


def _count_bell_bits(steps: Array) -> float:
    """Return the bits of numbers of steps, as a bell curve around 0."""
    with np.errstate(over="ignore"):
        mean = float(np.mean(steps * steps))
    return len(steps) * max(0.0, 0.5 * math.log2(mean) + _BELL_BITS) if mean > 0 else 0.0


def _count_parameter_bits(rows: int) -> float:
    return _BELL_PARAMETERS * 0.5 * math.log2(rows)
