"""`distil`: a smaller program learns from a larger one. torch loads when it is called."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.data.streams import DataSource
from multum.neural.loading import import_learn
from multum.training.distilling.options import DistilOptions
from multum.training.distilling.reports import DistilReport

if TYPE_CHECKING:
    from multum.training.trainer import Progress


def distil(
    teacher: str | Path,
    data: DataSource | Sequence[DataSource],
    out: str | Path,
    *,
    resume: bool = False,
    force: bool = False,
    progress: "Progress | None" = None,
    **options: Any,
) -> DistilReport:
    """Return the report of a student of `teacher` that learned on `data` and was written to the folder `out`.

    teacher: a language model or a classifier: a directory or a hub name. data: as for `fit`, or `fit_labels`. options:
    those of DistilOptions. resume: go on from the checkpoint in `out`, with the same teacher, data and options. force:
    replace what an earlier run left in `out`. progress: called with a Moment after each step.
    `out` becomes a directory that `transformers` loads, with multum.json beside, as `fit` makes it.
    Raises UsageError, FormatError, MissingExtra, OSError; Interrupted once a signal has come and all is saved.
    """
    asked = DistilOptions(**options)
    import_learn()
    from multum.training.distilling.running import run_distil

    return run_distil(str(teacher), data, Path(out), asked, resume, force, progress)
