"""One adaptation: a classifier of the data's classes, trained if need be, and the search for its smallest good form.

Invariant: the examples that choose among files are those that training held out: both divide the data the same way.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.archive.models import model_folder
from multum.choosing.adapt import AdaptReport
from multum.choosing.options import AutoOptions
from multum.choosing.running import run_auto
from multum.neural.networks import LABELS as CLASSIFIER
from multum.neural.networks import find_kind, read_config
from multum.neural.sources import DESCRIPTION, find_source
from multum.shrinking.shrinker import Progress
from multum.training.checkpoints import CHECKPOINT
from multum.training.labels.fitting import fit_labels
from multum.training.labels.options import LabelOptions
from multum.training.labels.preparing import hold_out, read_examples
from multum.training.labels.running import find_finished

if TYPE_CHECKING:
    from multum.evaluation.classification import Scores
    from multum.training.trainer import Moment

_FITTED, _SEARCH = "fitted", "search"
# Of the budget, for training before anything is taken away.
_FIT_SHARE = 0.5


def run_adapt(
    model: str, data: str | Path, target: str, asked: AutoOptions, force: bool, progress: Progress | None
) -> AdaptReport:
    """Return the report of `model` adapted to `data`; see `adapt`."""
    started_s = time.monotonic()
    assert asked.folder is not None, "there is one by default"
    folder = Path(asked.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with model_folder(model, asked.threads, asked.memory_limit) as source:
        fitted, scores = model, None
        if not _knows(source, data):
            fitted, scores = str(folder / _FITTED), _fit(source, data, folder / _FITTED, asked, progress)
    left_s = max(asked.budget_s - (time.monotonic() - started_s), 1.0)
    search = replace(asked, folder=folder / _SEARCH, budget_s=left_s)
    return AdaptReport(model, fitted, scores, run_auto(fitted, target, search, force, progress))


def _knows(source: str, data: str | Path) -> bool:
    """Return whether the model in `source` is a classifier of the classes of `data`."""
    config = read_config(find_source(source))
    examples = read_examples(data, LabelOptions())
    return find_kind(config) == CLASSIFIER and set(config.id2label.values()) == set(examples.classes)


def _fit(source: str, data: str | Path, out: Path, asked: AutoOptions, progress: Progress | None) -> "Scores":
    """Return the scores of a classifier trained from `source` on `data`, in `out`; one that was finished stays."""
    options: dict[str, Any] = {"seed": asked.seed, "threads": asked.threads or 0, "init": source}
    if asked.evaluation is not None:
        options["held_out"] = asked.evaluation
    training, _ = hold_out(read_examples(data, LabelOptions()), LabelOptions(**options))
    finished = find_finished(out, training)
    if finished is not None:
        return finished.scores

    def show(moment: "Moment") -> None:
        if progress is not None:
            progress("training", moment.fraction)

    resume = (out / CHECKPOINT).is_file()
    report = fit_labels(
        data,
        out,
        resume=resume,
        force=not resume and (out / DESCRIPTION).is_file(),
        progress=show,
        time_s=_FIT_SHARE * asked.budget_s,
        **options,
    )
    return report.scores
