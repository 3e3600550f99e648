"""From code lengths to probabilities: by how much a bit counts, and what each class is worth beforehand.

A program's bits are far too sure of themselves as evidence, for the words of a text are no independent witnesses. One
weight for all bits and a bias a class, fitted to texts that the programs have not read, make probabilities of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# What a bit counts, in nats, where nothing can be fitted: about what texts of many kinds turn out to want.
_USUAL_WEIGHT = 0.045
# How firmly weight and biases are held where they would be without texts: as so many squared deviations.
_WEIGHT_HOLD, _BIAS_HOLD = 4.0, 1.0
_STEPS = 50
_SETTLED = 1e-9


@dataclass(frozen=True)
class Calibration:
    """weight: nats that a bit counts, over zero. biases: float64[classes], nats. texts: how many it was fitted to."""

    weight: float
    biases: Array
    texts: int = 0

    def log_probabilities(self, bits: Array) -> Array:
        """Return float64[n, classes], natural, of bits [n, classes]: least bits are likeliest but for the biases."""
        scores = self.biases - self.weight * _level(bits)
        return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def start_calibration(counts: NDArray[np.int64]) -> Calibration:
    """Return the calibration by how many texts each class has, int64[classes], alone."""
    return Calibration(_USUAL_WEIGHT, np.log((counts + 0.5) / (counts.sum() + 0.5 * len(counts))))


def fit_calibration(bits: Array, labels: NDArray[np.int64], first: Calibration) -> Calibration:
    """Return the likeliest calibration of bits float64[n, classes] whose classes are labels int64[n].

    first: what it is held to, the less the more texts there are. Newton's steps on a convex loss, in the logarithm of
    the weight, so that it stays over zero; a step that does not help is halved.
    """
    place = np.concatenate([[np.log(first.weight)], first.biases])
    start, spread = place.copy(), _level(bits)
    loss, slope, bend = _weigh(place, start, spread, labels)
    for _ in range(_STEPS):
        step = np.linalg.solve(bend, slope)
        for _ in range(_STEPS):
            loss_there, slope_there, bend_there = _weigh(place - step, start, spread, labels)
            if loss_there <= loss:
                break
            step = step / 2
        else:
            break
        settled = loss - loss_there < _SETTLED * max(loss, 1.0)
        place, loss, slope, bend = place - step, loss_there, slope_there, bend_there
        if settled:
            break
    return Calibration(float(np.exp(place[0])), place[1:], len(labels))


def _level(bits: Array) -> Array:
    """Return bits over those of the class with the least: what they have in common says nothing."""
    least: Array = bits.min(axis=1, keepdims=True)
    return bits - least


def _weigh(place: Array, start: Array, spread: Array, labels: NDArray[np.int64]) -> tuple[float, Array, Array]:
    """Return (loss, its slope [1 + classes], its curvature) at place = (log weight, biases).

    The curvature is that of the loss in the scores alone, which is never negative.
    """
    rows = np.arange(len(spread))
    moves = -np.exp(place[0]) * spread  # d scores / d log weight; d scores / d biases are ones
    scores = place[1:] + moves
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    chances = np.exp(logs)
    hold = np.array([_WEIGHT_HOLD, *[_BIAS_HOLD] * spread.shape[1]])
    away = place - start
    loss = float(-logs[rows, labels].sum() + 0.5 * (hold * away**2).sum())
    errors = chances.copy()
    errors[rows, labels] -= 1
    centred = moves - (chances * moves).sum(axis=1, keepdims=True)
    bend = np.diag(hold)
    bend[0, 0] += (chances * centred**2).sum()
    bend[0, 1:] = bend[1:, 0] = (chances * centred).sum(axis=0)
    bend[1:, 1:] += np.diag(chances.sum(axis=0)) - chances.T @ chances
    return loss, np.concatenate([[(errors * moves).sum()], errors.sum(axis=0)]) + hold * away, bend
