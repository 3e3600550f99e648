"""Inputs with labels, read from a file or folder: what a classifier learns from.

Invariant: `labels[i]` is the position in `classes` of the label of `inputs[i]`, and every class is a text of its own.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError

# How many of the rows, files or labels at fault a message names.
SHOWN = 5


@dataclass(frozen=True)
class Labelled:
    """Inputs and their labels.

    inputs: a list of texts, or uint8[n, channels, height, width].
    labels: int64[n]. digest: SHA-256 of what was read. source: where from, for messages.
    columns: where text and label were found, for the user to check.
    """

    inputs: Sequence[str] | NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    digest: str
    source: str
    columns: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_image(self) -> bool:
        """Whether the inputs are images; else they are texts."""
        return isinstance(self.inputs, np.ndarray)

    def take(self, rows: NDArray[np.int64]) -> "Labelled":
        """Return the examples at `rows`, with the same classes and a digest of their own."""
        digest = hashlib.sha256(self.digest.encode() + rows.astype("<i8").tobytes()).hexdigest()
        inputs = self.inputs[rows] if isinstance(self.inputs, np.ndarray) else [self.inputs[row] for row in rows]
        return replace(self, inputs=inputs, labels=self.labels[rows], digest=digest)

    def with_classes(self, classes: Sequence[str]) -> "Labelled":
        """Return the same examples, numbered by `classes`. Raises UsageError for labels that are not among them."""
        unknown = [label for label in self.classes if label not in classes]
        if unknown:
            raise UsageError(
                f"'{self.source}' has labels that the program does not know: {name_few(unknown)};"
                f" it knows {name_few(classes)}"
            )
        places = np.array([classes.index(label) for label in self.classes], np.int64)
        return replace(self, labels=places[self.labels], classes=tuple(classes))

    def count_classes(self) -> NDArray[np.int64]:
        """Return int64[classes]: how many examples each class has."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)


def name_few(names: Sequence[object]) -> str:
    """Return the first few names in quotes, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown


def number_labels(labels: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return int64[n] positions and the sorted classes; whole numbers are sorted by value."""
    found = sorted(set(labels))
    if all(label.isascii() and label.isdigit() for label in found):
        found.sort(key=lambda label: (int(label), label))
    place = {label: number for number, label in enumerate(found)}
    return np.array([place[label] for label in labels], np.int64), tuple(found)


def read_labelled(path: str | Path, text_columns: Sequence[str] = (), label_column: str | None = None) -> Labelled:
    """Return the labelled examples at `path`.

    path: csv, tsv or jsonl (also .gz) of texts; idx images (the labels lie beside them), npz,
    or a folder with a folder of images a class. text_columns, label_column: names, or numbers
    from 1; guessed without them. Several text columns are joined with a space. For npz they
    name the arrays.
    Raises UsageError and FormatError, which say what is there instead; MissingExtra; OSError.
    """
    path = Path(path)
    return _find_reader(path)(path, text_columns, label_column)


def _find_reader(path: Path) -> Callable[[Path, Sequence[str], str | None], Labelled]:
    """Return the reader for `path`, by its name."""
    from multum.data import images, tables

    name = path.name.removesuffix(".gz")
    if path.is_dir():
        return images.read_folder
    if name.endswith(".npz"):
        return images.read_npz
    if name.endswith(("-ubyte", ".idx", "idx3")):
        return images.read_idx
    return tables.read_table
