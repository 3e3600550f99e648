"""What tells labels, whatever it is: a trained network, or a program a class that has read the class's texts.

Both take inputs and return distributions, so that nothing above asks which kind it has.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from multum.archive.limits import count_threads
from multum.archive.models import model_folder
from multum.data.labelled import Labelled, read_labelled
from multum.errors import UsageError
from multum.evaluation.labels import BATCH, is_table, read_columns
from multum.judging.predictions import Predictions
from multum.judging.resampling import Floats
from multum.neural.sources import find_source
from multum.similarity.programs import ClassPrograms, calibrate

if TYPE_CHECKING:
    from multum.neural.classifiers import Classifier

Inputs = Sequence[str] | NDArray[np.uint8]
# Names the classifier by code length, which needs training texts; with a level after a colon.
BY_LENGTH = "classify"
# Inputs that a network is asked about between two tellings of progress.
_STRIDE = 512


class Teller(Protocol):
    """Anything that gives the classes of an input probabilities."""

    @property
    def name(self) -> str:
        """How it was asked for."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What it tells apart."""

    @property
    def size_bits(self) -> int:
        """Bits to write it down; of the training texts for what has only read those."""

    def tell(self, inputs: Inputs) -> Floats:
        """Return float64[n, classes]: natural logarithms of probabilities. Raises UsageError."""

    def read(self, path: str, columns: tuple[Sequence[str], str | None]) -> Labelled:
        """Return labelled examples, numbered by `classes`. columns: of text and label, () and None to find them."""


class NetworkTeller:
    """A trained classifier: a directory, or an archive of one. Raises UsageError, FormatError, MissingExtra."""

    def __init__(self, name: str, device: str = "auto", batch: int | None = None) -> None:
        from multum.neural.loading import import_learn, pick_device

        import_learn()
        from multum.neural.classifiers import open_classifier

        self.name, self._batch = name, batch or BATCH
        with model_folder(name) as folder:
            self.classifier: Classifier = open_classifier(folder)
            source = replace(find_source(folder), archive=None if folder == name else Path(name))
            self.size_bits = 8 * source.size_bytes
            self._columns = read_columns(folder)
        self.module = self.classifier.module.to(pick_device(device))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the network's head."""
        return self.classifier.classes

    def tell(self, inputs: Inputs) -> Floats:
        """Return the network's distributions, in evaluation mode."""
        from multum.neural.classifiers import predict

        return predict(self.module, self.classifier.reader.read(inputs), self._batch)

    def read(self, path: str, columns: tuple[Sequence[str], str | None]) -> Labelled:
        """Return the examples; of tables in the columns that the fit was told, unless others are given."""
        asked = columns if any(columns) or not is_table(path) else self._columns
        return read_labelled(path, *asked).with_classes(self.classes)


class LengthTeller:
    """A program a class that has read `training`, a calibration between them; see `multum classify`."""

    def __init__(self, name: str, training: Labelled, threads: int = 0, memory_limit: int | None = None) -> None:
        if isinstance(training.inputs, np.ndarray):
            raise UsageError(f"'{training.source}' holds images; {BY_LENGTH} tells texts: name a trained program")
        texts = [text.encode() for text in training.inputs]
        level, threads = _read_level(name), count_threads(threads)
        self.name, self.classes = name, training.classes
        self.size_bits = 8 * sum(map(len, texts))
        self.calibration = calibrate(texts, training.labels, level, threads, memory_limit)
        self.programs = ClassPrograms(texts, training.labels, level, threads, memory_limit)

    def tell(self, inputs: Inputs) -> Floats:
        """Return distributions by the bits of each text under each program. Raises UsageError for images."""
        if isinstance(inputs, np.ndarray):
            raise UsageError(f"the data holds images; {BY_LENGTH} tells texts: name a trained program")
        return self.calibration.log_probabilities(self.programs.count_bits([text.encode() for text in inputs]))

    def read(self, path: str, columns: tuple[Sequence[str], str | None]) -> Labelled:
        """Return the examples of a table."""
        return read_labelled(path, *columns).with_classes(self.classes)


def names_lengths(program: str) -> bool:
    """Return whether `program` is the classifier by code length, not a path."""
    return program.partition(":")[0] == BY_LENGTH and not os.path.exists(program)


def _read_level(name: str) -> int | None:
    """Return the level after the colon of `name`, None for lean networks. Raises UsageError."""
    _, colon, level = name.partition(":")
    if not colon:
        return None
    if level not in tuple("123456789"):
        raise UsageError(f"'{name}' has no level {level or 'after its colon'}; give {BY_LENGTH}, or :1 to :9 after it")
    return int(level)


def open_teller(
    program: str,
    train: str | None,
    columns: tuple[Sequence[str], str | None],
    *,
    device: str = "auto",
    batch: int | None = None,
    threads: int = 0,
    memory_limit: int | None = None,
) -> Teller:
    """Return what `program` names. train: labelled texts for BY_LENGTH, whose are threads and memory_limit too.

    device, batch: of networks. Raises UsageError for training texts that are missing, LimitExceeded, FormatError,
    MissingExtra, OSError.
    """
    if not names_lengths(program):
        return NetworkTeller(program, device, batch)
    if train is None:
        raise UsageError(
            f"'{program}' knows nothing yet; give labelled texts with --train, or --folds to hold out DATA"
        )
    return LengthTeller(program, read_labelled(train, *columns), threads, memory_limit)


def ask(
    teller: Teller, examples: Labelled, inputs: Inputs | None = None, told: Callable[[int], None] | None = None
) -> Predictions:
    """Return what `teller` says of examples, or of other `inputs` with their labels. told: called with how many."""
    asked = examples.inputs if inputs is None else inputs
    parts = []
    for start in range(0, len(asked), _STRIDE):
        parts.append(teller.tell(asked[start : start + _STRIDE]))
        if told is not None:
            told(min(_STRIDE, len(asked) - start))
    return Predictions(np.concatenate(parts), examples.labels, teller.classes)
