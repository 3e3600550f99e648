"""`auto_shrink`: the recipe that reaches a target at least cost. torch and Optuna load when it is called."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.archive.targets import check_free
from multum.choosing.options import AutoOptions
from multum.choosing.reports import AutoReport
from multum.errors import UsageError
from multum.neural.loading import import_learn
from multum.shrinking.shrinker import SUFFIX, Progress

if TYPE_CHECKING:
    from torch import nn


def auto_shrink(
    model: "str | os.PathLike[str] | nn.Module",
    target: str | Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> AutoReport:
    """Return the report of a search for the recipe that shrinks `model` best, its file written to `target`.

    model: as for `shrink`; a network in memory needs batches in `data` and `evaluation`. Every pass that recipes know
    is tried alone, at the size that is asked for; then what goes well together, and what Optuna proposes. Each trial
    is a file that was written, decoded and measured. options: those of AutoOptions:
    data, evaluation, calibration, threads, memory_limit: as of `shrink`; data there must be. target_bytes: of the file
    at most, for the least loss; target_loss: bits per byte or label at most, or target_accuracy: at least, for the
    fewest bytes; target_latency: seconds of a run at most; several hold together. budget_s: seconds to search; trials:
    how many there are in all, instead. folder: where the search stays, by default beside `target` with .search behind
    its name: the same call goes on from there, another target too; with a latency, in its folder timed. seed: the same
    one tries the same, unless a latency is asked for. progress: called with what is done and its share.
    The frontier of bytes, loss, accuracy and time is in the report, in FOLDER/frontier.json and, with multum[report],
    frontier.png; its files are beside.
    Raises UsageError (also where nothing that was tried reaches the target: then there is no file, and the search may
    go on), FormatError, LimitExceeded, MissingExtra, OSError.
    """
    asked, path = AutoOptions(**options), os.fspath(target)
    if not path.endswith(SUFFIX):
        raise UsageError(f"target '{path}' does not end in {SUFFIX}; a small model is an archive")
    check_free(path, force)
    import_learn()
    from torch import nn

    from multum.choosing.running import run_auto

    return run_auto(model if isinstance(model, nn.Module) else os.fspath(model), path, asked, force, progress)
