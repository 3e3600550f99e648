"""Whole banks against all targets at once: which expression completes a formula?

Four forms are tested, each by sums that vanish on what is free in it (see `functionals`):
  factor   z = c * product of powers * f**p
  factors  z = c * product of powers * f**p * g**q, two expressions of the bank meeting in the middle
  affine   z * product of powers = a + b * f, and a + sum of b_i x_i + c * f
  growth   z = c * product of powers * exp(a * f)
where z is the target with an outer function taken off, or that less or plus 1 or a product of powers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.discovery.formulas.bank import Candidates
from multum.discovery.formulas.functionals import Functionals, make_functionals, match, take_ratios
from multum.discovery.formulas.lattice import evaluate_products, list_exponents, write_product
from multum.discovery.formulas.operators import EXP, Array
from multum.discovery.formulas.outers import Outer
from multum.discovery.formulas.programs import Program, add, call, constant, make_quotient, negate, variable
from multum.discovery.formulas.terms import solve, write_powers, write_sum

# More drafts of one chunk than this say the same.
_MOST_DRAFTS = 12
# Exponents of two factors, whichever is the first.
_PAIRS = (
    *((1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (1.0, 2.0), (1.0, -2.0), (2.0, -1.0), (-1.0, -2.0), (2.0, -2.0)),
    *((2.0, 2.0), (1.0, 0.5), (1.0, -0.5), (-1.0, 0.5), (-1.0, -0.5), (0.5, -0.5), (0.5, 0.5)),
)
# Powers of a target have the same logarithms, but for a factor.
POWERS_OF_IT = ("inv", "sqrt", "inverse sqrt", "square")


@dataclass(frozen=True)
class _Shifted:
    """A target less a shift: y = outer(shift + z). shift: None for nothing."""

    outer: Outer
    shift: Program | None
    values: Array

    def wrap(self, inner: Program) -> Program:
        """Return the program of y, given that of z."""
        return self.outer.wrap(inner if self.shift is None else add([inner, self.shift]))


class Matching:
    """Targets prepared once, for any number of chunks.

    columns: float64[variables, rows] of the probes. outers: their values are of the same rows. products: how many
    products of powers a target is multiplied with for the affine form. keep: chunks, for `find_pairs`.
    """

    def __init__(self, columns: Array, outers: list[Outer], products: int, keep: bool) -> None:
        self._columns = columns
        self._usable = np.flatnonzero((np.abs(columns) > 0).all(1))
        self._parts = [variable(int(place)) for place in self._usable]
        logs = np.log(np.abs(columns[self._usable]))
        self._ones = np.ones(columns.shape[1])
        self._logs = np.column_stack([self._ones, logs.T])
        self._of_logs = make_functionals(self._logs)
        self._of_constant = make_functionals(self._ones[:, None], 1)
        self._of_linear = make_functionals(np.column_stack([self._ones, columns.T]), 2)
        self._exponents = np.concatenate(
            [np.zeros((1, len(columns))), list_exponents(len(columns), products, (1.0, -1.0, 2.0, -2.0))]
        )
        self._times = evaluate_products(self._exponents, columns)
        self._shifted = [one for outer in outers for one in self._shift(outer)]
        self._lone = [place for place, one in enumerate(self._shifted) if one.shift is None]
        with np.errstate(divide="ignore"):
            wanted = np.log(np.abs([one.values for one in self._shifted]))
        self._wanted_logs = self._of_logs.measure(wanted)
        self._outers = outers
        self._multiplied = np.concatenate([outer.values * self._times for outer in outers])
        self._wanted_affine = take_ratios(self._of_constant.measure(self._multiplied))
        self._wanted_linear = take_ratios(self._of_linear.measure(self._multiplied))
        self._grows = any(outer.codes[:1] == (EXP,) for outer in outers)
        self._keep = keep
        self._stored: list[tuple[Array, Candidates]] = []

    def find(self, chunk: Candidates) -> Iterator[Program]:
        """Yield drafts that one expression of the chunk completes; its logarithms are kept for `find_pairs`."""
        with np.errstate(all="ignore"):
            logs = np.log(np.abs(chunk.values))
        logs[~np.isfinite(logs).all(1)] = np.nan
        sums = self._of_logs.measure(logs)
        if self._keep:
            self._stored.append((sums, chunk))
        yield from self._find_factors(sums, logs, chunk)
        if chunk.factor:
            return
        yield from self._find_affine(self._of_constant, self._wanted_affine, chunk, linear=False)
        yield from self._find_affine(self._of_linear, self._wanted_linear, chunk, linear=True)
        if self._grows:
            yield from self._find_growth(chunk)

    def _find_factors(self, sums: Array, logs: Array, chunk: Candidates) -> Iterator[Program]:
        left, right = match(take_ratios(self._wanted_logs), take_ratios(sums))
        for i, j in _take_shortest(left, right):
            yield from self._write_factors(self._shifted[i], [(logs[j], chunk.write(j))])

    def _write_factors(self, shifted: _Shifted, factors: list[tuple[Array, Program]]) -> Iterator[Program]:
        """Yield the draft of a constant, powers of columns and powers of factors, if that is exact."""
        base = [*self._logs.T, *(logs for logs, _ in factors)]
        found = solve(base, np.log(np.abs(shifted.values)))
        if found is not None:
            powers, _ = found
            parts = [*self._parts, *(_make_positive(program, self._columns) for _, program in factors)]
            yield self._write_signed(shifted, float(powers[0]), parts, list(powers[1:]))

    def _find_affine(
        self, functionals: Functionals, wanted: Array, chunk: Candidates, linear: bool
    ) -> Iterator[Program]:
        left, right = match(wanted, take_ratios(functionals.measure(chunk.values)))
        for i, j in _take_shortest(left, right):
            outer, product = self._outers[i // len(self._times)], i % len(self._times)
            columns = [self._ones, *(self._columns if linear else ()), chunk.values[j]]
            found = solve(columns, self._multiplied[i])
            if found is not None and found[0][-1]:
                parts = [None, *(variable(one) for one in range(len(self._columns) if linear else 0)), chunk.write(j)]
                yield outer.wrap(divide_by_product(write_sum(found[0], parts), self._exponents[product]))

    def _find_growth(self, chunk: Candidates) -> Iterator[Program]:
        left, right = match(take_ratios(self._wanted_logs), take_ratios(self._of_logs.measure(chunk.values)))
        for i, j in _take_shortest(left, right):
            shifted = self._shifted[i]
            found = solve([*self._logs.T, chunk.values[j]], np.log(np.abs(shifted.values)))
            if found is not None and found[0][-1]:
                powers = found[0]
                grown = call(EXP, write_sum(powers[-1:], [chunk.write(j)]))
                yield self._write_signed(shifted, float(powers[0]), [*self._parts, grown], [*powers[1:-1], 1.0])

    def _write_signed(self, shifted: _Shifted, log: float, parts: list[Program], powers: list[float]) -> Program:
        """Return the draft of a product, with the sign that the target has in the first row."""
        value = write_powers(1.0, parts, powers).evaluate(self._columns[:, :1])[0]
        opposite = np.isfinite(value) and value * shifted.values[0] < 0
        return shifted.wrap(write_powers(-float(np.exp(log)) if opposite else float(np.exp(log)), parts, powers))

    def _shift(self, outer: Outer) -> Iterator[_Shifted]:
        """Yield the target itself, less and plus 1, and, where nothing was taken off, less and plus each product."""
        if outer.name not in POWERS_OF_IT:
            yield _Shifted(outer, None, outer.values)
        yield _Shifted(outer, constant(1), outer.values - 1)
        yield _Shifted(outer, negate(constant(1)), outer.values + 1)
        if not outer.name:
            for exponents, values in zip(self._exponents[1:], self._times[1:], strict=True):
                part = write_product(exponents)
                yield _Shifted(outer, part, outer.values - values)
                yield _Shifted(outer, negate(part), outer.values + values)

    def find_pairs(self) -> Iterator[list[Program]]:
        """Yield drafts that two expressions of the chunks seen complete, a list for each pair of exponents."""
        sums = np.concatenate([one for one, _ in self._stored])
        places = [(chunk, place) for one, chunk in self._stored for place in range(len(one))]
        usable = np.flatnonzero(np.isfinite(sums).all(1))
        kept = usable[_drop_equal(sums[usable])]
        offered = sums[kept]
        for place_of_target in self._lone:
            shifted, target = self._shifted[place_of_target], self._wanted_logs[place_of_target]
            if not np.isfinite(target).all():
                continue
            for p, q in _PAIRS:
                left, right = match((target - p * offered) / q, offered)
                pairs = [(places[kept[i]], places[kept[j]]) for i, j in zip(left[:4], right[:4], strict=True)]
                yield list(self._write_pairs(shifted, pairs))

    def _write_pairs(
        self, shifted: _Shifted, pairs: "list[tuple[tuple[Candidates, int], tuple[Candidates, int]]]"
    ) -> Iterator[Program]:
        for pair in pairs:
            factors = []
            for chunk, place in pair:
                with np.errstate(all="ignore"):
                    factors.append((np.log(np.abs(chunk.values[place])), chunk.write(place)))
            yield from self._write_factors(shifted, factors)


def _make_positive(program: Program, columns: Array) -> Program:
    """Return the program or its opposite, whichever is positive, so that roots can be taken of it."""
    return negate(program) if (program.evaluate(columns) < 0).all() else program


def _take_shortest(left: NDArray[np.intp], right: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return the matches of the earliest candidates, which are the shortest."""
    order = np.argsort(right, kind="stable")[:_MOST_DRAFTS]
    return [(int(left[one]), int(right[one])) for one in order]


def _drop_equal(sums: Array) -> Array:
    """Return the places of one candidate for each different value of its sums, the first."""
    _, first = np.unique(np.round(sums, 9), axis=0, return_index=True)
    return np.sort(first)


def divide_by_product(inner: Program, exponents: Array) -> Program:
    """Return a program over a product of powers of columns."""
    if not exponents.any():
        return inner
    above = [inner]
    up, down = np.where(exponents < 0, -exponents, 0.0), np.where(exponents > 0, exponents, 0.0)
    if up.any():
        above.append(write_product(up))
    return make_quotient(above, [write_product(down)] if down.any() else [])
