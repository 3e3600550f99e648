"""float32 or bfloat16: whichever is faster here, measured on the first batch."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

FLOAT32 = "float32"
BFLOAT16 = "bfloat16"
_REPEATS = 2


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """Return the context in which a forward pass runs at `precision`."""
    if precision == FLOAT32:
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def choose_precision(device: torch.device, work: Callable[[str], None]) -> str:
    """Return the faster precision for `work`, which does a step's passes at the precision it is given."""
    times = {precision: _time(device, precision, work) for precision in (FLOAT32, BFLOAT16)}
    return min(times, key=lambda precision: times[precision])


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
