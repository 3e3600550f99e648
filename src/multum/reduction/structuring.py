"""Parts of networks that go: heads or neurons of transformers, as many in every layer, whole layers, or channels.

Heads and neurons go where the predictions mind least, by the gradients that `surgeon` looks at, and the layer that read
them is fitted anew to what is left. Layers go by what leaving them out does to the predictions: sums of small errors
tell little about all of a layer at once (docs/LOG.md).
Invariant: what is left is a network of the same family, which its own config, changed, describes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from multum.errors import UsageError
from multum.quantization.sensitivities import Batch
from multum.quantization.weights import Weight, find_weights
from multum.reduction.anatomy import Anatomy
from multum.reduction.channels import remove_channels
from multum.reduction.grouping import Grouping, group_heads, group_neurons
from multum.reduction.jobs import Job, Progress, Removed, check_batches
from multum.reduction.removing import Removal, remove_groups
from multum.reduction.saliences import measure_saliences
from multum.reduction.shapes import CHANNELS, HEADS, LAYERS, NEURONS, Structure
from multum.reduction.skipping import choose_layers
from multum.reduction.walking import Moments, walk


@dataclass(frozen=True, kw_only=True)
class Restructured(Removed):
    """What `structure` did. before, after: weights of the network."""

    before: int
    after: int


def structure(
    module: nn.Module,
    asked: Structure,
    batches: Sequence[Batch] | None = None,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Restructured:
    """Take channels, heads or neurons out of the layers of `module`, or whole layers, in place; return what was done.

    batches: named arguments of calls of `module`. seed: of measuring what predictions mind. progress: called with what
    is done and its share. Raises UsageError for a network without rules, or one that has no such parts; FormatError,
    MissingExtra.
    """
    job = Job(module, asked, (), batches or (), seed, progress)
    remove = remove_channels if asked.part == CHANNELS else _remove_parts
    before = _count_weights(module)
    done = remove(job)
    return Restructured(**vars(done), before=before, after=_count_weights(module))


def _count_weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _remove_parts(job: Job) -> Removed:
    """Take heads, neurons or layers out of a network whose config tells how many it has."""
    anatomy = Anatomy.find(job.module, job.asked.part)
    check_batches(job)
    told_before = anatomy.describe()
    told, origins = _remove_layers(anatomy, job) if job.asked.part == LAYERS else _remove_inputs(anatomy, job)
    changes = {key: value for key, value in anatomy.describe().items() if value != told_before.get(key)}
    return Removed(told, changes, origins)


def _remove_layers(anatomy: Anatomy, job: Job) -> tuple[str, dict[str, str]]:
    """Take out whole layers; return (what was done, where names came from)."""
    count, blocks = int(job.asked.share), list(anatomy.blocks)
    if count >= len(blocks):
        raise UsageError(f"{count} of {len(blocks)} layers cannot go; keep at least one")
    kept = choose_layers(anatomy, count, job.batches, job.teller("leaving out layers"))
    origins = {}
    for number, block in enumerate(kept):
        old = blocks.index(block)
        if old != number:
            for name, _ in [*block.named_parameters(), *block.named_buffers()]:
                origins[f"{anatomy.place}.{number}.{name}"] = f"{anatomy.place}.{old}.{name}"
    anatomy.keep_layers(kept)
    gone = ", ".join(str(number) for number, block in enumerate(blocks) if block not in kept)
    return f"of layers 0 to {len(blocks) - 1}, {gone} are gone", origins


def _remove_inputs(anatomy: Anatomy, job: Job) -> tuple[str, dict[str, str]]:
    """Take out what feeds one layer of each block; return (what was done, no other names)."""
    grouping = _GROUPINGS[job.asked.part](anatomy, job.asked.share)
    readers = _find_readers(anatomy, grouping)
    told = job.teller("measuring")
    saliences = measure_saliences(job.module, readers, job.batches, seed=job.seed, progress=told)
    kept: dict[str, Tensor] = {}

    def change(weight: Weight, moments: Moments) -> None:
        rows = saliences[weight.name].rows if weight.name in saliences else torch.ones(weight.read().shape[0])
        removal = Removal.begin(weight.read(), moments, rows, grouping.groups)
        remove_groups([removal], grouping.count, grouping.allow)
        weight.write(removal.matrix.float())
        kept[weight.name] = removal.left.nonzero().flatten()
        job.tell("removing", len(kept) / len(readers))

    missed = walk(job.module, readers, job.batches, change)
    if missed:
        raise UsageError(f"the data do not reach '{min(missed)}', so that nobody knows what may go; give other data")
    for number, reader in enumerate(readers):
        grouping.cut(anatomy.blocks[number], kept[reader.name])
    grouping.settle(anatomy)
    return f"{grouping.told} are gone in each of {len(readers)} layers", {}


def _find_readers(anatomy: Anatomy, grouping: Grouping) -> list[Weight]:
    """Return the matrices that read what goes, a layer each. Raises UsageError for those that are not there."""
    found = {weight.name: weight for weight in find_weights(anatomy.module)[0]}
    names = [f"{anatomy.place}.{number}.{grouping.reader}.weight" for number in range(len(anatomy.blocks))]
    lost = [name for name in names if name not in found]
    if lost:
        raise UsageError(f"the network has no '{lost[0]}', so that its parts lie elsewhere than in its family")
    return [found[name] for name in names]


_GROUPINGS: dict[str, Callable[[Anatomy, float], Grouping]] = {HEADS: group_heads, NEURONS: group_neurons}
