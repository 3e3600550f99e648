"""The parts of the network are their textbook twins bit for bit."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multum.bits.logistic import STRETCH
from multum.mixing.features import character_class, mix
from multum.mixing.histories import COUNTS, NEXT_STATE
from multum.mixing.matching import CLASSES, length_class
from multum.mixing.mixer import SETS, dot, select_set, train
from multum.mixing.slots import SLOT_BYTES, find_slot
from tests.mixing import reference

stretch = st.integers(-2839, 2839)
LIKELIEST = 255 | 11 << 8  # a byte that a trained network is sure of
weight = st.integers(-524288, 524287)
# the engine rounds the number of inputs up to eight; more than 40 go another way
vectors = st.sampled_from([8, 16, 40, 48, 96]).flatmap(
    lambda n: st.tuples(st.lists(stretch, min_size=n, max_size=n), st.lists(weight, min_size=n, max_size=n))
)


def place(weights: list[int]) -> np.ndarray:
    """Return the weights as a table's second set."""
    return np.array([1] * len(weights) + weights + [1] * len(weights), np.int32)


@given(vectors)
@example(([2839] * 96, [524287] * 96))
@example(([-2839] * 8, [524287] * 8))
def test_dot_equals_the_twin(both: tuple[list[int], list[int]]) -> None:
    x, w = both
    assert dot(np.array(x, np.int32), place(w), len(x), len(x)) == reference.dot(x, w)


@given(vectors, st.integers(-131071, 131071))
@example(([2839] * 8, [524287] * 8), 131071)
@example(([-2839] * 8, [-524288] * 8), 131071)
def test_train_equals_the_twin_and_touches_one_set(both: tuple[list[int], list[int]], step: int) -> None:
    x, w = both
    table = place(w)
    train(np.array(x, np.int32), table, len(x), len(x), np.int32(step))
    assert table.tolist() == place(reference.train(x, w, step)).tolist()


# (hash, how often the root is seen at once); few values, so that slots are fought over
visits = st.lists(st.tuples(st.integers(0, 63).map(lambda h: (h % 16) * 256 + h // 16), st.integers(0, 3)))


@given(visits)
@settings(max_examples=60)
def test_find_slot_equals_the_twin(visits: list[tuple[int, int]]) -> None:
    size = 16
    table = np.zeros(size * SLOT_BYTES, np.uint8)
    twin = reference.Slots(size)
    for h, seen in visits:
        at = find_slot(table, h, size - 1)
        assert at == twin.find(h) * SLOT_BYTES
        table[at + 1] = min(int(table[at + 1]) + seen, 255)
        root = twin.slots[at // SLOT_BYTES].histories
        root[0] = min(root[0] + seen, 255)
        table[at + 2 + seen] = root[1 + seen] = seen
    for i, slot in enumerate(twin.slots):
        assert table[i * SLOT_BYTES : (i + 1) * SLOT_BYTES].tolist() == [slot.check, *slot.histories]


def test_a_selected_set_is_always_there() -> None:
    low, high = int(STRETCH.min()), int(STRETCH.max())
    found = [0] * len(SETS)
    for mode, size in enumerate(SETS):
        for partial in (1, 2, 127, 128, 255):
            bit_number = partial.bit_length() - 1
            for feature in (0, 255, (1 << 62) - 1):
                for match_class in (0, 1, 30, CLASSES - 1):
                    for match_bit, hint in ((0, low), (1, 0), (2, high)):
                        seen = (match_class, match_bit, 64, hint, LIKELIEST)
                        s = select_set(mode, feature, partial, bit_number, *seen)
                        assert 0 <= s < size
                        found[mode] = max(found[mode], s)
    assert all(2 * most >= size - 2 for most, size in zip(found, SETS, strict=True))


def test_length_classes_rise_and_stay_in_their_tables() -> None:
    classes = [length_class(n) for n in range(2000)]
    assert classes == sorted(classes)
    assert (classes[0], max(classes)) == (0, CLASSES - 1)
    assert length_class(65535) == CLASSES - 1


@given(st.integers(0, (1 << 62) - 1), st.integers(0, (1 << 62) - 1))
@example((1 << 62) - 1, (1 << 62) - 1)
def test_hashes_are_what_integers_of_any_length_give(a: int, b: int) -> None:
    wide = (((a + b + 1) * 0x2545F4914F6CDD1D) % 2**64) & ((1 << 62) - 1)
    assert mix(a, b) == wide ^ (wide >> 29)


def test_characters_have_one_of_eight_classes() -> None:
    assert {character_class(c) for c in range(256)} == set(range(8))
    assert [character_class(ord(c)) for c in "aZ7\t\n-é\x01"] == [0, 1, 2, 3, 4, 5, 6, 7]


# --- bit histories


def follow(bits: str) -> int:
    """Return the state after `bits`."""
    state = 0
    for bit in bits:
        state = int(NEXT_STATE[2 * state + int(bit)])
    return state


def test_up_to_four_bits_are_remembered_exactly() -> None:
    histories = [""] + [format(i, f"0{n}b") for n in range(1, 5) for i in range(1 << n)]
    states = [follow(bits) for bits in histories]
    assert len(set(states)) == len(histories) == 31
    assert [tuple(COUNTS[s].tolist()) for s in states] == [(b.count("0"), b.count("1")) for b in histories]


def test_every_state_that_is_reached_has_a_successor_that_knows_the_bit() -> None:
    seen, todo = {0}, [0]
    while todo:
        state = todo.pop()
        for bit in (0, 1):
            after = int(NEXT_STATE[2 * state + bit])
            assert after != 0
            assert COUNTS[after][bit] >= 1
            assert COUNTS[after][bit] >= min(COUNTS[state][bit], 3)
            assert COUNTS[after][1 - bit] <= COUNTS[state][1 - bit]
            if after not in seen:
                seen.add(after)
                todo.append(after)
    assert len(seen) > 200  # nearly all of a byte is used


@given(st.text("01", min_size=1, max_size=300))
def test_a_run_is_counted_and_an_opposite_bit_discounts_it(bits: str) -> None:
    zeros, ones = COUNTS[follow(bits)].tolist()
    assert zeros <= bits.count("0") or zeros <= 41
    assert (zeros if bits[-1] == "0" else ones) >= 1
    run = len(bits) - len(bits.rstrip(bits[-1]))
    if run > 60:
        assert (zeros, ones)[int(bits[-1])] >= 40


def test_states_are_ordered_by_what_they_have_seen() -> None:
    """find_slot gives up the slot whose root has the lowest state."""
    totals = COUNTS[: int(NEXT_STATE.max()) + 1].astype(int).sum(axis=1)
    assert (totals[1:] >= totals[:-1]).all()
