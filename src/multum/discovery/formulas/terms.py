"""Sums and products written out from fitted coefficients: what is nothing is dropped, what is common stands once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from multum.discovery.formulas.numbers import Constant, make_fraction, snap_exponent
from multum.discovery.formulas.operators import MUL, POW, Array
from multum.discovery.formulas.programs import (
    Program,
    add,
    call,
    constant,
    make_quotient,
    raise_to,
    scale,
)

# A term this much smaller than the whole is rounding.
NOTHING = 1e-9
_LARGEST_RATIO = 12
# Of a column's length, what is left of it outside the columns before it.
_DEPENDENT = 1e-11
_SAME_EXPONENT = 1e-6
_LARGEST_DENOMINATOR = 12


def solve(columns: Sequence[Array], target: Array) -> tuple[Array, Array] | None:
    """Return (coefficients, sizes of the terms relative to the target) of an exact sum, or None where none is exact.

    columns: float64[rows] each. Columns of which nothing is needed get the coefficient 0, and the rest is fitted again.
    """
    matrix = np.stack(columns, 1)
    if not np.isfinite(matrix).all() or not np.isfinite(target).all():
        return None
    norms = np.sqrt((matrix * matrix).sum(0))
    whole = float(np.sqrt(target @ target))
    kept = _drop_dependent(matrix / np.where(norms > 0, norms, 1.0))
    coefficients = np.zeros(len(norms))
    for _ in range(3):
        scaled, *_ = np.linalg.lstsq(matrix[:, kept] / norms[kept], target, rcond=1e-14)
        large = np.abs(scaled) > NOTHING * whole
        coefficients[:] = 0
        coefficients[kept] = np.where(large, scaled / norms[kept], 0.0)
        if large.all() or not large.any():
            break
        kept = kept[large]
    residuals = target - matrix @ coefficients
    if float(np.sqrt(residuals @ residuals)) > 1e-8 * whole:
        return None
    return coefficients, np.abs(coefficients) * norms / max(whole, np.finfo(float).tiny)


def _drop_dependent(matrix: Array) -> NDArray[np.intp]:
    """Return the places of columns that are no sum of those before them."""
    if len(matrix) < matrix.shape[1]:
        return np.arange(matrix.shape[1])
    return np.flatnonzero(np.abs(np.diag(np.linalg.qr(matrix, mode="r"))) > _DEPENDENT)


def write_sum(coefficients: Array, parts: Sequence[Program | None]) -> Program:
    """Return the sum of parts times coefficients; None stands for the part 1. What all have in common is in front."""
    places = [int(place) for place in np.flatnonzero(coefficients)]
    if not places:
        return constant(0)
    values = [float(coefficients[place]) for place in places]
    common = min(values, key=abs)
    ratios = [snap_exponent(value / common, 1e-7, 4) for value in values]
    if any(ratio is None or abs(ratio[0]) > _LARGEST_RATIO for ratio in ratios):
        # What was set to 1 is 1: in a ratio it keeps the other coefficients from growing together.
        factors = [make_fraction(1) if value == 1 else Constant(value) for value in values]
        return add([_write_term(factor, parts[place]) for factor, place in zip(factors, places, strict=True)])
    if len(places) > 1 and sum(value > 0 for value in values) * 2 < len(values):
        common, ratios = -common, [None if one is None else (-one[0], one[1]) for one in ratios]
    inner = add(
        [
            _write_term(make_fraction(*ratio), parts[place])
            for ratio, place in zip(ratios, places, strict=True)
            if ratio is not None
        ]
    )
    if abs(common - 1) < 1e-9:
        return inner
    if abs(common + 1) < 1e-9:
        return scale(make_fraction(-1), inner)
    return call(MUL, constant(Constant(common)), inner)


def _write_term(factor: Constant, part: Program | None) -> Program:
    if part is not None:
        return scale(factor, part)
    if factor.named and factor.value < 0:
        return scale(make_fraction(-1), constant(make_fraction(-factor.fraction[0], factor.fraction[1])))  # type: ignore[index]
    return constant(factor)


def write_powers(factor: float, parts: Sequence[Program], exponents: Sequence[float]) -> Program:
    """Return a number times parts to exponents; those that are no simple fractions are constants to be named."""
    above: list[Program] = []
    below: list[Program] = []
    for part, exponent in zip(parts, exponents, strict=True):
        if abs(exponent) < _SAME_EXPONENT:
            continue
        pair = snap_exponent(exponent, _SAME_EXPONENT, _LARGEST_DENOMINATOR)
        side = above if exponent > 0 else below
        if pair is None:
            side.append(call(POW, part, constant(Constant(abs(exponent)))))
        else:
            side.append(raise_to(part, abs(pair[0]), pair[1]))
    return make_quotient(above, below, make_fraction(1) if abs(factor - 1) < 1e-12 else Constant(factor))
