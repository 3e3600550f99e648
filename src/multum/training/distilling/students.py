"""Students before they learn: some of the teacher's layers, another program, or a new one."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM

from multum.errors import UsageError
from multum.neural.architectures import derive_shape
from multum.neural.classifiers import Classifier, open_classifier
from multum.neural.depth import count_layers, keep_layers
from multum.neural.features import TextReader
from multum.neural.loading import Loaded, load, quiet
from multum.neural.sources import find_source
from multum.neural.trainable import make_trainable
from multum.training.distilling.options import DistilOptions

# How much of the teacher stays where nothing else is asked for.
_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Student:
    """A network that will learn. began: from what, in words."""

    module: nn.Module
    began: str


def make_labels_student(teacher: Classifier, asked: DistilOptions) -> Student:
    """Return the student of a classifier. Raises UsageError for one that reads or tells other things."""
    if asked.parameters is not None:
        raise UsageError(
            "a size makes new programs over bytes; for a classifier give layers, a student, or train a new one with"
            " `multum fit --task labels --teacher`"
        )
    if asked.student is None:
        return _keep_layers(teacher.module, asked)
    other = open_classifier(asked.student, teacher.classes, asked.most_tokens, asked.seed)
    if not _read_alike(teacher.reader, other.reader):
        raise UsageError(
            f"'{asked.student}' does not read its inputs as the teacher does; train it with"
            f" `multum fit --task labels --init {asked.student} --teacher`, which asks the teacher beforehand"
        )
    return Student(other.module, f"from {asked.student}")


def _read_alike(one: Any, other: Any) -> bool:
    """Return whether two readers make the same tensors of the same inputs."""
    if isinstance(one, TextReader) and isinstance(other, TextReader):
        return bool(one.tokenizer.get_vocab() == other.tokenizer.get_vocab())
    return bool(one == other)


def make_language_student(teacher: Loaded, asked: DistilOptions, window: int) -> Student:
    """Return the student of a language model. Raises UsageError for one that has other tokens."""
    if asked.student is not None:
        other = load(find_source(asked.student), "cpu")
        if other.vocabulary.pieces != teacher.vocabulary.pieces:
            raise UsageError(f"'{asked.student}' has other tokens than the teacher; give a student that shares them")
        return Student(other.model, f"from {asked.student}")
    if asked.parameters is None:
        return _keep_layers(teacher.model, asked)
    if not teacher.vocabulary.is_bytes:
        raise UsageError("new programs are over bytes, and the teacher's tokens are not; give layers, or a student")
    shape = derive_shape(asked.parameters)
    drawn = make_trainable(shape, window, 0.0, asked.seed)
    with quiet():
        module: Any = AutoModelForCausalLM.from_config(drawn.config)
    module.load_state_dict(drawn.build().state_dict())
    return Student(module, f"new, {shape.width} wide, {shape.layers} layers")


def _keep_layers(module: nn.Module, asked: DistilOptions) -> Student:
    """Return the student that has some of the teacher's layers."""
    count = count_layers(module)
    if asked.layers is not None and asked.layers > count:
        raise UsageError(f"the teacher has {count} layers, of which {asked.layers} cannot stay; give 1 to {count}")
    torch.manual_seed(asked.seed)  # a network is drawn before it is filled
    shallow = keep_layers(module, _SHARE if asked.layers is None else asked.layers / count)
    return Student(shallow.module, f"{shallow.kept[0]} of {shallow.kept[1]} layers")
