"""`adapt`: a model made to fit somebody's own data and a size. torch and Optuna load when it is called."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.archive.targets import check_free
from multum.choosing.options import AutoOptions
from multum.choosing.reports import AutoReport
from multum.errors import UsageError
from multum.neural.loading import import_learn
from multum.shrinking.shrinker import SUFFIX, Progress

if TYPE_CHECKING:
    from multum.evaluation.classification import Scores

LABELS = "labels"


@dataclass(frozen=True)
class AdaptReport:
    """What `adapt` made. source: as it was named. fitted: the folder of the classifier that was shrunken.

    scores: of that classifier on the held-out examples, None where the model knew the classes of the data already and
    was taken as it is. search: what was tried, and the file that was chosen.
    """

    source: str
    fitted: str
    scores: "Scores | None"
    search: AutoReport

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values; those of the search at the top, so that reports show them."""
        scores = None if self.scores is None else self.scores.as_dict()
        return self.search.as_dict() | {"source": self.source, "fitted": self.fitted, "scores": scores}

    def __str__(self) -> str:
        """Return the table of all that was tried: first the classifier, then its files."""
        return str(self.search)


def adapt(
    model: "str | os.PathLike[str]",
    data: str | Path,
    target: str | Path,
    *,
    task: str = LABELS,
    force: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> AdaptReport:
    """Return the report of `model` adapted to labelled `data` and made small, written to `target`, an archive.

    model: an encoder, on which a head is trained, or a classifier; a directory, hub name or archive. data: see
    `fit_labels`. First, unless the model knows these classes, it is trained on the data for half of the budget; then
    recipes are tried, in which what passes take away is learned again from the data, each measured on examples that
    nothing learned from, until the budget is spent; see `auto_shrink`, whose options these are but data: target_bytes,
    target_loss, target_accuracy, target_latency, evaluation, budget_s, trials, folder (by default beside `target` with
    .adapt behind its name), calibration, seed, threads, memory_limit. The same call goes on from there.
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError; Interrupted once a signal has come while the
    model was trained, and all is saved.
    """
    path = os.fspath(target)
    asked = AutoOptions(**{"data": data, "folder": f"{path}.adapt"} | options)
    if task != LABELS:
        raise UsageError(
            f"models are adapted to labels, not to '{task}'; shrink others with --auto, where distil, gradual and qat"
            " learn from the data"
        )
    if not path.endswith(SUFFIX):
        raise UsageError(f"target '{path}' does not end in {SUFFIX}; a small model is an archive")
    check_free(path, force)
    import_learn()
    from multum.choosing.adapting import run_adapt

    return run_adapt(os.fspath(model), data, path, asked, force, progress)
