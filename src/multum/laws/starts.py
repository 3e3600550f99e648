"""Where fits begin: exponents drawn evenly, and for each draw the best coefficients by non-negative least squares.

Most laws are sums of terms each with a coefficient of its own: once exponents are chosen, the rest is linear.
Source: Golub and Pereyra 1973 (variable projection); the even draws are Roberts' generalisation of the golden ratio.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from multum.laws.expressions import Column, Node, Parameter, Quotient, walk
from multum.laws.forms import Form, Range
from multum.laws.formulas import Formula
from multum.laws.jets import Array
from multum.laws.objective import Objective, predict_log

_DRAWS = 768
_KEPT = 10
# Exponents of laws lie in this range; a parameter of which nothing is known, in the one below.
_EXPONENTS: Range = (0.03, 1.2)
_UNKNOWN: Range = (1e-2, 1e2)
# A coefficient that least squares set to zero begins at this share of the loss, where it can still grow.
_LEAST_SHARE = 1e-3


def draw_starts(form: Form, objective: Objective) -> Array:
    """Return theta [starts, p]: the best of many draws, by the loss that is to be made least."""
    candidates = [_draw(form, form.formula, objective)]
    if form.surrogate is not None:
        candidates.append(_borrow(form, form.surrogate, objective))
    theta = np.concatenate(candidates)
    loss, _ = objective.measure(theta, np.arange(len(theta)))
    order = np.argsort(loss, kind="stable")[:_KEPT]
    return theta[order[np.isfinite(loss[order])]]


def _draw(form: Form, formula: Formula, objective: Objective) -> Array:
    """Return draws of all parameters, the coefficients fitted where they are linear."""
    linear = {name for name in formula.coefficients if name is not None}
    drawn = [parameter for parameter in formula.parameters if parameter.name not in linear]
    theta = np.zeros((_DRAWS, len(formula.parameters)))
    places = {parameter.name: place for place, parameter in enumerate(formula.parameters)}
    even = spread_evenly(_DRAWS, len(drawn))
    for column, parameter in enumerate(drawn):
        low, high = _find_range(form, formula, parameter, objective.columns)
        if parameter.positive:
            low, high = np.log(low), np.log(high)
        theta[:, places[parameter.name]] = low + (high - low) * even[:, column]
    if linear:
        _fit_coefficients(formula, objective, theta, places)
    return theta


def _borrow(form: Form, surrogate: Formula, objective: Objective) -> Array:
    """Return draws of the surrogate's parameters, and the form's others in the middle of their ranges."""
    drawn = _draw(form, surrogate, objective)
    theta = np.zeros((len(drawn), len(form.formula.parameters)))
    places = {parameter.name: place for place, parameter in enumerate(surrogate.parameters)}
    for place, parameter in enumerate(form.formula.parameters):
        if parameter.name in places:
            theta[:, place] = drawn[:, places[parameter.name]]
        else:
            low, high = _find_range(form, form.formula, parameter, objective.columns)
            theta[:, place] = 0.5 * (np.log(low) + np.log(high)) if parameter.positive else 0.5 * (low + high)
    return theta


def _find_range(form: Form, formula: Formula, parameter: Parameter, columns: Mapping[str, Array]) -> Range:
    """Return where to draw a parameter: as the form says, or as its place beside a column does."""
    if parameter.name in form.ranges:
        return form.ranges[parameter.name]
    for node in walk(formula.root):
        match node:
            case Quotient(left=Column(name=column), right=Parameter(name=name)) if name == parameter.name:
                return float(columns[column].min()), float(columns[column].max())
            case Quotient(left=Parameter(name=name), right=Column(name=column)) if name == parameter.name:
                # (Nc / N)**0.08 is the loss: Nc lies far beyond every N
                return float(columns[column].max()), 1e12 * float(columns[column].max())
    return _UNKNOWN if parameter.positive and not _is_exponent(parameter) else _EXPONENTS


def _is_exponent(parameter: Parameter) -> bool:
    """Return whether a name looks like an exponent's; parameters that are nothing else may have either sign anyhow."""
    return parameter.name.lower().startswith(("alpha", "beta", "gamma")) or not parameter.positive


@np.errstate(all="ignore")  # draws at which a term overflows are left as they are
def _fit_coefficients(formula: Formula, objective: Objective, theta: Array, places: dict[str, int]) -> None:
    """Set the coefficients of each row of `theta` to the non-negative ones of least squared relative error."""
    names = [name for name in formula.coefficients if name is not None]
    target = np.exp(objective.log_target)
    shares = []  # of the target, with coefficients of one: [rows, points] each
    fixed = np.zeros((len(theta), len(target)))
    for term, name in zip(formula.terms, formula.coefficients, strict=True):
        share = _share(objective, formula, term, theta) / target
        if name is None:
            fixed = fixed + share
        else:
            shares.append(share)
    basis = np.stack(shares, 2)  # [rows, points, terms]
    usable = np.isfinite(basis).all((1, 2)) & np.isfinite(fixed).all(1)
    coefficients = np.ones((len(theta), len(names)))
    coefficients[usable] = solve_nonnegative(basis[usable], 1 - fixed[usable])
    least = _LEAST_SHARE / np.abs(basis).mean(1)
    theta[:, [places[name] for name in names]] = np.log(np.maximum(coefficients, np.where(least > 0, least, 1e-300)))


def _share(objective: Objective, formula: Formula, term: Node, theta: Array) -> Array:
    """Return one term of the formula, [rows, points]."""
    alone = replace(formula, root=term)
    with np.errstate(all="ignore"):
        return np.exp(predict_log(alone, objective.columns, theta))


def solve_nonnegative(basis: Array, target: Array) -> Array:
    """Return x >= 0 [rows, terms] that makes |basis x - target|^2 least; basis [rows, points, terms], few terms.

    Every set of terms that are not zero is tried: of all whose solution is positive, the best is the optimum.
    """
    rows, _, terms = basis.shape
    # Columns of length one: terms differ by orders of magnitude.
    norms = np.sqrt(np.einsum("snk,snk->sk", basis, basis)) + 1e-300
    unit = basis / norms[:, None, :]
    gram = np.einsum("snk,snl->skl", unit, unit) + 1e-12 * np.eye(terms)
    moment = np.einsum("snk,sn->sk", unit, target)
    best, gain = np.zeros((rows, terms)), np.zeros(rows)
    for size in range(1, terms + 1):
        for chosen in combinations(range(terms), size):
            part = list(chosen)
            found = np.linalg.solve(gram[:, part][:, :, part], moment[:, part, None])[:, :, 0]
            explained = np.einsum("sk,sk->s", found, moment[:, part])  # how much the squared error falls
            better = (found >= 0).all(1) & (explained > gain)
            gain[better] = explained[better]
            best[better] = 0.0
            best[np.ix_(better, part)] = found[better]
    coefficients: Array = best / norms
    return coefficients


def spread_evenly(count: int, width: int) -> Array:
    """Return [count, width] points of the unit cube that leave no large gaps; the same on every call."""
    ratio = 2.0
    for _ in range(64):  # the root of x ** (width + 1) = x + 1
        ratio = (1 + ratio) ** (1 / (width + 1))
    steps = ratio ** -np.arange(1.0, width + 1)
    return (0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0
