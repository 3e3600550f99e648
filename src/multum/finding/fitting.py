"""Programs that `find` trains itself, where there is so much data that their weights could pay.

A program of 300,000 weights, mixed with what learns while it codes, took 0.17 bits per byte less than level 9 on a
fresh megabyte of the text that it was trained on, and half of that on tens of megabytes, where level 9 has learnt more;
its weights take some 190 kB. So it pays from about 20 MB on, and a third of it a little earlier.
"""

import io
import math
import os
from collections.abc import Iterator
from pathlib import Path

from multum.errors import MissingExtra

# (weights, bytes of data from which on they may pay)
SIZES = ((100_000, 12_000_000), (300_000, 24_000_000), (1_000_000, 120_000_000))
# Of the budget, for all fits together; and what a fit needs, by its weights, to be worth trying.
_SHARE = 0.4
_LEAST_S_A_WEIGHT = 1e-3


def choose_sizes(raw_bytes: int, time_s: float | None) -> list[tuple[int, float]]:
    """Return (weights, seconds) of each program to train on `raw_bytes` of data within a budget; none without one."""
    wanted = [weights for weights, least_bytes in SIZES if raw_bytes >= least_bytes]
    shared_s = _SHARE * (time_s or 0.0)
    while wanted and shared_s < _LEAST_S_A_WEIGHT * sum(wanted):
        wanted.pop()
    # what a fit is worth grows with its weights, and so does what it takes
    total = sum(map(math.sqrt, wanted))
    return [(weights, shared_s * math.sqrt(weights) / total) for weights in wanted]


def train_programs(
    data: bytes, sizes: list[tuple[int, float]], folder: "str | os.PathLike[str]", threads: int
) -> Iterator[tuple[str, str]]:
    """Train programs in `folder`; yield (a name to show, where it lies). Without multum[learn] there are none.

    sizes: (weights, seconds) of each.
    """
    for weights, time_s in sizes:
        target = Path(folder) / f"{weights}"
        try:
            from multum.training.fitting import fit

            fit(io.BytesIO(data), target, parameters=weights, time_s=time_s, threads=threads)
        except MissingExtra:
            return
        yield f"trained, {weights:,} weights", str(target)
