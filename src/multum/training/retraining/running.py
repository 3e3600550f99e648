"""`retrain`: a network in memory learns again, from its teacher and its data, within what its weights may be.

Invariant: afterwards the network computes with exactly the zeros and integers that are told of it.
"""

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

from multum.archive.targets import scratch_folder
from multum.errors import FormatError, UsageError
from multum.neural.clips import Reach, attach_clips, list_clips
from multum.quantization.weights import Weight
from multum.reduction.rounding import make_grid
from multum.tensors.grids import Grid
from multum.training.checkpoints import CHECKPOINT
from multum.training.labels.objectives import Loss, cross_entropy, distilled
from multum.training.labels.recipes import ENCODER, IMAGES
from multum.training.retraining.activations import measure_reaches
from multum.training.retraining.choices import Retraining
from multum.training.retraining.constraints import choose_weights, find_stepped, keep_zeros, use_steps
from multum.training.retraining.gradual import Masking
from multum.training.retraining.lessons import LABELS, Batch, GivenLessons, Lessons
from multum.training.retraining.pupils import Pupil, pair_layers
from multum.training.retraining.task import RetrainingTask
from multum.training.settings import Budget, Settings
from multum.training.trainer import Progress, RunReport, train

# The peak of the rate for language models, which are only bent.
_LANGUAGE_RATE = 3e-4
# Batches that activations are measured on.
_PROBES = 8
_CHECKPOINT_S = 30.0


@dataclass(frozen=True, eq=False)
class Retrained:
    """What `retrain` did.

    weights: in the matrices that may be constrained. zeros: of them. grids: the integers, by the names of weights,
    where bits were asked for. reaches: of the inputs of layers, where activations were. run: the training; its scores
    are of batches that it learned from.
    """

    weights: int
    zeros: int
    grids: dict[str, Grid]
    reaches: dict[str, Reach]
    run: RunReport


def retrain(
    module: nn.Module,
    lessons: Lessons | Sequence[Batch],
    asked: Retraining,
    *,
    teacher: nn.Module | None = None,
    weights: Sequence[Weight] | None = None,
    folder: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Retrained:
    """Train `module`, in place, and return what became of it.

    lessons: batches, each the named arguments of a call of the network, and "labels" where there are any. teacher: what
    it learns from, None for itself as it is. weights: those of find_weights that may be constrained; None for all.
    Parameters that require no gradient stay. folder: where checkpoints stay: the same call goes on from them, or has
    its result at once. progress: called with a Moment after each step.
    Raises UsageError, FormatError, OSError; Interrupted once a signal has come and all is saved.
    """
    found = lessons if not isinstance(lessons, Sequence) else GivenLessons(lessons, asked.seed)
    student = copy.deepcopy(module)
    constrain(student, asked, found, None if weights is None else [weight.name for weight in weights])
    master = copy.deepcopy(module if teacher is None else teacher)
    task = make_task(student, master, found, asked)
    shaping = None if asked.share is None else Masking(asked.share)
    settings = choose_settings(asked, found, device)
    with _place(folder) as name:
        resume = (Path(name) / CHECKPOINT).is_file()
        try:
            trained, run = train(task, Path(name), settings, progress, resume, shaping, keep=True)
        except (UsageError, FormatError):
            if not resume:
                raise  # of another run, or damaged: begin anew
            trained, run = train(task, Path(name), settings, progress, False, shaping, keep=True)
    return _take_over(module, trained.student.eval(), weights, asked, run)  # type: ignore[union-attr]


def constrain(student: nn.Module, asked: Retraining, lessons: Lessons, names: Sequence[str] | None) -> None:
    """Put what `asked` wants of its weights and inputs into `student`. names: of weights that may change, None: all.

    Raises UsageError for a network in which there is nothing to constrain.
    """
    weights = choose_weights(student)
    weights = [weight for weight in weights if names is None or weight.name in names]
    if not weights and (asked.share or asked.bits or asked.activations):
        raise UsageError("the network has no linear layer or convolution that could have zeros, or integers")
    if asked.activations is not None:
        batches = [lessons.take(number) for number in range(_PROBES)]
        attach_clips(student, measure_reaches(student.eval(), weights, batches), asked.activations, learns=True)
    keep_zeros(weights, all_matrices=asked.share is not None)
    if asked.bits is not None:
        use_steps(weights, asked.bits)


def make_task(student: nn.Module, teacher: nn.Module, lessons: Lessons, asked: Retraining) -> RetrainingTask:
    """Return the task of teaching `student`. Raises UsageError for networks that cannot be compared."""
    probe = lessons.take(0)
    causal = type(student).__name__ in CAUSAL.values()
    pupil, layers = Pupil(student), tuple[int, ...]()
    if asked.hidden:
        pupil, layers = pair_layers(student.eval(), teacher.eval(), probe, asked.seed)
    return RetrainingTask(
        pupil,
        teacher,
        lessons,
        _choose_loss(asked, causal, LABELS in probe),
        layers=layers,
        hidden=asked.hidden,
        causal=causal,
        facts={"asked": {name: value for name, value in vars(asked).items() if value is not None}},
    )


def _choose_loss(asked: Retraining, causal: bool, labelled: bool) -> Loss:
    """Return the loss of logits: tokens by the teacher alone, labels half by it, and what has none as tokens."""
    usual = (2.0, 0.5) if labelled and not causal else (1.0, 1.0)
    temperature, weight = (
        given if value is None else value
        for value, given in zip((asked.temperature, asked.teacher_weight), usual, strict=True)
    )
    if weight < 1 and not (labelled or causal):
        raise UsageError("there are no labels to learn from; give them as 'labels' of each batch, or teacher_weight=1")
    return distilled(cross_entropy(), weight, temperature)


def choose_settings(asked: Retraining, lessons: Lessons, device: str) -> Settings:
    """Return how to train: for so many epochs, and the last weights are kept, which the schedule ends with."""
    return Settings(
        Budget(units=max(1, round(asked.epochs * lessons.an_epoch * lessons.units))),
        learning_rate=asked.learning_rate or _choose_rate(lessons),
        weight_decay=0.01,
        warmup=0.05,
        decay=0.8,
        evaluations=1,
        patience=None,
        checkpoint_s=_CHECKPOINT_S,
        seed=asked.seed,
        device=device,
        precision="float32",
    )


def _choose_rate(lessons: Lessons) -> float:
    """Return the peak of the rate for a network that reads such batches."""
    probe = lessons.take(0)
    if "input_ids" not in probe:
        return IMAGES.learning_rate
    return ENCODER.learning_rate if LABELS in probe else _LANGUAGE_RATE


def _place(folder: Path | None) -> AbstractContextManager[str]:
    """Return a context with the name of the folder for checkpoints, made where there is none."""
    if folder is None:
        return scratch_folder("retrain")
    folder.mkdir(parents=True, exist_ok=True)
    return nullcontext(str(folder))


@torch.no_grad()
def _take_over(
    module: nn.Module, trained: nn.Module, weights: Sequence[Weight] | None, asked: Retraining, run: RunReport
) -> Retrained:
    """Give `module` the values and clips of `trained`; return what they are."""
    values, chosen = trained.state_dict(), choose_weights(module, weights)
    grids = {weight.name: _take_weight(weight, trained) for weight in chosen}
    for name, tensor in module.state_dict().items():
        if name in values:
            tensor.copy_(values[name])
    reaches = {name: clip.read() for name, clip in list_clips(trained).items()}
    if asked.activations is not None:
        attach_clips(module, reaches, asked.activations)
    zeros = sum(int((weight.parameter == 0).sum()) for weight in chosen)
    total = sum(weight.parameter.numel() for weight in chosen)
    return Retrained(total, zeros, {name: grid for name, grid in grids.items() if grid is not None}, reaches, run)


def _take_weight(weight: Weight, trained: nn.Module) -> Grid | None:
    """Give `weight` what the layer of its name computes with in `trained`; return its integers, if it has any."""
    layer = trained.get_submodule(weight.uses[0].name)
    weight.parameter.copy_(layer.weight)  # type: ignore[arg-type]
    stepped = find_stepped(layer)
    if stepped is None:
        return None
    matrix = weight.read()
    scales = stepped.read_scales(matrix.shape[1])
    return make_grid(scales.round(matrix).to(torch.int16), scales, weight)
