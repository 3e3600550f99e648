"""Attribution of anything that can be asked: hide pieces of an input and see what is left of the bits.

occlusion: each piece alone is hidden, and what is lost is its score. shap: Shapley values, the mean of what a piece
adds over orders in which pieces appear; they add up to the whole by construction. lime: a linear model of the bits on
inputs with random pieces hidden, near the input counting most.
Source: Zeiler and Fergus (2014); Lundberg and Lee, "A unified approach to interpreting model predictions" (2017);
Ribeiro, Singh and Guestrin, "Why should I trust you?" (2016). Captum computes the first and the last, shap the second.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from multum.explaining.evidence import Attribution, Value
from multum.explaining.pieces import Patches, Pieces, Words
from multum.judging.resampling import Floats

# Orders that Shapley values are a mean over, forwards and backwards; and inputs that a linear model is fitted to.
_ORDERS, _SAMPLES = 10, 400
# Inputs that a program is asked about at once.
_AT_ONCE = 128
# How strongly the coefficients of the linear model are held to 0, as in the authors' own program.
_RIDGE = 1.0


def _look(pieces: Pieces, value: Value, shown: NDArray[Any]) -> Floats:
    """Return float64[n]: the bits of inputs whose pieces are shown where `shown`, [n, pieces], is over one half."""
    inputs = [pieces.hide(row > 0.5) for row in shown]
    return value(np.stack(inputs) if isinstance(pieces, Patches) else inputs)


def _as_tensors(pieces: Pieces, value: Value) -> Callable[[Tensor], Tensor]:
    return lambda shown: torch.from_numpy(_look(pieces, value, shown.numpy()))


def occlude(pieces: Pieces, value: Value, seed: int) -> Floats:  # noqa: ARG001 - a method's shape
    """Return what is lost with each piece alone hidden."""
    from captum.attr import FeatureAblation

    tracer: Any = FeatureAblation(_as_tensors(pieces, value))
    found = tracer.attribute(torch.ones(1, len(pieces)), perturbations_per_eval=_AT_ONCE)
    return np.asarray(found[0].double().numpy(), np.float64)


def share_out(pieces: Pieces, value: Value, seed: int) -> Floats:
    """Return Shapley values of the pieces, by orders drawn at random."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its plots, which nobody asks for, use what Matplotlib will drop
        import shap

    count = len(pieces)
    nothing = shap.maskers.Independent(np.zeros((1, count)), max_samples=1)
    explainer = shap.explainers.Permutation(lambda shown: _look(pieces, value, shown), nothing, seed=seed)
    told = explainer(np.ones((1, count)), max_evals=_ORDERS * (2 * count + 1), silent=True)
    return np.asarray(told.values[0], np.float64)


def fit_line(pieces: Pieces, value: Value, seed: int) -> Floats:
    """Return the coefficients of a linear model of the bits, fitted around the input."""
    from captum._utils.models.linear_model import SkLearnRidge
    from captum.attr import Lime

    tracer: Any = Lime(_as_tensors(pieces, value), interpretable_model=SkLearnRidge(alpha=_RIDGE))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found = tracer.attribute(torch.ones(1, len(pieces)), n_samples=_SAMPLES, perturbations_per_eval=_AT_ONCE)
    return np.asarray(found[0].double().numpy(), np.float64)


METHODS: dict[str, Callable[[Pieces, Value, int], Floats]] = {
    "occlusion": occlude,
    "shap": share_out,
    "lime": fit_line,
}


def attribute(method: str, pieces: Words | Patches, value: Value, seed: int) -> Attribution:
    """Return the scores of pieces by a name of METHODS; those of patches are spread evenly over their pixels."""
    scores = METHODS[method](pieces, value, seed)
    base, whole = _look(pieces, value, np.array([np.zeros(len(pieces)), np.ones(len(pieces))])).tolist()
    if isinstance(pieces, Words):
        return Attribution(tuple(pieces.words), scores, whole, base)
    sizes = np.bincount(pieces.places.ravel())
    return Attribution((), (scores / sizes)[pieces.places], whole, base)
