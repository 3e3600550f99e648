"""Classification without training a network: each text goes to the class whose program needs the fewest bits for it.

Source: Frank, Chui, Witten, "Text categorization using compression models" (2000), with a mixing network for PPM and
calibrated probabilities.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.archive.limits import count_threads
from multum.archive.targets import check_free, whole_file
from multum.errors import UsageError
from multum.evaluation.classification import Scores, score_predictions
from multum.similarity.programs import ClassPrograms, Tally, calibrate, count_work
from multum.similarity.texts import Texts, read_texts

Progress = Callable[[int, int | None], None]
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Prediction:
    """What was found of one text. bits: under the program of each class. right: its label, None without one."""

    name: str
    label: str
    probability: float
    bits: dict[str, float]
    right: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, bits to a hundredth."""
        return vars(self) | {"bits": {label: round(bits, 2) for label, bits in self.bits.items()}}


@dataclass(frozen=True)
class ClassifyReport:
    """What `classify` found. scores: None where the tested texts have no labels.

    columns: where the training texts were found. weight: nats that a bit of difference counts. time_s: of learning,
    calibration with it, and of telling.
    """

    train: str
    test: str
    columns: str
    predictions: list[Prediction]
    scores: Scores | None
    weight: float
    calibrated_on: int
    train_time_s: float
    test_time_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return the account for machines, without the predictions."""
        facts = {key: value for key, value in vars(self).items() if key not in ("predictions", "scores")}
        return facts | {"texts": len(self.predictions)} | (self.scores.as_dict() if self.scores else {})


def classify(
    train: PathLike,
    test: PathLike,
    output: PathLike | None = None,
    *,
    level: int | None = None,
    text_columns: Sequence[str] = (),
    label_column: str | None = None,
    threads: int = 0,
    memory_limit: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> ClassifyReport:
    """Return what the texts of `test` are, told by programs that have read the classes of `train`.

    train: a table of texts with labels, or a folder with a folder of files a class. test: the same; or, for texts
    without labels, a folder of files or a .txt file with a text a line. output: a file to write, a JSON object a
    text. level: 1 to 9, of the networks; None for lean ones. text_columns, label_column: of tables; guessed without
    them. threads: 0 for all cores; never changes what is found. memory_limit: bytes for the programs,
    None for three quarters of the machine's. progress: called with (bytes read, bytes in all).
    Raises UsageError, FormatError, LimitExceeded, OSError.
    """
    threads = count_threads(threads)
    if output is not None:
        check_free(os.fspath(output), force)
    known = read_texts(os.fspath(train), text_columns, label_column)
    asked = read_texts(os.fspath(test), *_recall(test, text_columns, label_column))
    labels = _check_training(known)
    rights = asked.number(known.classes)
    tally = Tally(count_work(known.items, labels, asked.items), progress)
    started_s = time.perf_counter()
    calibration = calibrate(known.items, labels, level, threads, memory_limit, tally)
    programs = ClassPrograms(known.items, labels, level, threads, memory_limit, tally)
    learnt_s = time.perf_counter()
    bits = programs.count_bits(asked.items, tally)
    told = calibration.log_probabilities(bits)
    report = ClassifyReport(
        train=known.source,
        test=asked.source,
        columns=known.columns,
        predictions=_list_predictions(asked, known.classes, bits, told, rights),
        scores=None if rights is None else score_predictions(told, rights, known.classes),
        weight=calibration.weight,
        calibrated_on=calibration.texts,
        train_time_s=learnt_s - started_s,
        test_time_s=time.perf_counter() - learnt_s,
    )
    if output is not None:
        _write(report, os.fspath(output), force)
    return report


def _recall(test: PathLike, text_columns: Sequence[str], label_column: str | None) -> tuple[Sequence[str], str | None]:
    """Return the columns to look for in `test`: those of the training table where it is a table too."""
    path = os.fspath(test)
    is_table = not os.path.isdir(path) and not path.removesuffix(".gz").endswith(".txt")
    return (text_columns, label_column) if is_table else ((), None)


def _check_training(texts: Texts) -> NDArray[np.int64]:
    """Return the labels. Raises UsageError for none, or a single class."""
    if texts.labels is None:
        raise UsageError(f"'{texts.source}' has no labels; give a table of texts and labels, or a folder a class")
    if len(texts.classes) < 2:
        raise UsageError(f"every text of '{texts.source}' has the label '{texts.classes[0]}'; give two classes")
    return texts.labels


def _list_predictions(
    asked: Texts,
    classes: tuple[str, ...],
    bits: NDArray[np.float64],
    told: NDArray[np.float64],
    rights: NDArray[np.int64] | None,
) -> list[Prediction]:
    """Return what was found of each text."""
    found = []
    for row, (name, best) in enumerate(zip(asked.names, told.argmax(axis=1), strict=True)):
        right = None if rights is None else classes[rights[row]]
        by_class = dict(zip(classes, bits[row].tolist(), strict=True))
        found.append(Prediction(name, classes[best], float(np.exp(told[row, best])), by_class, right))
    return found


def _write(report: ClassifyReport, target: str, force: bool) -> None:
    """Write the predictions, a JSON object a line."""
    with whole_file(target, force, None) as file:
        for one in report.predictions:
            file.write(json.dumps(one.as_dict(), ensure_ascii=False).encode() + b"\n")
