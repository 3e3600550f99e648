"""The tables of one network, and the notes of one run over data.

Invariant: everything a kernel touches is an array made here or by network.allocate, of a size that the recipe states.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from multum.bits.lines import filled
from multum.mixing.features import COUNT as FEATURES
from multum.mixing.features import EXPECTED, STATE_SIZE

# Cells of Network.shape.
(
    SLOT_MASK,
    RUN_MASK,
    DIRECT_MASK,
    REFINE_MASK,
    INPUTS_EACH,
    INPUTS,
    MAP_LIMIT,
    DIRECT_LIMIT,
    RATE,
    RATE_START,
    RATE_HALF,
    FINAL_RATE,
    REFINE_SHIFT,
    SKIP,
    SURE_LENGTH,
) = range(15)
SHAPE_CELLS = 15


class Network(NamedTuple):
    """The tables of one network, made by recipe.allocate."""

    shape: NDArray[np.int64]  # [15] scalars, see above
    needs: NDArray[np.int64]  # [9] what features.advance computes
    contexts: NDArray[np.int64]  # [contexts, 4] features hashed into each context
    directs: NDArray[np.int64]  # contexts with direct probabilities too
    runners: NDArray[np.int64]  # contexts that remember their last byte too
    selectors: NDArray[np.int64]  # [sets, 3] mode, feature, first weight set
    finals: NDArray[np.int64]  # [finals, 3] the same for the last layer
    refiners: NDArray[np.int64]  # [refiners, 2] features of each final adjustment
    matches: NDArray[np.int64]  # shortest length of each match model
    slots: NDArray[np.uint8]
    maps: NDArray[np.int32]  # [contexts * 256]
    direct: NDArray[np.int32]  # lines of 16
    runs: NDArray[np.int32]
    run_maps: NDArray[np.int32]  # [runners * RUN_CLASSES * 2]
    match_maps: NDArray[np.int32]  # [matches * CLASSES * 2]
    sure_maps: NDArray[np.int32]  # [CLASSES * 256] whether a long match predicts its byte rightly
    heads: NDArray[np.int32]  # [matches, 2**k]
    weights: NDArray[np.int32]
    final_weights: NDArray[np.int32]
    refinements: NDArray[np.uint16]
    followers: NDArray[np.int32]
    squash: NDArray[np.uint16]
    stretch: NDArray[np.int16]
    next_state: NDArray[np.uint8]
    reciprocal: NDArray[np.int64]
    trust: NDArray[np.int64]  # [512] how far a direct probability of this count is trusted, of 256


class Scratch(NamedTuple):
    """What the engine notes down for one byte or bit."""

    features: NDArray[np.int64]
    state: NDArray[np.int64]
    hashes: NDArray[np.int64]  # [contexts] of the byte
    halves: NDArray[np.int64]  # [contexts] of the second nibble
    base: NDArray[np.int64]  # [contexts] slot offsets
    touched: NDArray[np.int64]  # [contexts] map entries
    line: NDArray[np.int64]  # [directs]
    run_byte: NDArray[np.int64]  # [runners] 256 + the byte, or 0
    run_class: NDArray[np.int64]
    run_touched: NDArray[np.int64]
    pointer: NDArray[np.int64]  # [matches]
    length: NDArray[np.int64]
    head: NDArray[np.int64]  # [matches] line of candidates
    expected: NDArray[np.int64]  # [matches] 256 + the byte, or -1
    match_touched: NDArray[np.int64]
    inputs: NDArray[np.int32]
    mixed: NDArray[np.int32]  # [sets] outputs of the first layer
    set_at: NDArray[np.int64]
    final_at: NDArray[np.int64]
    final_p: NDArray[np.int64]
    refine_hash: NDArray[np.int64]  # [refiners]
    refine_row: NDArray[np.int64]
    refine_at: NDArray[np.int64]
    meter: NDArray[np.int64]  # [1] bytes of the data that are done, for other threads to read
    trace: NDArray[np.int64]  # [bytes + 1] where the coder is before each byte and after all; or [0]
    temper: NDArray[np.uint16]  # [65536] the probability to code a bit under, of that predicted; or [0]


def make_scratch(
    net: Network,
    meter: NDArray[np.int64],
    trace: NDArray[np.int64] | None = None,
    temper: NDArray[np.uint16] | None = None,
) -> Scratch:
    """Return zeroed notes for `net`, and what the caller gives; see Scratch."""

    def cells(n: int) -> NDArray[np.int64]:
        return filled(n, 0, np.int64)

    contexts, directs, runners = len(net.contexts), len(net.directs), len(net.runners)
    sets, finals, refiners, matches = len(net.selectors), len(net.finals), len(net.refiners), len(net.matches)
    return Scratch(
        *(cells(FEATURES), cells(STATE_SIZE)),
        *(cells(contexts), cells(contexts), cells(contexts), cells(contexts), cells(directs)),
        *(cells(runners), cells(runners), cells(runners)),
        *(cells(matches), cells(matches), cells(matches), cells(matches), cells(matches)),
        inputs=filled(int(net.shape[INPUTS]), 0, np.int32),
        mixed=filled(sets, 0, np.int32),
        set_at=cells(sets),
        final_at=cells(finals),
        final_p=cells(finals),
        refine_hash=cells(refiners),
        refine_row=cells(refiners),
        refine_at=cells(refiners),
        meter=meter,
        trace=cells(0) if trace is None else trace,
        temper=np.zeros(0, np.uint16) if temper is None else temper,
    )


def is_simple(net: Network) -> bool:
    """Return whether `net` has one weight set, one final adjustment and one match model, and histories only.

    Such networks, those of the fast levels, have a kernel of their own that knows it.
    """
    return (
        len(net.selectors) == len(net.refiners) == len(net.matches) == 1
        and len(net.directs) == len(net.runners) == len(net.finals) == 0
        and (net.shape[INPUTS], net.shape[INPUTS_EACH]) == (8, 1)
        and not (net.contexts == EXPECTED).any()
    )
