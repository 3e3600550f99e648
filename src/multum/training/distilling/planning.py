"""What a distilling needs to know of each kind of program: what is learned from, how it is scored and written."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from multum.data.labelled import Labelled, read_labelled
from multum.data.streams import DataSource, open_stream
from multum.errors import UsageError
from multum.evaluation.classification import score_predictions
from multum.neural.byte_tokenizer import make_byte_tokenizer
from multum.neural.classifiers import open_classifier, predict
from multum.neural.loading import Loaded, load, quiet
from multum.neural.networks import LABELS, LANGUAGE, find_kind, read_config
from multum.neural.sources import Source
from multum.neural.windows import measure_bits
from multum.training.distilling.options import DistilOptions
from multum.training.distilling.students import Student, make_labels_student, make_language_student
from multum.training.labels.augmentation import choose_augmentations
from multum.training.labels.options import LabelOptions
from multum.training.labels.preparing import hold_out
from multum.training.retraining.lessons import LabelLessons, Lessons, TextLessons
from multum.training.running import divide

Score = Callable[[nn.Module], dict[str, float]]
# Examples of a step, by what they are; tokens of a window, and windows of a step.
_IMAGES, _TEXTS, _WINDOW, _ROWS = 128, 32, 256, 8
# Held-out tokens that tell how far a run is; all of them tell what it came to.
_SAMPLE = 1 << 15


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a distilling needs to know of a kind of program.

    lessons: what is learned from. sample, score: held-out scores, of some and of all data, "bits_per_unit" among the
    first. save: writes the student and how it reads. facts: of the data, for multum.json. units: raw bytes or labels to
    each unit of the lessons.
    """

    unit: str
    teacher: nn.Module
    student: Student
    lessons: Lessons
    sample: Score
    score: Score
    save: Callable[[nn.Module, Path], None]
    training: int
    held_out: int
    units: float = 1.0
    facts: dict[str, Any] = field(default_factory=dict)


def make_plan(source: Source, data: DataSource | Sequence[DataSource], asked: DistilOptions) -> Plan:
    """Return the plan for the kind of program at `source`. Raises UsageError for other kinds."""
    kind = find_kind(read_config(source))
    if kind == LABELS:
        if not isinstance(data, str | os.PathLike):
            raise UsageError("a classifier learns from one labelled file or folder; give its path")
        return _plan_labels(source, os.fspath(data), asked)
    if kind == LANGUAGE:
        return _plan_text(source, data, asked)
    raise UsageError(f"'{source.name}' is neither a language model nor a classifier, which are what can be distilled")


def _plan_labels(source: Source, data: str, asked: DistilOptions) -> Plan:
    teacher = open_classifier(source.name, most_tokens=asked.most_tokens)
    columns = LabelOptions(
        text_columns=asked.text_columns,
        label_column=asked.label_column,
        held_out=0.1 if asked.held_out is None else asked.held_out,
        seed=asked.seed,
    )
    read = read_labelled(data, asked.text_columns, asked.label_column).with_classes(teacher.classes)
    training, held_out = hold_out(read, columns)
    reader = teacher.reader
    size = asked.batch or max(1, min(_IMAGES if training.is_image else _TEXTS, len(training) // 12))
    lessons = LabelLessons(
        reader.read(training.inputs),
        training.labels,
        size,
        asked.seed,
        training.digest,
        choose_augmentations(asked.augment, 0.0, reader),
    )
    features = reader.read(held_out.inputs)

    def score(module: nn.Module) -> dict[str, float]:
        scores = score_predictions(predict(module, features), held_out.labels, teacher.classes)
        named = ("bits_per_label", "accuracy", "macro_f1")
        return {name: float(getattr(scores, name)) for name in named}

    return Plan(
        unit="label",
        teacher=teacher.module,
        student=make_labels_student(teacher, asked),
        lessons=lessons,
        sample=lambda module: (found := score(module)) | {"bits_per_unit": found["bits_per_label"]},
        score=score,
        save=teacher.save,
        training=len(training),
        held_out=len(held_out),
        facts=_tell_examples(training, held_out, teacher.classes, asked),
    )


def _tell_examples(
    training: Labelled, held_out: Labelled, classes: Sequence[str], asked: DistilOptions
) -> dict[str, Any]:
    return {
        "task": "labels",
        "data": {"training": training.digest, "held_out": held_out.digest},
        "examples": {"training": len(training), "held_out": len(held_out)},
        "classes": list(classes),
        "asked_columns": {"text": list(asked.text_columns), "label": asked.label_column},
    }


def _plan_text(source: Source, data: DataSource | Sequence[DataSource], asked: DistilOptions) -> Plan:
    if asked.augment or asked.text_columns or asked.label_column:
        raise UsageError("columns and augmentations are for classifiers, and the teacher is a language model")
    loaded = load(source, "cpu")
    longest = loaded.longest or _WINDOW
    window = asked.window or min(_WINDOW, longest)
    if window > longest:
        raise UsageError(f"a window of {window} is not allowed; the teacher reads {longest} at once")
    if isinstance(asked.held_out, float):
        raise UsageError("of a text the last part is held out, or a file of its own; a share is for classifiers")
    training, held_out = divide(open_stream(data), asked.held_out, window)
    tokens, held = (loaded.vocabulary.encode(part.read(0, len(part)).tobytes()) for part in (training, held_out))
    sampled = int(held.lengths[:_SAMPLE].sum())
    student = make_language_student(loaded, asked, window)

    def measure(module: nn.Module, count: int | None, size_bytes: int) -> float:
        device = next(module.parameters()).device
        read = replace(loaded, model=module, device=device)
        return float(measure_bits(read, held.ids[:count], window, window // 2).sum()) / size_bytes

    return Plan(
        unit="byte",
        teacher=loaded.model,
        student=student,
        lessons=TextLessons(tokens.ids, window, asked.batch or _ROWS, asked.seed, loaded.vocabulary.start),
        sample=lambda module: {"bits_per_unit": measure(module, _SAMPLE, sampled)},
        score=lambda module: {"bits_per_byte": measure(module, None, len(held_out))},
        save=lambda module, folder: _save_text(module, source, loaded, window, folder),
        training=len(training),
        held_out=len(held_out),
        units=len(training) / len(tokens.ids),
        facts={
            "task": "bytes",
            "unit": "byte",
            "data": {"training": training.describe(), "held_out": held_out.describe()},
        },
    )


def _save_text(module: Any, source: Source, loaded: Loaded, window: int, folder: Path) -> None:
    """Write a language model with the tokenizer of `source`, or that of bytes where there is none."""
    from transformers import AutoTokenizer

    with quiet():
        module.save_pretrained(folder)
        if loaded.vocabulary.is_bytes:
            make_byte_tokenizer(window).save_pretrained(folder)
            return
        named: dict[str, Any] = {} if source.gguf is None else {"gguf_file": source.gguf}
        tokenizer: Any = AutoTokenizer.from_pretrained(source.folder, local_files_only=True, **named)
        tokenizer.save_pretrained(folder)
