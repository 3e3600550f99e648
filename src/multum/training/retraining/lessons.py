"""What a network learns from, batch by batch.

Invariant: a batch depends on its number and the seed alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multum.neural.features import Features
from multum.training.labels.augmentation import Augmentation
from multum.training.labels.batches import Batches
from multum.training.windows import Places

# Named arguments of a call of the network; "labels", where there are any, is what it should predict: int64[rows].
Batch = dict[str, Tensor]
LABELS = "labels"


class Lessons(Protocol):
    """Batches without end."""

    @property
    def unit(self) -> str:
        """What is predicted: "label", "token" or "row"."""

    @property
    def units(self) -> int:
        """How many of them a batch has, about."""

    @property
    def an_epoch(self) -> int:
        """How many batches go once through all data."""

    @property
    def digest(self) -> str:
        """The data, in few letters."""

    def take(self, number: int) -> Batch:
        """Return batch `number`, from 0 on, through epoch after epoch."""


@dataclass(frozen=True)
class GivenLessons:
    """Batches as they were given, each epoch in another order."""

    batches: Sequence[Batch]
    seed: int
    unit: str = "row"

    @property
    def an_epoch(self) -> int:
        """All batches."""
        return len(self.batches)

    @property
    def units(self) -> int:
        """Rows of the first batch."""
        return len(next(iter(self.batches[0].values())))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all batches."""
        found = hashlib.sha256()
        for batch in self.batches:
            for name, tensor in sorted(batch.items()):
                found.update(f"{name} {tuple(tensor.shape)}".encode() + tensor.contiguous().numpy().tobytes())
        return found.hexdigest()

    def take(self, number: int) -> Batch:
        """Return one of the batches."""
        epoch, place = divmod(number, len(self.batches))
        return self.batches[int(np.random.default_rng((self.seed, epoch)).permutation(len(self.batches))[place])]


class LabelLessons:
    """Labelled examples, drawn anew into batches each epoch."""

    unit = "label"

    def __init__(
        self,
        features: Features,
        labels: NDArray[np.int64],
        size: int,
        seed: int,
        digest: str,
        augmentations: Sequence[Augmentation] = (),
    ) -> None:
        self._features, self._labels = features, torch.from_numpy(labels)
        self._batches = Batches(features.lengths, min(size, len(labels)), seed)
        self.seed, self.digest, self._augmentations = seed, digest, augmentations

    @property
    def an_epoch(self) -> int:
        """Batches of an epoch."""
        return self._batches.an_epoch

    @property
    def units(self) -> int:
        """Examples of a batch."""
        return self._batches.size

    def take(self, number: int) -> Batch:
        """Return inputs, changed by draws of their own number, and labels."""
        rows = self._batches.rows(number)
        inputs = self._features.gather(rows)
        generator = torch.Generator().manual_seed(hash((self.seed, number)) & 0x7FFFFFFF)
        for augment in self._augmentations:
            inputs = augment(inputs, generator)
        return inputs | {LABELS: self._labels[torch.from_numpy(rows)]}


class TextLessons:
    """Windows of a long row of tokens."""

    unit = "token"

    def __init__(self, ids: NDArray[np.integer], window: int, rows: int, seed: int, start: int | None = None) -> None:
        """ids: integers[n]. window: tokens that are read at once, `start` before them, if there is any, included."""
        self._window, self._rows, self._start = window, rows, start
        self._cut = min(window - (start is not None), len(ids))
        assert self._cut > 1, "there is a token to predict"
        self._ids, self._places = ids, Places(len(ids), self._cut - 1, seed)

    @property
    def an_epoch(self) -> int:
        """Batches of an epoch."""
        return max(1, self._places.an_epoch // self._rows)

    @property
    def units(self) -> int:
        """Tokens of a batch that are predicted."""
        return self._rows * (self._cut - (self._start is None))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the tokens."""
        return hashlib.sha256(self._ids.tobytes()).hexdigest()

    def take(self, number: int) -> Batch:
        """Return input_ids, int64[rows, window], of which all but the first column are predicted."""
        first = number * self._rows
        starts = [self._places.find(first + row) for row in range(self._rows)]
        rows = np.stack([self._ids[start : start + self._cut] for start in starts]).astype(np.int64)
        ids = torch.from_numpy(rows)
        if self._start is not None:
            ids = torch.cat([ids.new_full((len(ids), 1), self._start), ids], 1)
        return {"input_ids": ids}
