"""What a trained network says of the next byte, and what contexts have learnt to correct in it.

The network forecasts a byte from the data before it; its probability of each bit is one input of mixing, and picks
weight sets. A context's correction is a number that it adds to the forecast's log-odds, learnt by Newton's rule for
one unknown: a context that was never seen adds nothing, and one that has seen the forecast fail says by how much.
Invariant: the network reads the data alone, never the primers, over which there is no forecast and nothing to correct.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multum.bits.kernels import part
from multum.bits.lines import filled
from multum.inference.exponentials import split_bits
from multum.inference.reading import Stepper, step
from multum.mixing.features import FORECAST
from multum.mixing.inputs import RUN_CLASSES

# Cells of a correction that a runner has: for each class, expected bit and bit's number.
RUN_CELLS = RUN_CLASSES * 2 * 8
# What a bit tells of a correction is p (1 - p), kept in units of 2**-10 up to LIMIT; PRIOR is believed at the start.
_PRIOR = 128
_LIMIT = 16384
# Corrections stay within 12 nats, in units of 2**-10.
_REACH = 12288


class Guide(NamedTuple):
    """A trained network, one stream of it, and what it says of a byte."""

    stepper: Stepper
    nodes: NDArray[np.int32]  # [256] by the partial byte: the probability of a one, of 65536


def make_guide(stepper: Stepper) -> Guide:
    """Return a guide that asks the one stream of `stepper`, which has read nothing."""
    return Guide(stepper, filled(256, 1 << 15, np.int32))


@part
def ask_guide(guide, buf, pos, start, stretch, f):
    """Let the network read the byte before pos, and note what it says of the one at pos."""
    guide.stepper.tokens[0] = np.int32(buf[pos - 1]) if pos > start else np.int32(-1)
    step(guide.stepper)
    split_bits(guide.stepper.logits, 0, guide.nodes)
    f[FORECAST] = guess_byte(guide.nodes, stretch)


@part
def guess_byte(nodes, stretch):
    """Return the byte that the likelier bit leads to each time, and from bit 8 on how likely it is, 0 to 11."""
    node = np.int64(1)
    p = np.int64(65535)
    for _ in range(8):
        one = np.int64(nodes[node])
        bit = np.int64(one >= 32768)
        p = (p * (one if bit else 65536 - one)) >> 16
        node = node * 2 + bit
    return (node & 255) | (min(max((np.int64(stretch[np.uint64(p >> 4)]) >> 8) + 4, 0), 11) << 8)


@part
def predict_corrections(direct, line, node, at, x):
    """Write one input a direct context: its correction."""
    for k in range(line.shape[0]):
        x[at + k] = np.int32(np.int64(direct[np.uint64(line[k] + node)]) >> 18)


@part
def predict_run_corrections(run_maps, run_byte, run_class, partial, bit_number, at, touched, x):
    """Write one input a runner: the correction of its class and expected bit, 0 when its last byte is ruled out."""
    for k in range(run_byte.shape[0]):
        touched[k] = -1
        x[at + k] = 0
        if run_byte[k] >> (8 - bit_number) == partial:
            expected = (run_byte[k] >> (7 - bit_number)) & 1
            j = k * RUN_CELLS + (run_class[k] * 2 + expected) * 8 + bit_number
            touched[k] = j
            x[at + k] = np.int32(np.int64(run_maps[np.uint64(j)]) >> 18)


@part
def learn_correction(table, i, squash, hint, target):
    """Move the correction table[i] to where the forecast, a stretch of `hint`, would have been righter.

    An entry holds a correction in its upper half, and in its lower half what it has been told. target: 65536 or 0.
    """
    k = np.uint64(i)
    entry = np.int64(table[k])
    correction, told = entry >> 16, entry & 65535
    p = np.int64(squash[np.uint64(min(max(hint + (correction >> 2), -3072), 3071) + 3072)])
    told += max((p * (65536 - p)) >> 22, 1)
    correction += (target - p) * 16 // (told + _PRIOR)
    table[k] = np.int32((min(max(correction, -_REACH), _REACH - 1) << 16) | min(told, _LIMIT))


@part
def learn_corrections(direct, run_maps, squash, line, node, run_touched, hint, target):
    """Teach every correction that took part in this prediction."""
    for k in range(line.shape[0]):
        learn_correction(direct, line[k] + node, squash, hint, target)
    for k in range(run_touched.shape[0]):
        if run_touched[k] >= 0:
            learn_correction(run_maps, run_touched[k], squash, hint, target)
