"""One distilling: the student made, taught, scored beside its teacher, and written as a run folder."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from multum.data.streams import DataSource
from multum.neural.sources import find_source
from multum.training.distilling.options import DistilOptions
from multum.training.distilling.planning import Plan, make_plan
from multum.training.distilling.reports import DistilReport, Side
from multum.training.processes import is_first_process, limited_cores
from multum.training.recipes import derive_recipe
from multum.training.retraining.running import choose_settings, make_task
from multum.training.settings import Settings
from multum.training.targets import check_target, made_folder, write_program
from multum.training.trainer import Progress, train


def run_distil(
    teacher: str,
    data: DataSource | Sequence[DataSource],
    out: Path,
    asked: DistilOptions,
    resume: bool,
    force: bool,
    progress: Progress | None,
) -> DistilReport:
    """Return the report of one distilling; see `distil`."""
    if is_first_process():
        check_target(out, resume, force)
    source = find_source(teacher)
    with limited_cores(asked.threads):
        plan = make_plan(source, data, asked)
        task = make_task(plan.student.module, plan.teacher, plan.lessons, asked.retraining)
        task.score, task.facts = plan.sample, _tell_options(asked)
        settings = _choose_settings(plan, asked)
        with made_folder(out):
            trained, run = train(task, out, settings, progress, resume)
        student: Any = trained.student
        scores = plan.score(student.eval()), plan.score(plan.teacher.cpu().eval())
    report = DistilReport(
        target=str(out),
        source=teacher,
        unit=plan.unit,
        training=plan.training,
        held_out=plan.held_out,
        seen=round(run.units * plan.units),
        began=plan.student.began,
        teacher=_describe_side(plan.teacher, scores[1]),
        student=_describe_side(student, scores[0]),
        run=run,
    )
    if is_first_process():
        write_program(out, lambda folder: plan.save(student, folder), _describe(report, plan, asked))
    return report


def _choose_settings(plan: Plan, asked: DistilOptions) -> Settings:
    """Return how to train: a new program as `fit` does, others as they learn again; the best weights are kept."""
    usual = choose_settings(asked.retraining, plan.lessons, asked.device)
    if asked.parameters is not None:
        recipe = derive_recipe(asked.parameters, plan.training)
        rate = asked.learning_rate or recipe.adamw_rate
        muon = recipe.muon_rate * rate / recipe.adamw_rate
        usual = replace(usual, learning_rate=rate, muon_rate=muon, weight_decay=recipe.weight_decay, warmup=0.02)
    return replace(
        usual,
        budget=asked.make_budget(plan.lessons.an_epoch * plan.lessons.units),
        evaluations=asked.evaluations,
        patience=asked.patience,
        precision=asked.precision,
    )


def _describe_side(module: nn.Module, scores: dict[str, float]) -> Side:
    """Return what a report says of a teacher or a student: its weights are written in float32."""
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Side(parameters, 4 * parameters, scores)


def _tell_options(asked: DistilOptions) -> dict[str, Any]:
    """Return the options that were given, as JSON has them."""
    given = {name: value for name, value in asdict(asked).items() if value not in (None, ())}
    given |= {"held_out": os.fspath(value)} if isinstance(value := given.get("held_out"), Path) else {}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


def _describe(report: DistilReport, plan: Plan, asked: DistilOptions) -> dict[str, Any]:
    """Return what multum.json says: from which teacher and data, how, and how well."""
    return plan.facts | {
        "distilled": {"teacher": report.source, "began": report.began},
        "law": report.law,
        "ledger": report.ledger.as_dict(),
        "options": _tell_options(asked),
        "report": report.as_dict(),
        "versions": {name: version(name) for name in ("multum", "torch", "transformers")},
        "command": shlex.join(sys.argv),
    }
