"""What contexts, runs and matches look up for a byte, predict for a bit, and learn from it.

Invariant: every index is masked or made from bounded numbers, so that none leaves its table.
"""

import numpy as np

from multum.bits.adaptive import learn
from multum.bits.kernels import part, prefetch
from multum.mixing.features import EXPECTED, mix
from multum.mixing.matching import CLASSES, length_class, measure_match
from multum.mixing.slots import find_slot

RUN_CLASSES = 16


@part
def hash_contexts(contexts, first, last, f, hashes, slots, slot_mask):
    """Hash the features of contexts first to last - 1 and ask for the line of each one's first slot."""
    for i in range(first, last):
        h = mix(f[contexts[i, 0]], i)
        if contexts[i, 1]:
            h = mix(h, f[contexts[i, 1]])
            if contexts[i, 2]:
                h = mix(h, f[contexts[i, 2]])
                if contexts[i, 3]:
                    h = mix(h, f[contexts[i, 3]])
        hashes[i] = h
        prefetch(slots, ((h >> 8) & slot_mask) << 4)


@part
def uses(contexts, i, feature):
    """Return whether context i is made of `feature` among others."""
    found = False
    for k in range(contexts.shape[1]):
        found = found or contexts[i, k] == feature
    return found


@part
def open_slots(hashes, slots, slot_mask, base):
    """Find the slot of every hash; return how many had been seen before."""
    hits = np.int64(0)
    for i in range(hashes.shape[0]):
        b = find_slot(slots, hashes[i], slot_mask)
        base[i] = b
        if slots[np.uint64(b + 1)]:
            hits += 1
    return hits


@part
def open_matches(buf, pos, matches, n, pointer, length, expected, f):
    """Measure new candidates, and note the byte that each match and the longest of them expect."""
    longest = np.int64(0)
    f[EXPECTED] = 0
    for m in range(n):
        expected[m] = -1
        if length[m] == 0 and pos >= matches[m]:
            length[m] = measure_match(buf, pos, matches[m], pointer[m])
        if length[m] > 0:
            expected[m] = np.int64(buf[pointer[m]]) | 256
            if length[m] > longest:
                longest = length[m]
                f[EXPECTED] = expected[m] + (length_class(longest) << 9)


@part
def open_directs(directs, hashes, direct, direct_mask, line):
    """Choose the line of direct probabilities of each context that has one."""
    for k in range(directs.shape[0]):
        line[k] = ((hashes[directs[k]] >> 17) & direct_mask) << 4
        prefetch(direct, line[k])


@part
def open_runs(runners, hashes, runs, run_mask, run_byte, run_class):
    """Look up the byte that last followed each context, and how often in a row."""
    for k in range(runners.shape[0]):
        h = hashes[runners[k]]
        v = np.int64(runs[np.uint64((h >> 20) & run_mask)])
        if (v >> 16) == (h & 0x7FFF) and v & 0xFF00:
            run_byte[k] = (v & 255) | 256
            run_class[k] = min((v >> 8) & 255, RUN_CLASSES - 1)
        else:
            run_byte[k] = 0


@part
def close_runs(runners, hashes, runs, run_mask, run_byte, symbol):
    """Remember the byte that followed each context."""
    for k in range(runners.shape[0]):
        h = hashes[runners[k]]
        at = np.uint64((h >> 20) & run_mask)
        times = np.int64(1)
        if run_byte[k] & 255 == symbol and run_byte[k]:
            times = min(((np.int64(runs[at]) >> 8) & 255) + 1, 255)
        runs[at] = ((h & 0x7FFF) << 16) | (times << 8) | symbol


@part
def predict_histories(slots, maps, stretch, base, node, each, touched, x):
    """Write one or two inputs a context: its stretch and, if each is 2, its distance from one half."""
    for i in range(base.shape[0]):
        s = np.int64(slots[np.uint64(base[i] + node)])
        j = i * 256 + s
        touched[i] = j
        p = np.int64(maps[np.uint64(j)]) >> 15
        t = np.int32(stretch[np.uint64(p >> 4)])
        if each == 1:
            x[i] = t
        elif s == 0:
            x[2 * i] = 0
            x[2 * i + 1] = 0
        else:
            x[2 * i] = t
            x[2 * i + 1] = np.int32((p - 32768) >> 5)


@part
def predict_directs(direct, stretch, trust, line, node, at, x):
    """Write one input a direct context: its stretch, less while it has seen little."""
    for k in range(line.shape[0]):
        v = np.int64(direct[np.uint64(line[k] + node)])
        t = np.int64(stretch[np.uint64(v >> 19)])
        x[at + k] = np.int32((t * trust[np.uint64(v & 511)]) >> 8)


@part
def predict_runs(run_maps, stretch, run_byte, run_class, partial, bit_number, at, touched, x):
    """Write one input a runner: the stretch of its last byte's next bit, 0 when that byte is ruled out."""
    for k in range(run_byte.shape[0]):
        touched[k] = -1
        x[at + k] = 0
        if run_byte[k] >> (8 - bit_number) == partial:
            j = (k * RUN_CLASSES + run_class[k]) * 2 + ((run_byte[k] >> (7 - bit_number)) & 1)
            touched[k] = j
            x[at + k] = np.int32(stretch[np.uint64(np.int64(run_maps[np.uint64(j)]) >> 19)])


@part
def predict_matches(match_maps, stretch, n, expected, length, partial, bit_number, at, touched, x):
    """Write two inputs a match; return (class of the longest that predicts, 1 + its bit or 0)."""
    best = np.int64(0)
    best_bit = np.int64(0)
    for m in range(n):
        x[at + 2 * m] = 0
        x[at + 2 * m + 1] = 0
        touched[m] = -1
        if expected[m] < 0:
            continue
        if expected[m] >> (8 - bit_number) != partial:
            expected[m] = -1
            length[m] = 0
            continue
        bit = (expected[m] >> (7 - bit_number)) & 1
        size = length_class(length[m])
        if size > best:
            best = size
            best_bit = 1 + bit
        j = (m * CLASSES + size) * 2 + bit
        touched[m] = j
        p = np.int64(match_maps[np.uint64(j)]) >> 15
        x[at + 2 * m] = np.int32(stretch[np.uint64(p >> 4)])
        x[at + 2 * m + 1] = np.int32((p - 32768) >> 5)
    return best, best_bit


@part
def share(total, n):
    """Return total // n; few ways to share are powers of two, and a division waits longer than all of mixing."""
    if n == 1:
        return total
    if n == 2:
        return total >> 1
    if n == 4:
        return total >> 2
    return total // n


@part
def learn_histories(slots, maps, next_state, reciprocal, base, node, touched, bit, limit):
    """Teach every history and the map entry that read it."""
    for i in range(base.shape[0]):
        learn(maps, touched[i], bit, limit, reciprocal)
        b = np.uint64(base[i] + node)
        slots[b] = next_state[np.uint64(np.int64(slots[b]) * 2 + bit)]


@part
def learn_touched(maps, touched, n, bit, limit, reciprocal):
    """Teach the map entries that took part in this prediction."""
    for k in range(n):
        if touched[k] >= 0:
            learn(maps, touched[k], bit, limit, reciprocal)
