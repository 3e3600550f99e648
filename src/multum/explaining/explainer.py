"""`explain`: why a program says what it says of data."""

import os
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from multum.archive.targets import check_free
from multum.errors import UsageError
from multum.evaluation.online import LevelProgram, RecipeProgram
from multum.evaluation.programs import open_program
from multum.evaluation.rates import find_task
from multum.explaining.classifiers import Asked, explain_labels
from multum.explaining.earnings import SAMPLE_BYTES, weigh_parts
from multum.explaining.reports import Earnings, Example, ExplainReport
from multum.judging.options import Progress
from multum.judging.tellers import Teller, names_lengths, open_teller
from multum.reporting.page import import_charts
from multum.reporting.reporter import draw_results, report

PathLike = str | os.PathLike[str]


def explain(
    program: PathLike,
    data: PathLike | Sequence[PathLike],
    target: PathLike | None = None,
    *,
    method: str | None = None,
    chosen: str | None = None,
    examples: int = 6,
    pick: str = "worst",
    train: PathLike | None = None,
    text_columns: Sequence[str] = (),
    label_column: str | None = None,
    sample_bytes: int = SAMPLE_BYTES,
    figures: PathLike | None = None,
    force: bool = False,
    seed: int = 0,
    device: str = "auto",
    threads: int = 0,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> ExplainReport:
    """Return why `program` says what it says of `data`, and write a page about it to `target`.

    program: a classifier, as for `evaluate`, or a mixing program: level:1 to level:9, or an archive whose recipe is
    taken. data: labelled inputs in one file for a classifier; any files for the other, each told apart.
    Of a classifier: method: "gradients" for networks and "bits" for "classify" if None is given, or "occlusion",
    "shap", "lime". chosen: the class to speak for, None for the one that is told. examples, pick: how many, the
    "worst" told, the "best" or the "first". train, text_columns, label_column: as for `evaluate`.
    Of a mixing program: sample_bytes: how much of each of the data is measured, once for every part left out.
    figures: a folder for every figure as SVG and PNG. force: replace page and figures. seed: of what is drawn.
    progress: called with (what, share of it that is done).
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    name = os.fspath(program)
    paths = [os.fspath(one) for one in ([data] if isinstance(data, str | os.PathLike) else data)]
    if not paths:
        raise UsageError("there is nothing to explain; give a file")
    if target is not None or figures is not None:
        import_charts()  # before the work, not after it
    if target is not None:
        check_free(os.fspath(target), force)
    started_s = time.perf_counter()
    if names_lengths(name) or find_task(name) == "labels":
        asked = Asked(method, chosen, examples, pick, seed)
        columns = tuple(text_columns), label_column
        how: dict[str, Any] = {"device": device, "threads": threads, "memory_limit": memory_limit}
        teller = open_teller(name, None if train is None else os.fspath(train), columns, **how)
        found = _explain_classifier(teller, paths, columns, asked, progress)
    else:
        opened = _open_network(name)
        found = _Found("leave one out", (), weigh_parts(opened, paths, sample_bytes, threads, memory_limit, progress))
    made = ExplainReport(name, *found, time.perf_counter() - started_s)
    if figures is not None:
        draw_results(made.as_dict(), figures, force, progress)
    if target is not None:
        report(made.as_dict(), target, title=f"Why {os.path.basename(name)} says what it says", force=force)
    return made


class _Found(NamedTuple):
    """What an ExplainReport says of any program."""

    method: str
    examples: tuple[Example, ...]
    earnings: tuple[Earnings, ...]


def _explain_classifier(
    teller: Teller,
    paths: Sequence[str],
    columns: tuple[Sequence[str], str | None],
    asked: Asked,
    progress: Progress | None,
) -> _Found:
    """Return examples of one labelled file. Raises UsageError for several."""
    if len(paths) > 1:
        raise UsageError(f"a classifier is explained on one labelled file or folder; got {len(paths)}")
    return _Found(*explain_labels(teller, teller.read(paths[0], columns), asked, progress), ())


def _open_network(name: str) -> LevelProgram | RecipeProgram:
    """Return a program that mixes contexts. Raises UsageError for trained ones, which have none to leave out."""
    opened = None if os.path.isdir(name) else open_program(name)
    if isinstance(opened, LevelProgram | RecipeProgram):
        return opened
    raise UsageError(
        f"'{name}' is a trained program of data, which mixes no contexts; multum surprise --program and multum report"
        " --text show what it found hard"
    )
