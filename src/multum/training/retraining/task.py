"""The task of learning again, for the trainer: labels or tokens, and what a teacher says of them."""

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multum.neural.clips import list_clips
from multum.training.flops import count_flops
from multum.training.labels.objectives import Loss
from multum.training.retraining.lessons import LABELS, Batch, Lessons
from multum.training.retraining.pupils import Pupil, Told, ask
from multum.training.trainer import NATS_PER_BIT

Score = Callable[[nn.Module], dict[str, float]]
# How a clip that is further out than it need be comes back, in nats a unit and square: the L2 term of PACT.
_CLIP_DECAY = 1e-4
# Batches that tell the loss, by numbers that no run comes to.
_PROBES, _FAR = 8, 1 << 24


@dataclass(eq=False)
class RetrainingTask:
    """A pupil, what it learns from, and its teacher.

    layers: the places of the teacher's hidden states that the pupil's are compared with, none for logits alone.
    loss: of logits, [n, classes], and targets, as classifiers have it. hidden: the nats that a layer unlike its
    teacher's costs a unit. causal: whether tokens are predicted from those before. score: held-out scores of a student,
    "bits_per_unit" among them; None for the loss on a few batches of the lessons.
    accumulation: micro batches of a step and process. facts: what else a resumed run must agree on.
    """

    pupil: Pupil
    teacher: nn.Module
    lessons: Lessons
    loss_of: Loss
    score: Score | None = None
    layers: Sequence[int] = ()
    hidden: float = 0.0
    causal: bool = False
    accumulation: int = 1
    facts: dict[str, Any] = field(default_factory=dict)
    name: str = "retraining"

    def __post_init__(self) -> None:
        self.teacher.eval()
        self.unit = self.lessons.unit
        self._probe = self.lessons.take(0)

    def build(self) -> nn.Module:
        """Return a copy of the pupil."""
        return copy.deepcopy(self.pupil).train()

    def batch(self, step: int, micro: int, rank: int, world: int) -> Batch:
        """Return a micro batch."""
        return self.lessons.take(step * self.accumulation * world + micro * world + rank)

    def loss(self, module: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Return (sum of nats, units): of labels, of the teacher's word, of layers that differ from the teacher's."""
        inputs = {name: tensor for name, tensor in batch.items() if name != LABELS}
        with torch.no_grad():
            taught = ask(self._bring_teacher(batch), inputs, self.layers)
        told: Told = module(**inputs)
        nats, units = self._compare_logits(told.logits, taught.logits, batch)
        if self.hidden:
            nats = nats + self.hidden * units * _compare_hidden(told, taught, batch.get("attention_mask"))
        clips = [clip.most.square() for clip in list_clips(module).values()]
        return (nats + _CLIP_DECAY * units * torch.stack(clips).sum() if clips else nats), units

    def _compare_logits(self, logits: Tensor, taught: Tensor, batch: Batch) -> tuple[Tensor, int]:
        targets = {"teacher": taught.flatten(0, -2).float()}
        if self.causal:
            ids = batch["input_ids"]
            logits, targets["teacher"] = logits[:, :-1], taught[:, :-1].flatten(0, 1).float()
            targets["labels"] = ids[:, 1:].flatten()
        elif LABELS in batch:
            targets["labels"] = batch[LABELS]
        flat = logits.flatten(0, -2).float()  # [units, classes]
        return self.loss_of(flat, targets), len(flat)

    def _bring_teacher(self, batch: Batch) -> nn.Module:
        """Return the teacher where the batch is."""
        return self.teacher.to(next(iter(batch.values())).device)

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """Return the scores of the student."""
        inner: Any = getattr(module, "module", module)
        return {"bits_per_unit": self._measure(inner)} if self.score is None else self.score(inner.student)

    def _measure(self, pupil: nn.Module) -> float:
        """Return the bits a unit that a few batches cost."""
        device = next(pupil.parameters()).device
        batches = [self.lessons.take(_FAR + number) for number in range(_PROBES)]
        found = [self.loss(pupil, {name: one.to(device) for name, one in batch.items()}) for batch in batches]
        return sum(float(nats) for nats, _ in found) / sum(units for _, units in found) / NATS_PER_BIT

    def units_per_batch(self) -> int:
        """Return the units of a micro batch."""
        return self.lessons.units

    def flops_per_unit(self) -> float:
        """Return training FLOPs a unit: thrice those of the student forward, and once the teacher's."""
        if not hasattr(self, "_flops"):
            inputs = {name: tensor for name, tensor in self._probe.items() if name != LABELS}
            ours, theirs = (count_flops(module, inputs) for module in (self.pupil.student, self.teacher))
            self._flops = (3.0 * ours + theirs) / self.lessons.units
        return self._flops

    def save(self, module: nn.Module, folder: Path) -> None:
        """Write the student as a Hugging Face directory."""
        module.student.save_pretrained(folder)  # type: ignore[union-attr,operator]

    def describe(self) -> dict[str, Any]:
        """Return data, weights and how they are taught."""
        return {
            "task": self.name,
            "data": self.lessons.digest,
            "begins": _digest(self.pupil),
            "batch": self.lessons.units,
            **self.facts,
        }


def _compare_hidden(told: Told, taught: Told, mask: Tensor | None) -> Tensor:
    """Return the mean over layers and positions of how far states are from the teacher's, in its own deviations."""
    parts = []
    for ours, theirs in zip(told.hidden, taught.hidden, strict=True):
        spread = theirs.float().var(-1, unbiased=False).clamp_min(1e-6)  # [..., positions]
        apart = (ours - theirs).float().square().mean(-1) / spread
        shown = mask.to(apart.dtype) if mask is not None and mask.shape == apart.shape else torch.ones_like(apart)
        parts.append((apart * shown).sum() / shown.sum())
    return torch.stack(parts).mean()


def _digest(module: nn.Module) -> str:
    """Return SHA-256 of all weights and buffers."""
    found = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        found.update(name.encode() + tensor.detach().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
