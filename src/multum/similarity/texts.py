"""Texts to classify, from tables, folders and files of lines; their labels where they have some.

Texts are bytes: what a program reads has no encoding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multum.data.contents import read_content
from multum.data.labelled import name_few, number_labels, read_labelled
from multum.errors import UsageError

_LINES = ".txt"


@dataclass(frozen=True)
class Texts:
    """Texts, and what they are called. labels: int64[n], positions in `classes`, or None without labels.

    columns: where text and label were found, for the user to check.
    """

    items: list[bytes]
    names: list[str]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    source: str
    columns: str = ""

    def number(self, classes: Sequence[str]) -> NDArray[np.int64] | None:
        """Return the labels as positions in `classes`. Raises UsageError for labels that are not among them."""
        if self.labels is None:
            return None
        unknown = [label for label in self.classes if label not in classes]
        if unknown:
            raise UsageError(
                f"'{self.source}' has labels that there are no training texts of: {name_few(unknown)};"
                f" known are {name_few(classes)}"
            )
        return np.array([classes.index(label) for label in self.classes], np.int64)[self.labels]


def read_texts(path: str | Path, text_columns: Sequence[str] = (), label_column: str | None = None) -> Texts:
    """Return the texts at `path`.

    path: csv, tsv or jsonl (also .gz) with labels, see `multum.data.labelled.read_labelled`; a folder with a folder
    of files a class; or without labels a folder of files, and a .txt file with a text a line. text_columns,
    label_column: names or numbers from 1, of tables; guessed without them.
    Raises UsageError, FormatError, OSError.
    """
    path = Path(path)
    lines = path.name.removesuffix(".gz").endswith(_LINES)
    if (path.is_dir() or lines) and (text_columns or label_column is not None):
        raise UsageError(f"'{path}' is no table and has no columns; drop the options that name some")
    if path.is_dir():
        return _read_folder(path)
    return _read_lines(path) if lines else _read_table(path, text_columns, label_column)


def _read_table(path: Path, text_columns: Sequence[str], label_column: str | None) -> Texts:
    """Return the texts of a table. Raises UsageError for images."""
    read = read_labelled(path, text_columns, label_column)
    if isinstance(read.inputs, np.ndarray):
        raise UsageError(f"'{path}' holds images; their bits say little of what is on them: use multum fit")
    items = [text.encode() for text in read.inputs]
    names = [str(number) for number in range(1, len(items) + 1)]
    return Texts(items, names, read.labels, read.classes, str(path), read.columns)


def _read_lines(path: Path) -> Texts:
    """Return a text a line, without labels. Raises UsageError for none."""
    lines = read_content(path).split(b"\n")
    found = [(str(n), line.removesuffix(b"\r")) for n, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise UsageError(f"'{path}' is empty; a text a line was expected")
    return Texts([line for _, line in found], [name for name, _ in found], None, (), str(path))


def _read_folder(path: Path) -> Texts:
    """Return the files of a folder, or those in its folders, whose names are then the labels. Raises UsageError."""
    folders = [entry for entry in _list(path) if entry.is_dir()]
    files = [file for folder in folders for file in _list(folder) if file.is_file()]
    if folders and files:
        labels, classes = number_labels([file.parent.name for file in files])
        names = [f"{file.parent.name}/{file.name}" for file in files]
        return Texts(
            [file.read_bytes() for file in files], names, labels, classes, str(path), f"{len(classes)} folders"
        )
    files = [entry for entry in _list(path) if entry.is_file()]
    if not files:
        raise UsageError(f"'{path}' holds no files; give a folder of files, or one with a folder of files a class")
    return Texts([file.read_bytes() for file in files], [file.name for file in files], None, (), str(path))


def _list(folder: Path) -> list[Path]:
    """Return what is in a folder by name, hidden entries left out."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
