"""`evaluate`: what a program is worth on data, and how sure that is."""

import os
import time
from collections.abc import Callable, Sequence

from multum.errors import UsageError
from multum.evaluation.rates import find_task
from multum.judging.classifiers import judge_classifier
from multum.judging.memorising import Memorised, measure_memory
from multum.judging.options import Options, Progress
from multum.judging.rates import judge_rates
from multum.judging.reports import EvaluateReport, Judged
from multum.judging.tellers import names_lengths
from multum.reporting.reporter import draw_results

PathLike = str | os.PathLike[str]


def evaluate(
    program: PathLike,
    data: PathLike | Sequence[PathLike],
    *,
    against: PathLike | None = None,
    folds: int | None = None,
    robust: bool = False,
    memorised: PathLike | None = None,
    train: PathLike | None = None,
    text_columns: Sequence[str] = (),
    label_column: str | None = None,
    figures: PathLike | None = None,
    force: bool = False,
    seed: int = 0,
    device: str = "auto",
    batch: int | None = None,
    threads: int = 0,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> EvaluateReport:
    """Return what `program` is worth on `data`, with intervals that hold the truth 95 times in 100.

    program: a classifier that `fit` made or any of Hugging Face's (a directory, or an archive of one); "classify", or
    "classify:1" to 9, for a program a class that reads `train` (see `multum.classify`); or a program of data, see
    `open_program`. data: labelled files for a classifier, else any files or folders; several are told apart.
    against: a second program on the same data. folds: fit "classify" so many times, each without the part that it is
    judged on. robust: also judge it on damaged data. memorised: items that a generator made; they are compared with
    those at `train`, and those in `data` are the fresh ones. text_columns, label_column: of tables. figures: a folder
    for every figure as SVG and PNG. force: replace them. seed: of draws, damage and folds. threads, memory_limit: of
    "classify", see there. progress: called with (what, share of it that is done).
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    name = os.fspath(program)
    paths = [os.fspath(one) for one in ([data] if isinstance(data, str | os.PathLike) else data)]
    if not paths:
        raise UsageError("there is nothing to judge on; give a file or several")
    options = Options(
        against=_name(against),
        folds=folds,
        robust=robust,
        memorised=_name(memorised),
        train=_name(train),
        text_columns=tuple(text_columns),
        label_column=label_column,
        seed=seed,
        device=device,
        batch=batch,
        threads=threads,
        memory_limit=memory_limit,
        progress=progress,
    )
    report = _judge(name, paths, options)
    if figures is not None:
        draw_results(report.as_dict(), figures, force, progress)
    return report


def _name(path: PathLike | None) -> str | None:
    return None if path is None else os.fspath(path)


def _judge(program: str, data: Sequence[str], options: Options) -> EvaluateReport:
    """Return what was found of a program of any task. Raises UsageError for tasks that nobody judges yet."""
    started_s = time.perf_counter()
    task = "labels" if names_lengths(program) else find_task(program)
    judged = _find_judge(program, task, options)(program, data, options)
    return EvaluateReport(
        program=program,
        task=task,
        program_bits=judged.size_bits,
        verdicts=judged.verdicts,
        pooled=judged.pooled,
        against=judged.against,
        robust=judged.robust,
        memorised=_find_copies(data, options),
        folds=options.folds,
        seed=options.seed,
        seconds=time.perf_counter() - started_s,
    )


def _find_judge(program: str, task: str, options: Options) -> Callable[[str, Sequence[str], Options], Judged]:
    """Return what judges programs of a task. Raises UsageError."""
    if task == "labels":
        return judge_classifier
    if task not in ("bytes", "tokens"):
        raise UsageError(f"'{program}' is a program for {task}; programs for bytes, tokens and labels are judged")
    if options.folds is not None:
        raise UsageError(f"'{program}' is a program for {task}; folds are for classifiers")
    return judge_rates


def _find_copies(data: Sequence[str], options: Options) -> Memorised | None:
    """Return how near generated items come to training, if that was asked."""
    if options.memorised is None or options.train is None:
        return None
    return measure_memory(
        options.memorised,
        options.train,
        data,
        lambda done, total: options.tell("looking for copies", done / total),
    )
