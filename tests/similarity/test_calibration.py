"""From bits to probabilities."""

import numpy as np
import pytest

from multum.similarity.calibration import Calibration, fit_calibration, start_calibration

BALANCED = start_calibration(np.array([50, 50]))


def draw_bits(weight: float, bias: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return (bits, labels) of two classes, where a bit counts `weight` and class 1 has `bias`."""
    generator = np.random.default_rng(1)
    bits = 500 + generator.normal(0, 40, (count, 2))
    chance = 1 / (1 + np.exp(-(weight * (bits[:, 0] - bits[:, 1]) + bias)))
    return bits, (generator.random(count) < chance).astype(np.int64)


@pytest.mark.parametrize(("weight", "bias"), [(0.02, 0.0), (0.1, 1.5), (0.045, -2.0)])
def test_weight_and_bias_that_made_labels_are_found(weight: float, bias: float) -> None:
    found = fit_calibration(*draw_bits(weight, bias), BALANCED)
    assert found.weight == pytest.approx(weight, rel=0.1)
    assert found.biases[1] - found.biases[0] == pytest.approx(bias, abs=0.2)


def test_no_other_calibration_near_by_is_likelier() -> None:
    bits, labels = draw_bits(0.05, 0.5)
    found = fit_calibration(bits, labels, BALANCED)

    def loss(calibration: Calibration) -> float:
        return -float(calibration.log_probabilities(bits)[np.arange(len(labels)), labels].sum())

    for weight in (0.95, 1.05):
        assert loss(Calibration(found.weight * weight, found.biases)) > loss(found)
    assert loss(Calibration(found.weight, found.biases + np.array([0.0, 0.1]))) > loss(found)


def test_without_texts_classes_are_as_likely_as_they_are_frequent() -> None:
    calibration = start_calibration(np.array([300, 100]))
    told = np.exp(calibration.log_probabilities(np.array([[80.0, 80.0]])))
    np.testing.assert_allclose(told, [[0.75, 0.25]], atol=0.01)


def test_perfectly_told_texts_leave_the_weight_finite() -> None:
    bits = np.array([[10.0, 900.0], [900.0, 10.0]] * 20)
    found = fit_calibration(bits, np.array([0, 1] * 20), BALANCED)
    assert 0 < found.weight < 1
    assert np.isfinite(found.log_probabilities(bits)).all()
