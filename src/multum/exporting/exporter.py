"""`export`: a model as other tools want it, loaded again and compared. torch loads when it is called."""

import os
from pathlib import Path
from typing import Any

from multum.archive.models import holds_model, model_folder
from multum.errors import UsageError
from multum.exporting.options import COMPRESSED, HUGGINGFACE, ONNX, ExportOptions
from multum.exporting.reports import ExportReport
from multum.neural.loading import import_learn
from multum.shrinking.shrinker import Progress


def export(
    source: "str | os.PathLike[str]",
    target: str | Path,
    to: str = HUGGINGFACE,
    *,
    force: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> ExportReport:
    """Return the report of the model `source`, written to `target` for other tools.

    source: an archive that holds a model; for the last two formats also a directory or hub name. Layers that are in
    halves become whole again.
    to: "huggingface", a directory that `transformers` loads; "safetensors", one file of weights; "compressed-tensors",
    a directory with linear layers as packed integers, which `transformers` and inference servers load; "onnx", a
    directory with a graph, which ONNX Runtime runs. What was written is loaded again: its values are compared bit for
    bit, and of a graph its outputs, within a tolerance that the report tells.
    options: those of ExportOptions:
    int8: for "onnx", "dynamic" or "static", which calibrates on `data`. quantize: for "compressed-tensors", the words
    of a recipe behind quantize=, by default rtn:8. data, evaluation, calibration, seed: as of `shrink`; with data to
    measure on, the losses before and after are told. threads: of what is measured, too. force: replace what exists.
    progress: called with what is done and its share.
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError; MultumError where what loads again differs
    more than the tolerance allows: then nothing is kept.
    """
    asked = ExportOptions(to=to, **options)
    name, path = os.fspath(source), os.fspath(target)
    import_learn()
    if to not in (ONNX, COMPRESSED):
        return _export_values(name, path, asked, force)
    from multum.exporting.folders import whole_layers
    from multum.exporting.running import run_export

    with model_folder(name, asked.threads, asked.memory_limit) as found, whole_layers(found) as folder:
        return run_export(folder, name, path, asked, force, progress)


def _export_values(name: str, target: str, asked: ExportOptions, force: bool) -> ExportReport:
    """Write what the archive `name` holds, as it is."""
    from multum.exporting.folders import whole_layers, write_directory, write_weights

    if not holds_model(name):
        raise UsageError(f"'{name}' holds no model; give an archive that `multum shrink` wrote")
    with model_folder(name, asked.threads, asked.memory_limit) as found, whole_layers(found) as folder:
        write = write_directory if asked.to == HUGGINGFACE else write_weights
        tensors = write(Path(folder), name, target, force)
    size_bytes = sum(tensor.nbytes for tensor in tensors.values())
    return ExportReport(name, target, asked.to, len(tensors), size_bytes)
