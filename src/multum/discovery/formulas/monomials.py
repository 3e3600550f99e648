"""The head that solves most laws of physics: a product of powers, by least squares on logarithms."""

from collections.abc import Iterator

import numpy as np

from multum.discovery.formulas.numbers import Constant, snap_exponent
from multum.discovery.formulas.operators import Array
from multum.discovery.formulas.outers import Outer
from multum.discovery.formulas.programs import Program, make_monomial


def fit_monomials(columns: Array, outers: list[Outer], noise: float) -> Iterator[Program]:
    """Yield a draft for each outer function: it of a constant times powers of the columns.

    columns: float64[variables, rows], those with zeros or signs are left out. noise: relative deviation of the target,
    which decides how far an exponent may be from a simple fraction.
    """
    usable = (np.abs(columns) > 0).all(1) & (columns.std(1) > 0)
    logs = np.log(np.abs(columns[usable]))
    base = np.column_stack([np.ones(columns.shape[1]), logs.T])
    for outer in outers:
        if (outer.values == 0).any():
            continue
        wanted = np.log(np.abs(outer.values))
        found, *_ = np.linalg.lstsq(base, wanted, rcond=None)
        residuals = wanted - base @ found
        error = float(np.sqrt(np.mean(residuals * residuals)))
        exponents = [snap_exponent(value, max(0.02, 10 * noise, 2 * error)) for value in found[1:]]
        pairs: list[tuple[int, int]] = [(0, 1)] * len(columns)
        for place, pair in zip(np.flatnonzero(usable), exponents, strict=True):
            pairs[place] = (0, 1) if pair is None else pair
        with np.errstate(all="ignore"):
            rest = outer.values / make_monomial(pairs).evaluate(columns) if any(n for n, _ in pairs) else outer.values
        factor = float(np.median(rest))
        if np.isfinite(factor) and factor:
            yield outer.wrap(make_monomial(pairs, Constant(factor)))
