"""Weights as integers: one step for what errors cost decides how fine each row and column of a network is.

Invariant: all errors cost the same on average, so that no bit would do more good elsewhere; the size of the file is
met by that one number.
"""

import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from multum.quantization.feedback import (
    FINE,
    LARGEST_CODE,
    Ground,
    Rounded,
    limit_noise,
    measure_signal,
    prepare,
    round_matrix,
)
from multum.quantization.guesses import guess_sensitivity
from multum.quantization.keeping import Grounds, make_key
from multum.quantization.memory import give_back_memory
from multum.quantization.samples import Sample
from multum.quantization.sensitivities import Batch, Sensitivity, measure_sensitivities
from multum.quantization.weights import Skipped, Weight
from multum.tensors.grid_coding import estimate_bits
from multum.tensors.grids import Grid

if TYPE_CHECKING:
    from torch import nn

Progress = Callable[[float], None]
# What the grounds of all matrices may take in memory.
AT_ONCE_BYTES = 1 << 30
# Steps that a sample is rounded with at most.
_SEARCHES = 5
# How near sizes are to come, in shares: of a sample, and of everything.
_SAMPLE_NEAR = 0.002
_NEAR = 0.008
_ROUNDS = 4
# Octaves within which codes that shrink by more than a bit a weight and octave do so at once.
_STAIR = 1 / 32


@dataclass(frozen=True)
class Target:
    """What codes may take: bytes of them all."""

    bytes: int


@dataclass(frozen=True, eq=False)
class Quantized:
    """Integers of matrices, by their names.

    coded_bytes: what they take, as estimated. loss: nats a prediction that they cost, as estimated. skipped: matrices
    left as they are. step: the logarithm of the step that all have in common.
    """

    grids: dict[str, Grid]
    coded_bytes: float
    loss: float
    step: float
    skipped: tuple[Skipped, ...] = ()


class Quantizer:
    """The matrices of a network, ready to become integers at any size."""

    def __init__(
        self,
        module: "nn.Module",
        weights: Sequence[Weight],
        batches: Sequence[Batch] | None,
        *,
        seed: int = 0,
        flat: bool = False,
        most: int = LARGEST_CODE,
        at_once_bytes: int = AT_ONCE_BYTES,
        folder: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        """batches: what the network reads, for calibration; None for a guess from the weights alone.

        flat: all columns of a matrix have one step. most: the largest code. progress: called with the share of the
        measuring that is done. at_once_bytes: what the grounds of matrices may take in memory; where they take more,
        the batches are read once for each part of the network, and the grounds lie in a folder for passing things.
        folder: where they lie instead, to stay; what an earlier run has measured for the same network, data and
        options is there already. Raises OSError, and FormatError for a damaged file.
        """
        self.weights = tuple(weights)
        self.grounds: dict[str, Ground] = {}
        self._seen: list[tuple[float, float]] = []  # steps, and the bits of all codes at each
        groups = list(group_weights(self.weights, at_once_bytes))
        if folder is not None:
            names = [weight.name for weight in self.weights]
            folder /= make_key(module, batches, seed, flat, most, at_once_bytes, names)
        elif len(groups) > 1:
            folder = self._make_folder()
        self._files = None if folder is None else Grounds(folder, flat, most)
        for number, group in enumerate(groups):
            if self._recall(group):
                continue
            measured: dict[str, Sensitivity] = {}
            if batches:
                told = None if progress is None else partial(_tell, progress, number, len(batches), len(groups))
                measured = measure_sensitivities(module, group, batches, seed=seed, progress=told)
            for weight in group:
                # each is made where the other was, so that both never lie in memory
                found = measured.pop(weight.name, None)
                ground = prepare(guess_sensitivity(weight.read()) if found is None else found, flat, most)
                self.grounds[weight.name] = (
                    ground if self._files is None else self._files.write(len(self.grounds), ground)
                )
                give_back_memory()
        self._signals = {one.name: measure_signal(one.read(), self.grounds[one.name]) for one in self.weights}
        give_back_memory()

    def _make_folder(self) -> Path:
        """Return a folder that goes when this quantizer does."""
        folder = tempfile.TemporaryDirectory(prefix="multum-")
        weakref.finalize(self, folder.cleanup)
        return Path(folder.name)

    def _recall(self, group: list[Weight]) -> bool:
        """Take the grounds of a group from files; return whether all of them are there."""
        if self._files is None:
            return False
        first = len(self.grounds)
        found = [self._files.read(first + place) for place in range(len(group))]
        recalled = {weight.name: ground for weight, ground in zip(group, found, strict=True) if ground is not None}
        if len(recalled) < len(group):
            return False
        self.grounds |= recalled
        return True

    @property
    def size(self) -> int:
        """How many weights there are."""
        return sum(weight.parameter.numel() for weight in self.weights)

    def quantize(self, target: Target, progress: Progress | None = None) -> Quantized:
        """Return the integers whose codes take about `target`, not more. The parameters stay as they are."""
        aim = 8.0 * target.bytes
        # what came of an earlier size tells more than a sample
        search = _Search(
            self._guess_from(self._seen, aim) if self._seen else self._search_sample((1 - 2 * _NEAR / 3) * aim)
        )
        step = search.step
        for left in reversed(range(_ROUNDS)):
            found = self._try(step, progress)
            step = self._choose_step(search, found, aim, last=not left)
            if step == found.step:
                return found
            del found  # integers of all weights are not to lie in memory twice
        return self._try(step, progress)

    def _choose_step(self, search: "_Search", found: Quantized, aim: float, last: bool) -> float:
        """Return the step to try after `found`; its own where that will do, or nothing better is to be had."""
        bits = 8 * found.coded_bytes
        if (1 - _NEAR) * aim <= bits <= aim:
            return found.step
        fine, coarse = self._bracket(aim)
        if last or self._is_stair(fine, coarse):
            return found.step if coarse is None else coarse
        search.learn(bits, (1 - _NEAR / 3) * aim, self.size)
        if fine is not None and coarse is not None and not fine < search.step < coarse:
            search.step = (fine + coarse) / 2
        return search.step

    def _bracket(self, aim: float) -> tuple[float | None, float | None]:
        """Return (the coarsest step seen whose codes are longer than `aim`, the finest whose codes are not)."""
        longer, fitting = ([step for step, bits in self._seen if (bits > aim) is long] for long in (True, False))
        return max(longer, default=None), min(fitting, default=None)

    def _is_stair(self, fine: float | None, coarse: float | None) -> bool:
        """Return whether codes become so much shorter between two steps that nothing in between is looked for.

        Steps of rows are rounded; where many rows have one (words that no data reached), all of them jump at once.
        """
        if fine is None or coarse is None:
            return False
        bits = dict(self._seen)
        return coarse - fine < _STAIR and bits[fine] - bits[coarse] > 2 * (coarse - fine) * self.size

    def _try(self, step: float, progress: Progress | None) -> Quantized:
        """Return what comes of a step, and note how long it is."""
        found = self.quantize_at(step, progress)
        self._seen.append((step, 8 * found.coded_bytes))
        give_back_memory()
        return found

    def quantize_at(self, step: float, progress: Progress | None = None) -> Quantized:
        """Return the integers of all matrices. step: what all have in common, see limit_noise."""
        grids, loss, done = {}, 0.0, 0
        for weight in self.weights:
            limited = limit_noise(step, self._signals[weight.name])
            rounded = round_matrix(weight.read(), self.grounds[weight.name], limited)
            grids[weight.name] = make_grid(rounded, weight)
            loss += rounded.loss
            done += weight.parameter.numel()
            if progress is not None:
                progress(done / self.size)
        return Quantized(grids, sum(map(estimate_bits, grids.values())) / 8, loss, step)

    def _guess_from(self, seen: list[tuple[float, float]], aim: float) -> float:
        """Return a step for `aim` bits, from the nearest of (step, bits): an octave is about a bit a weight."""
        step, bits = min(seen, key=lambda pair: abs(pair[1] - aim))
        return step + (bits - aim) / self.size

    def _search_sample(self, aim: float) -> float:
        """Return the step at which a sample says that codes take `aim` bits."""
        sample = Sample(self.weights, self.grounds, self._signals)
        search = _Search(sample.guess_step(aim))
        for _ in range(_SEARCHES):
            bits = sample.estimate_bits(search.step)
            search.learn(bits, aim, self.size)
            if abs(bits - aim) < _SAMPLE_NEAR * aim:
                break
        return search.step


def count_ground_bytes(weight: Weight) -> int:
    """Return the bytes that what rounding has to know of a matrix takes: a number for each pair of inputs."""
    inputs = weight.shape[0] if weight.transposed else weight.shape[1]
    return 4 * inputs * inputs


def group_weights(weights: Sequence[Weight], at_once_bytes: int) -> Iterator[list[Weight]]:
    """Yield the weights in order, as many at once as there is room for."""
    group: list[Weight] = []
    size_bytes = 0
    for weight in weights:
        need_bytes = count_ground_bytes(weight)
        if group and size_bytes + need_bytes > at_once_bytes:
            yield group
            group, size_bytes = [], 0
        group.append(weight)
        size_bytes += need_bytes
    if group:
        yield group


def _tell(progress: Progress, number: int, batches: int, groups: int, done: int) -> None:
    progress((number + done / batches) / groups)


class _Search:
    """A number that is corrected by what came of it: bits fall by about one a weight and octave."""

    def __init__(self, step: float) -> None:
        self.step = step
        self._seen: list[tuple[float, float]] = []

    def learn(self, bits: float, aim: float, size: int) -> None:
        """Take in that the present step gives `bits`, and choose the next."""
        slope = -float(size)
        if self._seen and abs(self._seen[-1][0] - self.step) > 1e-6:
            measured = (bits - self._seen[-1][1]) / (self.step - self._seen[-1][0])
            slope = min(measured, slope / 8)  # never flat, whatever noise says
        self._seen.append((self.step, bits))
        self.step += max(-4.0, min(4.0, (aim - bits) / slope))


def make_grid(rounded: Rounded, weight: Weight) -> Grid:
    """Return the integers as the network's state holds the matrix."""
    codes, rows, columns = rounded.codes, rounded.rows, rounded.columns
    if weight.transposed:
        codes, rows, columns = codes.T.contiguous(), columns, rows
    dtype = _NAMES.get(weight.parameter.dtype, "F32")
    return Grid(codes.numpy(), rows.numpy(), columns.numpy(), FINE, dtype)


_NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}
