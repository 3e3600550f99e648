"""The task of coding labels given inputs, for the trainer."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from multum.data.labelled import Labelled
from multum.evaluation.classification import Scores, score_predictions
from multum.neural.classifiers import Classifier, predict
from multum.neural.features import Features
from multum.training.flops import count_flops
from multum.training.labels.augmentation import Augmentation
from multum.training.labels.batches import Batches
from multum.training.labels.objectives import Objective

# A head that starts from nothing learns faster than the encoder below it may.
FRESH_RATE = 10.0

Batch = tuple[dict[str, Tensor], dict[str, Tensor]]


@dataclass
class LabelsTask:
    """Labelled examples, a classifier to train on some and score on others.

    objective: what is made small. augmentations: applied in order to each batch. told: float32[n, classes], logits
    of a teacher for the training examples, or None. accumulation: micro batches of a step and process, as the trainer
    has it. options: what else a resumed run must agree on.
    """

    classifier: Classifier
    training: Labelled
    held_out: Labelled
    objective: Objective
    batch_size: int
    augmentations: Sequence[Augmentation] = ()
    told: Tensor | None = None
    accumulation: int = 1
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    name: str = "labels"
    unit: str = "label"

    def __post_init__(self) -> None:
        self.features: Features = self.classifier.reader.read(self.training.inputs)
        self._held: Features = self.classifier.reader.read(self.held_out.inputs)
        self._batches = Batches(self.features.lengths, min(self.batch_size, len(self.training)), self.seed)
        self._labels = torch.from_numpy(self.training.labels)

    def build(self) -> nn.Module:
        """Return a copy of the classifier's network; what no training has touched learns faster."""
        module = copy.deepcopy(self.classifier.module).train()
        for name, parameter in module.named_parameters():
            if name in self.classifier.fresh:
                parameter.rate_scale = FRESH_RATE  # type: ignore[attr-defined]
        return module

    def batch(self, step: int, micro: int, rank: int, world: int) -> Batch:
        """Return (inputs, targets) of a micro batch; augmented with draws of its own number."""
        number = step * self.accumulation * world + micro * world + rank
        rows = self._batches.rows(number)
        inputs = self.features.gather(rows)
        generator = torch.Generator().manual_seed(hash((self.seed, number)) & 0x7FFFFFFF)
        for augment in self.augmentations:
            inputs = augment(inputs, generator)
        places = torch.from_numpy(rows)
        targets = {"labels": self._labels[places]}
        return inputs, targets if self.told is None else targets | {"teacher": self.told[places]}

    def loss(self, module: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Return (sum of nats, labels in the batch)."""
        inputs, targets = batch
        return self.objective(module, inputs, targets), len(targets["labels"])

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """Return bits_per_unit, accuracy and macro_f1 on the held-out examples."""
        scores = self.score(module)
        return {
            "bits_per_unit": scores.bits_per_label,
            "accuracy": scores.accuracy,
            "macro_f1": scores.macro_f1,
        }

    def score(self, module: nn.Module) -> Scores:
        """Return all scores on the held-out examples."""
        return score_predictions(predict(module, self._held), self.held_out.labels, self.classifier.classes)

    def units_per_batch(self) -> int:
        """Return the labels of a micro batch."""
        return self._batches.size

    def flops_per_unit(self) -> float:
        """Return training FLOPs of an example of median length: three times those of one forward pass, counted."""
        if not hasattr(self, "_flops"):
            middle = int(np.argsort(self.features.lengths, kind="stable")[len(self.features.lengths) // 2])
            self._flops = 3.0 * count_flops(self.classifier.module, self.features.gather([middle]))
        return self._flops

    def save(self, module: nn.Module, folder: Path) -> None:
        """Write the Hugging Face directory of the trained network."""
        self.classifier.save(module, folder)

    def describe(self) -> dict[str, Any]:
        """Return data digests, classes, sizes and options."""
        return {
            "task": self.name,
            "data": {"training": self.training.digest, "held_out": self.held_out.digest},
            "examples": {"training": len(self.training), "held_out": len(self.held_out)},
            "classes": list(self.classifier.classes),
            "parameters": sum(p.numel() for p in self.classifier.module.parameters()),
            "batch": self.batch_size,
            "seed": self.seed,
            "options": self.options,
        }
