"""`features`: a row of numbers an item, for any estimator: what a program holds of it inside, or the bits it takes."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.archive.limits import count_threads, fit_threads
from multum.archive.targets import check_free, whole_file
from multum.errors import UsageError
from multum.evaluation.programs import open_program
from multum.evaluation.states import POOLS, pool_states
from multum.similarity.memory import Memory, count_memory
from multum.similarity.programs import ClassPrograms, Tally
from multum.similarity.recipes import suited_recipe
from multum.similarity.texts import read_texts

Progress = Callable[[int, int | None], None]
PathLike = str | os.PathLike[str]

BITS = "bits"
KINDS = (*POOLS, BITS)
# What stands before a level, and before texts with labels whose classes are programs.
_LEVEL, _CLASSES = "level:", "classes:"
_SAMPLE_BYTES = 1 << 16
_TOGETHER = 256


@dataclass(frozen=True)
class FeaturesReport:
    """What `features` found. values: float32[items, columns]. labels: of the items, None without.

    columns, names: of the columns and the items.
    """

    programs: list[str]
    data: str
    values: NDArray[np.float32]
    columns: list[str]
    names: list[str]
    labels: list[str] | None
    time_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return the account for machines, without the values and what names them."""
        facts = {"programs": self.programs, "data": self.data, "items": self.values.shape[0]}
        return facts | {"columns": self.values.shape[1], "labels": self.labels is not None, "time_s": self.time_s}


def features(
    programs: str | Sequence[str],
    data: PathLike,
    output: PathLike | None = None,
    *,
    kinds: Sequence[str] = ("mean",),
    layer: int = -1,
    labels: PathLike | None = None,
    text_columns: Sequence[str] = (),
    label_column: str | None = None,
    device: str = "auto",
    threads: int = 0,
    memory_limit: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> FeaturesReport:
    """Return numbers of each item of `data`, columns of several programs side by side.

    programs: what fit has trained, an archive, a hub model or a classifier of texts: its states in `layer`, as `kinds`
    say: "mean", "last" or "max" of all tokens; or "bits", what the item takes. "level:1" to "level:9": bits.
    "classes:TRAIN", texts with labels: the bits under a program of each class, which are no fair features of those
    texts themselves. data: see `classify`: a table, a folder, a .txt file with an item a line. output: a file for the
    values, as NumPy writes it; labels: one for the items' labels. threads: 0 for all cores; never changes the values.
    memory_limit: bytes for networks of levels and classes. progress: called with (done, in all), of a program.
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    asked = [programs] if isinstance(programs, str) else list(programs)
    if not asked or not kinds or not set(kinds) <= set(KINDS):
        raise UsageError(f"{list(kinds)} of {asked} is not possible; name a program, and kinds of {', '.join(KINDS)}")
    for target in (output, labels):
        if target is not None:
            check_free(os.fspath(target), force)
    threads, started_s = count_threads(threads), time.perf_counter()
    texts = read_texts(os.fspath(data), text_columns, label_column)
    if labels is not None and texts.labels is None:
        raise UsageError(f"'{texts.source}' has no labels to write; give a table with some, or a folder a class")
    found = []
    for program in asked:
        prefix = f"{program}:" if len(asked) > 1 else ""
        work = _Work(texts.items, threads, memory_limit, progress)
        values, columns = work.read(program, kinds, layer, device)
        found.append((values, [prefix + column for column in columns]))
    report = FeaturesReport(
        programs=asked,
        data=texts.source,
        values=np.concatenate([values for values, _ in found], axis=1),
        columns=[column for _, columns in found for column in columns],
        names=texts.names,
        labels=None if texts.labels is None else [texts.classes[place] for place in texts.labels],
        time_s=time.perf_counter() - started_s,
    )
    for target, array in ((output, report.values), (labels, np.array(report.labels))):
        if target is not None:
            with whole_file(os.fspath(target), force, None) as file:
                np.save(file, array, allow_pickle=False)
    return report


def measure_items(
    program: str, items: Sequence[bytes], kinds: Sequence[str], layer: int = -1, threads: int = 0
) -> tuple[NDArray[np.float32], list[str]]:
    """Return (float32[items, columns], names of the columns) of one program, see `features`."""
    return _Work(items, count_threads(threads), None, None).read(program, kinds, layer, "auto")


@dataclass(frozen=True)
class _Work:
    """Items, and what may be spent on them."""

    items: Sequence[bytes]
    threads: int
    memory_limit: int | None
    progress: Progress | None

    def read(
        self, program: str, kinds: Sequence[str], layer: int, device: str
    ) -> tuple[NDArray[np.float32], list[str]]:
        """Return (float32[items, columns], names of the columns) of one program."""
        if program.startswith(_LEVEL):
            return self._ask_level(program), [BITS]
        if program.startswith(_CLASSES):
            return self._ask_classes(program.removeprefix(_CLASSES))
        pools = [kind for kind in kinds if kind != BITS]
        parts: list[NDArray[np.float32]] = []
        names: list[str] = []
        if pools:
            values, names = pool_states(program, self.items, pools, layer=layer, device=device, progress=self.progress)
            parts.append(values)
        if BITS in kinds:
            parts.append(self._ask_program(program, device))
        return np.concatenate(parts, axis=1), [*names, *([BITS] if BITS in kinds else [])]

    def _ask_level(self, program: str) -> NDArray[np.float32]:
        """Return float32[items, 1]: what each takes by itself, after primers alone."""
        try:
            level = int(program.removeprefix(_LEVEL))
        except ValueError:
            raise UsageError(f"'{program}' names no level; levels go from level:1 to level:9") from None
        sample = b"".join(item[:_SAMPLE_BYTES] for item in self.items[:_TOGETHER])
        recipe = suited_recipe(sample, level, max(map(len, self.items)))
        fit_threads(1, count_memory(recipe), self.memory_limit, "extracting features")
        memory, tally = Memory(recipe), self._tally(1)
        bits = []
        for start in range(0, len(self.items), _TOGETHER):
            some = self.items[start : start + _TOGETHER]
            bits.append(memory.count_bits_each(some))
            tally.add(sum(map(len, some)))
        return np.concatenate(bits).astype(np.float32)[:, None]

    def _ask_classes(self, path: str) -> tuple[NDArray[np.float32], list[str]]:
        """Return bits under a program of each class of the texts at `path`. Raises UsageError without labels."""
        known = read_texts(path)
        if known.labels is None:
            raise UsageError(f"'{path}' has no labels; give a table of texts and labels, or a folder a class")
        programs = ClassPrograms(known.items, known.labels, None, self.threads, self.memory_limit)
        bits = programs.count_bits(self.items, self._tally(len(known.classes)))
        return bits.astype(np.float32), [f"{BITS}:{name}" for name in known.classes]

    def _ask_program(self, program: str, device: str) -> NDArray[np.float32]:
        """Return float32[items, 1]: what each takes under any program."""
        opened, tally = open_program(program, device), self._tally(1)
        bits = []
        for item in self.items:
            bits.append(opened.measure_code(item).bits if item else 0.0)
            tally.add(len(item))
        return np.array(bits, np.float32)[:, None]

    def _tally(self, times: int) -> Tally:
        """Return what tells how many bytes are read of all items, so many times each."""
        return Tally(times * sum(map(len, self.items)), self.progress)
