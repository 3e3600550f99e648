"""`fit_labels`: train a classifier, keep its best weights, and know its rate. torch loads when it is called."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.neural.loading import import_learn
from multum.training.labels.options import LabelOptions
from multum.training.labels.reports import FoldsReport, LabelsReport

if TYPE_CHECKING:
    from multum.training.trainer import Progress

# The scores that folds are compared by.
COMPARED = ("bits_per_label", "accuracy", "macro_f1")

# Called before each fold with (its number from 1, how many there are).
Announce = Callable[[int, int], None]


def fit_labels(
    data: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    force: bool = False,
    progress: "Progress | None" = None,
    **options: Any,
) -> LabelsReport:
    """Return the report of a classifier trained on `data` and written to the folder `out`.

    data: see `read_labelled`. options: those of LabelOptions. resume: go on from the checkpoint in `out`. force:
    replace what an earlier run left in `out`. progress: called with a Moment after each step.
    `out` becomes a directory that `transformers` loads, with multum.json beside.
    Raises UsageError, FormatError, MissingExtra, OSError; Interrupted once a signal has come and all is saved.
    """
    asked = LabelOptions(**options)
    import_learn()
    from multum.training.labels.preparing import hold_out, read_examples
    from multum.training.labels.running import run_fit

    examples = read_examples(data, asked)
    return run_fit(*hold_out(examples, asked), Path(out), asked, resume, force, progress)


def cross_validate_labels(
    data: str | Path,
    out: str | Path,
    folds: int,
    *,
    resume: bool = False,
    force: bool = False,
    progress: "Progress | None" = None,
    announce: Announce | None = None,
    **options: Any,
) -> FoldsReport:
    """Return the reports of `folds` classifiers, each trained without one part of `data` and scored on it.

    They are written to OUT/fold-1, OUT/fold-2 and so on; options as in `fit_labels`, where held_out has no meaning.
    """
    asked, target = LabelOptions(**options), Path(out)
    import_learn()
    import numpy as np

    from multum.data.splits import fold
    from multum.training.checkpoints import CHECKPOINT
    from multum.training.labels.preparing import read_examples
    from multum.training.labels.running import find_finished, run_fit

    examples = read_examples(data, asked)
    places = fold(examples, folds, asked.seed)
    reports = []
    for number in range(folds):
        if announce is not None:
            announce(number + 1, folds)
        parts = examples.take(np.flatnonzero(places != number)), examples.take(np.flatnonzero(places == number))
        here = target / f"fold-{number + 1}"
        goes_on = resume and (here / CHECKPOINT).is_file()
        finished = find_finished(here, parts[0]) if resume else None
        reports.append(finished or run_fit(*parts, here, asked, goes_on, force, progress))
    found = {name: [getattr(report.scores, name) for report in reports] for name in COMPARED}
    return FoldsReport(
        str(out),
        tuple(reports),
        {name: float(np.mean(values)) for name, values in found.items()},
        {name: float(np.std(values, ddof=1)) for name, values in found.items()},
    )
