"""What follows the last bases of a genome, counted on both strands.

A genome says much of itself twice, the second time backwards and complemented: where x was followed by b, the
complement of b is followed by that of x read backwards. Both are counted, which no context of bytes can do.
Source: Pinho, Ferreira et al., "Inverted repeats-aware finite-context models" (2011).
Invariant: a table is indexed by masked numbers only.
"""

import numpy as np

from multum.bits.kernels import part, prefetch
from multum.mixing.hashing import mix

# Bases that each table looks back; the number of a table is its place here.
ORDERS = (11, 12, 14, 16, 18, 20, 24)
TABLES = len(ORDERS)
_BASES = 25  # kept of each strand: the longest context and one base more

FORWARD, BACKWARD, CELLS = range(3)


@part
def order_of(table):
    """Return ORDERS[table]."""
    if table < 2:
        return 11 + table
    if table < 6:
        return 10 + 2 * table
    return 24


@part
def find_counts(context, order, first, bits):
    """Return (index, check) of the counts of a context in the table of 2**bits cells that begins at `first`."""
    if 2 * order <= bits:
        return first + context, np.int64(0)
    h = mix(context, order)
    return first + ((h >> 16) & ((1 << bits) - 1)), (h >> 44) & 0xFFFF


@part
def count_base(tables, index, check, base, order):
    """Count that `base` followed; four counts of four bits, and above them the check."""
    cell = np.int64(tables[np.uint64(index)])
    counts = cell & 0xFFFF if (cell >> 16) & 0xFFFF == check else np.int64(0)
    shift = 4 * base
    mine = (counts >> shift) & 15
    if order >= 16:
        # far back there are repeats rather than frequencies: what came last counts most
        counts = (counts >> 1) & 0x7777
        counts = (counts & ~(15 << shift)) | (min(mine + 1, 15) << shift)
    elif mine == 15:
        counts = ((counts >> 1) & 0x7777) + (4 << shift)
    else:
        counts += 1 << shift
    tables[np.uint64(index)] = np.int32(((check << 16) | counts) - ((check >> 15) << 32))


@part
def advance_strands(c, wanted, bits, cells, tables, first, f, at):
    """Count the base c on both strands and write the counts of what followed the present contexts to f[at:].

    wanted: bits that say which tables there are. cells: the last bases of both strands.
    """
    if c == 10 or c == 13:
        return  # lines of a genome are no part of it
    base = (c >> 1) & 3  # A, C, T, G; the complement has the upper bit flipped
    before = cells[FORWARD]
    now = ((before << 2) | base) & ((1 << 2 * _BASES) - 1)
    other = (cells[BACKWARD] >> 2) | ((base ^ 2) << 2 * (_BASES - 1))
    cells[FORWARD], cells[BACKWARD] = now, other
    for table in range(TABLES):
        if (wanted >> table) & 1:
            order = order_of(table)
            mask = (1 << 2 * order) - 1
            index, check = find_counts(now & mask, order, first, bits)
            prefetch(tables, index)
            there, check_there = find_counts(before & mask, order, first, bits)
            count_base(tables, there, check_there, base, order)
            there, check_there = find_counts(other >> 2 * (_BASES - order), order, first, bits)
            count_base(tables, there, check_there, ((now >> 2 * order) & 3) ^ 2, order)
            cell = np.int64(tables[np.uint64(index)])
            f[at + table] = cell & 0xFFFF if (cell >> 16) & 0xFFFF == check else np.int64(0)
            first += 1 << bits
