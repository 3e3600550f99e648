"""The task of predicting bytes: windows of a stream, each byte from those before it in its window.

Invariant: which windows a step sees depends on the seed and the step alone.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from multum.data.streams import ByteStream
from multum.neural.lean_llama import compute_type
from multum.neural.trainable import Trainable
from multum.neural.windows import cut_windows
from multum.training.processes import count_processes
from multum.training.windows import Places

NATS_PER_BIT = math.log(2)
# Held-out bytes of an evaluation within a run: enough to tell 0.01 bits per byte, and read in a second.
SAMPLE_BYTES = 1 << 17
# Bytes that are scored at once.
_BATCH_BYTES = 1 << 14


class ByteTask:
    """Bytes to train on, bytes to be scored on, and the program that is trained."""

    name = "bytes"
    unit = "byte"

    def __init__(
        self,
        data: ByteStream,
        held_out: ByteStream,
        program: Trainable,
        *,
        window: int,
        rows: int,
        accumulation: int,
        workers: int,
        seed: int,
    ) -> None:
        """window: bytes predicted in a row. rows: of a micro batch. accumulation: micro batches a step and process.

        workers: threads that score held-out bytes side by side.
        """
        assert len(data) > window, "a window and the byte before it fit into the data"
        self.data, self.held_out, self.program = data, held_out, program
        self.window, self.rows, self.accumulation = window, rows, accumulation
        self.workers, self.seed = workers, seed
        self._places = Places(len(data), window, seed)

    def build(self) -> nn.Module:
        """Return the program with the weights it starts from."""
        return self.program.build()

    def batch(self, step: int, micro: int, rank: int, world: int) -> Tensor:
        """Return windows with the byte after each: uint8[rows, window + 1]."""
        first = (step * self.accumulation * world + micro * world + rank) * self.rows
        starts = [self._places.find(first + row) for row in range(self.rows)]
        return torch.from_numpy(self.data.cut(starts, self.window + 1))

    def loss(self, module: nn.Module, batch: Tensor) -> tuple[Tensor, int]:
        """Return (sum of nats, bytes)."""
        tokens = batch.long()
        nats: Tensor = module(tokens[:, :-1], tokens[:, 1:])
        return nats.sum(), nats.numel()

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """Return the bits a byte of a sample of the held-out bytes, in windows as those of training."""
        size = min(len(self.held_out), SAMPLE_BYTES)
        return {"bits_per_unit": measure_rate(module, self.held_out.view(0, size), self.window + 1, 1, self.workers)}

    def units_per_batch(self) -> int:
        """Return the bytes of a micro batch."""
        return self.rows * self.window

    def flops_per_unit(self) -> float:
        """Return training FLOPs a byte."""
        return self.program.flops_per_byte(self.window)

    def save(self, module: nn.Module, folder: Path) -> None:
        """Write the program as a Hugging Face directory into `folder`."""
        self.program.save(module, folder, self.window)

    def describe(self) -> dict[str, Any]:
        """Return what a resumed run must agree on."""
        return {
            "task": self.name,
            "data": [origin["digest"] for origin in self.data.describe()],
            "data_bytes": len(self.data),
            "held_out": [origin["digest"] for origin in self.held_out.describe()],
            "held_out_bytes": len(self.held_out),
            "parameters": self.program.parameters,
            "architecture": self.program.config.model_type,
            "window": self.window,
            "batch": self.rows * self.accumulation * count_processes(),
        }


def measure_rate(module: nn.Module, data: ByteStream, window: int, overlap: int, workers: int = 1) -> float:
    """Return the bits a byte of `data` under `module`; the first byte, which nothing precedes, costs eight.

    window: bytes of a window, as `multum bits` cuts them; the first `overlap` of them, one at least, were scored before
    and are context. workers: threads, each with a core; the result is the same for any number.
    Cost: a forward pass over window / (window - overlap) times the data.
    """
    assert 1 <= overlap < window, "every byte but the first has one before it"
    windows = cut_windows(len(data), window, overlap)
    rows = max(1, _BATCH_BYTES // window)
    device = next(module.parameters()).device
    dtype = compute_type(device)

    def score(first: int) -> float:
        some = windows[first : first + rows]
        pieces = [data.read(one.begin, one.end - one.begin) for one in some]
        known = [max(0, one.first - one.begin - 1) for one in some]
        # Both contexts are a thread's own.
        with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            return _sum_nats(module, pieces, known, device)

    nats = sum(_map(score, range(0, len(windows), rows), workers))
    return (8 + nats / NATS_PER_BIT) / len(data)


def _map(score: Callable[[int], float], firsts: range, workers: int) -> list[float]:
    """Return the score of each of `firsts`, in order."""
    if workers == 1:
        return [score(first) for first in firsts]
    cores = torch.get_num_threads()
    torch.set_num_threads(max(1, cores // workers))
    try:
        with ThreadPoolExecutor(workers, "multum-score") as pool:
            return list(pool.map(score, firsts))
    finally:
        torch.set_num_threads(cores)


def _sum_nats(module: nn.Module, pieces: list[NDArray[np.uint8]], known: list[int], device: torch.device) -> float:
    """Return the nats of the bytes of each piece after the first and the `known` ones; short pieces are padded."""
    longest = max(map(len, pieces))
    padded = torch.zeros(len(pieces), longest, dtype=torch.int64)
    counted = torch.zeros(len(pieces), longest - 1, dtype=torch.bool)
    for row, (piece, skip) in enumerate(zip(pieces, known, strict=True)):
        padded[row, : len(piece)] = torch.from_numpy(piece)
        counted[row, skip : len(piece) - 1] = True
    padded = padded.to(device)
    nats: Tensor = module(padded[:, :-1], padded[:, 1:])  # [rows, longest - 1]
    return float(nats[counted.to(device)].double().sum())
