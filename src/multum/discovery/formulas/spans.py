"""Targets that are sums of many terms: is a target times a product of powers a polynomial?

The terms are products of the variables' powers, and the same times one more expression w: cos(a - b), exp(-t). Random
sums that vanish on all terms vanish on such a target too, whatever its coefficients: one product of matrices tests all
targets against a set of terms, and only what passes is fitted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from multum.discovery.formulas.bank import Candidates
from multum.discovery.formulas.lattice import Exponents, evaluate_products, write_product
from multum.discovery.formulas.matching import divide_by_product
from multum.discovery.formulas.operators import MUL, SQUARE, Array
from multum.discovery.formulas.outers import Outer
from multum.discovery.formulas.programs import Program, call
from multum.discovery.formulas.terms import solve, write_sum

_EXACT = 1e-9
_SUMS = 3
# Rows for each term, so that no polynomial fits by having room for it; where there are more, no more are used.
_ROWS_A_TERM = 1.6
_FEWEST_ROWS = 48
_MOST_DRAFTS = 6
# Squares of larger numbers would overflow.
_LARGEST = 1e70


def list_powers(variables: int, degree: int, step: float = 1.0) -> Exponents:
    """Return float64[terms, variables]: all products of at most `degree` factors, each a variable to `step`."""
    chosen = (
        places for count in range(degree + 1) for places in combinations_with_replacement(range(variables), count)
    )
    counts = np.array([np.bincount(np.array(places, np.intp), minlength=variables) for places in chosen])
    return counts * step


def count_rows(terms: int) -> int:
    """Return the rows that a sum of so many terms is tested on."""
    return max(_FEWEST_ROWS, int(terms * _ROWS_A_TERM) + 1)


@dataclass(frozen=True)
class Span:
    """Targets against one set of terms.

    terms: float64[terms, rows] of `powers`. basis: float64[rows, terms], orthonormal. weights: float64[rows, sums],
    is orthogonal to the basis. wanted: float64[outers * times, rows], scaled to length 1 from `sizes`.
    """

    outers: Sequence[Outer]
    times: Exponents
    powers: Exponents
    terms: Array
    basis: Array
    weights: Array
    wanted: Array
    sizes: Array

    def find_polynomials(self) -> Iterator[Program]:
        """Yield drafts outer(polynomial / product)."""
        yield from self._write(self._list_inside(self.weights), self.terms, None)

    def find_extended(self, chunk: Candidates, squared: bool) -> Iterator[Program]:
        """Yield drafts with an expression w of the chunk, also squared, times each term among the polynomial's."""
        rows = self.terms.shape[1]
        for place, w in enumerate(chunk.values[:, :rows]):
            if not np.isfinite(w).all() or np.abs(w).max() > _LARGEST or np.ptp(w) < 1e-9 * np.abs(w).max():
                continue
            more = np.concatenate([self.terms * w, self.terms * (w * w)]) if squared else self.terms * w
            rest = more.T - self.basis @ (self.basis.T @ more.T)
            basis, _ = np.linalg.qr(rest / np.sqrt((more * more).sum(1)))
            weights = self.weights - basis @ (basis.T @ self.weights)
            inside = self._list_inside(weights)
            if inside:
                yield from self._write(inside, np.concatenate([self.terms, more]), chunk.write(place))

    def _list_inside(self, weights: Array) -> list[int]:
        """Return the places of targets on which all the weights vanish, a few."""
        length = np.sqrt((weights * weights).sum(0))
        small = (np.abs(self.wanted @ weights) < _EXACT * length).all(1)
        return [int(place) for place in np.flatnonzero(small)[:_MOST_DRAFTS]]

    def _write(self, places: list[int], terms: Array, w: Program | None) -> Iterator[Program]:
        parts: list[Program | None] = [write_product(one) if one.any() else None for one in self.powers]
        if w is not None:
            for factor in (w, call(SQUARE, w))[: len(terms) // len(self.powers) - 1]:
                parts += [factor if one is None else call(MUL, one, factor) for one in parts[: len(self.powers)]]
        for place in places:
            found = solve(list(terms), self.wanted[place])
            if found is None or not found[0].any():
                continue
            outer, product = self.outers[place // len(self.times)], place % len(self.times)
            written = write_sum(found[0] * self.sizes[place], parts)
            yield outer.wrap(divide_by_product(written, self.times[product]))


def make_span(
    columns: Array, outers: Sequence[Outer], times: Exponents, powers: Exponents, fold: int = 1
) -> Span | None:
    """Return a span of the terms `powers`, or None where there are too few rows or a term has no value.

    columns: float64[variables, rows]; a target is an outer function's values times one of `times`. fold: how many times
    as many terms there will be.
    """
    rows = count_rows(len(powers) * fold)
    if rows > columns.shape[1]:
        return None
    columns = columns[:, :rows]
    terms = evaluate_products(powers, columns)
    factors = evaluate_products(times, columns)
    with np.errstate(all="ignore"):
        wanted = np.concatenate([outer.values[:rows] * factors for outer in outers])
        length = np.sqrt((wanted * wanted).sum(1, keepdims=True))
        wanted = np.where(np.isfinite(length) & (length > 0), wanted / length, 1.0 / np.arange(1, rows + 1))
    if not np.isfinite(terms).all() or (terms == 0).all(1).any():
        return None
    basis, _ = np.linalg.qr((terms / np.sqrt((terms * terms).sum(1, keepdims=True))).T)
    weights = np.random.default_rng(0).standard_normal((rows, _SUMS))
    for _ in range(2):
        weights = weights - basis @ (basis.T @ weights)
    return Span(outers, times, powers, terms, basis, weights, wanted, length[:, 0])
