"""Numbers that carry their slopes: forward differentiation, so that every form has analytic gradients.

Invariant: `slopes[p]` is the derivative of `value` by the parameter p; a parameter that is not there has slope zero.
Values and slopes broadcast to [starts, points], and most stay smaller than that: what is the same for all points is
[starts, 1], what is the same for all starts is [points].
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Jet:
    """A value and its derivatives by the parameters it depends on."""

    value: Array
    slopes: dict[str, Array] = field(default_factory=dict)


def chain(value: Array, *parts: tuple[Jet, Array]) -> Jet:
    """Return `value` as a jet; each part is (what it depends on, its derivative by that)."""
    slopes: dict[str, Array] = {}
    for jet, factor in parts:
        for name, slope in jet.slopes.items():
            term = factor * slope
            slopes[name] = slopes[name] + term if name in slopes else term
    return Jet(value, slopes)


def constant(value: float | Array) -> Jet:
    """Return what depends on no parameter."""
    return Jet(np.asarray(value, np.float64))


def add(*terms: Jet) -> Jet:
    """Return the sum."""
    one = np.float64(1.0)
    return chain(np.asarray(sum(term.value for term in terms)), *((term, np.asarray(one)) for term in terms))


def negate(jet: Jet) -> Jet:
    """Return -x."""
    return chain(-jet.value, (jet, np.asarray(-1.0)))


def multiply(left: Jet, right: Jet) -> Jet:
    """Return x y."""
    return chain(left.value * right.value, (left, right.value), (right, left.value))


def divide(left: Jet, right: Jet) -> Jet:
    """Return x / y."""
    quotient = left.value / right.value
    return chain(quotient, (left, 1 / right.value), (right, -quotient / right.value))


def exp(jet: Jet) -> Jet:
    """Return e ** x."""
    value = np.exp(jet.value)
    return chain(value, (jet, value))


def log(jet: Jet) -> Jet:
    """Return the natural logarithm."""
    return chain(np.log(jet.value), (jet, 1 / jet.value))


def choose(left: Jet, right: Jet, take_left: NDArray[np.bool_]) -> Jet:
    """Return `left` where `take_left`, `right` elsewhere; at a kink the slope is of the side taken."""
    first = take_left.astype(np.float64)
    return chain(np.where(take_left, left.value, right.value), (left, first), (right, 1 - first))


def add_logs(*terms: Jet) -> Jet:
    """Return log(sum of e ** x) without leaving the range of floats; its slopes are each term's share of the sum."""
    top = terms[0].value
    for term in terms[1:]:
        top = np.maximum(top, term.value)
    top = np.where(np.isfinite(top), top, 0.0)
    powers = [np.exp(term.value - top) for term in terms]
    total = np.asarray(sum(powers))
    return chain(top + np.log(total), *((term, power / total) for term, power in zip(terms, powers, strict=True)))
