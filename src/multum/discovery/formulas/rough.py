"""Heads for columns with noise, or whose formula no exact head completes: the nearest matches instead of equal ones.

What `matching` tests by equality is ranked here by correlation; drafts are then fitted in the target's own units, and
the description length decides which of them says something.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest

import numpy as np

from multum.discovery.formulas.bank import Candidates
from multum.discovery.formulas.lattice import Exponents, evaluate_products, write_product
from multum.discovery.formulas.matching import divide_by_product
from multum.discovery.formulas.numbers import Constant, snap_exponent
from multum.discovery.formulas.operators import Array
from multum.discovery.formulas.outers import Outer
from multum.discovery.formulas.programs import Program, make_quotient, raise_to, variable
from multum.discovery.formulas.terms import write_sum

_KEPT = 24
_A_CHUNK = 4
# Deviations of an exponent or a coefficient that count as nothing.
_DEVIATIONS = 3.5
_LOOSEST = 0.12


@dataclass(frozen=True)
class _Near:
    """An expression that nearly completes a target. score: squared correlation. place: of the target."""

    score: float
    target: int
    chunk: Candidates
    place: int

    def __lt__(self, other: "_Near") -> bool:
        return self.score < other.score


class Ranking:
    """The nearest of many candidates to logarithms of targets, and to targets themselves.

    columns: float64[variables, rows]; outers of the same rows; times: products that targets are multiplied with.
    """

    def __init__(self, columns: Array, outers: list[Outer], times: Exponents) -> None:
        self._columns, self._outers, self._times = columns, outers, times
        self._usable = np.flatnonzero((np.abs(columns) > 0).all(1))
        ones = np.ones(columns.shape[1])
        self._logs = np.column_stack([ones, np.log(np.abs(columns[self._usable])).T])
        self._factor_base, _ = np.linalg.qr(self._logs)
        self._affine_base = (ones / np.sqrt(len(ones)))[:, None]
        with np.errstate(all="ignore"):
            logs = np.log(np.abs(np.array([outer.values for outer in outers])))
            products = evaluate_products(times, columns)
            whole = np.concatenate([outer.values * products for outer in outers])
        self._log_targets = _normalise(logs, self._factor_base)
        self._targets = _normalise(whole, self._affine_base)
        self._factors: list[_Near] = []
        self._affine: list[_Near] = []

    def look(self, chunk: Candidates) -> None:
        """Remember the chunk's nearest candidates."""
        with np.errstate(all="ignore"):
            logs = np.log(np.abs(chunk.values))
        self._factors = self._merge(self._factors, _normalise(logs, self._factor_base), self._log_targets, chunk)
        if not chunk.factor:
            values = _normalise(chunk.values, self._affine_base)
            self._affine = self._merge(self._affine, values, self._targets, chunk)

    def _merge(self, kept: list[_Near], offered: Array, targets: Array, chunk: Candidates) -> list[_Near]:
        scores = (targets @ offered.T) ** 2
        places = np.argsort(-scores, axis=None)[: _A_CHUNK * len(self._outers)]
        fresh = [
            _Near(float(scores.flat[place]), int(place) // len(offered), chunk, int(place) % len(offered))
            for place in places
        ]
        return nlargest(_KEPT * len(self._outers), kept + fresh)

    def write(self) -> Iterator[Program]:
        """Yield drafts of all that was remembered, the nearest first."""
        for near in self._factors:
            yield from self._write_factor(near)
        for near in self._affine:
            yield from self._write_affine(near)

    def _write_factor(self, near: _Near) -> Iterator[Program]:
        """Yield c * products of powers * f**p, exponents rounded to what the rows allow."""
        outer, values = self._outers[near.target], near.chunk.values[near.place]
        base = np.column_stack([self._logs, np.log(np.abs(values))])
        found = _fit(base, np.log(np.abs(outer.values)))
        if found is None:
            return
        powers, doubts = found
        parts = [*(variable(int(place)) for place in self._usable), near.chunk.write(near.place)]
        pairs = [
            snap_exponent(p, min(max(_DEVIATIONS * d, 0.02), _LOOSEST), 3)
            for p, d in zip(powers[1:], doubts[1:], strict=True)
        ]
        if any(pair is None for pair in pairs) or pairs[-1] == (0, 1):
            return
        above = [raise_to(part, n, d) for part, (n, d) in zip(parts, pairs, strict=True) if n > 0]  # type: ignore[misc]
        below = [raise_to(part, -n, d) for part, (n, d) in zip(parts, pairs, strict=True) if n < 0]  # type: ignore[misc]
        with np.errstate(all="ignore"):
            rest = outer.values / make_quotient(above, below).evaluate(self._columns)
        factor = float(np.median(rest))
        if np.isfinite(factor) and factor:
            yield outer.wrap(make_quotient(above, below, Constant(factor)))

    def _write_affine(self, near: _Near) -> Iterator[Program]:
        """Yield (a + b * f) over a product, and the same without a where it is nothing."""
        outer, product = self._outers[near.target // len(self._times)], near.target % len(self._times)
        values = near.chunk.values[near.place]
        wanted = outer.values * evaluate_products(self._times[product][None], self._columns)[0]
        found = _fit(np.column_stack([np.ones(len(values)), values]), wanted)
        if found is None:
            return
        coefficients, doubts = found
        parts = [None, near.chunk.write(near.place)]
        yield outer.wrap(divide_by_product(write_sum(coefficients, parts), self._times[product]))
        if abs(coefficients[0]) < _DEVIATIONS * doubts[0]:
            alone = np.array([0.0, coefficients[1]])
            yield outer.wrap(divide_by_product(write_sum(alone, parts), self._times[product]))


def _normalise(values: Array, base: Array) -> Array:
    """Return rows less their part in the base, of length 1; 0 where there is nothing, or no number."""
    finite = np.isfinite(values).all(-1, keepdims=True)
    values = np.where(finite, values, 0.0)
    rest = values - (values @ base) @ base.T
    length = np.sqrt((rest * rest).sum(-1, keepdims=True))
    whole = np.sqrt((values * values).sum(-1, keepdims=True))
    return np.where(length > 1e-9 * whole, rest / np.where(length > 0, length, 1.0), 0.0)


def _fit(base: Array, wanted: Array) -> tuple[Array, Array] | None:
    """Return (coefficients, their standard errors) by least squares, or None."""
    if not np.isfinite(base).all() or not np.isfinite(wanted).all():
        return None
    norms = np.sqrt((base * base).sum(0))
    coefficients, _, rank, _ = np.linalg.lstsq(base / norms, wanted, rcond=None)
    if rank < base.shape[1]:
        return None
    residuals = wanted - (base / norms) @ coefficients
    variance = float(residuals @ residuals) / max(len(wanted) - len(norms), 1)
    inverse = np.linalg.inv((base / norms).T @ (base / norms))
    return coefficients / norms, np.sqrt(variance * np.diag(inverse)) / norms


def find_rough_sums(columns: Array, outers: list[Outer], times: Exponents, powers: Exponents) -> Iterator[Program]:
    """Yield polynomials of the terms `powers` over a product, terms dropped one by one while they say nothing.

    Targets are ranked by what all the terms leave of them; the best few are pruned.
    """
    terms = evaluate_products(powers, columns)
    if not np.isfinite(terms).all() or len(terms) * 3 > columns.shape[1]:
        return
    factors = evaluate_products(times, columns)
    wanted = np.concatenate([outer.values * factors for outer in outers])
    basis, _ = np.linalg.qr((terms / np.sqrt((terms * terms).sum(1, keepdims=True))).T)
    with np.errstate(all="ignore"):
        rest = wanted - (wanted @ basis) @ basis.T
        left = (rest * rest).sum(1) / wanted.var(1) / wanted.shape[1]
    left[~np.isfinite(left)] = np.inf
    parts = [write_product(one) if one.any() else None for one in powers]
    for place in np.argsort(left)[:_KEPT]:
        if not np.isfinite(left[place]):
            break
        coefficients = _prune(terms.T, wanted[place])
        if coefficients is not None and coefficients.any():
            outer, product = outers[int(place) // len(times)], int(place) % len(times)
            yield outer.wrap(divide_by_product(write_sum(coefficients, parts), times[product]))


def _prune(matrix: Array, wanted: Array) -> Array | None:
    """Return coefficients of those columns that say something, by backward elimination."""
    kept = list(range(matrix.shape[1]))
    coefficients = np.zeros(matrix.shape[1])
    while kept:
        found = _fit(matrix[:, kept], wanted)
        if found is None:
            return None
        certainty = np.abs(found[0]) / np.maximum(found[1], np.finfo(float).tiny)
        weakest = int(np.argmin(certainty))
        if certainty[weakest] >= _DEVIATIONS:
            coefficients[kept] = found[0]
            break
        del kept[weakest]
    return coefficients
