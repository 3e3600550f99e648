"""What a network costs: bits on data that no pass saw, and the time of a run.

Invariant: before and after are measured on the same data, cut the same way, by the same arithmetic.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from multum.evaluation.classification import score_predictions
from multum.neural.classifiers import predict
from multum.neural.features import PREPROCESSOR, Features
from multum.neural.loading import Loaded, quiet
from multum.neural.sources import Source
from multum.neural.windows import measure_bits
from multum.shrinking.reports import Loss, Running
from multum.training.retraining.lessons import LABELS as BATCH_LABELS
from multum.training.retraining.lessons import Batch
from multum.training.retraining.pupils import ask

_RUNS = 5


class Gauge(Protocol):
    """Measures networks of one kind on the same data."""

    def measure(self, module: nn.Module) -> Loss:
        """Return what `module` costs."""


@dataclass(frozen=True, eq=False)
class LanguageGauge:
    """Bits per byte of a text. ids: int64[n], its tokens. size_bytes: its length. loaded: how the network is read."""

    loaded: Loaded
    ids: NDArray[np.int64]
    size_bytes: int
    window: int
    overlap: int

    def measure(self, module: nn.Module) -> Loss:
        """Return the bits per byte; `module` reads what the network of `loaded` does."""
        loaded = replace(self.loaded, model=module)
        # logits of a large vocabulary are what takes memory; of bytes there are few
        batch = None if self.loaded.vocabulary.is_bytes else 1
        bits = measure_bits(loaded, self.ids, self.window, self.overlap, batch)
        return Loss("bits per byte", float(bits.sum()) / self.size_bytes, self.size_bytes)


@dataclass(frozen=True, eq=False)
class LabelGauge:
    """Bits per label, accuracy and F1. labels: int64[n], positions in `classes`."""

    features: Features
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def measure(self, module: nn.Module) -> Loss:
        """Return the scores of a classifier."""
        scores = score_predictions(predict(module, self.features), self.labels, self.classes)
        return Loss("bits per label", scores.bits_per_label, scores.examples, scores.accuracy, scores.macro_f1)


@dataclass(frozen=True, eq=False)
class BatchGauge:
    """As LabelGauge, of batches that a network in memory is called with, each with its "labels"."""

    batches: Sequence[Batch]

    @torch.inference_mode()
    def measure(self, module: nn.Module) -> Loss:
        """Return the scores of a network that tells float[rows, classes]. Raises UsageError for another."""
        logits = torch.cat([ask(module, batch).logits for batch in self.batches])
        labels = torch.cat([batch[BATCH_LABELS] for batch in self.batches]).numpy()
        classes = tuple(map(str, range(logits.shape[-1])))
        scores = score_predictions(torch.log_softmax(logits.double(), dim=-1).numpy(), labels, classes)
        return Loss("bits per label", scores.bits_per_label, scores.examples, scores.accuracy, scores.macro_f1)


@torch.inference_mode()
def measure_running(module: nn.Module, inputs: Mapping[str, Tensor], told: str) -> Running:
    """Return what running `module` on `inputs` takes: the median of five runs, after one that is not counted."""
    with quiet():  # some networks talk when they run first
        module(**inputs)
    seconds = []
    for _ in range(_RUNS):
        started_s = time.perf_counter()
        module(**inputs)
        seconds.append(time.perf_counter() - started_s)
    return Running(statistics.median(seconds), count_weight_bytes(module), told)


def count_weight_bytes(module: nn.Module) -> int:
    """Return the bytes of parameters and buffers in memory, tied ones once; of packed integers too."""
    found: dict[int, int] = {}
    for tensor in [*module.parameters(), *module.buffers()]:
        found[tensor.data_ptr()] = tensor.nbytes
    return sum(found.values())


def make_batch_probe(batches: Sequence[Batch]) -> tuple[dict[str, Tensor], str]:
    """Return (the arguments of the first of the batches, what they are)."""
    inputs = {name: tensor for name, tensor in batches[0].items() if name != BATCH_LABELS}
    return inputs, f"a batch of {len(next(iter(inputs.values())))}"


def make_probe(config: Any, source: Source) -> tuple[dict[str, Tensor], str] | None:
    """Return (arguments that a network of `config` reads, what they are), None where nobody knows."""
    size = source.read_json(PREPROCESSOR).get("size")
    image = size.get("height") if isinstance(size, dict) else getattr(config, "image_size", None)
    vocabulary = getattr(config, "vocab_size", None)
    if vocabulary is not None:
        count = min(128, getattr(config, "max_position_embeddings", None) or 128)
        return {"input_ids": torch.arange(count)[None] * 7 % vocabulary}, f"{count} tokens"
    if isinstance(image, int):
        shape = (1, getattr(config, "num_channels", 3), image, image)
        return {"pixel_values": torch.zeros(shape)}, f"{image} x {image} pixels"
    return None
