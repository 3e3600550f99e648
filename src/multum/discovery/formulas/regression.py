"""Sums and ratios among rows with noise: least squares over many terms, those that say nothing dropped.

Which target, times which product, is nearest to a sum of the terms is asked of all targets at once; only the nearest
are pruned. What comes out is a draft, fitted again in the target's own units.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from multum.discovery.formulas.bank import Candidates
from multum.discovery.formulas.lattice import Exponents, evaluate_products, write_product
from multum.discovery.formulas.matching import divide_by_product
from multum.discovery.formulas.operators import DIV, MUL, Array
from multum.discovery.formulas.outers import Outer
from multum.discovery.formulas.programs import Program, call
from multum.discovery.formulas.terms import write_sum

_KEPT = 16
# Deviations of a coefficient that count as nothing.
_DEVIATIONS = 3.5
_ROWS_A_TERM = 3
# A term that is weaker than the weakest that is kept goes at once with others; then one by one.
_HOPELESS = 0.7
_SMALLEST_SHARE = 1e-9
_RATIO_OUTERS = ("", "sqrt", "exp")


class Sums:
    """Targets, and terms that they may be sums of.

    columns: float64[variables, rows]; outers of the same rows; times: products that a target is multiplied with;
    powers: of the terms.
    """

    def __init__(self, columns: Array, outers: Sequence[Outer], times: Exponents, powers: Exponents) -> None:
        self._outers, self._times, self._powers = outers, times, powers
        self._terms = evaluate_products(powers, columns)
        with np.errstate(all="ignore"):
            factors = evaluate_products(times, columns)
            self._wanted = np.concatenate([outer.values * factors for outer in outers])
            self._wanted[~np.isfinite(self._wanted).all(1)] = 0.0
            spread = self._wanted.std(1, keepdims=True)
            self._scaled = np.where(spread > 0, self._wanted / spread, np.nan)
        self._parts: list[Program | None] = [write_product(one) if one.any() else None for one in powers]

    def find(self) -> Iterator[Program]:
        """Yield the drafts of sums of terms alone."""
        for _, place in self._rank(self._terms)[:_KEPT]:
            yield from self._write(place, self._terms, self._parts)

    def find_extended(self, chunks: Iterator[Candidates]) -> Iterator[Program]:
        """Yield drafts with one more expression w of the chunks, and its products with the terms."""
        ranked = []
        for chunk in chunks:
            for place, w in enumerate(chunk.values):
                if np.isfinite(w).all() and np.ptp(w) > _SMALLEST_SHARE * np.abs(w).max():
                    terms = np.concatenate([self._terms, self._terms * w])
                    ranked += [(left, target, chunk, place) for left, target in self._rank(terms)[:2]]
                    ranked = sorted(ranked, key=lambda one: one[0])[:_KEPT]
        for _, target, chunk, place in ranked:
            w = chunk.write(place)
            more: list[Program | None] = [w if one is None else call(MUL, one, w) for one in self._parts]
            yield from self._write(
                target, np.concatenate([self._terms, self._terms * chunk.values[place]]), self._parts + more
            )

    def find_ratios(self) -> Iterator[Program]:
        """Yield drafts z = p / q: z times one term, regressed on terms and on z times the others."""
        leads = np.flatnonzero(np.abs(self._powers).sum(1) <= 1)
        for outer, z in zip(self._outers, self._wanted[:: len(self._times)], strict=True):
            if outer.name not in _RATIO_OUTERS or len(self._terms) * 2 * _ROWS_A_TERM > len(z):
                continue
            for lead in leads:
                others = [place for place in range(len(self._terms)) if place != lead]
                matrix = np.concatenate([self._terms, -z * self._terms[others]])
                found = prune(matrix.T, z * self._terms[lead])
                if found is not None and found[len(self._terms) :].any() and found[: len(self._terms)].any():
                    below = np.insert(found[len(self._terms) :], lead, 1.0)
                    above = write_sum(found[: len(self._terms)], self._parts)
                    yield outer.wrap(call(DIV, above, write_sum(below, self._parts)))

    def _rank(self, terms: Array) -> list[tuple[float, int]]:
        """Return (share of its variance that the terms leave, target), the nearest first."""
        if len(terms) * _ROWS_A_TERM > terms.shape[1] or not np.isfinite(terms).all():
            return []
        basis, _ = np.linalg.qr((terms / np.sqrt((terms * terms).sum(1, keepdims=True))).T)
        with np.errstate(all="ignore"):
            inside = self._scaled @ basis
            left = (self._scaled * self._scaled).sum(1) - (inside * inside).sum(1)
        left = np.where(np.isfinite(left), left, np.inf)
        return [(float(left[place]), int(place)) for place in np.argsort(left)[:_KEPT] if np.isfinite(left[place])]

    def _write(self, place: int, terms: Array, parts: list[Program | None]) -> Iterator[Program]:
        coefficients = prune(terms.T, self._wanted[place])
        if coefficients is not None and coefficients.any():
            outer, product = self._outers[place // len(self._times)], place % len(self._times)
            yield outer.wrap(divide_by_product(write_sum(coefficients, parts), self._times[product]))


def fit(base: Array, wanted: Array) -> tuple[Array, Array] | None:
    """Return (coefficients, their standard errors) by least squares, or None where the columns are not independent."""
    if len(base) < base.shape[1] or not np.isfinite(base).all() or not np.isfinite(wanted).all():
        return None
    norms = np.sqrt((base * base).sum(0))
    if (norms == 0).any():
        return None
    basis, triangle = np.linalg.qr(base / norms)
    if np.abs(np.diag(triangle)).min() < 1e-10:
        return None
    inverse = np.linalg.inv(triangle)
    coefficients = inverse @ (basis.T @ wanted)
    residuals = wanted - basis @ (basis.T @ wanted)
    variance = float(residuals @ residuals) / max(len(wanted) - len(norms), 1)
    return coefficients / norms, np.sqrt(variance * (inverse * inverse).sum(1)) / norms


def prune(matrix: Array, wanted: Array) -> Array | None:
    """Return coefficients of those columns that say something, by backward elimination; None where none is left."""
    kept = np.arange(matrix.shape[1])
    coefficients = np.zeros(matrix.shape[1])
    while len(kept):
        found = fit(matrix[:, kept], wanted)
        if found is None:
            return None
        certainty = np.abs(found[0]) / np.maximum(found[1], np.finfo(float).tiny)
        if certainty.min() >= _DEVIATIONS:
            coefficients[kept] = found[0]
            return coefficients
        # A quarter of the hopeless go together: the others' errors change with them.
        hopeless = np.flatnonzero(certainty < _HOPELESS)
        count = max(1, len(hopeless) // 4)
        kept = np.delete(kept, np.argsort(certainty)[:count])
    return None
