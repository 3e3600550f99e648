"""Where a law is least for a compute budget: closed form, root, or search, by what the form allows.

For all of them C = 6 N D, and the optimum is where a little more N is worth as much as the D it takes away.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from multum.errors import UsageError
from multum.laws.jets import Array
from multum.laws.law import Law
from multum.laws.points import FLOPS_A_PARAMETER

# Of a search: as many sizes are tried, none smaller than this, before the best is closed in on.
_SIZES = 512
_SMALLEST = 10.0
_STEPS = 100

# The method where data ends before the optimum.
ALL_DATA = "all data, once"


@dataclass(frozen=True)
class Optimum:
    """The best size and amount of data for a budget, and how it was found."""

    n: float
    d: float
    method: str


def find_optimum(law: Law, flops: float, fixed: Mapping[str, float]) -> Optimum:
    """Return the N and D of least loss with C = 6 N D = flops.

    fixed: the law's other columns. U caps D where the law does not tell what repeating is worth.
    Raises UsageError for a law without N and D, and where nothing between the ends is best.
    """
    if not {"N", "D"} <= set(law.columns):
        raise UsageError(
            f"the law depends on {', '.join(law.columns)}; to plan N and D it must depend on both of them: fit it with"
            " --form chinchilla or data-constrained"
        )
    if law.form == "chinchilla":
        return _cap_data(solve_chinchilla(law.expected, flops), flops, fixed)
    if law.form == "data-constrained":
        return solve_repeated(law.expected, flops, fixed["U"])
    return _cap_data(_search(law, flops, fixed), flops, fixed)


def solve_chinchilla(parameters: Mapping[str, float], flops: float) -> Optimum:
    """Return the optimum of E + A / N**alpha + B / D**beta. Source: Hoffmann et al. 2022 (2203.15556), eq. 4."""
    alpha, beta = parameters["alpha"], parameters["beta"]
    if min(alpha, beta) <= 0:
        raise UsageError(f"alpha = {alpha:.3g} and beta = {beta:.3g}: with one not above 0 there is no optimum inside")
    balance = _balance(parameters)
    product = flops / FLOPS_A_PARAMETER
    n = balance * product ** (beta / (alpha + beta))
    return Optimum(n, product / n, "closed form")


def _balance(parameters: Mapping[str, float]) -> float:
    """Return G: at the optimum N = G (C / 6) ** (beta / (alpha + beta))."""
    alpha, beta = parameters["alpha"], parameters["beta"]
    ratio: float = (alpha * parameters["A"] / (beta * parameters["B"])) ** (1 / (alpha + beta))
    return ratio


def solve_repeated(parameters: Mapping[str, float], flops: float, unique: float) -> Optimum:
    """Return the optimum of the data-constrained form, with `unique` tokens that may be repeated.

    While one pass is enough it is Chinchilla's. Beyond, both terms fall with an effective amount that saturates, and
    the optimum is where their slopes by ln N and ln D agree: the root of a falling function.
    """
    fresh = solve_chinchilla(parameters, flops)
    if fresh.d <= unique:
        return fresh
    product = flops / FLOPS_A_PARAMETER
    balance = _balance(parameters)
    needed = (unique * balance) ** (
        parameters["beta"] / parameters["alpha"]
    ) * balance  # the N that unique data asks for

    def excess(log_n: float) -> float:
        """Return the logarithm of what more N saves over what less D costs."""
        n = math.exp(log_n)
        by_n = _log_slope(n, needed, parameters["RN"], parameters["A"], parameters["alpha"])
        by_d = _log_slope(product / n, unique, parameters["RD"], parameters["B"], parameters["beta"])
        return by_n - by_d

    # With less D than is unique the form is Chinchilla's again, whose optimum lies on this side.
    n = math.exp(find_root(excess, math.log(_SMALLEST * 1e-6), math.log(product / unique)))
    return Optimum(n, product / n, "root")


def _log_slope(amount: float, unique: float, decay: float, coefficient: float, exponent: float) -> float:
    """Return ln of -d(coefficient / effective ** exponent) / d ln(amount), the amount beyond `unique` saturating."""
    first = min(amount, unique)
    over = amount / first - 1
    effective = first - first * decay * math.expm1(-over / decay)
    return math.log(exponent * coefficient * amount) - over / decay - (exponent + 1) * math.log(effective)


def find_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function passes zero, or the end that is nearest to it."""
    for _ in range(_STEPS):  # bisection: after 100 halvings nothing is left of the range
        middle = 0.5 * (low + high)
        if function(middle) > 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def list_sizes(flops: float) -> Array:
    """Return the sizes that a search tries, [sizes]: from few parameters to so many that few tokens are left."""
    product = flops / FLOPS_A_PARAMETER
    if product <= _SMALLEST**2:
        raise UsageError(f"{flops:.3g} FLOPs are too few for any program; give a budget of 1e4 and more")
    return np.geomspace(_SMALLEST, product / _SMALLEST, _SIZES)


def spread_fixed(sizes: Array, flops: float, fixed: Mapping[str, float]) -> dict[str, Array]:
    """Return the columns of a law at these sizes and one budget."""
    columns = {name: np.full(len(sizes), value) for name, value in fixed.items()}
    return columns | {"N": sizes, "D": flops / FLOPS_A_PARAMETER / sizes, "C": np.full(len(sizes), flops)}


def _search(law: Law, flops: float, fixed: Mapping[str, float]) -> Optimum:
    """Return the least loss among many sizes, closed in on. Raises UsageError where it is at an end."""
    sizes = list_sizes(flops)
    losses = law.predict_log(spread_fixed(sizes, flops, fixed))
    losses = np.where(np.isfinite(losses), losses, np.inf)
    place = int(np.argmin(losses))
    if not 0 < place < len(sizes) - 1:
        raise UsageError(
            f"no optimum inside: at {flops:.3g} FLOPs the law is least at the {'smallest' if place == 0 else 'largest'}"
            " size there is; fit a form in which N and D both help"
        )
    low, high = math.log(sizes[place - 1]), math.log(sizes[place + 1])
    for _ in range(_STEPS):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        pair = law.predict_log(spread_fixed(np.exp([left, right]), flops, fixed))
        low, high = (low, right) if pair[0] <= pair[1] else (left, high)
    n = math.exp(0.5 * (low + high))
    return Optimum(n, flops / FLOPS_A_PARAMETER / n, "search")


def _cap_data(found: Optimum, flops: float, fixed: Mapping[str, float]) -> Optimum:
    """Return the optimum, or the one with all data where it asks for more than there is."""
    most = fixed.get("U")
    if most is None or found.d <= most:
        return found
    return Optimum(flops / FLOPS_A_PARAMETER / most, most, ALL_DATA)


def find_budget(law: Law, n: float, fixed: Mapping[str, float]) -> float:
    """Return the FLOPs for which `n` is the optimum. Raises UsageError where that is for none."""
    low, high = math.log(1e5), math.log(1e40)
    uncapped = {name: value for name, value in fixed.items() if name != "U" or law.form == "data-constrained"}
    ends = [find_optimum(law, math.exp(end), uncapped).n for end in (low, high)]
    if not ends[0] < n < ends[1]:
        raise UsageError(f"N = {n:.3g} is the optimum of no budget; the law has none for so many parameters")
    return math.exp(find_root(lambda log_flops: n - find_optimum(law, math.exp(log_flops), uncapped).n, low, high))
