"""Explaining what tells labels: which inputs, which method, and what each piece adds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from multum.data.labelled import Labelled, name_few
from multum.errors import MissingExtra, UsageError
from multum.explaining.evidence import Attribution, Question, choose_question
from multum.explaining.lengths import weigh_words
from multum.explaining.pieces import cut
from multum.explaining.reports import Example
from multum.judging.options import Progress
from multum.judging.predictions import Predictions
from multum.judging.tellers import LengthTeller, NetworkTeller, Teller, ask

# The method of each kind of program, which is exact or nearly so; and how inputs are picked.
GRADIENTS, BITS = "gradients", "bits"
# Methods that hide pieces, for programs of any kind; multum.explaining.masking has them and loads torch.
MASKED = ("occlusion", "shap", "lime")
PICKS = ("worst", "best", "first")


@dataclass(frozen=True)
class Asked:
    """What to explain. chosen: a class to speak for, None for the one told. pick: of PICKS."""

    method: str | None = None
    chosen: str | None = None
    examples: int = 6
    pick: str = "worst"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pick not in PICKS:
            raise UsageError(f"pick is '{self.pick}'; give {', '.join(PICKS)}")
        if self.examples < 1:
            raise UsageError(f"{self.examples} examples are none; give 1 or more")


def explain_labels(
    teller: Teller, data: Labelled, asked: Asked, progress: Progress | None = None
) -> tuple[str, tuple[Example, ...]]:
    """Return (the method, examples with what each piece adds). Raises UsageError, MissingExtra."""
    method = _choose_method(teller, asked.method)
    if asked.chosen is not None and asked.chosen not in teller.classes:
        raise UsageError(f"'{teller.name}' knows no class '{asked.chosen}'; it knows {name_few(teller.classes)}")
    chosen = None if asked.chosen is None else teller.classes.index(asked.chosen)
    told = ask(teller, data)
    found = []
    for number, row in enumerate(_pick(told, asked)):
        if progress is not None:
            progress(f"explaining example {row + 1}", number / asked.examples)
        question = choose_question(told.log_probabilities[row], int(told.labels[row]), chosen)
        found.append(_describe(teller, data, told, row, question, method, asked.seed))
    return method, tuple(found)


def _choose_method(teller: Teller, method: str | None) -> str:
    """Return the method asked for, or the one of the program's kind. Raises UsageError, MissingExtra."""
    own = GRADIENTS if isinstance(teller, NetworkTeller) else BITS
    allowed = (own, *MASKED)
    if method is None:
        method = own
    if method not in allowed:
        raise UsageError(f"'{teller.name}' cannot be explained by {method}; it can by {', '.join(allowed)}")
    if method != BITS:
        _import_methods(method)
    return method


def _import_methods(method: str) -> None:
    try:
        import captum  # noqa: F401 - only whether it is there
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtra(f"{method} needs {error.name}; pip install 'multum[explain]'") from error
    if method == "shap":
        from importlib.util import find_spec

        if find_spec("shap") is None:
            raise MissingExtra("Shapley values need shap; pip install 'multum[explain]'")


def _pick(told: Predictions, asked: Asked) -> Sequence[int]:
    """Return the rows to explain."""
    rows: NDArray[np.int64] = {
        "worst": np.argsort(-told.bits, kind="stable"),
        "best": np.argsort(told.bits, kind="stable"),
        "first": np.arange(len(told.bits)),
    }[asked.pick]
    return [int(row) for row in rows[: asked.examples]]


def _describe(
    teller: Teller, data: Labelled, told: Predictions, row: int, question: Question, method: str, seed: int
) -> Example:
    best, classes = int(told.told[row]), teller.classes
    return Example(
        number=row + 1,
        label=classes[data.labels[row]],
        told=classes[best],
        probability=float(np.exp(told.log_probabilities[row, best])),
        chosen=classes[question.chosen],
        rival=classes[question.rival],
        attribution=_attribute(teller, data, row, question, method, seed),
        image=data.inputs[row] if isinstance(data.inputs, np.ndarray) else None,
    )


def _attribute(teller: Teller, data: Labelled, row: int, question: Question, method: str, seed: int) -> Attribution:
    """Return what each piece of the input at `row` adds."""
    one = data.inputs[row]
    if method == BITS:
        assert isinstance(teller, LengthTeller), "the method is its own"
        assert isinstance(one, str), "it tells texts"
        return weigh_words(teller, one, question)
    if method == GRADIENTS:
        from multum.explaining import gradients

        assert isinstance(teller, NetworkTeller), "the method is its own"
        if isinstance(one, str):
            return gradients.trace_text(teller, one, question)
        return gradients.trace_image(teller, one, question)
    from multum.explaining.masking import attribute

    return attribute(method, cut(data.inputs, row), lambda inputs: question.weigh(teller.tell(inputs)), seed)
