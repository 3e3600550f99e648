"""Heads for columns with noise, or whose formula no exact head completes: the nearest matches instead of equal ones.

What `matching` tests by equality is ranked here by correlation; drafts are then fitted in the target's own units, and
the description length decides which of them says something.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest

import numpy as np

from multum.discovery.formulas.bank import Candidates
from multum.discovery.formulas.lattice import Exponents, evaluate_products
from multum.discovery.formulas.matching import POWERS_OF_IT, divide_by_product
from multum.discovery.formulas.numbers import Constant, snap_exponent
from multum.discovery.formulas.operators import Array
from multum.discovery.formulas.outers import Outer
from multum.discovery.formulas.programs import Program, make_quotient, raise_to, variable
from multum.discovery.formulas.regression import fit
from multum.discovery.formulas.terms import write_sum

_KEPT = 24
_A_CHUNK = 4
# Different targets among the outer functions, about.
_TARGETS = 4
# Deviations of an exponent or a coefficient that count as nothing.
_DEVIATIONS = 3.5
_LOOSEST = 0.12
# Of one expression of a bank; those nearest to what a fit says are tried.
_EXPONENTS = ((1, 1), (-1, 1), (2, 1), (-2, 1), (1, 2), (-1, 2), (3, 2), (-3, 2), (3, 1), (-3, 1))
_EXPONENTS_TRIED = 2


@dataclass(frozen=True)
class _Near:
    """An expression that nearly completes a target. score: squared correlation. place: of the target."""

    score: float
    target: int
    chunk: Candidates
    place: int


class Ranking:
    """The nearest of many candidates to logarithms of targets, and to targets themselves.

    columns: float64[variables, rows]; outers of the same rows; times: products that targets are multiplied with.
    """

    def __init__(self, columns: Array, outers: list[Outer], times: Exponents) -> None:
        self._columns, self._outers, self._times = columns, outers, times
        self._different = [outer for outer in outers if outer.name not in POWERS_OF_IT]
        self._usable = np.flatnonzero((np.abs(columns) > 0).all(1))
        ones = np.ones(columns.shape[1])
        self._logs = np.column_stack([ones, np.log(np.abs(columns[self._usable])).T])
        # Noise of one size makes the logarithms of small numbers uncertain.
        self._weights = np.abs(outers[0].values)
        self._factor_base, _ = np.linalg.qr(self._logs * self._weights[:, None])
        self._affine_base = (ones / np.sqrt(len(ones)))[:, None]
        with np.errstate(all="ignore"):
            logs = np.log(np.abs(np.array([outer.values for outer in self._different])))
            products = evaluate_products(times, columns)
            whole = np.concatenate([outer.values * products for outer in outers])
        self._log_targets = _normalise(logs * self._weights, self._factor_base)
        self._targets = _normalise(whole, self._affine_base)
        self._factors: list[_Near] = []
        self._affine: list[_Near] = []

    def look(self, chunk: Candidates) -> None:
        """Remember the chunk's nearest candidates."""
        with np.errstate(all="ignore"):
            logs = np.log(np.abs(chunk.values))
            logs *= self._weights
        self._factors = self._merge(self._factors, _normalise(logs, self._factor_base), self._log_targets, chunk)
        if not chunk.factor:
            values = _normalise(chunk.values, self._affine_base)
            self._affine = self._merge(self._affine, values, self._targets, chunk)

    def _merge(self, kept: list[_Near], offered: Array, targets: Array, chunk: Candidates) -> list[_Near]:
        scores = (targets @ offered.T) ** 2
        count = min(_A_CHUNK * _TARGETS, scores.size - 1)
        places = np.argpartition(-scores, count, axis=None)[:count]
        fresh = [
            _Near(float(scores.flat[place]), int(place) // len(offered), chunk, int(place) % len(offered))
            for place in places
        ]
        return nlargest(_KEPT * _TARGETS, kept + fresh, key=lambda near: near.score)

    def write(self) -> Iterator[Program]:
        """Yield drafts of all that was remembered, the nearest first."""
        for near in self._factors:
            yield from self._write_factor(near)
        for near in self._affine:
            yield from self._write_affine(near)

    def _write_factor(self, near: _Near) -> Iterator[Program]:
        """Yield c * products of powers * f**p for the likeliest p, the other exponents rounded as the rows allow."""
        outer, values = self._different[near.target], near.chunk.values[near.place]
        wanted, logs = np.log(np.abs(outer.values)) * self._weights, np.log(np.abs(values)) * self._weights
        base = self._logs * self._weights[:, None]
        found = fit(np.column_stack([base, logs]), wanted)
        if found is None:
            return
        for n, d in sorted(_EXPONENTS, key=lambda pair: abs(pair[0] / pair[1] - found[0][-1]))[:_EXPONENTS_TRIED]:
            rest = fit(base, wanted - n / d * logs)
            if rest is not None:
                yield from self._write_powers(outer, rest, near.chunk.write(near.place), (n, d))

    def _write_powers(
        self, outer: Outer, found: tuple[Array, Array], factor: Program, exponent: tuple[int, int]
    ) -> Iterator[Program]:
        """Yield the draft with the columns' exponents rounded, if all are near a simple fraction."""
        pairs = [
            snap_exponent(power, min(max(_DEVIATIONS * doubt, 0.02), _LOOSEST), 3)
            for power, doubt in zip(found[0][1:], found[1][1:], strict=True)
        ]
        known = [(variable(int(place)), pair) for place, pair in zip(self._usable, pairs, strict=True) if pair]
        if len(known) < len(pairs):
            return
        powers = [*known, (factor, exponent)]
        above = [raise_to(part, n, d) for part, (n, d) in powers if n > 0]
        below = [raise_to(part, -n, d) for part, (n, d) in powers if n < 0]
        with np.errstate(all="ignore"):
            rest = outer.values / make_quotient(above, below).evaluate(self._columns)
        size = float(np.median(rest))
        if np.isfinite(size) and size:
            yield outer.wrap(make_quotient(above, below, Constant(size)))

    def _write_affine(self, near: _Near) -> Iterator[Program]:
        """Yield (a + b * f) over a product, and the same without a where it is nothing."""
        outer, product = self._outers[near.target // len(self._times)], near.target % len(self._times)
        values = near.chunk.values[near.place]
        wanted = outer.values * evaluate_products(self._times[product][None], self._columns)[0]
        found = fit(np.column_stack([np.ones(len(values)), values]), wanted)
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
