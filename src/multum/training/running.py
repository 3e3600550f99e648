"""One run of a program over bytes: the data divided, the program trained, scored and written."""

import math
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from multum.data.streams import ByteStream, DataSource, open_stream
from multum.errors import UsageError
from multum.neural.architectures import derive_shape
from multum.neural.trainable import Trainable, make_trainable, open_trainable
from multum.training.bytes import ByteTask, measure_rate
from multum.training.options import FitOptions
from multum.training.precision import autocast
from multum.training.processes import count_processes, is_first_process, limited_cores
from multum.training.recipes import DECAY, MICRO_BYTES, WINDOW, derive_recipe
from multum.training.reports import FitReport
from multum.training.settings import Settings
from multum.training.targets import check_target, made_folder, write_program
from multum.training.trainer import Progress, RunReport, train

# Held out by default: a twentieth of the data, and no more than tells a rate to the third digit.
_HELD_OUT_SHARE, _MOST_HELD_OUT_BYTES = 20, 1 << 22
# Below this a program learns nothing that its own size would not outweigh.
LEAST_BYTES = 4096


def run_fit(
    sources: DataSource | Sequence[DataSource],
    out: Path,
    options: FitOptions,
    resume: bool,
    force: bool,
    progress: Progress | None,
) -> FitReport:
    """Return the report of one fit; see `fit`."""
    check_target(out, resume, force)
    if count_processes() > 1 and not isinstance(sources, str | os.PathLike | Sequence):
        raise UsageError("a stream goes to one process, and there are several; write it to a file first")
    training, held_out = divide(open_stream(sources), options.held_out, options.window or WINDOW)
    task, settings = prepare(training, held_out, options)
    with limited_cores(options.threads), made_folder(out):
        module, run = train(task, out, settings, progress, resume)
        rate = _rate(module, task, run)
    report = FitReport(
        target=str(out),
        architecture=task.program.config.model_type,
        parameters=task.program.parameters,
        window=task.window,
        batch=task.rows * task.accumulation * run.processes,
        training_bytes=len(training),
        held_out_bytes=len(held_out),
        rate_bpb=rate,
        program_bytes=4 * task.program.parameters,
        run=run,
    )
    if is_first_process():
        write_program(out, lambda folder: task.save(module, folder), describe(report, task, options))
    return report


def divide(data: ByteStream, held_out: str | Path | None, window: int) -> tuple[ByteStream, ByteStream]:
    """Return (bytes to train on, bytes to be scored on): the last part of `data`, or all of a file of their own.

    Raises UsageError for less data than a fit needs.
    """
    least = max(LEAST_BYTES, 2 * window + 2)
    if len(data) < least:
        raise UsageError(
            f"there are {len(data):,} bytes to learn from; a fit needs {least:,} at least."
            " Give more data, or use `multum pack`, which needs no training"
        )
    if held_out is None:
        size = max(least // 16, min(len(data) // _HELD_OUT_SHARE, _MOST_HELD_OUT_BYTES))
        return data.view(0, len(data) - size), data.view(len(data) - size, len(data))
    scored = open_stream(held_out)
    if len(scored) < 2:
        raise UsageError(f"the held-out data '{held_out}' has {len(scored)} bytes; give 2 or more")
    return data, scored


def prepare(training: ByteStream, held_out: ByteStream, options: FitOptions) -> tuple[ByteTask, Settings]:
    """Return the task and how to train it. Raises UsageError, FormatError for a bad `init`."""
    program = _make_program(options)
    recipe = derive_recipe(program.parameters, len(training))
    window = options.window or recipe.window
    processes = count_processes()
    # Dropout draws from one generator, and processes speak to each other in one order.
    alone = processes == 1 and not options.dropout
    workers = (options.threads or torch.get_num_threads()) if alone else 1
    rows, accumulation = _share_batch(options.batch or recipe.batch, window, processes, workers)
    task = ByteTask(
        training,
        held_out,
        program,
        window=window,
        rows=rows,
        accumulation=accumulation,
        workers=workers,
        seed=options.seed,
    )
    decay = recipe.weight_decay if options.weight_decay is None else options.weight_decay
    settings = Settings(
        options.make_budget(),
        learning_rate=options.learning_rate or recipe.adamw_rate,
        muon_rate=recipe.muon_rate * (options.learning_rate or recipe.adamw_rate) / recipe.adamw_rate,
        weight_decay=decay,
        decay=DECAY,
        accumulation=accumulation,
        workers=min(workers, accumulation),
        evaluations=options.evaluations,
        patience=options.patience,
        checkpoint_s=options.checkpoint_s,
        seed=options.seed,
        device=options.device,
        precision=options.precision,
        sharded=options.sharded,
    )
    return task, settings


def _make_program(options: FitOptions) -> Trainable:
    if options.init is not None:
        return open_trainable(options.init, options.dropout)
    shape = derive_shape(options.parameters, options.architecture)
    return make_trainable(shape, options.window or WINDOW, options.dropout, options.seed)


def _share_batch(batch: int, window: int, processes: int, workers: int) -> tuple[int, int]:
    """Return (rows of a micro batch, micro batches a step and process) that make up about `batch` bytes a step.

    A worker gets a micro batch of its own where there are rows enough, and none is larger than MICRO_BYTES.
    """
    rows = max(1, round(batch / window / processes))
    micros = min(rows, max(workers, math.ceil(rows * window / MICRO_BYTES)))
    return max(1, round(rows / micros)), micros


def _rate(module: nn.Module, task: ByteTask, run: RunReport) -> float:
    """Return the bits a byte of all held-out data, half of each window being context."""
    device = torch.device(run.device)
    with autocast(device, run.precision):
        rate = measure_rate(module.to(device).eval(), task.held_out, task.window, task.window // 2, task.workers)
    module.cpu()
    return rate


def describe(report: FitReport, task: ByteTask, options: FitOptions) -> dict[str, Any]:
    """Return what multum.json says: from what data, how, and how well."""
    return {
        "task": "bytes",
        "unit": "byte",
        "data": {"training": task.data.describe(), "held_out": task.held_out.describe()},
        "law": report.law,
        "ledger": report.ledger.as_dict(),
        "options": {name: _plain(value) for name, value in asdict(options).items() if value is not None},
        "report": report.as_dict(),
        "versions": {name: version(name) for name in ("multum", "torch", "transformers")},
        "command": shlex.join(sys.argv),
    }


def _plain(value: Any) -> Any:
    """Return an option as JSON has it."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value
