"""What a context can be made of: numbers computed from the bytes already coded.

One call a byte fills a vector of features; a context is a hash of up to four of
them, named by the recipe. Invariant: a feature depends on earlier bytes alone, so
encoder and decoder compute the same ones.
"""

import numpy as np

from multum.bits.kernels import part

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
COUNT = 96

# Groups of features; a group that no context uses costs nothing.
TEXT, RECORD, FOLLOWERS, TAGS, UTF8 = 1, 2, 4, 8, 16
GROUPS = {
    TEXT: frozenset([*range(CLASSES, TAG), SHAPE, LINE_LENGTH]),
    RECORD: frozenset([*range(RECORD_COLUMN, FOLLOWERS1), *range(PHASE, LINE_LENGTH)]),
    FOLLOWERS: frozenset([FOLLOWERS1, FOLLOWERS2]),
    TAGS: frozenset([TAG]),
    UTF8: frozenset([CHARACTER1, CHARACTER2, CHARACTER3, CHARACTER_SKIP]),
}

# Cells of the state vector.
LINE, LINE_BEFORE, FIELD_START, TAG_DEPTH, TAG_HASH, IN_TAG, CLASS_LAST = range(7)
PART, PART_LEFT, LAST_CHARACTER = 7, 8, 9  # the last three characters from LAST_CHARACTER on
FIELD_STARTS = 16  # 64 starts of the current line's fields, then 64 of the line before
TAG_STACK = FIELD_STARTS + 128
STATE_SIZE = TAG_STACK + 32

_MULTIPLIER = 0x2545F4914F6CDD1D
_MASK = (1 << 62) - 1


@part
def mix(a: int, b: int) -> int:
    """Return a 62-bit hash of two non-negative integers."""
    h = ((a + b + 1) * _MULTIPLIER) & _MASK
    return h ^ (h >> 29)


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
def value_at(buf, pos, width, big):
    """Return the unsigned field of one or two bytes at pos, 0 before the start."""
    if pos < 0:
        return np.int64(0)
    if width == 1:
        return np.int64(buf[pos])
    if big:
        return (np.int64(buf[pos]) << 8) | np.int64(buf[pos + 1])
    return np.int64(buf[pos]) | (np.int64(buf[pos + 1]) << 8)


@part
def remainder(value, phase, width, big, known):
    """Return what the predicted `value` says about the byte at `phase`, given the field's `known` first byte."""
    if width == 1:
        return min(max(value, 0), 255)
    value = min(max(value, 0), 65535)
    if big:
        if phase == 0:
            return value >> 6
        return 1024 + min(max(value - (known << 8), -64), 319)
    if phase == 0:
        return value & 255
    return 1024 + ((value - known + 128) >> 8)


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

    needs: int64[8] = groups, longest order, farthest byte, separator,
    record length, stride, width, big-endian.
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
    if groups & FOLLOWERS:
        advance_followers(buf, pos, followers, f)
