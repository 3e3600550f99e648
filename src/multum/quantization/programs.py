"""Programs at a precision: the weights of a language model on grids of 8-bit integers with a step a row."""

import numpy as np
import torch
from numpy.typing import NDArray

from multum.errors import UsageError
from multum.neural.factors import make_whole
from multum.neural.loading import Loaded
from multum.neural.rounding import MOST, Steps
from multum.quantization.imagining import imagine
from multum.quantization.quantizer import Quantizer, Target
from multum.quantization.threads import one_thread
from multum.quantization.weights import CONVOLUTION, Weight, find_weights
from multum.tensors.grids import Grid, read_steps

LEAST_BITS, MOST_BITS = 1.0, 8.0
# What calibrates: texts that the program imagines, side by side.
_TEXTS, _TOKENS = 32, 256


def round_program(loaded: Loaded, bits: float) -> Steps:
    """Give a program's weights values that 8-bit integers have, which take about `bits` bits each; return the steps.

    Layers in halves become whole. The program calibrates itself, on text that it imagines. Raises UsageError for bits
    out of range.
    """
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise UsageError(f"bits is {bits}; allowed is {LEAST_BITS:g} to {MOST_BITS:g} bits a weight")
    make_whole(loaded.model)
    found, _ = find_weights(loaded.model)
    weights = [weight for weight in found if all(use.kind != CONVOLUTION for use in weight.uses)]
    tokens = min(_TOKENS, loaded.longest or _TOKENS)
    with one_thread():
        texts = imagine(loaded.model, loaded.vocabulary.start, texts=_TEXTS, tokens=tokens)
        quantizer = Quantizer(loaded.model, weights, texts, flat=True, most=MOST)
        grids = quantizer.quantize(Target(int(bits * quantizer.size / 8))).grids
    return {weight.parameter: _settle(weight, grids[weight.name]) for weight in weights}


def _settle(weight: Weight, grid: Grid) -> NDArray[np.float64]:
    """Give a matrix the values of its grid; return float64[rows], the steps of its rows."""
    rows, columns = (read_steps(exponents, grid.fine).astype(np.float64) for exponents in (grid.rows, grid.columns))
    steps: NDArray[np.float64] = rows * columns[0]  # all columns have one
    values = torch.from_numpy(grid.codes * steps[:, None])
    with torch.no_grad():
        weight.parameter.copy_(values.reshape(weight.parameter.shape))
    return steps
