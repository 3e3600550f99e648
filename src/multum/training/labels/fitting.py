"""`fit_labels`: train a classifier, keep its best weights, and know its rate."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from multum.archive.targets import whole_folder
from multum.data.labelled import Labelled
from multum.data.splits import fold
from multum.errors import UsageError
from multum.evaluation.classification import Scores
from multum.neural.sources import DESCRIPTION
from multum.training.checkpoints import CHECKPOINT
from multum.training.labels.options import LabelOptions
from multum.training.labels.preparing import hold_out, prepare, read_examples
from multum.training.labels.task import LabelsTask
from multum.training.trainer import Progress, RunReport, train

# The scores that folds are compared by.
COMPARED = ("bits_per_label", "accuracy", "macro_f1")


@dataclass(frozen=True)
class LabelsReport:
    """What one fit made. scores: of the kept weights on the held-out examples. columns: where text and label were."""

    target: str
    columns: str
    training_examples: int
    parameters: int
    scores: Scores
    run: RunReport

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        facts = {name: value for name, value in vars(self).items() if name not in ("scores", "run")}
        return facts | {"scores": self.scores.as_dict(), "run": asdict(self.run)}


@dataclass(frozen=True)
class FoldsReport:
    """What cross-validation found. mean, spread: over the folds, by name; spread is the sample standard deviation."""

    target: str
    folds: tuple[LabelsReport, ...]
    mean: dict[str, float]
    spread: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return vars(self) | {"folds": [one.as_dict() for one in self.folds]}


# Called before each fold with (its number from 1, how many there are).
Announce = Callable[[int, int], None]


def fit_labels(
    data: str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> LabelsReport:
    """Return the report of a classifier trained on `data` and written to the folder `out`.

    data: see `read_labelled`. options: those of LabelOptions. resume: go on from the checkpoint in `out`. force:
    replace what an earlier run left in `out`. progress: called with a Moment after each step.
    `out` becomes a directory that `transformers` loads, with multum.json beside.
    Raises UsageError, FormatError, MissingExtra, OSError; Interrupted once a signal has come and all is saved.
    """
    asked = LabelOptions(**options)
    examples = read_examples(data, asked)
    return _fit(*hold_out(examples, asked), Path(out), asked, resume, force, progress)


def cross_validate_labels(
    data: str | Path,
    out: str | Path,
    folds: int,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    announce: Announce | None = None,
    **options: Any,
) -> FoldsReport:
    """Return the reports of `folds` classifiers, each trained without one part of `data` and scored on it.

    They are written to OUT/fold-1, OUT/fold-2 and so on; options as in `fit_labels`, where held_out has no meaning.
    """
    asked, target = LabelOptions(**options), Path(out)
    examples = read_examples(data, asked)
    places = fold(examples, folds, asked.seed)
    reports = []
    for number in range(folds):
        if announce is not None:
            announce(number + 1, folds)
        parts = examples.take(np.flatnonzero(places != number)), examples.take(np.flatnonzero(places == number))
        here = target / f"fold-{number + 1}"
        goes_on = resume and (here / CHECKPOINT).is_file()
        reports.append(_fit(*parts, here, asked, goes_on, force, progress))
    found = {name: [getattr(report.scores, name) for report in reports] for name in COMPARED}
    return FoldsReport(
        str(out),
        tuple(reports),
        {name: float(np.mean(values)) for name, values in found.items()},
        {name: float(np.std(values, ddof=1)) for name, values in found.items()},
    )


def _fit(
    training: Labelled,
    held_out: Labelled,
    out: Path,
    options: LabelOptions,
    resume: bool,
    force: bool,
    progress: Progress | None,
) -> LabelsReport:
    """Train and write one classifier."""
    _check_target(out, resume, force)
    task, settings = prepare(training, held_out, options)
    out.mkdir(parents=True, exist_ok=True)
    module, run = train(task, out, settings, progress, resume)
    report = LabelsReport(
        target=str(out),
        columns=training.columns,
        training_examples=len(training),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        scores=task.score(module.eval()),
        run=run,
    )
    if os.environ.get("RANK", "0") == "0":  # of several processes one writes
        _write(out, task, module, report)
    return report


def _check_target(out: Path, resume: bool, force: bool) -> None:
    """Raise UsageError when `out` may not be written to, or has nothing to resume."""
    if resume and not (out / CHECKPOINT).is_file():
        raise UsageError(f"'{out}' has no checkpoint to resume; start again without --resume")
    if out.exists() and not out.is_dir():
        raise UsageError(f"target '{out}' is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not (resume or force):
        raise UsageError(
            f"target '{out}' exists and is not empty; go on with --resume, overwrite it with -f (force=True), or choose"
            " another name with -o"
        )


def _write(out: Path, task: LabelsTask, module: nn.Module, report: LabelsReport) -> None:
    """Put the program's files into `out`, all complete before the first of them gets its name."""
    description = task.describe() | {
        "columns": report.columns,
        "parameters": report.parameters,
        "scores": report.scores.as_dict(),
        "law": {
            "parameters": report.parameters,
            "units": report.run.units,
            "flops": report.run.flops,
            "bits_per_label": report.scores.bits_per_label,
        },
        "run": asdict(report.run),
    }
    with whole_folder(str(out), force=True, traits=None) as folder:
        task.save(module, Path(folder))
        text = json.dumps(description, ensure_ascii=False, indent=2)
        (Path(folder) / DESCRIPTION).write_text(text + "\n", "utf-8")
    (out / CHECKPOINT).unlink(missing_ok=True)
