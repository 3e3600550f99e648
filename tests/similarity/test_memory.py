"""Memories that are gone back to."""

import numpy as np
import pytest

from multum.mixing import Recipe, measure, preset
from multum.similarity.memory import Memory
from multum.similarity.recipes import lean_recipe, suited_recipe
from tests.similarity.samples import draw_text

BEFORE = "\n".join(draw_text("sea", seed) for seed in range(30)).encode()
AFTER = draw_text("sea", 99).encode()


@pytest.mark.parametrize(
    "recipe", [lean_recipe(4000), preset(2, "text").scaled(4000), preset(5, "text").scaled(4000)], ids=str
)
def test_bits_after_what_was_read_are_those_of_reading_both(recipe: Recipe) -> None:
    both = measure(BEFORE + AFTER, recipe)[len(BEFORE) :]
    # the coder begins anew, so that its interval is cut in other places
    np.testing.assert_allclose(Memory(recipe, BEFORE).measure(AFTER), both, atol=0.02)


def test_a_primer_is_read_before_the_data() -> None:
    recipe = suited_recipe(BEFORE, 3, 4000)
    assert recipe.primers
    both = measure(BEFORE + AFTER, recipe)[len(BEFORE) :]
    np.testing.assert_allclose(Memory(recipe, BEFORE).measure(AFTER), both, atol=0.02)


def test_measuring_leaves_a_memory_as_it_was() -> None:
    memory = Memory(lean_recipe(4000), BEFORE)
    first = memory.measure(AFTER)
    memory.measure(draw_text("kitchen", 5).encode() * 20)
    memory.measure(b"")
    np.testing.assert_array_equal(memory.measure(AFTER), first)


def test_a_question_longer_than_the_room_for_it_is_measured_too() -> None:
    memory = Memory(lean_recipe(4000), BEFORE)
    first = memory.count_bits(AFTER)
    long = np.random.default_rng(0).bytes(10_000)
    assert memory.measure(long).shape == (10_000,)
    assert memory.count_bits(long) > 8 * 10_000
    assert memory.count_bits(AFTER) == first


@pytest.mark.parametrize("known", [BEFORE, b"", b"a"], ids=["much", "nothing", "little"])
def test_texts_asked_together_take_the_bits_that_each_takes_alone(known: bytes) -> None:
    memory = Memory(lean_recipe(4000), known)
    texts = [draw_text(kind, seed, words=seed).encode() for seed in range(9) for kind in ("sea", "kitchen")]
    texts += [AFTER, b"", np.random.default_rng(0).bytes(200), AFTER, draw_text("sea", 7, words=2000).encode(), AFTER]
    together = memory.count_bits_each(texts)
    np.testing.assert_allclose(together, [memory.count_bits(text) for text in texts], atol=1e-6)
    np.testing.assert_array_equal(memory.count_bits_each(texts), together)


def test_networks_that_cannot_be_foreseen_are_asked_one_by_one() -> None:
    memory = Memory(preset(5, "text").scaled(4000), BEFORE)
    assert memory.count_bits_each([AFTER, b"x"]).tolist() == [memory.count_bits(AFTER), memory.count_bits(b"x")]


def test_what_is_known_makes_alike_texts_short() -> None:
    sea, nothing = Memory(lean_recipe(4000), BEFORE), Memory(lean_recipe(4000))
    assert sea.count_bits(AFTER) < sea.count_bits(draw_text("kitchen", 1).encode())
    assert sea.count_bits(AFTER) < 0.6 * nothing.count_bits(AFTER)


def test_nothing_takes_no_bits() -> None:
    assert Memory(lean_recipe(0)).count_bits(b"") == 0
