"""float32 or bfloat16: whichever is faster here, measured on the first batch."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

FLOAT32 = "float32"
BFLOAT16 = "bfloat16"
TYPES = {FLOAT32: torch.float32, BFLOAT16: torch.bfloat16}
_REPEATS = 2
# What the coarser precision must gain, so that chance seldom chooses and a seed gives the same program again.
_GAIN = 1.25


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Return the context in which a forward pass runs at `precision`."""
    if precision == FLOAT32:
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def choose_precision(device: torch.device, work: Callable[[str], None]) -> str:
    """Return the precision for `work`, which does a step's passes at the one it is given: float32 unless it is slow."""
    full_s, half_s = (_time(device, precision, work) for precision in (FLOAT32, BFLOAT16))
    return BFLOAT16 if half_s * _GAIN < full_s else FLOAT32


def _time(device: torch.device, precision: str, work: Callable[[str], None]) -> float:
    """Return the least seconds of a few passes, after one that warms up."""
    least = float("inf")
    for turn in range(_REPEATS + 1):
        start = time.perf_counter()
        work(precision)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if turn:
            least = min(least, time.perf_counter() - start)
    return least
