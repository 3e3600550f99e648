"""A program a class: what has read the texts of one class, and how many bits it needs for another text.

Invariant: the bits depend on the texts, their order and the recipe alone, never on threads or on other questions.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from multum.archive.limits import fit_threads
from multum.similarity.calibration import Calibration, fit_calibration, start_calibration
from multum.similarity.memory import Memory, count_memory
from multum.similarity.recipes import lean_recipe, suited_recipe

Progress = Callable[[int, int | None], None]
Item = TypeVar("Item")
Result = TypeVar("Result")

# Ends a text, so that how it ends counts too and the next one begins afresh.
_END = b"\n"
# Of the texts of a class every fifth is held out for calibration, and no more than so many of all.
_HELD_SHARE, _HELD_TEXTS = 5, 1000
# Texts that a program is asked about in one go: enough to be quick, few enough for progress to be seen.
_TOGETHER = 256
# Bytes of each class that the kind of data is told from.
_SAMPLE_BYTES = 1 << 16


class Tally:
    """Adds up the bytes that several threads have read, and tells them."""

    def __init__(self, total_bytes: int = 0, progress: Progress | None = None) -> None:
        self._done, self._total, self._progress = 0, total_bytes, progress

    def add(self, size_bytes: int) -> None:
        """Note that so many bytes more are read."""
        self._done += size_bytes  # a torn count would only be shown, never used
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


class ClassPrograms:
    """Programs that have read the texts of a class each.

    texts: bytes each. labels: int64[n], classes from 0 on; every class has a text. level: 1 to 9, or None for a lean
    network. threads: how many classes are worked on at once. memory_limit: bytes for all programs, None for three
    quarters of the machine's. Raises LimitExceeded before memory is taken.
    """

    def __init__(
        self,
        texts: Sequence[bytes],
        labels: NDArray[np.int64],
        level: int | None = None,
        threads: int = 1,
        memory_limit: int | None = None,
        tally: Tally | None = None,
    ) -> None:
        self.threads = threads
        done = tally or Tally()
        joined = [
            _join(texts[row] for row in np.flatnonzero(labels == c).tolist()) for c in range(int(labels.max()) + 1)
        ]
        size_bytes = max(map(len, joined))
        sample = b"".join(part[:_SAMPLE_BYTES] for part in joined)
        # one recipe for all: their bits are compared
        recipe = lean_recipe(size_bytes) if level is None else suited_recipe(sample, level, size_bytes)
        fit_threads(1, count_memory(recipe) * len(joined), memory_limit, "classifying")

        def read(part: bytes) -> Memory:
            memory = Memory(recipe, part)
            done.add(len(part))
            return memory

        self._memories = _spread(read, joined, threads)

    def count_bits(self, texts: Sequence[bytes], tally: Tally | None = None) -> NDArray[np.float64]:
        """Return float64[n, classes]: the bits of each text under each program."""
        done = tally or Tally()

        def ask(memory: Memory) -> NDArray[np.float64]:
            bits = np.zeros(len(texts))
            for start in range(0, len(texts), _TOGETHER):
                some = [text + _END for text in texts[start : start + _TOGETHER]]
                bits[start : start + _TOGETHER] = memory.count_bits_each(some)
                done.add(sum(map(len, some)) - len(some))
            return bits

        return np.array(_spread(ask, self._memories, self.threads), np.float64).reshape(len(self._memories), -1).T

    def measure(self, text: bytes) -> NDArray[np.float64]:
        """Return float64[classes, bytes + 1]: the bits of each byte of a text, and of its end, under each program."""
        return np.array([memory.measure(text + _END) for memory in self._memories])


def calibrate(
    texts: Sequence[bytes],
    labels: NDArray[np.int64],
    level: int | None = None,
    threads: int = 1,
    memory_limit: int | None = None,
    tally: Tally | None = None,
) -> Calibration:
    """Return a calibration by texts held out from programs like those of `ClassPrograms`.

    Where a class has fewer than five texts it is the one by counts alone. Cost: reading the texts, and the held-out
    ones once a class. Raises LimitExceeded as it.
    """
    first = start_calibration(np.bincount(labels))
    held = _hold_out(labels)
    if not held.any() or len(np.unique(labels[held])) < len(first.biases):
        return first
    kept, asked = np.flatnonzero(~held), np.flatnonzero(held)
    programs = ClassPrograms([texts[row] for row in kept.tolist()], labels[kept], level, threads, memory_limit, tally)
    bits = programs.count_bits([texts[row] for row in asked.tolist()], tally)
    return fit_calibration(bits, labels[asked], first)


def count_work(texts: Sequence[bytes], labels: NDArray[np.int64], asked: Sequence[bytes]) -> int:
    """Return the bytes read for a calibration, the programs, and telling the texts `asked`."""
    classes, sizes = int(labels.max()) + 1, np.array([len(text) for text in texts], np.int64)
    held = int(sizes[_hold_out(labels)].sum())
    return 2 * int(sizes.sum()) + (classes - 1) * held + classes * sum(map(len, asked))


def _hold_out(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool[n]: whether a text is held out. Of a class's texts every fifth, or fewer where there are many."""
    step = max(_HELD_SHARE, -(-len(labels) // _HELD_TEXTS))
    held = np.zeros(len(labels), bool)
    for c in range(int(labels.max()) + 1):
        held[np.flatnonzero(labels == c)[_HELD_SHARE - 1 :: step]] = True
    return held


def _join(texts: Iterable[bytes]) -> bytes:
    return b"".join(text + _END for text in texts)


def _spread(work: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """Return work(item) for each; kernels let other threads run."""
    if threads == 1 or len(items) == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))
