"""The code length of tokens under a causal network, through sliding windows.

A window is as many tokens as the network reads at once. Its first `overlap` tokens were
predicted before and are context only, so each token is predicted once, with at least
`overlap` tokens (or all there are) before it. Every window begins with the start token if
the program has one; without one, a token with nothing before it costs log2(vocabulary),
as a uniform guess does.
Invariant: the bits do not depend on the batch, but for float32 rounding.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multum.errors import LimitExceeded, UsageError
from multum.neural.loading import Loaded

if TYPE_CHECKING:
    import torch

DEFAULT_WINDOW = 2048
# Most logits of one step, float32: 256 MB.
_LOGITS = 1 << 26
# Most tokens of one step: keeps the activations of the networks we make within a few hundred MB.
_BATCH_TOKENS = 1 << 14
_PIECE_LOGITS = 1 << 24


@dataclass(frozen=True)
class Window:
    """Tokens [begin, end) are read, [first, end) are predicted."""

    begin: int
    first: int
    end: int

    @property
    def shape(self) -> tuple[int, int]:
        """(tokens read, tokens predicted); windows of one shape can share a batch."""
        return self.end - self.begin, self.end - self.first


def check_windows(window: int | None, overlap: int | None, longest: int | None) -> tuple[int, int]:
    """Return (window, overlap) in tokens, the defaults filled in: 2048 or the longest, and half a window.

    Raises UsageError unless 2 <= window <= longest and 0 <= overlap < window.
    """
    if window is None:
        window = min(longest or DEFAULT_WINDOW, DEFAULT_WINDOW)
    if window < 2 or (longest is not None and window > longest):
        bound = f"2 to {longest}, the most that this program reads at once" if longest else "2 or more"
        raise UsageError(f"a window of {window} tokens is not allowed; allowed is {bound}")
    if overlap is None:
        overlap = window // 2
    if not 0 <= overlap < window:
        raise UsageError(
            f"an overlap of {overlap} tokens is not allowed; allowed is 0 to {window - 1}, less than the window"
        )
    return window, overlap


def cut_windows(count: int, window: int, overlap: int) -> list[Window]:
    """Return the windows over `count` tokens, in order; together they predict each token once."""
    stride = window - overlap
    windows = [Window(0, 0, min(window, count))] if count else []
    while windows and windows[-1].end < count:
        done = windows[-1].end
        windows.append(Window(done - overlap, done, min(done + stride, count)))
    return windows


def measure_bits(
    loaded: Loaded,
    ids: NDArray[np.int64],
    window: int,
    overlap: int,
    batch: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """Return float64[n]: the bits of each token of `ids`, given those before it in its window.

    batch: windows of one step; None for as many as fit. progress: called with the tokens done.
    Raises LimitExceeded when a step does not fit in memory.
    Cost: window / (window - overlap) times one pass over the tokens.
    """
    bits = np.zeros(len(ids), np.float64)
    for group in _batches(cut_windows(len(ids), window, overlap), batch, loaded):
        rows = np.stack([ids[one.begin : one.end] for one in group])
        with _fitting_memory(rows):
            found = _predict(loaded, rows, group[0].shape[1])
        for one, row in zip(group, found, strict=True):
            bits[one.first : one.end] = row
        if progress is not None:
            progress(group[-1].end)
    return bits


@contextlib.contextmanager
def _fitting_memory(rows: NDArray[np.int64]) -> Iterator[None]:
    """Raise LimitExceeded where torch finds no memory for a step over `rows`, [batch, width]."""
    try:
        yield
    except RuntimeError as error:  # on a CPU torch raises nothing narrower
        if type(error).__name__ != "OutOfMemoryError" and "allocate memory" not in str(error):
            raise
        raise LimitExceeded(
            f"{rows.shape[0]} windows of {rows.shape[1]} tokens do not fit in memory; give a smaller --window (window=)"
        ) from error


def _batches(windows: list[Window], batch: int | None, loaded: Loaded) -> Iterator[list[Window]]:
    """Yield neighbouring windows of one shape, as many together as a step takes."""
    for (width, scored), alike in groupby(windows, lambda one: one.shape):
        fitting = min(_LOGITS // (scored * loaded.vocabulary.size), _BATCH_TOKENS // width)
        count = batch or max(1, fitting)
        group = list(alike)
        yield from (group[k : k + count] for k in range(0, len(group), count))


def _predict(loaded: Loaded, rows: NDArray[np.int64], scored: int) -> NDArray[np.float64]:
    """Return float64[batch, scored]: the bits of the last `scored` tokens of each row.

    rows: int64[batch, width].
    """
    import torch

    tokens = torch.from_numpy(rows).to(loaded.device)
    start = loaded.vocabulary.start
    unseen = int(start is None and scored == tokens.shape[1])  # a first token with nothing before it
    kept = scored - unseen
    bits = np.full((len(rows), scored), math.log2(loaded.vocabulary.size))
    if kept:
        before = tokens[:, :-1]
        if start is not None:
            before = torch.cat([before.new_full((len(before), 1), start), before], dim=1)
        with torch.inference_mode():
            logits = loaded.model(before, use_cache=False, logits_to_keep=kept).logits[:, -kept:]  # [batch, kept, V]
            bits[:, unseen:] = _cross_entropy_bits(logits, tokens[:, -kept:]).cpu().numpy()
    return bits


def _cross_entropy_bits(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
    """Return float64[batch, n] bits of `targets` [batch, n] under `logits` [batch, n, V]; a few positions at a time."""
    import torch
    from torch.nn import functional

    size = max(1, _PIECE_LOGITS // (logits.shape[0] * logits.shape[2]))
    pieces = [
        functional.cross_entropy(part.flatten(0, 1).float(), wanted.flatten(), reduction="none").view(wanted.shape)
        for part, wanted in zip(logits.split(size, dim=1), targets.split(size, dim=1), strict=True)
    ]
    return torch.cat(pieces, dim=1).double() / math.log(2)
