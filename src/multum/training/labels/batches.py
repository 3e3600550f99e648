"""Which examples come in which batch: a pure function of the seed and the batch's number.

An epoch goes through a permutation. Within each stretch of it examples of like length are put together, so that
little is padded, and the batches are then shuffled, so that lengths come in no order.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Batches whose examples are sorted by length together: enough that a batch is even, few enough to stay random.
STRETCH = 32


@dataclass
class Batches:
    """Batches of `size` rows, numbered from 0 through epoch after epoch. lengths: int64[n]."""

    lengths: NDArray[np.int64]
    size: int
    seed: int
    _epoch: int = field(default=-1, init=False)
    _rows: list[NDArray[np.int64]] = field(default_factory=list, init=False)

    @property
    def an_epoch(self) -> int:
        """How many batches an epoch has; the few examples over are left out of it, others of the next."""
        return max(1, len(self.lengths) // self.size)

    def rows(self, number: int) -> NDArray[np.int64]:
        """Return int64[size] (fewer when there are fewer examples): the rows of batch `number`."""
        epoch, place = divmod(number, self.an_epoch)
        if epoch != self._epoch:
            self._rows, self._epoch = self._divide(epoch), epoch
        return self._rows[place]

    def _divide(self, epoch: int) -> list[NDArray[np.int64]]:
        """Return the batches of an epoch."""
        generator = np.random.default_rng((self.seed, epoch))
        order = generator.permutation(len(self.lengths))
        whole = order[: self.an_epoch * self.size]
        stretches = np.split(whole, range(STRETCH * self.size, len(whole), STRETCH * self.size))
        # A stable sort keeps the random order of equal lengths.
        ordered = np.concatenate([part[np.argsort(self.lengths[part], kind="stable")] for part in stretches])
        batches = np.split(ordered, range(self.size, len(ordered), self.size))
        return [batches[place] for place in generator.permutation(len(batches))]
