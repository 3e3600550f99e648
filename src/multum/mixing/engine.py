"""The online learner: one pass that predicts, codes and learns every bit of a block.

Encoder and decoder run the same body; only the source of the bit differs. Invariant:
everything that decides a bit is an integer, and every table index is masked or made
from bounded numbers, so that no input can reach outside a table.
"""

import numpy as np
from numpy.typing import NDArray

from multum.bits.adaptive import learn, prefetch_row, refine
from multum.bits.binary import code_bit, flush, start_decoding
from multum.bits.kernels import kernel, part, prefetch
from multum.mixing.features import EXPECTED, FORECAST, LAST_BIT, LAST_NODE, advance, mix
from multum.mixing.forecasts import Guide, ask_guide, learn_corrections, predict_corrections, predict_run_corrections
from multum.mixing.inputs import (
    close_runs,
    hash_contexts,
    learn_histories,
    learn_touched,
    open_directs,
    open_matches,
    open_runs,
    open_slots,
    predict_directs,
    predict_histories,
    predict_matches,
    predict_runs,
    share,
    uses,
)
from multum.mixing.matching import follow_match, head_line, length_class, seek_match
from multum.mixing.mixer import dot, dot_few, select_set, train, train_few
from multum.mixing.storage import (
    DIRECT_LIMIT,
    DIRECT_MASK,
    FINAL_RATE,
    INPUTS,
    INPUTS_EACH,
    MAP_LIMIT,
    RATE,
    RATE_HALF,
    RATE_START,
    REFINE_MASK,
    REFINE_SHIFT,
    RUN_MASK,
    SKIP,
    SLOT_MASK,
    SURE_LENGTH,
    Network,
    Scratch,
    is_simple,
)

# A byte takes at most 8 bits of 16 bits each, and the end of the code four bytes more.
MARGIN = 24


def code_block(
    decoding: bool,
    buf: NDArray[np.uint8],
    start: int,
    code: NDArray[np.uint8],
    net: Network,
    own: Scratch,
    guide: Guide | None,
    first: int = 0,
) -> int:
    """Code buf[start:] into code, or decode code into buf[start:]; return the code bytes used.

    buf[:start] is known to both sides and only learnt from. Returns -1 when the code
    does not fit into the array given for it. guide: the trained network that a guided network wants.
    first: where the last call with the same `net` and `own` ended, to go on from there.
    """
    if guide is not None:
        return int(run_guided_network(decoding, buf, first, start, code, net, own, guide))
    run = run_simple_network if is_simple(net) else run_any_network
    return int(run(decoding, buf, first, start, code, net, own))


@kernel
def run_any_network(decoding, buf, first, start, code, net, own):
    """Do what code_block says."""
    return run_network(False, decoding, buf, first, start, code, net, own, None)


@kernel
def run_simple_network(decoding, buf, first, start, code, net, own):
    """Do what code_block says, for networks that are simple."""
    return run_network(True, decoding, buf, first, start, code, net, own, None)


@kernel
def run_guided_network(decoding, buf, first, start, code, net, own, guide):
    """Do what code_block says, for networks that want a guide."""
    return run_network(False, decoding, buf, first, start, code, net, own, guide)


@part
def run_network(simple, decoding, buf, first, start, code, net, own, guide):
    """Do what code_block says.

    simple: whether the network is; a constant, so that the compiler leaves out what is not there. So it does
    with all that a guide is asked where `guide` is None.
    """
    shape = net.shape
    slot_mask, run_mask, direct_mask = shape[SLOT_MASK], shape[RUN_MASK], shape[DIRECT_MASK]
    refine_mask, each, n_inputs = shape[REFINE_MASK], shape[INPUTS_EACH], shape[INPUTS]
    map_limit, direct_limit = shape[MAP_LIMIT], shape[DIRECT_LIMIT]
    rate_floor, rate_start, rate_half = shape[RATE], shape[RATE_START], shape[RATE_HALF]
    final_rate, refine_shift, skip = shape[FINAL_RATE], shape[REFINE_SHIFT], shape[SKIP]
    sure_length = shape[SURE_LENGTH]
    needs, contexts, directs, runners = net.needs, net.contexts, net.directs, net.runners
    selectors, finals, refiners, matches = net.selectors, net.finals, net.refiners, net.matches
    slots, maps, direct, runs = net.slots, net.maps, net.direct, net.runs
    run_maps, match_maps, sure_maps = net.run_maps, net.match_maps, net.sure_maps
    weights, final_weights, refinements = net.weights, net.final_weights, net.refinements
    heads, followers = net.heads, net.followers
    squash, stretch, trust = net.squash, net.stretch, net.trust
    next_state, reciprocal = net.next_state, net.reciprocal
    f, state, hashes, halves = own.features, own.state, own.hashes, own.halves
    base, touched, line = own.base, own.touched, own.line
    run_byte, run_class, run_touched = own.run_byte, own.run_class, own.run_touched
    pointer, length, head, expected = own.pointer, own.length, own.head, own.expected
    match_touched, x, mixed = own.match_touched, own.inputs, own.mixed
    set_at, final_at, final_p = own.set_at, own.final_at, own.final_p
    refine_hash, refine_row, refine_at = own.refine_hash, own.refine_row, own.refine_at
    meter, trace, temper = own.meter, own.trace, own.temper
    traced, tempered = trace.shape[0] > 0, temper.shape[0] > 0
    n_contexts, n_directs, n_runs = contexts.shape[0], directs.shape[0], runners.shape[0]
    if simple:
        n_inputs, each, n_sets, n_finals, n_refiners, n_matches = 8, 1, 1, 0, 1, 1
    else:
        n_sets, n_finals, n_refiners = selectors.shape[0], finals.shape[0], refiners.shape[0]
        n_matches = matches.shape[0]
    direct_at = each * n_contexts
    run_at = direct_at + n_directs
    match_at = run_at + n_runs
    x[match_at + 2 * n_matches] = 256  # the bias
    forecast_at = match_at + 2 * n_matches + 1
    guided = False  # whether there is a forecast
    hint = np.int64(0)  # what it says of the bit, stretched
    forecast = np.int64(0)

    low = np.int64(0)
    width = np.int64(0xFFFFFFFF)
    value, end = start_decoding(code) if decoding else (np.int64(0), np.int64(0))

    # Contexts from here on know what the longest match expects: they are hashed after it is found.
    settled = np.int64(0)
    while settled < n_contexts and (simple or not uses(contexts, settled, EXPECTED)):
        settled += 1
    rate = np.int64(0)
    rate_end = np.int64(0)  # the rate falls every 256 bytes
    bit = state[LAST_BIT]
    node = state[LAST_NODE]  # 0: there is no bit to learn from
    for pos in range(first, buf.shape[0]):
        if not decoding and end + MARGIN > code.shape[0]:
            return np.int64(-1)
        coding = pos >= start
        meter[0] = pos - start
        if traced and coding:
            trace[pos - start] = end << 32 | width
        known = not (decoding and coding)
        symbol = np.int64(buf[pos]) if known else np.int64(0)

        # Memory is slow: ask for what this byte needs, and learn the last bit of the one before meanwhile.
        advance(buf, pos, needs, f, state, followers)
        if guide is not None and coding:
            ask_guide(guide, buf, pos, start, stretch, f)
            forecast = f[FORECAST]
            guided = True
        longest = np.int64(0)
        guess = np.int64(0)
        for m in range(n_matches):
            pointer[m], length[m] = follow_match(buf, pos, pointer[m], length[m])
            if length[m] > longest:
                longest = length[m]
                guess = np.int64(buf[pointer[m]])
        sure = sure_length > 0 and longest >= sure_length
        if not sure:
            hash_contexts(contexts, 0, settled, f, hashes, slots, slot_mask)
        for m in range(n_matches):
            if pos >= matches[m]:
                pointer[m] = seek_match(buf, pos, heads, m, head[m], pointer[m], length[m])
        if sure:
            # one bit for the whole byte; contexts learn nothing from it
            at = (length_class(longest) << 8) | guess
            p = min(max(np.int64(sure_maps[np.uint64(at)]) >> 15, 1), 65535)
            if tempered:
                p = np.int64(temper[np.uint64(p)])
            hit = np.int64(symbol == guess)
            hit, low, width, value, end = code_bit(decoding, coding, known, hit, p, code, low, width, value, end)
            learn(sure_maps, at, hit, 255, reciprocal)
            if hit:
                buf[pos] = guess
                for m in range(n_matches):
                    head[m] = head_line(heads, m, f[matches[m] - 1], guess >> 4, False)
                continue
            hash_contexts(contexts, 0, settled, f, hashes, slots, slot_mask)

        hits = np.int64(0)
        partial = np.int64(1)
        for bit_number in range(8):
            if node:
                target = bit << 16
                for k in range(n_sets):
                    miss = target - np.int64(squash[np.uint64(np.int64(mixed[k]) + 3072)])
                    if abs(miss) > skip:
                        train(x, weights, set_at[k], n_inputs, np.int32((miss * rate) >> 10))
                for k in range(n_finals):
                    train_few(mixed, final_weights, final_at[k], n_sets, ((target - final_p[k]) * final_rate) >> 10)
                for k in range(n_refiners):
                    a = np.uint64(refine_at[k])
                    refinements[a] += (target - bit - np.int64(refinements[a])) >> refine_shift
                learn_histories(slots, maps, next_state, reciprocal, base, node, touched, bit, map_limit)
                learn_touched(match_maps, match_touched, n_matches, bit, 255, reciprocal)
                if guide is not None:
                    if guided:
                        learn_corrections(direct, run_maps, squash, line, node, run_touched, hint, target)
                elif not simple:
                    for k in range(n_directs):
                        learn(direct, line[k] + node, bit, direct_limit, reciprocal)
                    learn_touched(run_maps, run_touched, n_runs, bit, 255, reciprocal)
                node = node * 2 + bit
            if bit_number == 0:
                if pos >= rate_end:
                    rate = rate_floor + (rate_start - rate_floor) * rate_half // (rate_half + (pos & -256))
                    rate_end = (pos & -256) + 256
                open_matches(buf, pos, matches, n_matches, pointer, length, expected, f)
                for k in range(n_refiners):
                    refine_hash[k] = mix(mix(f[refiners[k, 0]], k), f[refiners[k, 1]])
                if not simple:
                    hash_contexts(contexts, settled, n_contexts, f, hashes, slots, slot_mask)
                    open_runs(runners, hashes, runs, run_mask, run_byte, run_class)
                    open_directs(directs, hashes, direct, direct_mask, line)
                hits = open_slots(hashes, slots, slot_mask, base)
                node = np.int64(1)
            elif bit_number == 4:
                if not simple:
                    open_directs(directs, halves, direct, direct_mask, line)
                hits = open_slots(halves, slots, slot_mask, base)
                node = np.int64(1)

            for k in range(n_refiners):
                row = k * (refine_mask + 1) + ((mix(refine_hash[k], partial) >> 20) & refine_mask)
                refine_row[k] = row
                prefetch_row(refinements, row)
            if guide is not None and guided:
                hint = np.int64(stretch[np.uint64(np.int64(guide.nodes[partial]) >> 4)])
                x[forecast_at] = np.int32(hint)
            # sets are chosen first, so that their weights are there when the inputs are
            match_class, match_bit = predict_matches(
                match_maps, stretch, n_matches, expected, length, partial, bit_number, match_at, match_touched, x
            )
            for k in range(n_sets):
                feature = f[selectors[k, 1]]
                s = select_set(
                    selectors[k, 0], feature, partial, bit_number, match_class, match_bit, hits, hint, forecast
                )
                set_at[k] = (selectors[k, 2] + s) * n_inputs
                prefetch(weights, set_at[k])
            predict_histories(slots, maps, stretch, base, node, each, touched, x)
            if guide is not None:
                predict_corrections(direct, line, node, direct_at, x)
                predict_run_corrections(run_maps, run_byte, run_class, partial, bit_number, run_at, run_touched, x)
            elif not simple:
                predict_directs(direct, stretch, trust, line, node, direct_at, x)
                predict_runs(run_maps, stretch, run_byte, run_class, partial, bit_number, run_at, run_touched, x)
            for k in range(n_sets):
                mixed[k] = np.int32(dot(x, weights, set_at[k], n_inputs))
            if n_finals == 0:
                t = np.int64(mixed[0])
            else:
                t = np.int64(0)
                for k in range(n_finals):
                    feature = f[finals[k, 1]]
                    s = select_set(
                        finals[k, 0], feature, partial, bit_number, match_class, match_bit, hits, hint, forecast
                    )
                    s = (finals[k, 2] + s) * n_sets
                    final_at[k] = s
                    r = dot_few(mixed, final_weights, s, n_sets)
                    final_p[k] = np.int64(squash[np.uint64(r + 3072)])
                    t += r
                t = share(t, n_finals)
            p = np.int64(squash[np.uint64(t + 3072)])
            if n_refiners:
                total = np.int64(0)
                for k in range(n_refiners):
                    q, refine_at[k] = refine(refinements, refine_row[k], t)
                    total += q
                p = (p + share(total * 3, n_refiners) + 2) >> 2
            p = min(max(p, 1), 65535)
            if tempered:
                p = np.int64(temper[np.uint64(p)])

            bit = (symbol >> (7 - bit_number)) & 1
            bit, low, width, value, end = code_bit(decoding, coding, known, bit, p, code, low, width, value, end)
            partial = partial * 2 + bit
            if bit_number == 3:
                # ask for the second nibble's slots now: they arrive while this bit is learnt
                for i in range(n_contexts):
                    halves[i] = mix(hashes[i], partial)
                    prefetch(slots, ((halves[i] >> 8) & slot_mask) << 4)
                for m in range(n_matches):
                    head[m] = head_line(heads, m, f[matches[m] - 1], partial & 15, True)

        symbol = partial & 255
        buf[pos] = symbol
        if not simple:
            close_runs(runners, hashes, runs, run_mask, run_byte, symbol)
    state[LAST_BIT], state[LAST_NODE] = bit, node  # it is learnt where somebody goes on
    if traced:
        trace[buf.shape[0] - start] = end << 32 | width
    if not decoding:
        end = flush(code, end, low, width)
    return end
