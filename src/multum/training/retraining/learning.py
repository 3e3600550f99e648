"""`retrain`: a network in memory learns again. torch loads when it is called.

`multum.shrink` makes the same of models in files, by recipes; `multum.distil` makes a smaller one learn from another.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multum.neural.loading import import_learn
from multum.training.retraining.choices import Retraining

if TYPE_CHECKING:
    from torch import nn

    from multum.training.retraining.lessons import Batch
    from multum.training.retraining.running import Retrained
    from multum.training.trainer import Progress


def retrain(
    module: "nn.Module",
    batches: "Sequence[Batch]",
    *,
    teacher: "nn.Module | None" = None,
    folder: str | Path | None = None,
    device: str = "auto",
    progress: "Progress | None" = None,
    **options: Any,
) -> "Retrained":
    """Train `module`, in place, and return what became of it.

    batches: each the named arguments of a call of the network, and "labels" where there are any; the network returns
    logits, or what has them. teacher: what it learns from, None for itself as it is. options: those of Retraining:
    share of zeros, bits of weights and activations, epochs, temperature and others. folder: where checkpoints stay: the
    same call goes on from them, or has its result at once. progress: called with a Moment after each step.
    Raises UsageError, FormatError, MissingExtra, OSError; Interrupted once a signal has come and all is saved.
    """
    asked = Retraining(**options)
    import_learn()
    from multum.training.retraining.running import retrain as retrain_module

    place = None if folder is None else Path(folder)
    return retrain_module(module, batches, asked, teacher=teacher, folder=place, device=device, progress=progress)
