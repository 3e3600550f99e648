"""The data of a shrink: what calibrates it, and what is held out to measure it.

Invariant: no byte or example calibrates and measures both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from multum.data.labelled import Labelled, read_labelled
from multum.data.splits import split
from multum.errors import UsageError
from multum.evaluation.contents import read_data
from multum.evaluation.labels import recall_columns
from multum.neural.classifiers import open_reader
from multum.neural.features import MOST_TOKENS, Reader
from multum.neural.loading import Loaded, count_longest, foreign_errors, load_vocabulary, quiet
from multum.neural.networks import LABELS, LANGUAGE
from multum.neural.windows import check_windows
from multum.quantization.imagining import imagine
from multum.shrinking.measuring import BatchGauge, Gauge, LabelGauge, LanguageGauge
from multum.shrinking.models import Model
from multum.training.retraining.lessons import LABELS as BATCH_LABELS
from multum.training.retraining.lessons import Batch, GivenLessons, LabelLessons, Lessons, TextLessons

# Tokens read at once where a network reads tokens of text; each window stands by itself, behind a start token.
_TOKEN_WINDOW = 512
# How much is measured on, unless the data are less: tokens of text, or bytes.
_MEASURED_TOKENS = 2048
_MEASURED_BYTES = 32768
_HELD_OUT = 0.1
_EXAMPLES, _MOST_EXAMPLES = 32, 1024
# What is learned from at once: tokens of a window, windows, images, texts.
_LEARNED_TOKENS, _LEARNED_ROWS, _LEARNED_IMAGES, _LEARNED_TEXTS = 256, 8, 128, 32
# Windows side by side: as many as have so many logits, and not more.
_LOGITS, _SIDE = 1 << 24, 8

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Material:
    """What a shrink reads. batches: for calibration, None for none. gauge: None where there is nothing to measure on.

    told: the calibration data in words. lessons: makes what passes learn from, of all data; None without any.
    """

    batches: list[Batch] | None = None
    gauge: Gauge | None = None
    told: str = "none: data-free"
    lessons: Callable[[], Lessons] | None = None


def read_material(
    model: Model,
    data: str | Path | Sequence[Batch] | None,
    evaluation: str | Path | Sequence[Batch] | None,
    calibration: int,
    seed: int,
    progress: Progress | None = None,
) -> Material:
    """Return the material for `model`.

    data: calibrates; batches that the network is called with are taken as they are. Of a file the last part is held
    out where there is no `evaluation`, which may be labelled batches as well. Without data a language model calibrates
    on what it imagines. calibration: tokens at most, chosen by `seed`. progress: called with what is done, its share.
    Raises UsageError for data that the model does not read, FormatError, OSError.
    """
    given = None if evaluation is None or isinstance(evaluation, str | Path) else _make_batch_gauge(evaluation)
    held_out = evaluation if isinstance(evaluation, str | Path) else None
    if data is not None and not isinstance(data, str | Path):
        found = _read(model, None, held_out, calibration, seed)
        lessons = partial(GivenLessons, data, seed)
        told = f"{len(data)} batches"
        return replace(found, batches=list(data), gauge=given or found.gauge, told=told, lessons=lessons)
    found = _read(model, data, held_out, calibration, seed)
    if given is not None:
        found = replace(found, gauge=given)
    return _imagine_text(model, found, seed, progress) if data is None and model.kind == LANGUAGE else found


def _make_batch_gauge(batches: Sequence[Batch]) -> BatchGauge:
    """Return what measures on batches. Raises UsageError for some without labels."""
    if not batches or any(BATCH_LABELS not in batch for batch in batches):
        raise UsageError("batches to measure on need labels: give [{..., 'labels': int64[rows]}, ...], one at least")
    return BatchGauge(batches)


def _read(
    model: Model, data: str | Path | None, evaluation: str | Path | None, calibration: int, seed: int
) -> Material:
    """Return what the files hold for `model`."""
    if data is None and evaluation is None:
        return Material()
    if model.kind == LANGUAGE:
        return _read_text(model, data, evaluation, calibration, seed)
    if model.kind == LABELS:
        return _read_labels(model, data, evaluation, calibration, seed)
    raise UsageError(
        f"'{model.name}' is neither a language model nor a classifier, so that nothing is known of the data it reads;"
        " leave the data out (data-free), or give batches in Python (data=[{'input': tensor}, ...])"
    )


def _imagine_text(model: Model, found: Material, seed: int, progress: Progress | None) -> Material:
    """Return `found` with texts that the model itself draws to calibrate on, where it can draw any."""
    start = getattr(model.config, "bos_token_id", None)
    told = None if progress is None else partial(progress, "imagining")
    try:
        batches = imagine(model.module, start if isinstance(start, int) else None, seed=seed, progress=told)
    except (AttributeError, TypeError, ValueError, IndexError, RuntimeError):  # a network that draws in its own way
        return found
    # what was drawn in inference mode cannot be learned from
    batches = [{name: tensor.clone() for name, tensor in batch.items()} for batch in batches]
    rows = sum(len(batch["input_ids"]) for batch in batches)
    lessons = partial(GivenLessons, batches, seed, "token")
    return replace(found, batches=batches, told=f"none: {rows} texts that the model imagined", lessons=lessons)


def _read_text(
    model: Model, data: str | Path | None, evaluation: str | Path | None, calibration: int, seed: int
) -> Material:
    loaded = _open_language(model)
    if loaded.vocabulary.is_bytes:
        window, overlap = check_windows(None, None, loaded.longest)
        most = _MEASURED_BYTES
    else:
        window, overlap, most = min(_TOKEN_WINDOW, loaded.longest or _TOKEN_WINDOW), 0, _MEASURED_TOKENS
    text = None if data is None else read_data(data)
    held_out = None if evaluation is None else read_data(evaluation)
    if text is not None and held_out is None:
        text, held_out = _divide_text(text)
    gauge = _make_gauge(loaded, held_out, window, overlap, most)
    if text is None:
        return Material(None, gauge)
    ids = loaded.vocabulary.encode(text).ids
    rows = _choose_windows(ids, min(window, _TOKEN_WINDOW), calibration, loaded.vocabulary.start, seed)
    told = f"{rows.shape[0]} windows of {rows.shape[1]} tokens"
    side = max(1, _LOGITS // (rows.shape[1] * loaded.vocabulary.size))
    batches = [{"input_ids": part} for part in torch.from_numpy(rows).split(min(side, _SIDE))]
    start = loaded.vocabulary.start
    lessons = partial(TextLessons, ids, min(window, _LEARNED_TOKENS), _LEARNED_ROWS, seed, start)
    return Material(batches, gauge, told, lessons)


def _open_language(model: Model) -> Loaded:
    """Return how a language model is read. Raises FormatError for a tokenizer that does not belong to it."""
    assert model.source is not None, "only networks with files of their own are language models"
    module: Any = model.module
    with quiet(), foreign_errors(model.source):
        vocabulary = load_vocabulary(model.source, int(module.get_output_embeddings().weight.shape[0]))
    return Loaded(module, vocabulary, torch.device("cpu"), count_longest(model.config))


def _divide_text(text: bytes) -> tuple[bytes, bytes]:
    """Return (what calibrates, the last tenth), cut at the end of a line where there is one."""
    place = round((1 - _HELD_OUT) * len(text))
    place = text.rfind(b"\n", 0, place) + 1 or place
    return text[:place], text[place:]


def _make_gauge(loaded: Loaded, text: bytes | None, window: int, overlap: int, most: int) -> LanguageGauge | None:
    if not text:
        return None
    tokens = loaded.vocabulary.encode(text[: 16 * most])
    size_bytes = int(tokens.lengths[:most].sum())
    return LanguageGauge(loaded, tokens.ids[:most], size_bytes, window, overlap)


def _choose_windows(
    ids: NDArray[np.int64], window: int, calibration: int, start: int | None, seed: int
) -> NDArray[np.int64]:
    """Return int64[windows, tokens]: windows of `ids`, each behind the start token where there is one.

    Raises UsageError for a text that fills none.
    """
    if not len(ids):
        raise UsageError("the calibration data are empty; give text, or none at all (data-free)")
    window = min(window, len(ids))
    rows = ids[: len(ids) // window * window].reshape(-1, window)
    count = max(1, min(calibration // window, len(rows)))
    chosen = np.random.default_rng(seed).choice(len(rows), count, replace=False)
    rows = rows[np.sort(chosen)]
    return rows if start is None else np.insert(rows, 0, start, axis=1)


def _read_labels(
    model: Model, data: str | Path | None, evaluation: str | Path | None, calibration: int, seed: int
) -> Material:
    reader, classes = _open_reader(model)
    examples = None if data is None else _read_examples(model, data, classes)
    held_out = None if evaluation is None else _read_examples(model, evaluation, classes)
    if examples is not None and held_out is None:
        examples, held_out = split(examples, _HELD_OUT, seed)
    assert held_out is not None, "data or evaluation is there"
    gauge = LabelGauge(reader.read(held_out.inputs), held_out.labels, classes)
    if examples is None:
        return Material(None, gauge)
    batches = _gather_batches(reader, examples, calibration, seed)
    told = f"{sum(len(batch['labels']) for batch in batches)} examples"
    return Material(batches, gauge, told, lambda: _make_lessons(reader, examples, seed))


def _make_lessons(reader: Reader, examples: Labelled, seed: int) -> Lessons:
    """Return what a classifier learns from: a dozen batches an epoch at least."""
    usual = _LEARNED_IMAGES if examples.is_image else _LEARNED_TEXTS
    size = max(1, min(usual, len(examples) // 12))
    return LabelLessons(reader.read(examples.inputs), examples.labels, size, seed, examples.digest)


def _read_examples(model: Model, path: str | Path, classes: tuple[str, ...]) -> Labelled:
    assert model.source is not None, "only networks with files of their own are classifiers"
    columns = recall_columns(str(model.source.folder), str(path))
    return read_labelled(path, *columns).with_classes(classes)


def _open_reader(model: Model) -> tuple[Reader, tuple[str, ...]]:
    assert model.source is not None, "only networks with files of their own are classifiers"
    with quiet(), foreign_errors(model.source):
        reader = open_reader(model.source, model.config, MOST_TOKENS)
    return reader, tuple(model.config.id2label[number] for number in range(model.config.num_labels))


def _gather_batches(reader: Reader, examples: Labelled, calibration: int, seed: int) -> list[Batch]:
    """Return batches of examples that are chosen by `seed`: so many that their tokens are as many as are asked for."""
    drawn = np.random.default_rng(seed).permutation(len(examples))[:_MOST_EXAMPLES]
    chosen = examples.take(drawn)
    features = reader.read(chosen.inputs)
    labels = torch.from_numpy(chosen.labels)
    count = max(1, int(np.searchsorted(np.cumsum(features.lengths), calibration, side="right")))
    count = min(count, len(chosen))
    batches = []
    for start in range(0, count, _EXAMPLES):
        rows = list(range(start, min(start + _EXAMPLES, count)))
        batches.append(features.gather(rows) | {"labels": labels[rows]})
    return batches
