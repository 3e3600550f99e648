"""The rate of a classifier on labelled examples: what the labels take, given the inputs."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.archive.models import model_folder
from multum.data.labelled import read_labelled
from multum.errors import UsageError
from multum.evaluation.classification import Scores, score_predictions
from multum.evaluation.contents import Data, name_data
from multum.evaluation.rates import RateOptions, RateReport
from multum.neural.sources import find_source

if TYPE_CHECKING:
    from torch import nn

# Inputs side by side; never changes the rate but for rounding.
BATCH = 128


@dataclass(frozen=True)
class LabelRateReport(RateReport):
    """A rate with the scores of a classifier.

    tokens: labels. perplexity: 2 ** (bits a label). bpb: None, as the inputs are not coded.
    columns: where text and label were found.
    """

    scores: Scores = field(kw_only=True)
    columns: str = field(kw_only=True, default="")

    @property
    def summary(self) -> str:
        """The scores in a line, and the confusion matrix below."""
        scores = self.scores
        return (
            f"{scores.examples:,} labels -> {self.code_bits:,.0f} bits, {scores.bits_per_label:.4f} bits per label,"
            f" accuracy {scores.accuracy:.4f}, macro F1 {scores.macro_f1:.4f}\n{scores}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the result for machines, with the scores and where the labels were found."""
        return super().as_dict() | self.scores.as_dict() | {"columns": self.columns}


def rate_labels(program: str, data: Data, options: RateOptions) -> LabelRateReport:
    """Return the rate of the classifier in the directory or archive `program` on a labelled file or folder.

    data: one path, see `read_labelled`. Raises UsageError for streams, bytes, several paths, for labels that the
    program does not know, and for options that only bytes have; FormatError, MissingExtra, OSError.
    """
    path = _check_one(data)
    if options.per_byte is not None or options.window is not None or options.overlap is not None:
        raise UsageError(f"'{program}' is a classifier: per-byte, window and overlap are for programs over bytes")
    from multum.neural.loading import import_learn

    import_learn()
    from multum.neural.classifiers import open_classifier, predict

    with model_folder(program) as folder:
        examples = read_labelled(path, *recall_columns(folder, path))
        classifier = open_classifier(folder)
        source = replace(find_source(folder), archive=None if folder == program else Path(program))
    examples = examples.with_classes(classifier.classes)
    module = _place(classifier.module, options)
    started_s = time.perf_counter()
    told = predict(module, classifier.reader.read(examples.inputs), options.batch or BATCH)
    scores = score_predictions(told, examples.labels, classifier.classes)
    seconds = time.perf_counter() - started_s
    return LabelRateReport(
        program=program,
        data=name_data(path),
        raw_bytes=_measure(Path(path)),
        code_bits=scores.bits_per_label * scores.examples,
        bpb=None,
        tokens=scores.examples,
        perplexity=2.0**scores.bits_per_label if scores.bits_per_label < 1024 else float("inf"),
        seconds=seconds,
        program_bits=8 * source.size_bytes,
        scores=scores,
        columns=examples.columns,
    )


def _place(module: "nn.Module", options: RateOptions) -> "nn.Module":
    """Return `module` where, and as, the options have it."""
    from multum.neural.loading import pick_device
    from multum.reduction.weight_only import make_weight_only

    if options.weight_bits is None:
        return module.to(pick_device(options.device))
    return make_weight_only(
        module.to(pick_device("cpu" if options.device == "auto" else options.device)), options.weight_bits
    )


def _check_one(data: Data) -> str:
    """Return the path that `data` is. Raises UsageError for anything else."""
    if isinstance(data, list | tuple) and len(data) == 1:
        data = data[0]
    if isinstance(data, str | Path):
        return os.fspath(data)
    raise UsageError("a classifier is rated on one labelled file or folder; give its path")


def recall_columns(program: str, path: str) -> tuple[Sequence[str], str | None]:
    """Return the columns that the program's fit was told, where `path` is a table; guessed ones are guessed again."""
    return read_columns(program) if is_table(path) else ((), None)


def is_table(path: str) -> bool:
    """Return whether labelled examples at `path` are in columns that have names; images have none."""
    return not (os.path.isdir(path) or path.endswith((".npz", "-ubyte", "-ubyte.gz")))


def read_columns(program: str) -> tuple[Sequence[str], str | None]:
    """Return the columns of text and label that the program's fit was told; () and None for guessed ones."""
    asked = find_source(program).read_json("multum.json").get("asked_columns", {})
    return tuple(asked.get("text", ())), asked.get("label")


def _measure(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
