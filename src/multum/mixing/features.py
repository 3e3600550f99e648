"""What a context can be made of: numbers computed from the bytes already coded.

One call a byte fills a vector of features; a context is a hash of up to four of
them, named by the recipe. Invariant: a feature depends on earlier bytes alone, so
encoder and decoder compute the same ones.
"""

import numpy as np

from multum.bits.kernels import part
from multum.mixing import prediction, strands, tables
from multum.mixing.hashing import mix as mix  # contexts, too, are hashed by it
from multum.mixing.prediction import CHANNELS, ERROR, GUESS, SLOW_ERROR, gather, learn_field, predict_field, size_class
from multum.mixing.strands import advance_strands
from multum.mixing.tables import advance_tables
from multum.mixing.values import remainder, value_at

# Feature numbers are part of the archive format: never renumber, only append.
NONE = 0
ORDER = 0  # ORDER + k, k in 1..32: hash of the last k bytes
BYTE = 32  # BYTE + k, k in 1..16: the k-th last byte
HIGH_NIBBLES = 49  # upper nibbles of the last two bytes
HIGH_BITS = 50  # upper three bits of the last four bytes
CLASSES = 51  # classes of the last eight characters
WORD = 52  # hash of the word so far, case folded
WORD1 = 53  # the previous word, and so on back
WORD2 = 54
WORD3 = 55
COLUMN = 56  # bytes since the line began, at most 255
ABOVE = 57  # the byte above in the previous line
ABOVE_RIGHT = 58  # and the one after it
LINE_START = 59  # hash of the first two bytes of the line
FIRST_WORD = 60  # hash of the line's first word, 0 before it ends
FIELD = 61  # number of separators since the line began
FIELD_TEXT = 62  # hash of the field so far
FIELD_ABOVE = 63  # the two bytes at this place of the same field in the line before
TAG = 64  # hash of the innermost open XML tag
SHAPE = 65  # classes of the last characters, runs collapsed
RECORD_COLUMN = 66  # position modulo the record length
UP = 67  # the byte one record back, and its neighbours
UP2 = 68
UP_LEFT = 69
UP_RIGHT = 70
FOLLOWERS1 = 71  # the last bytes that followed the order-1 context
FOLLOWERS2 = 72  # and the order-2 context
EXPECTED = 73  # the byte predicted by the longest match, with its length class
PHASE = 74  # position modulo the field width
LEFT_VALUE = 75  # what a numeric prediction leaves for this byte: left
UP_VALUE = 76  # the value above
PLANE_VALUE = 77  # left + up - up-left
MEAN_VALUE = 78  # mean of left and up-right
SLOPE_VALUE = 79  # 2 left - second left
UP_SLOPE_VALUE = 80  # 2 up - second up
LINE_LENGTH = 81  # length of the previous line, at most 255
CHARACTER1 = 82  # the last UTF-8 character and what there is of this one; then the last two, three
CHARACTER2 = 83
CHARACTER3 = 84
CHARACTER_SKIP = 85  # the second last character, without the last
LEARNT_VALUE = 86  # what a linear prediction whose weights are learnt leaves for this byte
LEARNT_FINE = 87  # the same with two more bits of fraction
ACTIVITY = 88  # how far it missed of late, in two classes
STRANDS = 88  # STRANDS + k, k in 1..7: counts of what followed the last bases on both strands, see strands.ORDERS
TABLES = 96  # features of tables in text, see tables.WIDE_FIELD and so on
WIDE_FIELD = 96  # number of separators since the line began, at most 255
WIDE_ABOVE = 97  # the two bytes at this place of the same field in the line before, of up to 256 fields
FIELDS_SAME = 98  # of the last twelve fields, whether they were those of the line before
COLUMN_NEXT = 99  # how the number so far differs from the digits above, and the byte above
FIELD_NEXT = 100  # the same with the field above
STEP_LEFT = 101  # how the last number of the line differed from the one above it, and how many there were
STEP_ABOVE = 102  # how the number above this one differed from the one above it, and how many stand left of it
FORECAST = 112  # the byte that a trained network forecasts, with how likely it is; see forecasts.guess_byte
FIELD_TEXTS = 127  # FIELD_TEXTS + k, k in 1..128: hash of the last whole text of the k-th field of a line
COUNT = 256
KNOWN = frozenset([*range(STEP_ABOVE + 1), FORECAST, *range(FIELD_TEXTS + 1, COUNT)])

# Groups of features; a group that no context uses costs nothing.
TEXT, RECORD, FOLLOWERS, TAGS, UTF8, LEARNT, TABLE = 1, 2, 4, 8, 16, 32, 64
STRAND = 8  # STRAND + k: the bit of the group of STRANDS + k, which has a table of its own
GROUPS = {
    TEXT: frozenset([*range(CLASSES, TAG), SHAPE, LINE_LENGTH]),
    RECORD: frozenset([*range(RECORD_COLUMN, FOLLOWERS1), *range(PHASE, LINE_LENGTH)]),
    FOLLOWERS: frozenset([FOLLOWERS1, FOLLOWERS2]),
    TAGS: frozenset([TAG]),
    UTF8: frozenset([CHARACTER1, CHARACTER2, CHARACTER3, CHARACTER_SKIP]),
    LEARNT: frozenset([LEARNT_VALUE, LEARNT_FINE, ACTIVITY]),
    TABLE: frozenset([*range(TABLES, STEP_ABOVE + 1), *range(FIELD_TEXTS + 1, COUNT)]),
    **{1 << (STRAND + k): frozenset([STRANDS + 1 + k]) for k in range(strands.TABLES)},
}

# Cells of the state vector.
LINE, LINE_BEFORE, FIELD_START, TAG_DEPTH, TAG_HASH, IN_TAG, CLASS_LAST = range(7)
PART, PART_LEFT, LAST_CHARACTER = 7, 8, 9  # the last three characters from LAST_CHARACTER on
LAST_BIT, LAST_NODE = 12, 13  # what is left to learn of the last byte, for a run that goes on
FIELD_STARTS = 16  # 64 starts of the current line's fields, then 64 of the line before
TAG_STACK = FIELD_STARTS + 128
PREDICTION = TAG_STACK + 32  # see prediction.CELLS
BASES = PREDICTION + prediction.CELLS  # see strands.CELLS
TABLE_CELLS = BASES + strands.CELLS  # see tables.CELLS
STATE_SIZE = TABLE_CELLS + tables.CELLS
FOLLOWER_CELLS = 256 + 65536


@part
def character_class(c: int) -> int:
    """Return 0 lower, 1 upper, 2 digit, 3 blank, 4 line end, 5 punctuation, 6 high, 7 control."""
    if 97 <= c <= 122:
        return 0
    if 65 <= c <= 90:
        return 1
    if 48 <= c <= 57:
        return 2
    if c == 32 or c == 9:
        return 3
    if c == 10 or c == 13:
        return 4
    if c >= 128:
        return 6
    if c < 32:
        return 7
    return 5


@part
def advance_text(buf, pos, separator, state, f):
    """Words, lines, fields and the classes of characters."""
    c = np.int64(buf[pos - 1])
    kind = character_class(c)
    f[CLASSES] = ((f[CLASSES] << 3) | kind) & 0xFFFFFF
    if state[CLASS_LAST] != kind:
        f[SHAPE] = ((f[SHAPE] << 3) | kind) & 0x3FFFF
    state[CLASS_LAST] = kind
    if kind <= 1 or kind == 6:
        f[WORD] = mix(f[WORD], c | 32 if kind <= 1 else c)
    elif f[WORD] != 0:
        f[WORD3] = f[WORD2]
        f[WORD2] = f[WORD1]
        f[WORD1] = f[WORD]
        f[WORD] = 0
        if f[FIRST_WORD] == 0:
            f[FIRST_WORD] = f[WORD1]
    if c == 10:
        f[LINE_LENGTH] = min(pos - state[LINE], 255)
        state[LINE_BEFORE] = state[LINE]
        state[LINE] = pos
        f[FIELD] = 0
        f[LINE_START] = 0
        f[FIRST_WORD] = 0
        for k in range(64):
            state[FIELD_STARTS + 64 + k] = state[FIELD_STARTS + k]
            state[FIELD_STARTS + k] = 0
        state[FIELD_STARTS] = pos
        f[FIELD_TEXT] = 0
        state[FIELD_START] = pos
    elif c == separator:
        f[FIELD] = min(f[FIELD] + 1, 63)
        state[FIELD_STARTS + f[FIELD]] = pos
        f[FIELD_TEXT] = 0
        state[FIELD_START] = pos
    else:
        f[FIELD_TEXT] = mix(f[FIELD_TEXT], c)
    column = pos - state[LINE]
    if 0 < column <= 2:
        f[LINE_START] = mix(f[LINE_START], c)
    f[COLUMN] = min(column, 255)
    above = state[LINE_BEFORE] + column
    f[ABOVE] = np.int64(buf[above]) if above < state[LINE] else 10
    f[ABOVE_RIGHT] = np.int64(buf[above + 1]) if above + 1 < state[LINE] else 10
    above = state[FIELD_STARTS + 64 + f[FIELD]] + pos - state[FIELD_START]
    f[FIELD_ABOVE] = np.int64(buf[above]) * 256 + np.int64(buf[above + 1]) if above + 1 < state[LINE] else 0


@part
def advance_tags(buf, pos, state, f):
    """The open XML tags, innermost last."""
    c = np.int64(buf[pos - 1])
    if c == 60:
        state[IN_TAG] = 1
        state[TAG_HASH] = 0
    elif state[IN_TAG] == 1:
        if c == 47 and state[TAG_HASH] == 0:
            state[IN_TAG] = 2
        elif state[TAG_HASH] == 0 and (c == 33 or c == 63):
            state[IN_TAG] = 4  # a comment or declaration opens nothing
        elif c == 62 and buf[pos - 2] == 47:
            state[IN_TAG] = 0  # it closed itself
        elif c == 62 or c == 32 or c == 10:
            depth = min(state[TAG_DEPTH] + 1, 31)
            state[TAG_DEPTH] = depth
            state[TAG_STACK + depth] = state[TAG_HASH]
            state[IN_TAG] = 0 if c == 62 else 3
        else:
            state[TAG_HASH] = mix(state[TAG_HASH], c)
    elif c == 62:
        if state[IN_TAG] == 2 or (state[IN_TAG] == 3 and pos > 1 and buf[pos - 2] == 47):
            state[TAG_DEPTH] = max(state[TAG_DEPTH] - 1, 0)
        state[IN_TAG] = 0
    f[TAG] = mix(state[TAG_STACK + state[TAG_DEPTH]], state[IN_TAG])


@part
def advance_characters(buf, pos, state, f):
    """The last UTF-8 characters, and what there is of this one."""
    c = np.int64(buf[pos - 1])
    if c < 128 or c >= 192:
        state[PART] = c
        state[PART_LEFT] = 0 if c < 128 else 1 if c < 224 else 2 if c < 240 else 3
    else:
        state[PART] = ((state[PART] << 8) | c) & 0xFFFFFFFF
        state[PART_LEFT] = max(state[PART_LEFT] - 1, 0)
    if state[PART_LEFT] == 0:
        state[LAST_CHARACTER + 2] = state[LAST_CHARACTER + 1]
        state[LAST_CHARACTER + 1] = state[LAST_CHARACTER]
        state[LAST_CHARACTER] = state[PART]
        state[PART] = 0
    f[CHARACTER1] = mix(state[LAST_CHARACTER], state[PART])
    f[CHARACTER2] = mix(f[CHARACTER1], state[LAST_CHARACTER + 1])
    f[CHARACTER3] = mix(f[CHARACTER2], state[LAST_CHARACTER + 2])
    f[CHARACTER_SKIP] = mix(state[LAST_CHARACTER + 1] + 1, state[PART])


@part
def advance_record(buf, pos, length, stride, width, big, f):
    """stride: bytes from a field to its left neighbour. width: 1 or 2 bytes. length: bytes of a row."""
    up = pos - length
    f[RECORD_COLUMN] = pos % length
    f[UP] = np.int64(buf[up]) if up >= 0 else 0
    f[UP2] = np.int64(buf[up - length]) if up >= length else 0
    f[UP_LEFT] = np.int64(buf[up - 1]) if up >= 1 else 0
    f[UP_RIGHT] = np.int64(buf[up + 1]) if up >= -1 and length > 1 else 0
    phase = pos % width
    f[PHASE] = pos % stride
    start = pos - phase
    known = np.int64(buf[pos - 1]) if phase == 1 else 0
    left = value_at(buf, start - stride, width, big)
    left2 = value_at(buf, start - 2 * stride, width, big)
    above = value_at(buf, start - length, width, big)
    above2 = value_at(buf, start - 2 * length, width, big)
    corner = value_at(buf, start - length - stride, width, big)
    right = value_at(buf, start - length + stride, width, big) if length > stride else left
    f[LEFT_VALUE] = remainder(left, phase, width, big, known)
    f[UP_VALUE] = remainder(above, phase, width, big, known)
    f[PLANE_VALUE] = remainder(left + above - corner, phase, width, big, known)
    f[MEAN_VALUE] = remainder((left + right) >> 1, phase, width, big, known)
    f[SLOPE_VALUE] = remainder(2 * left - left2, phase, width, big, known)
    f[UP_SLOPE_VALUE] = remainder(2 * above - above2, phase, width, big, known)


@part
def advance_learnt(buf, pos, length, stride, width, big, state, f):
    """The learnt prediction of a field: at its first byte the last field teaches, and this one is predicted."""
    cells = state[PREDICTION:]
    phase = pos % width
    start = pos - phase
    if phase == 0:
        learn_field(cells, value_at(buf, pos - width, width, big))
        base = gather(buf, start, length, stride, width, big, cells)
        predict_field(cells, (pos % stride) // width % CHANNELS, base, (1 << (8 * width)) - 1)
    known = np.int64(buf[pos - 1]) if phase == 1 else 0
    guess = cells[GUESS]
    f[LEARNT_VALUE] = remainder((guess + 8) >> 4, phase, width, big, known)
    f[LEARNT_FINE] = mix(remainder(guess >> 4, phase, width, big, known), (guess >> 2) & 3)
    f[ACTIVITY] = size_class(cells[ERROR] >> 6) | size_class(cells[SLOW_ERROR] >> 6) << 4


@part
def advance_followers(buf, pos, followers, f):
    """followers: int32[256 + 65536], the last bytes seen after each order-1 and order-2 context."""
    c1 = np.int64(buf[pos - 1])
    c2 = np.int64(buf[pos - 2]) if pos > 1 else 0
    c3 = np.int64(buf[pos - 3]) if pos > 2 else 0
    followers[c2] = ((np.int64(followers[c2]) << 8) | c1) & 0xFFFFFF
    before = 256 + c3 * 256 + c2
    followers[before] = ((np.int64(followers[before]) << 8) | c1) & 0xFFFFFF
    f[FOLLOWERS1] = np.int64(followers[c1])
    f[FOLLOWERS2] = np.int64(followers[256 + c2 * 256 + c1])


@part
def advance(buf, pos, needs, f, state, followers):
    """Fill the features f int64[COUNT] for the byte at pos, from buf[:pos].

    needs: int64[9] = groups, longest order, farthest byte, separator,
    record length, stride, width, big-endian, bits of a strand table.
    followers: the last bytes after short contexts, then the strand tables there are.
    """
    h = np.int64(0)
    for k in range(1, needs[1] + 1):
        h = mix(h, np.int64(buf[pos - k]) + 1 if pos >= k else 0)
        f[ORDER + k] = h
    for k in range(1, needs[2] + 1):
        f[BYTE + k] = np.int64(buf[pos - k]) if pos >= k else 0
    if needs[2] >= 4:
        c1, c2, c3, c4 = f[BYTE + 1], f[BYTE + 2], f[BYTE + 3], f[BYTE + 4]
        f[HIGH_NIBBLES] = (c1 & 240) | (c2 >> 4)
        f[HIGH_BITS] = (c1 >> 5) | ((c2 >> 5) << 3) | ((c3 >> 5) << 6) | ((c4 >> 5) << 9)
    groups = needs[0]
    if groups & RECORD:
        advance_record(buf, pos, needs[4], needs[5], needs[6], needs[7] != 0, f)
    if pos == 0:
        return
    if groups & TEXT:
        advance_text(buf, pos, needs[3], state, f)
    if groups & TAGS:
        advance_tags(buf, pos, state, f)
    if groups & UTF8:
        advance_characters(buf, pos, state, f)
    if groups & LEARNT:
        advance_learnt(buf, pos, needs[4], needs[5], needs[6], needs[7] != 0, state, f)
    if groups & TABLE:
        advance_tables(buf, pos, needs[3], state[TABLE_CELLS:], f, TABLES, FIELD_TEXTS + 1)
    if groups >> STRAND:
        advance_strands(
            np.int64(buf[pos - 1]), groups >> STRAND, needs[8], state[BASES:], followers, FOLLOWER_CELLS, f, STRANDS + 1
        )
    if groups & FOLLOWERS:
        advance_followers(buf, pos, followers, f)
