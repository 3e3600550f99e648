"""Inputs are cut without loss, and pieces are hidden one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multum.explaining.pieces import Patches, Words, cut


@given(st.text(max_size=60))
def test_all_words_together_are_the_text(text: str) -> None:
    words = Words(text)
    assert words.hide(np.ones(len(words), bool)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("so dull, and weak", ["so", " dull,", " and", " weak"]),
        ("从前有 座山", ["从", "前", "有", " 座", "山"]),
        ("in 山 hill\n", ["in", " 山", " hill\n"]),
        ("  ", ["  "]),
    ],
)
def test_words_keep_the_space_before_them(text: str, words: list[str]) -> None:
    assert Words(text).words == words


def test_a_hidden_word_is_left_out() -> None:
    words = cut(["so dull and weak"], 0)
    assert words.hide(np.array([True, False, True, True])) == "so and weak"


def test_patches_cover_an_image_and_hidden_ones_are_black() -> None:
    image = np.full((3, 20, 10), 7, np.uint8)
    patches = cut(image[None], 0)
    assert isinstance(patches, Patches)
    assert (patches.side, len(patches)) == (3, 28)
    shown = np.ones(len(patches), bool)
    np.testing.assert_array_equal(patches.hide(shown), image)
    shown[0] = False
    assert (patches.hide(shown)[:, :3, :3] == 0).all()
    assert patches.hide(shown).sum() == image.sum() - 3 * 9 * 7
