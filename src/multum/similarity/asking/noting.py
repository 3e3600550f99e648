"""Asking a network about texts, with notes of what each changes, kernels of `multum.similarity.asking.questions`.

Invariant: every place is one that the network itself would touch, masked as it masks it.
"""

import numpy as np

from multum.bits.adaptive import REFINE_POINTS
from multum.bits.kernels import kernel, part
from multum.mixing.engine import run_network
from multum.mixing.features import advance, mix
from multum.mixing.matching import head_line
from multum.mixing.storage import REFINE_MASK, SLOT_MASK

SLOT_WORDS = 8  # a line of slots has 64 bytes


@kernel
def ask_all(texts, ends, buf, known, code, net, own, f, state, small, kept, tables, notes, places):
    """Write where the coder is after each text into places; texts, ends: their bytes, and where each ends."""
    at = np.int64(0)
    for number in range(ends.shape[0]):
        size = ends[number] - at
        for k in range(size):
            buf[known + k] = texts[at + k]
        for k in range(f.shape[0]):
            f[k] = own.features[k]
        for k in range(state.shape[0]):
            state[k] = own.state[k]
        slots, heads, rows = note_lines(buf[: known + size], known, net, own, f, state, notes)
        note_contents(tables, notes, slots, heads, rows)
        run_network(True, False, buf[: known + size], known, known, code, net, own, None)
        places[number] = own.trace[size]
        put_back(tables, notes, slots, heads, rows)
        for k in range(small.shape[0]):
            small[k] = kept[k]
        at = ends[number]
    return np.int64(0)


@part
def note_lines(buf, first, net, own, f, state, notes):
    """Note the places that reading buf[first:] will change; return how many of slots, heads and refinements.

    f, state: copies of the features and the state of `own`, which this changes.
    """
    slot_mask, refine_mask = net.shape[SLOT_MASK], net.shape[REFINE_MASK]
    contexts, refiners, matches, heads = net.contexts, net.refiners, net.matches, net.heads
    slot_at, _, head_at, _, row_at, _ = notes
    n_slots, n_heads, n_rows = np.int64(0), np.int64(0), np.int64(0)
    for i in range(contexts.shape[0]):
        slot_at[n_slots] = own.base[i] >> 6
        n_slots += 1
    for k in range(refiners.shape[0]):
        row_at[n_rows] = own.refine_at[k] // REFINE_POINTS
        n_rows += 1
    for pos in range(first, buf.shape[0]):
        for m in range(matches.shape[0]):
            if pos >= matches[m]:
                last = np.int64(buf[pos - 1])
                line = own.head[m] if pos == first else head_line(heads, m, f[matches[m] - 1], last >> 4, False)
                head_at[n_heads] = m * heads.shape[1] + (line | (last & 15))
                n_heads += 1
        advance(buf, pos, net.needs, f, state, net.followers)
        symbol = np.int64(buf[pos]) | 256
        for i in range(contexts.shape[0]):
            h = mix(f[contexts[i, 0]], i)
            for k in range(1, 4):
                if contexts[i, k]:
                    h = mix(h, f[contexts[i, k]])
            slot_at[n_slots] = ((h >> 8) & slot_mask) >> 2
            slot_at[n_slots + 1] = ((mix(h, symbol >> 4) >> 8) & slot_mask) >> 2
            n_slots += 2
        for k in range(refiners.shape[0]):
            h = mix(mix(f[refiners[k, 0]], k), f[refiners[k, 1]])
            for shift in range(1, 9):
                row_at[n_rows] = k * (refine_mask + 1) + ((mix(h, symbol >> shift) >> 20) & refine_mask)
                n_rows += 1
    return n_slots, n_heads, n_rows


@part
def note_contents(tables, notes, n_slots, n_heads, n_rows):
    """Keep what lies at the places noted."""
    slots, heads, rows = tables
    slot_at, slot_kept, head_at, head_kept, row_at, row_kept = notes
    for n in range(n_slots):
        for k in range(SLOT_WORDS):
            slot_kept[n, k] = slots[slot_at[n], k]
    for n in range(n_heads):
        head_kept[n] = heads[head_at[n]]
    for n in range(n_rows):
        for k in range(REFINE_POINTS):
            row_kept[n, k] = rows[row_at[n], k]


@part
def put_back(tables, notes, n_slots, n_heads, n_rows):
    """Put what was kept back to its places."""
    slots, heads, rows = tables
    slot_at, slot_kept, head_at, head_kept, row_at, row_kept = notes
    for n in range(n_slots):
        for k in range(SLOT_WORDS):
            slots[slot_at[n], k] = slot_kept[n, k]
    for n in range(n_heads):
        heads[head_at[n]] = head_kept[n]
    for n in range(n_rows):
        for k in range(REFINE_POINTS):
            rows[row_at[n], k] = row_kept[n, k]
