"""One run of a classifier: trained, scored, written."""

import json
from pathlib import Path
from typing import Any

from multum.data.labelled import Labelled
from multum.neural.sources import DESCRIPTION
from multum.training.checkpoints import CHECKPOINT
from multum.training.labels.options import LabelOptions
from multum.training.labels.preparing import prepare
from multum.training.labels.reports import LabelsReport
from multum.training.labels.task import LabelsTask
from multum.training.processes import is_first_process, limited_cores
from multum.training.targets import check_target, made_folder, write_program
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
    if is_first_process():
        check_target(out, resume, force)
    with limited_cores(options.threads):
        task, settings = prepare(training, held_out, options)
        with made_folder(out):
            module, run = train(task, out, settings, progress, resume)
        scores = task.score(module.eval())
    parameters = sum(parameter.numel() for parameter in module.parameters())
    report = LabelsReport(str(out), training.columns, len(training), parameters, scores, run)
    if is_first_process():
        write_program(out, lambda folder: task.save(module, folder), _describe(task, report, options))
    return report


def _describe(task: LabelsTask, report: LabelsReport, options: LabelOptions) -> dict[str, Any]:
    """Return what multum.json says."""
    return task.describe() | {
        "asked_columns": {"text": list(options.text_columns), "label": options.label_column},
        "law": {
            "parameters": report.parameters,
            "units": report.run.units,
            "flops": report.run.flops,
            "bits_per_label": report.scores.bits_per_label,
        },
        "report": report.as_dict(),
    }


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
