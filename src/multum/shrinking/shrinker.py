"""`shrink`: a trained network in few bytes, and what it costs. torch loads when it is called."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.archive.targets import check_free
from multum.errors import UsageError
from multum.neural.loading import import_learn
from multum.shrinking.options import ShrinkOptions
from multum.shrinking.reports import ShrinkReport

if TYPE_CHECKING:
    from torch import nn

SUFFIX = ".mtm"
# Called with (what is being done, the share of it that is done).
Progress = Callable[[str, float], None]
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def shrink(
    model: "str | os.PathLike[str] | nn.Module",
    target: str | Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> ShrinkReport:
    """Return the report of a small file of `model`, written to `target`, an archive ending in .mtm.

    model: a Hugging Face directory, a hub name, a .gguf or .safetensors file, an archive that holds a model, or any
    network, of which a copy is shrunken. options: those of ShrinkOptions:
    data: text or labelled examples that calibrate, or batches, each the named arguments of a call of the network;
    without, a language model calibrates on what it imagines, and others are coded from their weights alone.
    evaluation: what the loss is measured on, batches with "labels" for networks in memory; without, the last tenth of
    the file `data`, which then calibrates nothing.
    target_bytes: of the file, everything in it; or target_bits: of the file a weight; 4 if nothing is asked for.
    max_loss_increase: bits a byte, or a label, that may be lost at most; alone, the smallest file that keeps it is
    searched for. recipe: passes with | between them, such as "prune=surgeon:0.5 | code"; what comes before code is done
    once, whatever size is tried, and without code the file holds the values as they are. calibration: tokens at most,
    and 1,024 examples. seed: chooses them. calibrated: a folder where what calibration finds stays, 4 bytes for each
    pair of a matrix's inputs: a run that was stopped, or another size of the same, goes on from there. threads,
    memory_limit: never change the bytes. force: replace an existing target. progress: called with what is done and its
    share.
    `multum unpack` makes a directory of `target` that `transformers` loads; so does `load_program`, in memory.
    Raises UsageError (also where the loss rises too much: then there is no file), FormatError, LimitExceeded,
    MissingExtra, OSError.
    """
    asked, path = ShrinkOptions(**options), os.fspath(target)
    if not path.endswith(SUFFIX):
        raise UsageError(f"target '{path}' does not end in {SUFFIX}; a small model is an archive")
    if isinstance(model, str | os.PathLike):
        _check_safe(os.fspath(model))
    check_free(path, force)
    import_learn()
    from multum.shrinking.running import run_shrink

    return run_shrink(model, path, asked, force, progress)


def _check_safe(name: str) -> None:
    """Raise UsageError for a file of weights that could run code when it is opened."""
    if name.endswith(_PICKLES) and os.path.isfile(name):
        raise UsageError(f"'{name}' is a pickle, which could run code and is never opened; convert it to safetensors")
