<<<<<<< src/multum/mixing/tables.py
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
    needs: NDArray[np.int64]  # [8] what features.advance computes
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
=======
"""Tables in text: fields of a line by number, whether they repeat the line above, and how numbers differ from it.

Lines end with a line feed, fields with the recipe's separator; lines of up to 256 fields are told apart.
Invariant: positions kept here lie before the present one, and every index is bounded.
"""

import numpy as np

from multum.bits.kernels import part
from multum.mixing.hashing import mix

FIELDS = 256
NUMBERS = 64
NAMED = 128  # fields whose text can be a context of its own
_LARGEST = 99_999  # of a difference

# Cells: line starts, the present field, the differences of the present numbers, and field starts of two lines.
LINE, ABOVE, FIELD_START, FIELD, COUNT_ABOVE, TEXT, SAME, COLUMN_DIFFERENCE, FIELD_DIFFERENCE = range(9)
IN_NUMBER, NUMBER, DIFFERENCE_LEFT = 9, 10, 11
STARTS = 16
STARTS_ABOVE = STARTS + FIELDS
DIFFERENCES = STARTS_ABOVE + FIELDS  # of the numbers of a line from those above, by their number
CELLS = DIFFERENCES + NUMBERS

# Features, from the number given.
WIDE_FIELD, WIDE_ABOVE, FIELDS_SAME, COLUMN_NEXT, FIELD_NEXT, STEP_LEFT, STEP_ABOVE = range(7)


@part
def byte_above(buf, at, line):
    """Return the byte at `at` of the line that ends before `line`, or a line feed beyond its end."""
    return np.int64(buf[at]) if 0 <= at < line else np.int64(10)


@part
def differ(difference, c, above):
    """Return the difference of two numbers whose digits came one under the other, after one more; 0 outside numbers.

    A blank above counts as 0, a point under a point changes nothing.
    """
    if c == 46:
        return difference
    if c < 48 or c > 57:
        return np.int64(0)
    digit = above - 48 if 48 <= above <= 57 else np.int64(0)
    return min(max(difference * 10 + c - 48 - digit, -_LARGEST), _LARGEST)


@part
def follow_number(c, before, cells):
    """Note where numbers begin and end; keep the difference of one that has ended from the one in its columns above.

    before: the difference before c.
    """
    if 48 <= c <= 57 or (c == 46 and cells[IN_NUMBER]):
        cells[IN_NUMBER] = 1
    elif cells[IN_NUMBER]:
        cells[IN_NUMBER] = 0
        cells[DIFFERENCE_LEFT] = before
        cells[DIFFERENCES + cells[NUMBER]] = before
        cells[NUMBER] = min(cells[NUMBER] + 1, NUMBERS - 1)
    if c == 10:
        cells[NUMBER] = 0
        cells[DIFFERENCE_LEFT] = 0


@part
def end_field(c, pos, cells, f, at, texts):
    """Keep the text of the field that c has ended, and whether it was that of the field above."""
    field = cells[FIELD]
    if field < NAMED:
        f[texts + field] = cells[TEXT]
    f[at + FIELDS_SAME] = ((f[at + FIELDS_SAME] << 1) | cells[SAME]) & 0xFFF
    if c == 10:
        for k in range(max(field + 1, cells[COUNT_ABOVE])):
            cells[STARTS_ABOVE + k] = cells[STARTS + k] if k <= field else 0
        cells[COUNT_ABOVE] = field + 1
        cells[ABOVE] = cells[LINE]
        cells[LINE] = pos
        field = np.int64(-1)
    field = min(field + 1, FIELDS - 1)
    cells[FIELD] = field
    cells[STARTS + field] = pos
    cells[FIELD_START] = pos
    cells[TEXT] = 0
    cells[SAME] = 1


@part
def advance_tables(buf, pos, separator, cells, f, at, texts):
    """Write the features of the byte at pos to f[at:], and texts of fields to f[texts:]."""
    c = np.int64(buf[pos - 1])
    line = cells[LINE]
    column_above = byte_above(buf, cells[ABOVE] + pos - 1 - line, line)
    start = cells[STARTS_ABOVE + cells[FIELD]]
    field_above = byte_above(buf, start + pos - 1 - cells[FIELD_START], line)
    follow_number(c, cells[COLUMN_DIFFERENCE], cells)
    cells[COLUMN_DIFFERENCE] = differ(cells[COLUMN_DIFFERENCE], c, column_above)
    cells[FIELD_DIFFERENCE] = differ(cells[FIELD_DIFFERENCE], c, field_above)
    if c != field_above:
        cells[SAME] = 0
    if c == 10 or c == separator:
        end_field(c, pos, cells, f, at, texts)
    else:
        cells[TEXT] = mix(cells[TEXT], c)
    line = cells[LINE]
    column_above = byte_above(buf, cells[ABOVE] + pos - line, line)
    here = cells[STARTS_ABOVE + cells[FIELD]] + pos - cells[FIELD_START]
    if cells[FIELD] >= cells[COUNT_ABOVE]:
        here = line  # the line above has no such field
    field_above = byte_above(buf, here, line)
    f[at + WIDE_FIELD] = cells[FIELD]
    f[at + WIDE_ABOVE] = field_above * 256 + byte_above(buf, here + 1, line)
    f[at + COLUMN_NEXT] = mix(cells[COLUMN_DIFFERENCE] + _LARGEST, column_above)
    f[at + FIELD_NEXT] = mix(cells[FIELD_DIFFERENCE] + _LARGEST, field_above)
    f[at + STEP_LEFT] = mix(cells[DIFFERENCE_LEFT] + _LARGEST, cells[NUMBER])
    f[at + STEP_ABOVE] = mix(cells[DIFFERENCES + cells[NUMBER]] + _LARGEST, cells[NUMBER])
>>>>>>> /tmp/B/head/src/multum/mixing/tables.py
