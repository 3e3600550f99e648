"""Memory of a shrink: what it needs, and what it took."""

import resource
import sys

from multum.archive.limits import fit_threads

# Bytes a weight: the network in float32, its integers, what errors of each matrix cost, and one batch forth and back.
_BYTES_A_WEIGHT = 22
_LEAST_BYTES = 1 << 28
# What learning needs beside it: the teacher twice, the student three times, its gradient, and what Adam remembers.
_BYTES_A_LEARNED_WEIGHT = 32


def check_memory(weights: int, memory_limit: int | None, *, learns: bool = False) -> None:
    """Raise LimitExceeded, before it is taken, when shrinking so many weights needs more memory than is allowed.

    learns: whether a pass trains them.
    """
    a_weight = _BYTES_A_WEIGHT + learns * _BYTES_A_LEARNED_WEIGHT
    fit_threads(1, _LEAST_BYTES + a_weight * weights, memory_limit, "shrinking")


def measure_peak_bytes() -> int:
    """Return the most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
