"""Products of powers of columns, in the order of how long they take to write."""

import math
from functools import lru_cache
from heapq import nsmallest
from itertools import combinations, product
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from multum.discovery.formulas.operators import Array
from multum.discovery.formulas.programs import Program, make_monomial

Exponents = NDArray[np.float64]

# What an exponent costs, in symbols beside the variable's own.
_COSTS = {1.0: 1.0, -1.0: 1.1, 2.0: 1.7, -2.0: 1.8, 0.5: 2.1, -0.5: 2.2, 3.0: 2.6, -3.0: 2.7}
_CHEAPEST = min(_COSTS.values())


@lru_cache(maxsize=256)
def list_exponents(variables: int, most: int, powers: tuple[float, ...] = (1.0, -1.0, 2.0, -2.0)) -> Exponents:
    """Return float64[products, variables], the cheapest first, at most so many; the empty product is not among them."""
    found: list[tuple[float, tuple[int, ...], tuple[float, ...]]] = []
    limit = math.inf
    for support in range(1, variables + 1):
        if support * _CHEAPEST >= limit:
            break
        choices = [(sum(_COSTS[one] for one in chosen), chosen) for chosen in product(powers, repeat=support)]
        affordable = [one for one in choices if one[0] < limit]
        found += [
            (cost, places, chosen) for places in combinations(range(variables), support) for cost, chosen in affordable
        ]
        found = nsmallest(most, found, key=itemgetter(0))
        if found and len(found) == most:
            limit = found[-1][0]
    result = np.zeros((len(found), variables))
    for row, (_, places, chosen) in enumerate(found):
        result[row, list(places)] = chosen
    return result


def evaluate_products(exponents: Exponents, columns: Array) -> Array:
    """Return float64[products, rows]. Negative columns to a fraction are NaN."""
    values = np.ones((len(exponents), columns.shape[1]))
    with np.errstate(all="ignore"):
        for place, column in enumerate(columns):
            for power in np.unique(exponents[:, place]):
                if power:
                    values[exponents[:, place] == power] *= column**power
    return values


def write_product(exponents: NDArray[np.float64]) -> Program:
    """Return the program of one product. Exponents are multiples of a sixth."""
    pairs = []
    for power in exponents:
        denominator = next(one for one in (1, 2, 3, 4, 5, 6) if abs(power * one - round(power * one)) < 1e-9)
        pairs.append((round(power * denominator), denominator))
    return make_monomial(pairs)
