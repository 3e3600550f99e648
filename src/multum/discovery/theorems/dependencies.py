"""Functional dependencies: columns whose cell follows from the cell of another, or of two others.

Source: the level-wise search of TANE (Huhtala et al. 1999), here judged by bits: what a dependency saves is the
entropy of the target less the table that gives it, once for each different determinant.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from multum.discovery.theorems.entropies import Codes, count_entropy_bits, pair_codes
from multum.discovery.theorems.reports import Theorem

# Beyond this saving chance has no part: 2**-20 for each dependency tried, the number tried on top of it.
SAVED_BITS = 20.0
_MOST_PAIRED = 24


def find_dependencies(columns: Mapping[str, Codes]) -> Iterator[Theorem]:
    """Yield the dependencies of one and of two determinants that pay, of those that no single column gives.

    columns: int64[rows] by name, equal where cells are equal.
    """
    kinds = {name: int(codes.max()) + 1 for name, codes in columns.items()}
    useful = [name for name, kind in kinds.items() if kind > 1]
    trials = len(useful) ** 3 / 2 + 1
    given: dict[str, set[str]] = {name: set() for name in useful}
    for source in useful:
        for target in useful:
            if source != target:
                found = _test(columns[source], columns[target], (source,), target, trials)
                if found is not None:
                    given[target].add(source)
                    yield found
    few = [name for name in useful if 2 * kinds[name] <= len(columns[name])][:_MOST_PAIRED]
    for pair in combinations(few, 2):
        codes = pair_codes(columns[pair[0]], columns[pair[1]])
        for target in useful:
            if target not in pair and not given[target] & set(pair):
                found = _test(codes, columns[target], pair, target, trials)
                if found is not None:
                    yield found


def _test(source: Codes, target: Codes, names: tuple[str, ...], name: str, trials: float) -> Theorem | None:
    """Return the dependency of a target on a source, if each of its values goes with one target and it pays."""
    rows, different = len(source), int(source.max()) + 1
    # A key gives everything and says nothing; so does what hardly ever comes twice.
    if different == rows:
        return None
    first = np.zeros(different, np.int64)
    first[source[::-1]] = target[::-1]
    if not np.array_equal(first[source], target):
        return None
    entropy = count_entropy_bits(target)
    table = different * math.log2(int(target.max()) + 1)
    saved = entropy - table
    if saved < SAVED_BITS + math.log2(trials):
        return None
    text = f"{', '.join(names)} -> {name}"
    return Theorem("dependency", name, names, text, rows, rows - different, saved)
