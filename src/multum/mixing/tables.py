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
