"""One run of a classifier: trained, scored, written."""

import json
import os
from pathlib import Path

from torch import nn

from multum.archive.targets import whole_folder
from multum.data.labelled import Labelled
from multum.errors import UsageError
from multum.neural.sources import DESCRIPTION
from multum.training.checkpoints import CHECKPOINT
from multum.training.labels.options import LabelOptions
from multum.training.labels.preparing import prepare
from multum.training.labels.reports import LabelsReport
from multum.training.labels.task import LabelsTask
from multum.training.trainer import Progress, train


def run_fit(
    training: Labelled,
    held_out: Labelled,
    out: Path,
    options: LabelOptions,
    resume: bool,
    force: bool,
    progress: Progress | None,
) -> LabelsReport:
    """Return the report of one classifier, trained on some examples, scored on others, written to `out`."""
    is_first = os.environ.get("RANK", "0") == "0"  # of several processes one writes
    if is_first:
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
    if is_first:
        _write(out, task, module, report, options)
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


def _write(out: Path, task: LabelsTask, module: nn.Module, report: LabelsReport, options: LabelOptions) -> None:
    """Put the program's files into `out`, all complete before the first of them gets its name."""
    description = task.describe() | {
        "asked_columns": {"text": list(options.text_columns), "label": options.label_column},
        "law": {
            "parameters": report.parameters,
            "units": report.run.units,
            "flops": report.run.flops,
            "bits_per_label": report.scores.bits_per_label,
        },
        "report": report.as_dict(),
    }
    with whole_folder(str(out), force=True, traits=None) as folder:
        task.save(module, Path(folder))
        text = json.dumps(description, ensure_ascii=False, indent=2)
        (Path(folder) / DESCRIPTION).write_text(text + "\n", "utf-8")
    (out / CHECKPOINT).unlink(missing_ok=True)


def find_finished(out: Path, training: Labelled) -> LabelsReport | None:
    """Return the report of a fit that was finished in `out` on the same examples, else None."""
    path = out / DESCRIPTION
    if not path.is_file() or (out / CHECKPOINT).is_file():
        return None
    try:
        facts = json.loads(path.read_text("utf-8"))
        same = facts["data"]["training"] == training.digest
        return LabelsReport.from_dict(facts["report"]) if same else None
    except (ValueError, KeyError, TypeError):
        return None
