"""Methods that hide pieces find what is known to be there."""

import numpy as np
import pytest

pytest.importorskip("captum", reason="the extra multum[explain] is not installed")

from multum.explaining.masking import METHODS, attribute
from multum.explaining.pieces import Patches, Words

WEIGHTS = {"dull": -3.0, "superb": 2.0, "so": 0.5}


def value(texts: list[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the sum of the weights of the words of each text, and one more."""
    return np.array([1.0 + sum(WEIGHTS.get(word, 0.0) for word in text.split()) for text in texts])


# shap loads Matplotlib and pandas, which takes seconds
SLOWLY = [pytest.param(one, marks=pytest.mark.slow) if one == "shap" else one for one in METHODS]


@pytest.mark.parametrize("method", SLOWLY)
def test_a_sum_over_words_is_taken_apart_into_its_terms(method: str) -> None:
    if method == "shap":
        pytest.importorskip("shap", reason="the extra multum[explain] is not installed")
    found = attribute(method, Words("so dull a superb film"), value, 0)
    np.testing.assert_allclose(found.scores, [0.5, -3.0, 0.0, 2.0, 0.0], atol=0.04)
    assert found.value == pytest.approx(0.5)
    assert found.base == pytest.approx(1.0)
    assert abs(found.gap) < 0.05


@pytest.mark.slow
def test_shapley_values_add_up_where_words_depend_on_each_other() -> None:
    pytest.importorskip("shap", reason="the extra multum[explain] is not installed")

    def both(texts: list[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([4.0 * ("not" in text and "dull" in text) for text in texts])

    found = attribute("shap", Words("not so dull"), both, 0)
    np.testing.assert_allclose(found.scores, [2.0, 0.0, 2.0])
    assert found.gap == pytest.approx(0)


def test_scores_of_patches_are_spread_over_their_pixels() -> None:
    image = np.zeros((1, 16, 16), np.uint8)
    image[0, 4:6, 8:10] = 200
    found = attribute(
        "occlusion", Patches(image), lambda images: images.reshape(len(images), -1).sum(axis=1) / 100.0, 0
    )
    assert found.scores.shape == (16, 16)
    assert found.scores[4, 8] == pytest.approx(2.0)
    assert found.scores.sum() == pytest.approx(found.value - found.base) == pytest.approx(8.0)
