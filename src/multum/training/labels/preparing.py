"""From options to a task and settings: data, program, objective, teacher."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from multum.data.labelled import Labelled, read_labelled
from multum.data.splits import check_classes, split
from multum.errors import UsageError
from multum.neural.classifiers import Classifier, open_classifier, predict
from multum.neural.small_classifiers import DROPOUT, make_image_classifier, make_text_classifier
from multum.training.labels.augmentation import choose_augmentations
from multum.training.labels.objectives import Objective, adversarial, cross_entropy, distilled, plain
from multum.training.labels.options import LabelOptions
from multum.training.labels.recipes import Recipe, choose_recipe
from multum.training.labels.task import LabelsTask
from multum.training.settings import Settings

CHECKPOINT_S = 30.0

# Options that do not change what is learnt, or that the trainer's settings and the data's digests tell already.
_ELSEWHERE = {"held_out", "device", "precision", "sharded", "threads", "text_columns", "label_column", "seed", "batch"}


def read_examples(data: str | Path, options: LabelOptions) -> Labelled:
    """Return the examples to learn from. Raises UsageError unless there are two classes; see read_labelled."""
    found = read_labelled(data, options.text_columns, options.label_column)
    check_classes(found, 1, "each class needs one")
    return found


def hold_out(data: Labelled, options: LabelOptions) -> tuple[Labelled, Labelled]:
    """Return (examples to train on, held-out ones): a share of `data`, or those of another file."""
    share = _read_share(options.held_out)
    if share is not None:
        return split(data, share, options.seed)
    others = read_labelled(str(options.held_out), options.text_columns, options.label_column)
    return data, others.with_classes(data.classes)


def _read_share(held_out: float | str | Path) -> float | None:
    """Return the share of examples that is meant, or None for a file; a file that exists wins."""
    try:
        return None if Path(str(held_out)).exists() else float(held_out)  # type: ignore[arg-type]
    except ValueError:
        return None


def make_classifier(data: Labelled, options: LabelOptions) -> Classifier:
    """Return the classifier to train on `data`: the one to start from with a new head, or a small new one."""
    if options.dropout is not None and (options.init is not None or data.is_image):
        raise UsageError("dropout is for texts without --init; an encoder has its own, and images have augmentation")
    if options.init is not None:
        return open_classifier(options.init, data.classes, options.most_tokens, options.seed)
    if isinstance(data.inputs, np.ndarray):
        return make_image_classifier(data.inputs, data.classes, options.seed)
    dropout = DROPOUT if options.dropout is None else options.dropout
    return make_text_classifier(data.inputs, data.classes, options.most_tokens, dropout, options.seed)


def prepare(training: Labelled, held_out: Labelled, options: LabelOptions) -> tuple[LabelsTask, Settings]:
    """Return what the trainer needs. Raises UsageError for options that do not fit the data or each other."""
    classifier = make_classifier(training, options)
    recipe = _fill_recipe(choose_recipe(classifier, options.init is not None), training, options)
    task = LabelsTask(
        classifier,
        training,
        held_out,
        _make_objective(recipe, options),
        recipe.batch,
        choose_augmentations(options.augment, recipe.token_dropout, classifier.reader),
        None if options.teacher is None else ask_teacher(options.teacher, training),
        options.accumulation,
        options.seed,
        _tell_options(options),
    )
    return task, _make_settings(recipe, len(training), options)


def _tell_options(options: LabelOptions) -> dict[str, Any]:
    """Return what a resumed run must agree on, as JSON reads it back."""
    told = {name: value for name, value in vars(options).items() if name not in _ELSEWHERE}
    return told | {"augment": list(options.augment)}


def _fill_recipe(recipe: Recipe, training: Labelled, options: LabelOptions) -> Recipe:
    """Return the recipe with what was asked for instead."""
    names = ("batch", "learning_rate", "weight_decay", "token_dropout", "label_smoothing")
    asked = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    filled = replace(recipe, **asked)
    # A small set still takes a dozen steps an epoch.
    return filled if "batch" in asked else replace(filled, batch=max(1, min(filled.batch, len(training) // 12)))


def _make_objective(recipe: Recipe, options: LabelOptions) -> Objective:
    """Return the objective, each option a piece around what is there."""
    loss = cross_entropy(recipe.label_smoothing)
    if options.teacher is not None:
        loss = distilled(loss, options.teacher_weight, options.temperature)
    objective = plain(loss)
    if options.adversarial:
        objective = adversarial(objective, options.adversarial, options.adversarial_steps)
    return objective


def ask_teacher(program: str, training: Labelled) -> Tensor:
    """Return float32[n, classes]: the teacher's logits for the examples as they are, in the order of their classes.

    Asked once, so that a teacher may read with other tokens than its pupil and costs one pass.
    Raises UsageError when it knows other classes.
    """
    teacher = open_classifier(program)
    if set(teacher.classes) != set(training.classes):
        raise UsageError(
            f"the teacher '{program}' tells classes {', '.join(teacher.classes)}, the data has"
            f" {', '.join(training.classes)}; they must be the same"
        )
    order = [teacher.classes.index(name) for name in training.classes]
    told = predict(teacher.module, teacher.reader.read(training.inputs))[:, order]
    return torch.from_numpy(told).float()


def _make_settings(recipe: Recipe, examples: int, options: LabelOptions) -> Settings:
    return Settings(
        options.make_budget(examples, recipe.epochs),
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        warmup=recipe.warmup,
        decay=recipe.decay,
        accumulation=options.accumulation,
        evaluations=12,
        checkpoint_s=CHECKPOINT_S,
        patience=options.patience,
        seed=options.seed,
        device=options.device,
        precision=options.precision,
        sharded=options.sharded,
    )
