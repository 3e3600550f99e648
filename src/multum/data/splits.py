"""Dividing labelled examples, each class in the same shares, by a seed.

Invariant: parts do not overlap, and what is in them depends on labels, shares and seed alone.
"""

import numpy as np
from numpy.typing import NDArray

from multum.data.labelled import Labelled, name_few
from multum.errors import UsageError


def check_classes(data: Labelled, least: int, reason: str) -> None:
    """Raise UsageError unless there are two classes with `least` examples each; reason: what needs so many."""
    if len(data.classes) < 2:
        raise UsageError(f"every example of '{data.source}' has the label {name_few(data.classes)}; give two classes")
    scarce = [name for name, count in zip(data.classes, data.count_classes(), strict=True) if count < least]
    if scarce:
        raise UsageError(
            f"'{data.source}' has fewer than {least} examples of {name_few(scarce)}, and {reason};"
            " add examples or remove the class"
        )


def split(data: Labelled, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """Return (the examples to train on, the held-out ones): of each class `share`, at least one, held out.

    Raises UsageError for a share outside ]0, 1[, or a class with a single example.
    """
    if not 0 < share < 1:
        raise UsageError(f"{share} of the examples cannot be held out; give a share between 0 and 1, or a file")
    check_classes(data, 2, "one to train on and one to hold out are needed")
    generator = np.random.default_rng(seed)
    held = []
    for number, count in enumerate(data.count_classes()):
        rows = generator.permutation(np.flatnonzero(data.labels == number))
        held.append(rows[: min(max(round(share * count), 1), count - 1)])
    chosen = np.zeros(len(data), bool)
    chosen[np.concatenate(held)] = True
    return data.take(np.flatnonzero(~chosen)), data.take(np.flatnonzero(chosen))


def fold(data: Labelled, folds: int, seed: int) -> NDArray[np.int64]:
    """Return int64[n]: the fold each example is held out in; each class is spread evenly.

    Raises UsageError for fewer than 2 folds, or a class with fewer examples than folds.
    """
    if folds < 2:
        raise UsageError(f"{folds} folds cannot be held out in turn; give 2 or more")
    check_classes(data, folds, f"{folds} folds hold out one at least each")
    generator = np.random.default_rng(seed)
    places = np.empty(len(data), np.int64)
    given = 0
    for number in range(len(data.classes)):
        rows = generator.permutation(np.flatnonzero(data.labels == number))
        # Classes go on where the one before stopped, so that the folds are equally large over all.
        places[rows] = (given + np.arange(len(rows))) % folds
        given += len(rows)
    return places
