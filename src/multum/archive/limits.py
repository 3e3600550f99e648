"""Threads and memory: what the machine has, what the caller allows, what fits.

Neither ever changes the bytes that are written.
"""

import os
from pathlib import Path

from multum.errors import LimitExceeded, UsageError

MIB = 1 << 20


def count_threads(threads: int | None) -> int:
    """Return the threads to use; None and 0 mean all cores this process may run on."""
    if threads is not None and threads < 0:
        raise UsageError(f"threads is {threads}; give 1 or more, or 0 for all cores")
    if threads:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_memory_bytes() -> int:
    """Return three quarters of the memory of this machine or container, in bytes."""
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    container = Path("/sys/fs/cgroup/memory.max")
    if container.is_file():
        text = container.read_text().strip()
        have = min(have, int(text)) if text.isdigit() else have
    return have * 3 // 4


def fit_threads(threads: int, need_bytes: int, limit_bytes: int | None, verb: str) -> int:
    """Return how many of `threads` fit in memory when each takes `need_bytes`.

    limit_bytes: the caller's limit, or None for what the machine has.
    verb: for the message, "packing" or "unpacking".
    Raises LimitExceeded naming the flag that would work, before memory is taken.
    """
    limit = default_memory_bytes() if limit_bytes is None else limit_bytes
    if need_bytes > limit:
        need_mib = -(-need_bytes // MIB)
        raise LimitExceeded(
            f"{verb} needs {need_mib} MiB of memory, the limit is {limit // MIB} MiB;"
            f" allow it with --memory-limit {need_mib}M (memory_limit={need_mib * MIB})"
        )
    return max(1, min(threads, limit // max(need_bytes, 1)))
