"""The axis of precision: what a program's bytes cost when its weights take few bits.

Weights are rounded as for `pack --program --bits`, and rated as `fit` rates them, so that only the rounding differs.
"""

import torch

from multum.data.streams import open_stream
from multum.neural.loading import load
from multum.neural.sources import find_source
from multum.neural.trainable import make_module
from multum.quantization.programs import round_program
from multum.training.bytes import measure_rate
from multum.training.precision import autocast


def measure_rounded(
    program: str, bits: float, held_out: str, window: int, precision: str, device: str = "cpu"
) -> float:
    """Return the bits a byte of `held_out` under a program whose weights are rounded to about `bits` bits each.

    window: bytes read at once, half of them context. precision: of the arithmetic. Raises UsageError, FormatError,
    OSError.
    """
    loaded = load(find_source(program), "cpu")
    round_program(loaded, bits)
    module = make_module(loaded.model.config, loaded.model.state_dict()).to(device).eval()
    with autocast(torch.device(device), precision):
        return measure_rate(module, open_stream(held_out), window, window // 2)
