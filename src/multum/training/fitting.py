"""`fit`: train a program over bytes, keep its best weights, and know its rate. torch loads when it is called."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.data.streams import DataSource
from multum.neural.loading import import_learn
from multum.training.options import FitOptions
from multum.training.reports import FitReport

if TYPE_CHECKING:
    from multum.training.trainer import Progress


def fit(
    data: DataSource | Sequence[DataSource],
    out: str | Path,
    *,
    resume: bool = False,
    force: bool = False,
    progress: "Progress | None" = None,
    **options: Any,
) -> FitReport:
    """Return the report of a program that was trained on `data` and written to the folder `out`.

    data: files, folders, patterns, archives or binary streams, read one after another and never held whole.
    options: those of FitOptions. resume: go on from the checkpoint in `out`, with the same data and options.
    force: replace what an earlier run left in `out`. progress: called with a Moment after each step.
    `out` becomes a directory that `transformers` loads, with multum.json beside.
    Raises UsageError, FormatError, MissingExtra, OSError; Interrupted once a signal has come and all is saved.
    """
    asked = FitOptions(**options)
    import_learn()
    from multum.training.running import run_fit

    return run_fit(data, Path(out), asked, resume, force, progress)
