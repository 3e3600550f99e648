"""Passes over a network in memory, which is changed in place, by their words in recipes. torch loads when needed.

`multum.shrink` makes the same passes over models in files, by recipes.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from multum.reduction.choices import Pruning, Rounding, read_pruning, read_rounding
from multum.reduction.dimensions import Projection, read_projection
from multum.reduction.shapes import LowRank, Structure, read_lowrank, read_structure

if TYPE_CHECKING:
    from torch import nn

    from multum.quantization.sensitivities import Batch
    from multum.reduction.factoring import LowRanked
    from multum.reduction.projecting import Projected
    from multum.reduction.pruning import Pruned
    from multum.reduction.rounding import Rounded
    from multum.reduction.structuring import Restructured

# Called with (what is being done, the share of it that is done).
Progress = Callable[[str, float], None]


def prune(
    module: "nn.Module",
    pruning: str | Pruning,
    data: "Sequence[Batch] | None" = None,
    *,
    measure: Callable[[], float] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> "Pruned":
    """Set weights of linear layers and convolutions in `module` to zero; return how many, and what stayed.

    pruning: the words of a recipe behind prune=, such as "surgeon:0.5", "wanda:2:4", "magnitude:loss=0.1" or
    "magnitude:bytes=60000". data: batches, each the named arguments of a call of the network; all methods but magnitude
    need them. measure: returns what the network loses as it is where a loss is asked for, or the bytes that it takes
    where a size is. seed: of measuring what predictions mind. progress:
    called with what is done and its share.
    Raises UsageError, FormatError, MissingExtra.
    """
    asked = read_pruning(pruning.split(":")) if isinstance(pruning, str) else pruning
    _import_torch()
    from multum.reduction.thresholds import prune_as_asked

    return prune_as_asked(module, asked, data, measure=measure, seed=seed, progress=progress)


def quantize(
    module: "nn.Module",
    rounding: str | Rounding,
    data: "Sequence[Batch] | None" = None,
    *,
    progress: Progress | None = None,
) -> "Rounded":
    """Give linear layers and convolutions of `module` values that integers of few bits have; return the integers.

    rounding: the words of a recipe behind quantize=, such as "gptq:4:64", "rtn:8:channel:symmetric" or
    "gptq:2:channel:rank=8", which puts two narrow layers beside each that make good some of the loss. data, progress:
    as for `prune`; gptq and awq need data. Raises UsageError, MissingExtra.
    """
    asked = read_rounding(rounding.split(":")) if isinstance(rounding, str) else rounding
    _import_torch()
    from multum.reduction.rounding import quantize as quantize_module

    return quantize_module(module, asked, data, progress=progress)


def lowrank(
    module: "nn.Module",
    asked: "str | LowRank",
    data: "Sequence[Batch] | None" = None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> "LowRanked":
    """Put two narrow layers in place of each linear layer and convolution of `module` that is worth it; say which.

    asked: the words of a recipe behind lowrank=, such as "0.9" or "0.7:svd": what share of the weights may stay. data,
    seed, progress: as for `prune`; all methods but svd need data. Raises UsageError, FormatError, MissingExtra.
    """
    asked = read_lowrank(asked.split(":")) if isinstance(asked, str) else asked
    _import_torch()
    from multum.reduction.factoring import lowrank as lower_ranks

    return lower_ranks(module, asked, data, seed=seed, progress=progress)


def structure(
    module: "nn.Module",
    asked: "str | Structure",
    data: "Sequence[Batch] | None" = None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> "Restructured":
    """Take channels, heads or neurons out of the layers of `module`, or whole layers: a smaller one; say which.

    module: of a family of transformers with rules of its own; for channels any convolutional network. asked: the words
    of a recipe behind structure=, such as "channels:0.25", "heads:0.25", "neurons:0.5" or "layers:2". data, seed,
    progress: as for `prune`; data are needed.
    Raises UsageError, FormatError, MissingExtra.
    """
    asked = read_structure(asked.split(":")) if isinstance(asked, str) else asked
    _import_torch()
    from multum.reduction.structuring import structure as take_parts

    return take_parts(module, asked, data, seed=seed, progress=progress)


def project(module: "nn.Module", asked: "str | Projection", data: "Sequence[Batch] | None" = None) -> "Projected":
    """Let the head of the classifier `module` read fewer dimensions of its features; return what they hold.

    asked: the words of a recipe behind features=, such as "64" or "16:learned". data: as for `prune`; they are needed,
    and labels among their arguments where the head is learned anew. Raises UsageError, MissingExtra.
    """
    asked = read_projection(asked.split(":")) if isinstance(asked, str) else asked
    _import_torch()
    from multum.reduction.projecting import project as project_features

    return project_features(module, asked, data)


def _import_torch() -> None:
    """Load torch. Raises MissingExtra."""
    from multum.neural.loading import import_learn

    import_learn()
