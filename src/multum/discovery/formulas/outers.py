"""Outer functions that are taken off a column, so that what is left may be simple: y**2 for a root, log y for exp."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from multum.discovery.formulas.operators import (
    ACOS,
    ASIN,
    ATAN,
    EXP,
    INV,
    LOG,
    NEG,
    SQRT,
    SQUARE,
    TANH,
    Array,
)
from multum.discovery.formulas.programs import Program

# Larger arguments make exp(y) tell nothing but its largest rows.
_LARGEST_EXPONENT = 30.0


@dataclass(frozen=True)
class Outer:
    """A function g with y = g(z). values: z in each row. codes: what is appended to a program of z."""

    name: str
    values: Array
    codes: tuple[int, ...]

    def wrap(self, inner: Program) -> Program:
        """Return the program of y, given that of z."""
        return replace(inner, codes=inner.codes + self.codes)


@dataclass(frozen=True)
class _Kind:
    """name: of g. fits: whether y can come from it. invert: y to z. codes: of g."""

    name: str
    fits: Callable[[Array], bool]
    invert: Callable[[Array], Array]
    codes: tuple[int, ...]


def _is_positive(y: Array) -> bool:
    return bool((y > 0).all())


def _lies_within(low: float, high: float) -> Callable[[Array], bool]:
    def fits(y: Array) -> bool:
        return bool((y >= low).all() and (y <= high).all())

    return fits


def _is_small(y: Array) -> bool:
    return bool((np.abs(y) < _LARGEST_EXPONENT).all())


_KINDS = (
    _Kind("", lambda y: True, lambda y: y, ()),  # noqa: ARG005 - every y is itself
    _Kind("inv", lambda y: bool((y != 0).all()), lambda y: 1 / y, (INV,)),
    _Kind("sqrt", _is_positive, lambda y: y * y, (SQRT,)),
    _Kind("inverse sqrt", _is_positive, lambda y: 1 / (y * y), (SQRT, INV)),
    _Kind("exp", _is_positive, np.log, (EXP,)),
    _Kind("square", _is_positive, np.sqrt, (SQUARE,)),
    _Kind("log", _is_small, np.exp, (LOG,)),
    _Kind("asin", _lies_within(-np.pi / 2, np.pi / 2), np.sin, (ASIN,)),
    _Kind("acos", _lies_within(0, np.pi), np.cos, (ACOS,)),
    _Kind("atan", _lies_within(-np.pi / 2, np.pi / 2), np.tan, (ATAN,)),
    _Kind("tanh", _lies_within(-0.9999, 0.9999), np.arctanh, (TANH,)),
)


def list_outers(target: Array, operators: frozenset[int]) -> list[Outer]:
    """Return what `target` can be an outer function of, itself first; for a negative column, of its opposite."""
    sign = -1.0 if (target < 0).all() else 1.0
    end = (NEG,) if sign < 0 else ()
    found = []
    for kind in _KINDS:
        y = sign * target if kind.name else target
        if set(kind.codes) <= operators and kind.fits(y):
            with np.errstate(all="ignore"):
                values = kind.invert(y)
            if np.isfinite(values).all():
                found.append(Outer(kind.name, values, kind.codes + (end if kind.name else ())))
    return found
