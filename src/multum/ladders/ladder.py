"""`ladder`: a grid of small runs, and the law that they follow. torch loads when it is called."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from multum.data.streams import DataSource
from multum.ladders.options import AUTO, BITS, LadderOptions
from multum.ladders.reports import Announce, LadderReport, Progress
from multum.neural.loading import import_learn


def ladder(
    data: DataSource | Sequence[DataSource],
    out: str | os.PathLike[str],
    *,
    time_s: float | None = None,
    flops: float | None = None,
    grid: "str | os.PathLike[str] | Mapping[str, Any]" = AUTO,
    bits: Iterable[float] = BITS,
    architecture: str = "llama",
    held_out: "str | os.PathLike[str] | None" = None,
    workers: int = 0,
    cluster: str | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    force: bool = False,
    announce: Announce | None = None,
    progress: Progress | None = None,
) -> LadderReport:
    """Return what a ladder of programs over `data` came to, and the law of its points; both lie in the folder `out`.

    data: as for `fit`. time_s, flops: the budget that a grid is chosen for: seconds from now, or training FLOPs of all
    runs. grid: auto, a table with a row a run, or its columns by name; see `read_grid`. bits: a weight, to which every
    program is rounded as well. held_out: a file that all runs are scored on, by default the end of the data. workers:
    processes of one thread, 0 for one a core. cluster: the address of a Ray cluster instead. device, precision: as for
    `fit`; a precision that is measured may come out otherwise next time, so give one where a seed shall give the same.
    force: begin anew; else the same call goes on where the last one was stopped. announce: called with the cost before
    the first run starts. progress: called with a Moment as runs go on.
    Raises UsageError, FormatError, MissingExtra, OSError; Interrupted once a signal has come and all is saved.
    """
    asked = LadderOptions(
        time_s, flops, grid, tuple(map(float, bits)), architecture, held_out, workers, cluster, seed, device, precision
    )
    import_learn()
    from multum.ladders.running import run_ladder

    return run_ladder(data, Path(out), asked, force, announce, progress)
