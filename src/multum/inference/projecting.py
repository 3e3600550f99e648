"""The steps that layers of every kind share: embeddings, normalised inputs, products with a matrix.

Parts take a network's arrays and a state's and pick what they need; routines take arrays alone, since a call copies
what it is given.
"""

import numpy as np

from multum.bits.kernels import part, routine
from multum.inference.arrays import (
    AT,
    BIAS_AT,
    COLUMNS,
    DOWN,
    EMBEDDING_DOWN,
    EPSILON,
    INPUT_COLUMNS,
    OUTPUTS,
    PAIRS,
    SCALES_AT,
    SUM_COLUMNS,
    WIDTH,
)
from multum.inference.rows import LIMIT, multiply, normalise_row, rescale


@part
def embed(net, own, r):
    """Write the stream's row r: the embedding of its token."""
    width = net.shape[WIDTH]
    token = np.int64(own.tokens[r])
    down = net.shape[EMBEDDING_DOWN]
    right, left = max(down, 0), max(-down, 0)
    scale = np.int64(net.embedding_scales[token])
    row = own.rows[r]
    for i in range(width):
        value = ((np.int64(net.embedding[token * width + i]) * scale) >> right) << left
        row[i] = np.int32(min(max(value, -LIMIT), LIMIT))


@part
def normalise_rows(net, own, norm, rows, reach):
    """Quantize rows of the stream, normalised by norm number `norm`, as inputs of a matrix."""
    width, step = net.shape[WIDTH], own.shape[INPUT_COLUMNS]
    gains = net.gains[norm * width : (norm + 1) * width]
    for r in range(rows):
        inputs = own.inputs[r * step : (r + 1) * step]
        m, e = normalise_row(own.rows[r], gains, net.gain_downs[norm], net.shape[EPSILON], reach, own.longs, inputs)
        own.scales[r, 0] = m
        own.scales[r, 1] = e


@part
def project(net, own, matrix, rows, out, adding):
    """Write (or add to) out[r] what the inputs make of matrix number `matrix`. out: int32[rows, outputs or more]."""
    project_rows(
        net.matrices[matrix],
        net.weights,
        net.scales,
        net.biases,
        own.inputs,
        own.shape[INPUT_COLUMNS],
        own.scales,
        own.sums,
        own.shape[SUM_COLUMNS],
        rows,
        out,
        adding,
    )


@routine
def project_rows(plan, weights, scales, biases, inputs, step, input_scales, sums, columns, rows, out, adding):
    """Write (or add to) out[r] what `inputs` make of the matrix that `plan` tells of."""
    multiply(inputs, 0, step, rows, weights, plan[AT], plan[COLUMNS], plan[PAIRS], plan[COLUMNS], sums, 0, columns)
    n = plan[OUTPUTS]
    of_columns = scales[plan[SCALES_AT] : plan[SCALES_AT] + n]
    for r in range(rows):
        row = out[r, :n]
        found = sums[r * columns : r * columns + n]
        rescale(found, of_columns, input_scales[r, 0], input_scales[r, 1], plan[DOWN], row, adding)
        if plan[BIAS_AT] >= 0:
            for i in range(n):
                value = np.int64(row[i]) + np.int64(biases[plan[BIAS_AT] + i])
                row[i] = np.int32(min(max(value, -LIMIT), LIMIT))
