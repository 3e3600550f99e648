"""How far data are from each other: what each takes after the other, as a share of what it takes alone.

d(x, y) = max(C(x|y), C(y|x)) / max(C(x), C(y)): near 0 for data that say the same, near 1 for data that have nothing in
common. C(y|x) is measured by a network that has read x whole; gzip's window forgets what is 32 KiB back.
Source: Li, Chen, Li, Ma, Vitányi, "The similarity metric" (2004), with code lengths for Kolmogorov's complexity.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.archive.limits import fit_threads
from multum.errors import UsageError
from multum.evaluation.contents import Data, name_data, read_data
from multum.similarity.memory import Memory, count_memory
from multum.similarity.recipes import suited_recipe

Progress = Callable[[int, int | None], None]
Floats = NDArray[np.float64]

LEVEL = 5
# Bytes of each that the kind of data is told from.
_SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class DistanceReport:
    """What `distance` found. a, b: names, None for bytes and streams. Bits are of a and b alone and after another."""

    a: str | None
    b: str | None
    distance: float
    a_bits: float
    b_bits: float
    a_bits_after_b: float
    b_bits_after_a: float

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, bits to a hundredth."""
        return {key: round(value, 2) if "bits" in key else value for key, value in vars(self).items()}


def distance(a: Data, b: Data, *, level: int = LEVEL) -> DistanceReport:
    """Return how far `a` and `b` are from each other; it does not depend on their order.

    a, b: bytes, a path, several, or a binary stream, see `code_bits`. level: 1 to 9, of the networks.
    Raises UsageError for an empty one, FormatError, LimitExceeded, OSError.
    """
    raws = [read_data(a), read_data(b)]
    alone, after = measure_all(raws, level)
    return DistanceReport(
        a=name_data(a),
        b=name_data(b),
        distance=float(compare(alone, after)[0, 1]),
        a_bits=float(alone[0]),
        b_bits=float(alone[1]),
        a_bits_after_b=float(after[1, 0]),
        b_bits_after_a=float(after[0, 1]),
    )


def measure_all(
    raws: Sequence[bytes],
    level: int = LEVEL,
    threads: int = 1,
    progress: Progress | None = None,
    memory_limit: int | None = None,
) -> tuple[Floats, Floats]:
    """Return (bits of each alone, float64[n]; bits of column y after row x, float64[n, n], 0 where they are one).

    memory_limit: bytes, which may mean fewer threads; None for three quarters of the machine's. Cost: each is read
    n + 1 times. Raises UsageError for an empty one, LimitExceeded.
    """
    empty = [place + 1 for place, raw in enumerate(raws) if not raw]
    if empty:
        raise UsageError(f"number {empty[0]} of {len(raws)} is empty; nothing is like it or unlike it")
    # one recipe for all: their bits are compared
    sample = b"".join(raw[:_SAMPLE_BYTES] for raw in raws)
    recipe = suited_recipe(sample, level, 2 * max(map(len, raws)))
    threads = fit_threads(threads, count_memory(recipe), memory_limit, "comparing")
    nothing = Memory(recipe)
    alone = np.array([nothing.count_bits(raw) for raw in raws])
    del nothing
    after = np.zeros((len(raws), len(raws)))
    done = 0

    def ask(x: int) -> None:
        nonlocal done
        memory = Memory(recipe, raws[x])
        for y, raw in enumerate(raws):
            if x != y:
                after[x, y] = memory.count_bits(raw)
        done += len(raws[x])  # a torn sum would only be shown, never used
        if progress is not None:
            progress(done, sum(map(len, raws)))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(ask, range(len(raws))))
    return alone, after


def compare(alone: Floats, after: Floats) -> Floats:
    """Return float64[n, n], the distances: symmetric, 0 to 1 and 0 on the diagonal."""
    found: Floats = np.maximum(after, after.T) / np.maximum.outer(alone, alone)
    return np.clip(found, 0, 1)
