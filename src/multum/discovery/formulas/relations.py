"""Formulas that are a ratio of two polynomials: the simplest relation between z * polynomial and polynomial.

Columns are ordered by how long they take to write, those with z among those without; the first that depends on the
ones before it gives the relation with the simplest leading term, as in the Buchberger-Moeller algorithm for the ideal
of points. Source: Moeller and Buchberger 1982, here in floating point.
"""

from collections.abc import Iterator

import numpy as np

from multum.discovery.formulas.lattice import Exponents, evaluate_products, write_product
from multum.discovery.formulas.operators import DIV, Array
from multum.discovery.formulas.outers import Outer
from multum.discovery.formulas.programs import Program, call
from multum.discovery.formulas.terms import solve, write_sum

_DEPENDENT = 1e-9
_ROWS_A_COLUMN = 1.25
_SPARE_ROWS = 16
# More terms than this on both sides approximate rather than state.
_MOST_TERMS = 12


def find_ratio(columns: Array, outer: Outer, powers: Exponents) -> Iterator[Program]:
    """Yield the draft z = p / q with polynomials of the terms `powers`, if there is one.

    columns: float64[variables, rows]; powers: float64[terms, variables], the first is the empty product.
    """
    order = _order_columns(powers)
    rows = int(len(order) * _ROWS_A_COLUMN) + _SPARE_ROWS
    if rows > columns.shape[1]:
        return
    terms = evaluate_products(powers, columns[:, :rows])
    matrix = np.stack([terms[term] * (outer.values[:rows] if with_z else 1.0) for term, with_z in order], 1)
    if not np.isfinite(matrix).all():
        return
    last = _find_dependent(matrix)
    if last is None:
        return
    found = solve(list(matrix[:, :last].T), -matrix[:, last])
    if found is None:
        return
    weights = np.append(found[0], 1.0)
    above, below = np.zeros(len(powers)), np.zeros(len(powers))
    for weight, (term, with_z) in zip(weights, order[: last + 1], strict=True):
        if with_z:
            below[term] = weight
        else:
            above[term] = -weight
    if not below.any() or not above.any() or np.count_nonzero(weights) > _MOST_TERMS:
        return
    parts = [write_product(one) if one.any() else None for one in powers]
    if np.count_nonzero(below) == 1 and below[0]:
        yield outer.wrap(write_sum(above / below[0], parts))
    else:
        least = min(np.abs(below[below != 0]))
        yield outer.wrap(call(DIV, write_sum(above / least, parts), write_sum(below / least, parts)))


def _order_columns(powers: Exponents) -> list[tuple[int, bool]]:
    """Return (term, whether times z), the simplest first; z counts as one more factor."""
    sizes = np.abs(powers).sum(1)
    columns = [(float(sizes[term]) + with_z, with_z, term) for term in range(len(powers)) for with_z in (False, True)]
    return [(term, with_z) for _, with_z, term in sorted(columns)]


def _find_dependent(matrix: Array) -> int | None:
    """Return the first column that is a sum of those before it, or None."""
    triangle = np.linalg.qr(matrix / np.sqrt((matrix * matrix).sum(0)), mode="r")
    small = np.flatnonzero(np.abs(np.diag(triangle)) < _DEPENDENT)
    return int(small[0]) if len(small) and small[0] > 0 else None
