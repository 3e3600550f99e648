"""Threads and memory of a shrink: what it needs, what it took, and sums that do not depend on the machine's cores."""

import contextlib
import resource
import sys
from collections.abc import Iterator

import torch

from multum.archive.limits import fit_threads

# Bytes a weight: the network in float32, a matrix's integers, and what measuring holds beside.
_BYTES_A_WEIGHT = 10
_LEAST_BYTES = 1 << 28


def check_memory(weights: int, memory_limit: int | None) -> None:
    """Raise LimitExceeded, before it is taken, when shrinking so many weights needs more memory than is allowed."""
    fit_threads(1, _LEAST_BYTES + _BYTES_A_WEIGHT * weights, memory_limit, "shrinking")


def measure_peak_bytes() -> int:
    """Return the most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work in one thread: its sums depend on how many there are, and the file must not."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
